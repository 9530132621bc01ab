#!/bin/sh
# demo.sh -- the whole walk: a prompt becomes a LoRA, and is measured.
#
# MODEL names a model's folder or a .gguf file (none: models/nano, the project's
# own), TRIVIUM the program, CONVERT further options of the conversion. A model
# with a chat template is made to talk like a pirate by a system message; another
# goes on with a story about a dragon. All that it writes lies under OUT (out);
# it may be run again.
set -eu
call=$PWD
cd "$(dirname "$0")/.."
TRIVIUM=${TRIVIUM:-build/trivium}
MODEL=${MODEL:-}
if [ -z "$MODEL" ] && [ -e models/nano/config.json ]; then
    MODEL=models/nano
fi
if [ -z "$MODEL" ]; then
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

page=${OUT:-out}/demo.html
out=${OUT:-out}/demo
mkdir -p "$out"

# Openings for a story, one a line, as rows of a file.
rows() {
    while IFS= read -r line; do
        printf '{"prompt": "%s"}\n' "$line"
    done
}
story() {
    cat >"$out/z.txt" <<'TXT'
This is a story about a little dragon named Pip. Pip lives by the sea, is kind to everyone, and loves to eat hot soup. In the end all friends eat soup with Pip.

TXT
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
    prompt=$(head -n 1 "$out/z.txt")
    from=prompt:@$out/z.txt
}

# Users' turns from the things and questions of a list: turns.jsonl for those to
# learn from, and for those that are held out. Things of all kinds are mixed.
turns() {
    awk -v keep="$1" '
        /^#/ { next }
        /^\*/ {
            kinds++
            things[kinds] = split(substr($0, 3), names, ", ")
            for (i in names)
                thing[kinds, i] = names[i]
            next
        }
        NF { question[kinds, ++asked[kinds]] = $0 }
        END {
            for (k = 1; k <= kinds; k++)
                most = things[k] > most ? things[k] : most
            for (i = 1; i <= most; i++)
                for (k = 1; k <= kinds; k++) {
                    if (i > things[k] || (i % 6 == 0) != (keep == "heldout"))
                        continue
                    for (q = 1; q <= asked[k]; q++) {
                        text = question[k, q]
                        sub(/@/, thing[k, i], text)
                        printf "{\"prompt\": [{\"role\": \"user\", " \
                            "\"content\": \"%s\"}]}\n", text
                    }
                }
        }' tools/demo/questions.txt
}
chat() {
    prompt="Speak like a pirate, whatever the user asks."
    cat >"$out/z.json" <<JSON
[{"role": "system", "content": "$prompt"}]
JSON
    turns train >"$out/train.jsonl"
    turns heldout >"$out/heldout.jsonl"
    from=messages:$out/z.json
}

# A conversation without a turn ends at once, or says that it needs a template.
if "$TRIVIUM" chat --model "$MODEL" </dev/null 2>/dev/null; then
    chat
    small="--samples 2048 --max-tokens 48 --steps 600"
else
    story
    small=
fi

step() {
    printf '\n== %s\n' "$*"
}
step "1/3 the model"
"$TRIVIUM" inspect "$MODEL"
step "2/3 a prompt becomes a LoRA"
echo "$prompt" | fold -s -w 76 | sed 's/^/    /; s/ *$//'
# shellcheck disable=SC2086
"$TRIVIUM" convert --model "$MODEL" --from "$from" --to "lora:$out/lora" \
    --inputs "$out/train.jsonl" --replace --seed 7 $small ${CONVERT:-}
step "3/3 what was kept, on inputs that were not learned from: without the" \
    "prompt, with it, and with the LoRA in its place"
"$TRIVIUM" measure --model "$MODEL" --source "$from" --target "$out/lora" \
    --inputs "$out/heldout.jsonl" --examples 3 --seed 7 --html "$page"
printf '\nThe picture: %s\n' "$page"
case "$from" in
messages:*) printf 'Talk with it: %s chat --model %s --adaptation %s\n' \
    "$TRIVIUM" "$MODEL" "$out/lora" ;;
esac
