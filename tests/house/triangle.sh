# The recipe of the table of all conversions: its tasks are the same twice, keep
# held-out questions apart, and are rewarded as they should be; a row is made,
# and not made again.
command -v python3 >/dev/null || { echo "no python3: skipped"; exit 77; }
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
recipe=$TRIVIUM_SOURCE/recipes/triangle
nano=$TRIVIUM_SOURCE/models/nano
export PYTHONDONTWRITEBYTECODE=1 TRIVIUM
for n in a b; do
    python3 "$recipe/tasks.py" "$room/$n" --train 24 --heldout 12 || exit 1
done
diff -r "$room/a" "$room/b" || { echo "not the same twice"; exit 1; }
for task in manner brief label reckon; do
    [ -z "$(cut -d'"' -f1-20 "$room/a/$task"/train.jsonl \
        "$room/a/$task"/heldout.jsonl | sort | uniq -d)" ] ||
        { echo "$task: held out and learned from"; exit 1; }
    # The task's own reward: 1 of every right answer, less of every wrong one.
    reward=$(sed -n 's/.*"reward": "\(.*\)",$/\1/p' "$room/a/$task/task.json")
    "$TRIVIUM" score -q --json --model "$nano" --adaptation "$reward" \
        --data "$room/a/$task/pairs.jsonl" >"$room/scores" || exit 1
    [ "$(grep -c '"chosen":1.0,"rejected":0.0' "$room/scores")" -eq 12 ] ||
        { echo "$task: not rewarded as it should be"; cat "$room/scores"; exit 1; }
done
# A prompt of one's own, for a model that may have no chat template.
echo 'Speak like a pirate.' >"$room/z.txt"
echo '{"prompt": "What is a fox?"}' >"$room/rows"
python3 "$recipe/prompt_task.py" "$room/a" --name own --prompt "$room/z.txt" \
    --train "$room/rows" --heldout "$room/rows" --reward verifier:length,hi=9 \
    --principle "The answer is a pirate's." --max-tokens 8 || exit 1
row() { # row NAME [OPTION...]: a table of one row, what it said in NAME
    name=$1
    shift
    python3 "$recipe/table.py" "$nano" "$room/a" "$room/out" --seeds 1 \
        --tasks manner --only 'contrast$' --table "$room/table" \
        --plot "$room/plot.svg" -- "$@" 2>"$room/$name" ||
        { cat "$room/$name"; exit 1; }
}
row first
row again
row other --beta 2
grep -q '^| manner | prompt -> reward | `contrast` | pairs right 1.000,' \
    "$room/table" || { cat "$room/table"; exit 1; }
grep -q contrast "$room/first" || exit 1
[ ! -s "$room/again" ] || { echo "made again:"; cat "$room/again"; exit 1; }
grep -q contrast "$room/other" || { echo "other options, old row"; exit 1; }
grep -q '>prompt -&gt; reward: contrast<' "$room/plot.svg" || exit 1
python3 "$recipe/table.py" "$nano" "$room/a" "$room/out" --seeds 1 --tasks own \
    --only 'contrast$' --table "$room/table" 2>"$room/own" ||
    { cat "$room/own"; exit 1; }
grep -q '`contrast` | drawn pairs as the source 1.000' "$room/table" ||
    { cat "$room/own" "$room/table"; exit 1; }
