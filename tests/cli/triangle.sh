# trivium triangle on a world of a few kilobytes: all nodes, a stop and a kill
# that go on to the same artefacts, and what is refused.
. "$SUPPORT/cli.sh"
need_tiny
mkdir task
for n in 1 2 3 4 5 6 7 8; do
    echo "{\"prompt\": \"Say $n: \", \"answer\": \"$((n % 2))\"}"
done >task/rows.jsonl
for n in 1 2 3; do
    echo "{\"prompt\": \"Say $n: \", \"chosen\": \"1\", \"rejected\": \"0\"}"
done >task/pairs.jsonl
small="--samples 16 --steps 3 --batch 4"
cat >task/task.json <<JSON
{"format": 1, "name": "digits", "says": "One digit.", "max_tokens": 4,
 "data": {"train": {"file": "rows.jsonl"}, "heldout": {"file": "rows.jsonl", "limit": 4},
          "pairs": {"file": "pairs.jsonl"}},
 "metric": {"kind": "accuracy"}, "reward": "verifier:length,hi=3",
 "sources": {"prompt": {"text": "Be kind. "}, "params": {"from": "prompt"}},
 "edges": {"prompt->params": {"methods": ["distill", "solve"], "options": {"distill": "$small", "solve": "--samples 16"}},
           "params->prompt": {"methods": ["prefix"], "options": "$small --virtual-tokens 2"},
           "prompt->reward": {"methods": ["contrast"]}, "params->reward": {"methods": ["ratio"]},
           "reward->params": {"options": {"distill": "$small", "bon": "--group 99999"}, "methods": ["bon", "distill"]},
           "reward->prompt": {"methods": []}}}
JSON
run() { "$TRIVIUM" triangle -q --model tiny --task task --seeds 1 --depth 3 --budget none "$@"; }
"$TRIVIUM" triangle --model tiny --task task --seeds 2 --budget none --dry-run --out planned 2>&1 |
    grep -o '^trivium: [0-9]* nodes of [0-9]*'
run --out whole >log 2>&1 || cat log
"$TRIVIUM" runs whole | sed 's/  *[0-9.]* [mu]*s$//; s/[-0-9.]* ± [0-9.]*$/FIGURE/; s/ *$//'
ls whole
echo "- again: nothing is made anew"
before=$(stat -c %Y.%i whole/digits/0/*/trivium.json)
run --out whole >/dev/null 2>&1
[ "$before" = "$(stat -c %Y.%i whole/digits/0/*/trivium.json)" ] && echo "the same files"
cp -r whole raw_whole
"$TRIVIUM" triangle -q --model tiny --task task --seeds 1 --depth 3 --budget none --raw --out raw_whole >log 2>&1 || cat log
cmp -s whole/digits/0/params/adapter_model.safetensors raw_whole/digits/0/params/adapter_model.safetensors ||
    echo "under another layout all is made anew"
echo "- killed and stopped, it goes on"
set -m
# stop SIGNAL N: when N nodes have their folders.
stop() {
    local job tries=0
    run --out stop >log 2>&1 &
    job=$!
    while [ "$(find stop/digits/0 -mindepth 1 -maxdepth 1 -type d 2>/dev/null | wc -l)" -lt "$2" ] &&
        [ "$tries" -lt 5000 ]; do
        tries=$((tries + 1))
        sleep 0.002
    done
    kill "-$1" "-$job"
    { wait "$job"; } 2>/dev/null
    echo "$1: exit $?"
}
stop KILL 1
stop INT 4
stop KILL 7
run --out stop >log 2>&1 || cat log
# trivium.json names what an artefact was made from, which lies elsewhere here
for node in whole/digits/0/*/; do
    name=$(basename "$node")
    for file in "$node"*.safetensors; do
        [ -e "$file" ] && ! cmp -s "$file" "stop/digits/0/$name/$(basename "$file")" &&
            echo "$name differs"
    done
done
"$TRIVIUM" runs stop | tail -n 1
echo "- one at a time, and of one model"
t triangle -q --model other --task task --out whole
flock whole/triangle.lock "$TRIVIUM" triangle -q --model tiny --task task --out whole 2>&1
echo "- what is wrong"
t triangle -q --model tiny --task nowhere
t triangle -q --model tiny --task task --edges prompt-words --out x
t triangle -q --model tiny --task task --edges prompt-params:distil --out x
t triangle -q --model tiny --task task --task task --out x
t triangle -q --model tiny --task task --budget soon --out x
mkdir program && cp task/* program
sed 's/"digits"/"program"/; s/verifier:length,hi=3/verifier:command,cmd=true/' task/task.json >program/task.json
t triangle -q --model tiny --task program --out x
echo "- a task has its own layout"
sed 's/"name": "digits"/"name": "digits", "layout": "raw"/' task/task.json >program/task.json
"$TRIVIUM" triangle -q --model tiny --task program --out raw --dry-run --json |
    grep -o 'trivium convert.*--layout.*' | head -n 1
"$TRIVIUM" triangle -q --model tiny --task task --out raw --dry-run --json | grep -c -e --layout
echo "- nothing there"
t runs nowhere
t report task
mkdir -p x && printf 'no store' >x/triangle.db
t runs x
echo "- the page"
"$TRIVIUM" report whole -q --html page.html
grep -c '<path class="arrow' page.html
grep -o '<h2[^>]*>[^<]*' page.html
