# What a conversion or training takes, said before; a dry run; a budget.
. "$SUPPORT/cli.sh"
need_tiny
work=(convert --model tiny --from "prompt:Say it again." --rank 4 --seed 5)
# A dry run says the plan and writes nothing.
t "${work[@]}" --to lora:dry --dry-run
"$TRIVIUM" "${work[@]}" --to lora:dry --dry-run --json 2>/dev/null |
    sed -E 's/"(seconds|bytes)":[0-9.e+]*/"\1":N/g'
t "${work[@]}" --to lora:dry --via lora,ratio --dry-run
printf '{"text": "one two three"}\n{"text": "four five"}\n' >rows.jsonl
t train --model tiny --data rows.jsonl --to lora:dry --epochs 3 --dry-run
"$TRIVIUM" train --model tiny --data rows.jsonl --to lora:dry --dry-run \
    --json 2>/dev/null | sed -E 's/"(seconds|bytes)":[0-9.e+]*/"\1":N/g'
ls -A | grep dry
# A budget cuts what is not given; the options that it names make the same.
"$TRIVIUM" "${work[@]}" --to lora:cut --max-tokens 4 --budget 0.001s \
    >/dev/null 2>log
named=$(sed -n 's/^trivium: budget .* takes all, and \(.*\) gives .*/\1/p' log)
echo "$named"
# shellcheck disable=SC2086 # options
"$TRIVIUM" "${work[@]}" --to lora:told --max-tokens 4 $named >/dev/null 2>&1
cmp cut/adapter_model.safetensors told/adapter_model.safetensors &&
    echo "the same bytes"
"$TRIVIUM" "${work[@]}" --to lora:given --max-tokens 4 --steps 20 \
    --budget 0.001s 2>&1 >/dev/null | grep '^trivium: \(budget\|note\)'
t "${work[@]}" --to lora:none --budget soon
# The last lines compare what was used with what was announced.
"$TRIVIUM" "${work[@]}" --to lora:used --samples 8 --steps 4 --max-tokens 4 \
    2>/dev/null | sed -n 's/^took.*\(of about TIME\|of about\).*/took \1/p' |
    cut -d' ' -f1-3
