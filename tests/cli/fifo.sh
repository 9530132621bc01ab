# A FIFO without a writer: in a folder it is refused and not waited for; one that
# the user names is waited for, and a stop ends the wait.
. "$SUPPORT/cli.sh"
need_tiny
bounded() { timeout -k 1 20 "$TRIVIUM" "$@"; echo "exit $?"; }
mkdir -p model "hub/models--a--b/refs" "hub/models--a--b/snapshots/x"
mkfifo model/config.json "hub/models--a--b/refs/main" fifo.jsonl
export HF_HUB_CACHE=hub
bounded inspect model 2>&1
bounded inspect a/b 2>&1
cp -rL tiny template
rm -f template/chat_template.jinja
mkfifo template/chat_template.jinja
bounded inspect template 2>&1
cp -rL tiny words
rm words/tokenizer.json
mkfifo words/tokenizer.json
bounded inspect words 2>&1 | tail -n 2
set -m # so that a job in the background does not ignore signals
for signal in TERM INT; do
    "$TRIVIUM" train -q --model tiny --data fifo.jsonl --to lora:out \
        --steps 1 --batch 1 2>log &
    job=$!
    for ((i = 0; i < 1000; i++)); do # it reads
        ls -l "/proc/$job/fd" 2>&1 | grep -q fifo.jsonl && break
        kill -0 "$job" 2>/dev/null || break
        sleep 0.01
    done
    sleep 0.05
    kill "-$signal" "$job" 2>/dev/null
    for ((i = 0; i < 1000; i++)); do
        kill -0 "$job" 2>/dev/null || break
        sleep 0.01
    done
    kill -KILL "$job" 2>/dev/null && echo "$signal: deaf"
    { wait "$job"; } 2>/dev/null
    echo "$signal: exit $?"
    cat log
done
printf '{"text": "Once"}\n' >fifo.jsonl &
"$TRIVIUM" train -q --model tiny --data fifo.jsonl --to lora:out --steps 1 \
    --batch 1 >/dev/null 2>&1
echo "with a writer: exit $?"
"$TRIVIUM" train -q --model tiny --data <(printf '{"text": "Once"}\n') \
    --to lora:again --steps 1 --batch 1 >/dev/null 2>&1
echo "a process: exit $?"
