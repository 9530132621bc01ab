# Ctrl-C while answers are drawn, then --resume: the same bytes as without a
# stop; and a run does not go on with another one's answers.
. "$SUPPORT/cli.sh"
need_tiny
small=(--samples 3000 --max-tokens 24 --steps 3 --batch 4 --rank 2 --seed 5)
echo -n "Say it again." >z.txt
run() {
    "$TRIVIUM" convert --model tiny --from prompt:@z.txt "${small[@]}" "$@" \
        >>log 2>&1
}
run --to lora:whole || cat log
set -m # so that a job in the background does not ignore the interrupt
run --to lora:part &
job=$!
tries=0
while [ ! -s part.run/answers.jsonl ] && [ "$tries" -lt 3000 ]; do
    tries=$((tries + 1))
    sleep 0.01
done
kill -INT -- "-$job"
wait "$job" 2>/dev/null
echo "exit $?"
grep -o "stopped while sampling.*" log
ls part.run
# half a line, as a kill or a full disk leaves it
printf '{"input": 0, "ids": [1, 2' >>part.run/answers.jsonl
: >log
run --to lora:part && cat log
run --to lora:part --resume --temperature 0.5 && cat log
echo -n "Say it once." >z.txt
run --to lora:part --resume && cat log
echo -n "Say it again." >z.txt
sed 's/sampling.*//; s/[0-9a-f]\{64\}/HASH/g; s/^/! /' log
: >log
run --to lora:part --resume || cat log
for file in adapter_model.safetensors adapter_config.json trivium.json; do
    cmp "whole/$file" "part/$file" && echo "$file: the same bytes"
done
ls -d part.run 2>&1
