#!/bin/sh
# demo.sh -- the whole walk: a prompt becomes a LoRA, and is measured.
#
# MODEL names a model's folder or a .gguf file, TRIVIUM the program. All that it
# writes lies under out/demo; it may be run again.
set -eu
call=$PWD
cd "$(dirname "$0")/.."
TRIVIUM=${TRIVIUM:-build/trivium}
if [ -z "${MODEL:-}" ]; then
    cat >&2 <<'TXT'
trivium: the demo needs a model; name one that is on your disk:

    make demo MODEL=path/to/model

A model is a Hugging Face folder (config.json, model.safetensors and the
tokenizer's files) or a .gguf file of GPT-2, Llama, Mistral, Qwen2 or Qwen3. A
small one, such as SmolLM2-135M, shows all of it in minutes on two cores.
TXT
    exit 2
fi
# A relative model is meant from where the call was made.
case "$MODEL" in
/*) ;;
*) [ -e "$MODEL" ] || MODEL=$call/$MODEL ;;
esac
if [ ! -e "$MODEL" ]; then
    echo "trivium: no model at '$MODEL'" >&2
    exit 3
fi

out=out/demo
mkdir -p "$out"
cat >"$out/z.txt" <<'TXT'
This is a story about a little dragon named Pip. Pip lives by the sea, is kind to everyone, and loves to eat hot soup. In the end all friends eat soup with Pip.

TXT
rows() {
    while IFS= read -r line; do
        printf '{"prompt": "%s"}\n' "$line"
    done
}
rows >"$out/train.jsonl" <<'TXT'
Once upon a time
Once upon a time, there was
One day,
One morning,
One sunny day,
Every day after lunch,
Long ago,
In a small house,
In the park,
It was a cold day.
It was a rainy morning.
There was a little
There once was
Yesterday,
A boy and a girl
A long time ago, in a
Early in the morning,
At the top of a hill,
Near the big tree,
Far away,
The sun was
The wind was
They were
The first thing
TXT
rows >"$out/heldout.jsonl" <<'TXT'
One night,
Once there was
It was a warm day.
In the garden,
After the rain,
On her birthday,
A little girl
The old man
Late one evening,
Down by the river,
When the door opened,
Everyone was
TXT

step() {
    printf '\n== %s\n' "$*"
}
# say NAME WORDS...: one answer to the same opening, kept for the end
opening="Once upon a time"
say() {
    name=$1
    shift
    "$TRIVIUM" generate --model "$MODEL" --prompt "$opening" --max-tokens 60 \
        --temperature 0.7 --seed 7 "$@" >"$out/$name.txt"
}

step "1/5 the model"
"$TRIVIUM" inspect "$MODEL"
step "2/5 the base model, and the base model under the prompt, go on from" \
    "'$opening'"
say base
say prompted --adaptation "prompt:@$out/z.txt"
echo "done; they are shown at the end"
step "3/5 the prompt becomes a LoRA"
"$TRIVIUM" convert --model "$MODEL" --from "prompt:@$out/z.txt" \
    --to "lora:$out/lora" --inputs "$out/train.jsonl" --replace --seed 7
step "4/5 the base model under the LoRA, without the prompt"
say converted --adaptation "$out/lora"
echo "done"
step "5/5 how much was kept, on openings that were not learned from"
"$TRIVIUM" measure --model "$MODEL" --source "prompt:@$out/z.txt" \
    --target "$out/lora" --inputs "$out/heldout.jsonl" --html out/demo.html \
    >"$out/measure.txt"

step "the same opening, three ways: '$opening'"
for name in base prompted converted; do
    { echo "$name" | tr '[:lower:]' '[:upper:]'; echo
      tr '\n' ' ' <"$out/$name.txt" | fold -s -w 36; echo; } >"$out/$name.column"
done
awk '
    FNR == 1 { file++ }
    { text[file, FNR] = $0; if (FNR > last) last = FNR }
    END {
        for (i = 1; i <= last; i++)
            printf "%-38s%-38s%s\n", text[1, i], text[2, i], text[3, i]
    }' "$out/base.column" "$out/prompted.column" "$out/converted.column"
rm -f "$out"/*.column
echo
cat "$out/measure.txt"
printf '\nThe page with the plot: out/demo.html\n'
