# Given data by each method: sft, dpo, orpo, kto and reward; what is the same by
# another name, and what is refused with the command that does it.
. "$SUPPORT/cli.sh"
need_tiny
train() {
    "$TRIVIUM" train --model tiny --steps 2 --batch 4 --replace "$@" \
        >out.txt 2>err.txt
    echo "exit $?: $*"
    grep -E 'warning|note|good and|--|column|the row|Parquet|line' err.txt |
        grep -v 'beside the model'
}
same() { cmp "$1/adapter_model.safetensors" "$2/adapter_model.safetensors" && echo same; }

for i in 1 2 3 4; do
    echo "{\"prompt\": \"say $i\", \"chosen\": \"yes $i\", \"rejected\": \"no\"}" >>pairs.jsonl
    echo "{\"prompt\": \"say $i\", \"completion\": \"yes $i\", \"label\": true}" >>rated.jsonl
    echo "{\"prompt\": \"say $i\", \"completion\": \"no\", \"label\": false}" >>rated.jsonl
    echo "{\"prompt\": \"say $i\", \"chosen\": \"yes\", \"rejected\": \"no\", \"margin\": $i}" >>margins.jsonl
    echo "{\"prompt\": \"say $i\", \"completion\": \"yes\"}" >>rows.jsonl
done

echo "== each method"
train --data rows.jsonl --method sft --to lora:sft
train --data rows.jsonl --to lora:plain
same sft plain
train --data pairs.jsonl --method dpo --to lora:dpo --beta 0.2
"$TRIVIUM" convert -q --model tiny --from base --pairs pairs.jsonl --beta 0.2 \
    --steps 2 --batch 4 --to lora:converted >/dev/null 2>&1
same dpo converted
train --data pairs.jsonl --method orpo --to soft:orpo --virtual-tokens 2
train --data rated.jsonl --method kto --to lora:kto --undesirable-weight 2
train --data rated.jsonl --method kto --to prefix:kto_prefix --virtual-tokens 2
train --data pairs.jsonl --method kto --to lora:kto_pairs
train --data margins.jsonl --method reward --to head:reward
train --data margins.jsonl --to head:head
cmp reward/adapter_model.safetensors head/adapter_model.safetensors && echo same
sed 's/, "margin": .}/}/' margins.jsonl >bare.jsonl
train --data bare.jsonl --to head:bare
cmp -s head/adapter_model.safetensors bare/adapter_model.safetensors || echo "a margin counts"

echo "== a table, and standard input"
printf 'prompt,completion,label\n' >rated.csv
for i in 1 2 3 4; do printf 'say %s,yes %s,True\nsay %s,no,0\n' $i $i $i; done >>rated.csv
train --data rated.csv --method kto --to lora:kto_table --undesirable-weight 2
same kto kto_table
train --data - --method kto --to lora:kto_in --undesirable-weight 2 <rated.jsonl
same kto kto_in
train --data /dev/stdin --method kto --to lora:kto_in --undesirable-weight 2 <rated.jsonl
same kto kto_in
train --data <(cat rated.jsonl) --method kto --to lora:kto_in --undesirable-weight 2 2>&1 |
    sed 's,/dev/fd/[0-9]*,/dev/fd/N,'
same kto kto_in
cp rated.jsonl rated.parquet
train --data rated.parquet --method kto --to lora:no
echo hello | train --data - --to lora:no

echo "== three passes by default"
"$TRIVIUM" train --model tiny --data rated.jsonl --method kto --to lora:passes --batch 4 \
    --json -q 2>/dev/null | grep -o '"steps":[0-9]*'
"$TRIVIUM" train --model tiny --data rated.jsonl --method kto --to lora:passes --batch 4 \
    --epochs 1 --replace --json -q 2>/dev/null | grep -o '"steps":[0-9]*'

echo "== rloo, by each of its names"
by_rloo() {
    "$TRIVIUM" convert -q --model tiny --from "verifier:contains,inside=1,share=1,words=a|e" \
        --inputs rows.jsonl --group 4 --batch 8 --steps 2 --max-tokens 4 --allow-diverged \
        "$@" >log 2>&1 || cat log
}
by_rloo --method rloo --to lora:rloo
by_rloo --method grpo --advantage rloo --to lora:grpo
same rloo grpo

echo "== refused, with the command that does it"
train --data rated.jsonl --to lora:no
train --data rated.jsonl --method dpo --to lora:no
train --data rated.jsonl --to head:no
train --data pairs.jsonl --to lora:no
train --data rows.jsonl --method kto --to lora:no
train --data rows.jsonl --method orpo --to lora:no
train --data margins.jsonl --method dpo --to lora:no
train --data pairs.jsonl --method reward --to lora:no
train --data pairs.jsonl --method kto --to head:no
train --data pairs.jsonl --method dpo --max-length 8 --to lora:no
train --data pairs.jsonl --method orpo --loss ipo --to lora:no
train --data rated.jsonl --method kto --batch 1 --to lora:no
train --data rows.jsonl --beta 1 --to lora:no
train --data rows.jsonl --method ppo --to lora:no
echo '{"prompt": "a", "completion": "b", "weight": 0.5}' >weight.jsonl
train --data weight.jsonl --to lora:no
echo '{"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b", "weight": 0}]}' >weight.jsonl
train --data weight.jsonl --to lora:no
ls -d no no.run 2>/dev/null
