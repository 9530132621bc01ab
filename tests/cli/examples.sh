# Every example of the help runs: of each command, method and topic, on a tiny
# model, made small by options that are dropped where the command does not read
# them.
. "$SUPPORT/cli.sh"
need_tiny

# What the examples name. The model learns to answer with digits first, so that
# answers differ in their reward.
for n in 1 2 3 4 5 6 7 8; do
    echo "{\"prompt\": \"Say $n: \", \"completion\": \"0\", \"answer\": \"1\"}" >>rows.jsonl
    echo "{\"prompt\": \"Say $n: \", \"completion\": \"1\", \"answer\": \"1\"}" >>rows.jsonl
    echo "{\"prompt\": \"Say $n: \", \"answer\": \"$((n % 2))\"}" >>sums.jsonl
    echo "Say $n: " >>phrases.txt
done
cp rows.jsonl answers.jsonl
head -n 2 rows.jsonl >demos.jsonl
cp sums.jsonl train.jsonl
cp sums.jsonl heldout.jsonl
cp sums.jsonl held_out.jsonl
printf '{"text": "Once upon"}\n{"text": "a time"}\n' >text.jsonl
printf '{"prompt": "Hi", "chosen": "%s", "rejected": "%s"}\n' a b aa bb c d aac dd >pairs.jsonl
sed 's/"answer".*/"label": true}/; 0~2s/true/false/' rows.jsonl >rated.jsonl
printf 'Be kind. ' >z.txt
printf 'Be kind. ' >prompt.txt
printf 'Once upon a time' >story.txt
quiet() { "$TRIVIUM" "$@" >log 2>&1 || { cat log; exit 1; }; }
quiet train -q --model tiny --data rows.jsonl --to full:model --steps 60 --batch 8 --lr 0.01
quiet convert -q --model model --from prompt:@z.txt --to lora:out/z --samples 8 \
    --max-tokens 8 --steps 4 --batch 2 --rank 2
quiet convert -q --model model --from lora:out/z --to ratio:out/r
cp -r out/z out/sums
mkdir models
ln -s ../model models/SmolLM2-135M
ln -s model DIR
for task in manner sst2 brief; do
    mkdir -p tasks/$task
    cp sums.jsonl tasks/$task
    sed 's/Say/Tell/' sums.jsonl >tasks/$task/held.jsonl
    cat >tasks/$task/task.json <<JSON
{"format": 1, "name": "$task", "max_tokens": 4, "reward": "verifier:exact,column=answer",
 "data": {"train": {"file": "sums.jsonl"}, "heldout": {"file": "held.jsonl"}},
 "sources": {"prompt": {"text": "Be kind. "}, "params": {"from": "prompt"}}}
JSON
done
quiet triangle -q --model model --task tasks/manner --edges prompt-reward --depth 1 --seeds 1
rm -f log

# small COMMAND: options that make it short.
small() {
    case $1 in
    convert) echo "--samples=32 --max-tokens=4 --steps=2 --batch=8 --group=4 --rank=2
        --virtual-tokens=2 --bottleneck=2 --prompt-tokens=4 --width=4 --top-k=8
        --restarts=1 --rounds=1 --population=2 --search-inputs=4 --held-out=2
        --minibatch=2 --demos=1 --allow-diverged --replace" ;;
    train) echo "--steps=2 --batch=2 --allow-diverged --replace" ;;
    generate) echo "--max-tokens=4" ;;
    chat) echo "--max-tokens=4" ;;
    triangle) echo "--dry-run --depth=1 --seeds=1" ;;
    measure) echo "--max-inputs=3 --max-tokens=4 --candidates=2" ;;
    esac
}

# What an example calls. An option that the library says is not read here is
# dropped and the command run again; options of the example itself stay.
trivium() {
    local status name less more
    more=$(small "$1")
    while :; do
        # shellcheck disable=SC2086
        "$TRIVIUM" "$@" $more 2>err.txt
        status=$?
        name=$(sed -nE 's/^trivium: --([a-z-]+) (goes with|is not read by|decides how) .*/\1/p' err.txt)
        [ "$status" -eq 2 ] && [ -n "$name" ] || break
        less=$(echo " "$more" " | sed -E "s/ --$name(=[^ ]*)? / /")
        [ "$less" != " $(echo $more) " ] || break
        more=$less
    done
    [ "$status" -eq 0 ] || { echo "exit $status: trivium $* $more" && cat err.txt; } >>failed
}
jq() { cat; }
man() { cat >/dev/null; }

# The examples of a page, each on one line.
examples() {
    "$TRIVIUM" help "$1" | sed -n '/^Examples$/,/^$/{/^  /{s/^ *//;p}}' |
        sed -e ':a' -e '/\\$/{N;s/ *\\\n */ /;ba' -e '}' | sed 's/\bMODEL\b/model/g'
}
source <("$TRIVIUM" completion bash)
COMP_LINE='trivium help ' COMP_POINT=13
_trivium
words=${COMPREPLY[*]}
n=0
for word in $words; do
    case $word in --*) continue ;; esac
    examples "$word" >lines
    [ -s lines ] || echo "no example on the page of '$word'"
    while read -r line <&3; do
        rm -rf room && mkdir room && (cp -a $(ls -A | grep -v '^room$') room)
        (cd room && eval "$line" >/dev/null && [ ! -e failed ]) || {
            echo "$word: $line"
            cat room/failed 2>/dev/null
        }
        n=$((n + 1))
    done 3<lines
done
rm -rf room
[ "$n" -ge 40 ] || echo "only $n examples"
echo "every example runs"
