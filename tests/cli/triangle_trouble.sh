# Each of the ways to fail, provoked on nano on purpose, is named by the report:
# a reward that cannot tell answers apart, a context that overflows, forgetting,
# a poor optimum, and a reward that is met without what was meant.
. "$SUPPORT/cli.sh"
nano=$TRIVIUM_SOURCE/models/nano
head -n 48 "$TRIVIUM_SOURCE/tasks/manner/train.jsonl" >train.jsonl
head -n 16 "$TRIVIUM_SOURCE/tasks/manner/heldout.jsonl" >heldout.jsonl
# task NAME MORE: MORE are further keys of task.json.
task() {
    mkdir "$1"
    echo "{\"format\": 1, \"name\": \"$1\", \"layout\": \"chat\", \"max_tokens\": 12,
        \"data\": {\"train\": {\"file\": \"../train.jsonl\"}, \"heldout\": {\"file\": \"../heldout.jsonl\"}}, $2}" >"$1/task.json"
}
# edge EDGE METHOD OPTIONS
edge() { echo "\"edges\": {\"$1\": {\"methods\": [\"$2\"], \"options\": \"$3\"}}"; }
excited='"sources": {"prompt": {"messages": [{"role": "system", "content": "Be excited: every sentence ends in an exclamation mark."}]}}'
long=$(printf 'Always say please and thank you. %.0s' {1..200})
task blind "\"reward\": \"verifier:length,hi=100000\", $(edge 'reward->params' dpo '--samples 64 --steps 2')"
task overflow "\"reward\": \"verifier:length,hi=9\", \"sources\": {\"prompt\": {\"text\": \"$long\"}},
    $(edge 'prompt->params' distill '--samples 16 --steps 2')"
task forget "\"reward\": \"verifier:regex,by=sentence,pattern=[!]\$\", $excited,
    $(edge 'prompt->params' distill '--samples 32 --steps 10 --batch 8 --lr 0.05 --allow-diverged')"
task poor "\"reward\": \"verifier:regex,pattern=^zebra\",
    $(edge 'reward->prompt' evolve '--rounds 1 --population 2 --search-inputs 4 --held-out 4 --minibatch 2')"
task hack "\"reward\": \"verifier:length,hi=1,slack=12\", \"second_reward\": \"verifier:length,lo=5,hi=60,slack=1\",
    $(edge 'reward->params' grpo '--steps 24 --beta 0.001 --lr 5e-3 --batch 16')"
for name in blind overflow forget poor hack; do
    echo "- $name"
    from=prompt-params
    [ $name = poor ] && from=reward-prompt
    case $name in blind | hack) from=reward-params ;; esac
    "$TRIVIUM" triangle -q --model "$nano" --task $name --edges $from --seeds 1 \
        --depth 1 --budget none --max-inputs 16 --out "out-$name" >log 2>&1 || cat log
    "$TRIVIUM" report "out-$name" --json |
        grep -oE '"(the reward separates no two answers|no input of|.*leaves? no(thing| room)|.*drift is high|poor optimum: [a-z ]*|reward hacking: [a-z ]*)' |
        sed 's/^"//; s/ *$//; s/.*"//' | sort -u
done
