# A prompt solved into a LoRA, alone and before training.
. "$SUPPORT/cli.sh"
need_tiny
work=(convert --model tiny --from "prompt:Say it again." --samples 24
    --max-tokens 8 --rank 4 --seed 5)
t "${work[@]}" --to lora:none --method solve --targets q_proj,up_proj
t "${work[@]}" --to lora:none --method solve --on-policy 0.5
t "${work[@]}" --to lora:none --init warm
ls -A | grep none
"$TRIVIUM" "${work[@]}" --to lora:alone --method solve >report 2>notes ||
    cat notes
sed 's/[0-9][0-9.,]*/N/g; s/N [mu]*s:/N s:/; s/N \(min\|s\):/N s:/' report |
    grep -v '^work\|^memory\|^took'
"$TRIVIUM" inspect alone --json | grep -o '"method": *"[a-z]*"'
grep -o '"[a-z_.]*_proj"' alone/adapter_config.json | sort
"$TRIVIUM" "${work[@]}" --to lora:both --init solve --steps 4 --batch 2 \
    >report 2>notes || cat notes
"$TRIVIUM" inspect both --json | grep -o '"init": *"[a-z]*"'
# The same bytes again, and alone nearer to the prompt than the base is.
"$TRIVIUM" -q "${work[@]}" --to lora:again --method solve >/dev/null
cmp alone/adapter_model.safetensors again/adapter_model.safetensors &&
    echo "the same bytes"
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it again." \
    --target alone --max-inputs 40 --max-tokens 8 --json >json
tr -d ' \n' <json | grep -o '"gap_closed":{"mean":[-0-9.]*' |
    awk -F: '{ print ($3 > 0.1 ? "nearer" : "no nearer: " $3) }'
