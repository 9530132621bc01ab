# A stop while inputs are sampled, before any answer: Ctrl-C, a closed terminal
# and kill -9 keep what was drawn, and --resume goes on to the same bytes.
. "$SUPPORT/cli.sh"
need_tiny
small=(--from "prompt:Say it." --samples 4000 --max-tokens 4 --steps 3
    --batch 4 --rank 2 --seed 5 -q)
run() { "$TRIVIUM" convert --model tiny "${small[@]}" "$@" >>log 2>&1; }
run --to lora:whole || cat log
set -m # so that a job in the background does not ignore signals
stop() { # SIGNAL OUT: while inputs are sampled
    local job tries=0
    "$TRIVIUM" convert --model tiny "${small[@]}" --to "lora:$2" "${@:3}" \
        >>log 2>&1 &
    job=$!
    while [ "$(cat "$2.run/memo.jsonl" 2>/dev/null | wc -l)" -lt 8 ] &&
        [ "$tries" -lt 3000 ]; do
        tries=$((tries + 1))
        sleep 0.005
    done
    kill "-$1" "$job"
    { wait "$job"; } 2>/dev/null
    echo "$1: exit $?"
}
for signal in INT HUP KILL; do
    : >log
    stop $signal $signal
    grep -o "stopped while .*" log
    ls $signal.run
done
echo "- in its way"
run --to lora:KILL || tail -n 1 log
"$TRIVIUM" convert --model other "${small[@]}" --to lora:KILL --resume 2>&1 |
    sed 's/[0-9a-f]\{64\}/HASH/g'
echo "- torn by a crash"
printf '{"key": "ab' >>KILL.run/memo.jsonl
echo "- stopped again, and a third time by a kill"
stop INT INT --resume
stop KILL INT --resume
for signal in INT HUP KILL; do
    : >log
    run --to lora:$signal --resume || cat log
    diff -r whole $signal && echo "$signal: the same folder"
    ls -d $signal.run 2>&1
done
echo "- a damaged byte is refused"
stop INT bad
sed -i '3s/\[/(/' bad.run/memo.jsonl
: >log
run --to lora:bad --resume
cat log
echo "- anew"
: >log
run --to lora:bad --replace || cat log
diff -r whole bad && echo "the same folder"
