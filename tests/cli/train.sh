# Learning from given data: a LoRA, all weights, from scratch, and mistakes.
. "$SUPPORT/cli.sh"
need_tiny
cat >rows.jsonl <<'TXT'
{"text": "one two three"}
{"prompt": "say ", "completion": "it again"}
{"messages": [{"role": "user", "content": "hello"}, {"role": "assistant", "content": "hi there"}]}
TXT
train() {
    "$TRIVIUM" train --data rows.jsonl "$@"
}
hash() {
    sha256sum "$1" | cut -c1-16
}

echo "== a LoRA is an artefact that measures and generates"
train --model tiny --to lora:a --steps 150 --lr 2e-2 --json --quiet |
    grep -o '"steps":150,"samples":3'
"$TRIVIUM" inspect a | grep -E "kind|whole|method" | head -n 3
"$TRIVIUM" generate --model tiny --adaptation a --prompt "say " \
    --temperature 0 --max-tokens 10

echo "== all weights from scratch learn the rows by heart"
train --model tiny --from-scratch --to full:m --steps 120 --batch 3 \
    --lr 1e-2 --save-as f32 --eval rows.jsonl 2>said | head -n 1 |
    sed 's/,.*//'
awk '/before/ { b = $6 } /after/ { a = $6 }
    END { print (a < b / 10) ? "a tenth of the loss" : "loss " b " " a }' said
"$TRIVIUM" generate --model m --prompt "say " --temperature 0 --max-tokens 10
echo

echo "== two runs with one seed, and a stopped one, end with the same bytes"
work=(train --data rows.jsonl --model tiny --from-scratch --steps 500 --batch 3
    --lr 1e-2 --save-as f32 --checkpoint-every 7)
"$TRIVIUM" "${work[@]}" --to full:m1 >log 2>&1 || cat log
"$TRIVIUM" "${work[@]}" --to full:m2 >log 2>&1 || cat log
cmp m1/model.safetensors m2/model.safetensors && echo same
set -m # so that the job is one process
"$TRIVIUM" "${work[@]}" --to full:m3 >log 2>&1 &
job=$! tries=0
while [ "$(cat m3.run/metrics.jsonl 2>/dev/null | wc -l)" -lt 20 ] &&
    [ "$tries" -lt 3000 ]; do
    tries=$((tries + 1))
    sleep 0.01
done
before=$(hash m3.run/start/model.safetensors)
"$TRIVIUM" "${work[@]}" --seed 9 --replace --to full:m3 2>&1 |
    sed 's/(.*)/(...)/; s/process [0-9]*/process N/'
[ "$(hash m3.run/start/model.safetensors)" = "$before" ] && echo "start kept"
{ kill -KILL "$job" && wait "$job"; } 2>/dev/null
[ -e m3 ] && echo "not stopped in time"
"$TRIVIUM" "${work[@]}" --to full:m3 --resume >log 2>&1 || cat log
cmp m1/model.safetensors m3/model.safetensors && echo same

echo "== another seed leaves what a finished run began with"
before=$(hash m.run/start/model.safetensors)
train --model tiny --from-scratch --seed 9 --to full:m; echo "exit $?"
[ "$(hash m.run/start/model.safetensors)" = "$before" ] && echo same

echo "== a folder of other things is never taken for a model"
mkdir -p q.run/start && echo dear >q.run/start/letter
train --model tiny --from-scratch --to full:q; echo "exit $?"
cat q.run/start/letter

echo "== mistakes"
train --model tiny --to lora:a; echo "exit $?"
train --model tiny --to reward:x; echo "exit $?"
train --model tiny --to x; echo "exit $?"
train --model tiny --to lora:b --max-length 100000; echo "exit $?"
train --model tiny --to lora:b --accumulate 17; echo "exit $?"
train --model tiny --to lora:b --lr=-1; echo "exit $?"
train --model nowhere --to lora:b; echo "exit $?"
train --model nowhere --from-scratch --to full:b; echo "exit $?"
"$TRIVIUM" train --model tiny --data nowhere.jsonl --to lora:b; echo "exit $?"
echo '{"prompt": "no answer"}' >rows.jsonl
train --model tiny --to lora:b; echo "exit $?"
ls -d b b.run 2>&1
