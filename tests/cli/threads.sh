# The number of threads changes no byte: of a LoRA that is learned from what a
# prompt says, of an answer, of scores.
. "$SUPPORT/cli.sh"
need_tiny
printf '{"prompt": "One"}\n{"prompt": "Two"}\n{"prompt": "Three"}\n' >in.jsonl
printf '{"prompt": "One", "completion": " and two."}\n' >rows.jsonl
for precision in f32 bf16; do
    for n in 1 2 3; do
        run() { "$TRIVIUM" "$1" -q --model tiny --threads $n \
            --precision $precision "${@:2}" || exit 1; }
        rm -rf lora
        run convert --from "prompt:Say it." --to lora:lora --inputs in.jsonl \
            --samples 16 --max-tokens 24 --steps 20 --batch 3 --seed 1 \
            >/dev/null
        sha256sum lora/adapter_model.safetensors
        [ -d first ] || mv lora first
        run generate --adaptation lora:first --seed 1 --max-tokens 40 "One" |
            sha256sum
        run score --adaptation lora:first --data rows.jsonl --tokens --json |
            sha256sum
    done >$precision.sums
    rm -rf first
    sort -u $precision.sums | wc -l
done
