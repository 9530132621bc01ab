# Several conversions one after the other.
. "$SUPPORT/cli.sh"
need_tiny
convert() {
    "$TRIVIUM" convert --model tiny --rank 2 --samples 16 --max-tokens 4 \
        --batch 4 --steps 4 --seed 1 --precision f32 -q "$@" >out.txt
}
convert --from "prompt:Say it. " --to ratio:r --via lora && ls r r.via
grep -o '"edge": *"[^"]*"' r/trivium.json
# The link is the artefact that the conversion alone makes.
convert --from "prompt:Say it. " --to lora:alone
cmp alone/adapter_model.safetensors r.via/1-lora/adapter_model.safetensors &&
    echo "the same bytes as alone"
# A form stands for its usual kind.
convert --from "prompt:Say it. " --to ratio:p --via params &&
    cmp r.via/1-lora/adapter_model.safetensors \
        p.via/1-lora/adapter_model.safetensors && echo "params is lora"
# What is whole is taken as it is; another chain is refused.
rm -r r
touch -d 2001-01-01 r.via/1-lora/trivium.json
convert --from "prompt:Say it. " --to ratio:r --via lora --resume &&
    find r.via/1-lora/trivium.json ! -newermt 2002-01-01
rm -r r
t convert --model tiny --from "prompt:Say more. " --to ratio:r --via lora \
    --resume
# Mistakes.
t convert --model tiny --from "prompt:Say it. " --to ratio:p --via lora
t convert --model tiny --from "prompt:Say it. " --to ratio:x --via lore
t convert --model tiny --from "prompt:Say it. " --to ratio:x --via lora, -q
t convert --model tiny --from "prompt:Say it. " --to ratio:x --via lora \
    --method a,b,c
mkdir y.via && echo mine >y.via/notes
t convert --model tiny --from "prompt:Say it. " --to ratio:y --via lora
ls y.via
