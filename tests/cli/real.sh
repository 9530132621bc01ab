# SmolLM2-135M-Instruct as people have it, a GGUF file of Q4_1 and Q8_0: every
# command opens it, an answer ends by itself, and a system message becomes a
# LoRA that moves log-probabilities towards the prompted model.
# (tests/unit/test_assets.c compares its log-probabilities with transformers.)
# bf16 differs from processor to processor, so only facts are printed.
. "$SUPPORT/cli.sh"
file=$TRIVIUM_ASSETS/models/smollm2-135m-instruct-gguf/SmolLM2-135M-Instruct.Q4_1.gguf
[ -r "$file" ] || {
    echo "no SmolLM2-135M-Instruct under TRIVIUM_ASSETS" >&2
    exit 77
}
ln -s "$file" model.gguf
run() { # run COMMAND WORDS...: on the model, without progress
    local command=$1
    shift
    "$TRIVIUM" "$command" -q --model model.gguf "$@" || echo "exit $?"
}
above() { # above WHAT X Y: real numbers
    awk -v what="$1" -v x="$2" -v y="$3" 'BEGIN {
        print (x != "" && y != "" && x + 0 > y + 0 ? "" : "NOT: ") what
    }'
}
number() { # number PATTERN FILE: the number behind it
    grep -o "$1-*[0-9.e-]*" "$2" | head -n 1 | sed "s/^$1//"
}

echo "== inspect"
"$TRIVIUM" inspect model.gguf |
    grep -E 'family|parameters|Q8_0|Q4_1|tokens|eos|chat template  yes'

echo "== generate --chat"
say="Answer in one short sentence."
run generate --chat --temperature 0 --max-tokens 60 --json \
    --adaptation "prompt:$say" "What is a fox?" >answer
grep -o '"finish":"stop"' answer
above "the end is the model's own" 60 "$(number '"new_tokens":' answer)"

echo "== convert"
echo '[{"role": "system", "content": "'"$say"'"}]' >z.json
for thing in fox lemon piano river; do
    printf '{"prompt": [{"role": "user", "content": "What is a %s?"}]}\n' $thing
done >inputs.jsonl
run convert --from messages:z.json --to lora:lora --inputs inputs.jsonl \
    --samples 8 --max-tokens 16 --steps 8 --batch 4 --lr 1e-3 --rank 4 \
    --seed 7 --json >made
ls lora

echo "== score: log p of a short answer above the base's, in nats"
cat >rows.jsonl <<'JSONL'
{"prompt": [{"role": "user", "content": "What is a moon?"}], "completion": [{"role": "assistant", "content": "A moon is a round body that circles a planet."}]}
JSONL
for which in messages:z.json lora:lora; do
    run score --data rows.jsonl --json --adaptation $which >"${which%%:*}.json"
done
prompt=$(number '"score":' messages.json)
lora=$(number '"score":' lora.json)
above "the prompt likes it more than the base does" "$prompt" 1
above "the LoRA does, too" "$lora" 1
above "and goes no further than to twice the prompt" \
    "$(awk -v p="$prompt" 'BEGIN { print 2 * p }')" "$lora"

echo "== measure"
sed 's/fox/violin/; s/lemon/whale/; s/piano/bridge/; s/river/candle/' \
    inputs.jsonl >heldout.jsonl
run measure --source messages:z.json --target lora --inputs heldout.jsonl \
    --control heldout.jsonl --candidates 2 --max-tokens 16 --json |
    tr -d ' \n' >measured
above "the LoRA closes a fifth of the gap and more, on other inputs" \
    "$(number '"gap_closed":{"mean":' measured)" 0.2

echo "== chat"
echo "What is a fox?" | run chat --system "$say" --temperature 0 \
    --max-tokens 60 --json >answer
grep -o '"finish":"stop"' answer
echo "What is a fox?" | run chat --adaptation lora --temperature 0 \
    --max-tokens 8 --json >answer
grep -o '"adaptation":"lora"' answer
