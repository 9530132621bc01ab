# Prompts of text out of parameters and out of rewards: what is said, what is
# written, what is refused; and Ctrl-C with --resume.
. "$SUPPORT/cli.sh"
ln -s "$TRIVIUM_SOURCE/tests/golden/search/world" world
cat >rows.jsonl <<'END'
{"prompt": "a"}
{"prompt": "dc"}
END
cat >turns.jsonl <<'END'
{"prompt": [{"role": "user", "content": "ca"}]}
END
small=(--samples 32 --max-tokens 3 --steps 4 --restarts 2 --prompt-tokens 3
    --width 8 --precision f32 --seed 3)
# Figures differ in their last digits between machines.
search() {
    "$TRIVIUM" convert --model world "${small[@]}" "$@" 2>&1 >made.txt |
        sed -E 's/[0-9]+\.[0-9]+/N/g; /^(sampling|searching)/d; s/nats per token: .*/nats per token/; s/prompt of .*/prompt of .../; /warning: restarts/d; /warning: no prompt/d'
    sed -nE 's/, [0-9.]* k?B$/, N bytes/; /^made/p; /^reward|^loss/s/[-0-9.]+/N/gp' made.txt
}
search --from "lora:world/adapter" --to text:p --inputs rows.jsonl
ls p; ls -d p.run 2>&1
grep -c '"prompt":' p/metrics.jsonl
grep -o '"\(form\|kind\|edge\|method\\|width\)": "*[a-z0-9>-]*' p/trivium.json
"$TRIVIUM" measure -q --model world --source "lora:world/adapter" --target p \
    --inputs rows.jsonl --max-tokens 3 >/dev/null && echo "it can be measured"
# The same again: the same bytes.
search -q --from "lora:world/adapter" --to text:again --inputs rows.jsonl >/dev/null
cmp p/prompt.txt again/prompt.txt && cmp p/trivium.json again/trivium.json &&
    echo "the same bytes"
# In a chat it is the system's message; and as messages it stands there too.
search -q --from verifier:contains,inside=1,words=d --method text --to messages:m --inputs turns.jsonl
grep -c '"role": "system"' m/messages.json
# A reward of tokens is matched as the distribution that it guides to.
search --from "ratio:lora:world/adapter" --method text --to text:r --inputs rows.jsonl
# Stopped and resumed.
long=(--from "lora:world/adapter" --inputs rows.jsonl --steps 300 --patience 300
    --max-tokens 3 --samples 32 --restarts 1 --prompt-tokens 3 --width 4
    --precision f32 --seed 3 -q)
"$TRIVIUM" convert --model world "${long[@]}" --to text:whole >/dev/null
set -m # so that a job in the background does not ignore the interrupt
"$TRIVIUM" convert --model world "${long[@]}" --to text:part >/dev/null 2>log &
job=$!
tries=0
while [ ! -s part.run/search.json ] && [ "$tries" -lt 3000 ]; do
    tries=$((tries + 1))
    sleep 0.01
done
kill -INT -- "-$job"
wait "$job" 2>/dev/null
echo "exit $?"
grep -o "stopped while .*" log
ls part.run
"$TRIVIUM" convert --model world "${long[@]}" --to text:part --resume --width 5
"$TRIVIUM" convert --model world "${long[@]}" --to text:part --resume >/dev/null
cmp whole/prompt.txt part/prompt.txt && echo "the same prompt"
cmp whole/metrics.jsonl part/metrics.jsonl && echo "the same steps"
ls -d part.run 2>&1
# Mistakes.
t convert --model world --from "lora:world/adapter" --to text:x --method sideways
t convert --model world --from verifier:json --to text:x --method text --width -1
t convert --model world --from "lora:world/adapter" --to text:x --inputs rows.jsonl \
    --max-tokens 3 --prompt-tokens 2 --search-from cdcdcd -q
t convert --model world --from "lora:world/adapter" --to text:x --inputs rows.jsonl \
    --max-tokens 20 --prompt-tokens 20 -q
ls -d x x.run 2>&1
