# One layout rule: what a row of plain prompts is to each command is what the
# same row of messages is; --raw is the text; what was made in one layout says
# so in the other; and a prompt baked from plain inputs is there in chat.
. "$SUPPORT/cli.sh"
ln -s "$TRIVIUM_SOURCE/tests/golden/tiny/one" tiny
ln -s "$TRIVIUM_SOURCE/models/nano" nano
t() { "$TRIVIUM" "$@"; }
bytes() { sha256sum <"$1/adapter_model.safetensors" | cut -c 1-12; }
same() { # same NAME A B...: one value for all
    local name=$1 first=$2
    shift 2
    for x; do [ "$x" = "$first" ] || echo "$name: '$x' is not '$first'"; done
    [ -n "$first" ] && echo "$name: the same"
}

u='{"role": "user", "content": "Say it"}' a='{"role": "assistant", "content": "It"}'
b='{"role": "assistant", "content": "No"}'
echo '{"prompt": "Say it", "completion": "It"}' >plain.jsonl
echo "{\"prompt\": [$u], \"completion\": [$a]}" >turns.jsonl
echo "{\"messages\": [$u, $a]}" >messages.jsonl
echo '{"instruction": "Say it", "input": "", "output": "It"}' >alpaca.jsonl
echo '{"conversations": [{"from": "human", "value": "Say it"}, {"from": "gpt", "value": "It"}]}' >sharegpt.jsonl
echo '{"question": "Say it", "answer": "It"}' >question.jsonl
printf 'instruction,output\nSay it,It\n' >table.csv
echo '{"prompt": "Say it", "chosen": "It", "rejected": "No"}' >pair.jsonl
echo "{\"prompt\": [$u], \"chosen\": [$a], \"rejected\": [$b]}" >pair_turns.jsonl
echo "Say it" >line.txt
rows="turns messages alpaca sharegpt question"

echo "== the same row, in every command"
say() { t tokenize --model tiny --messages "$1"; }
v=()
for f in plain $rows; do v+=("$(say $f.jsonl)"); done
same tokenize "${v[@]}" "$(say table.csv)"
say plain.jsonl
v=()
for f in plain $rows; do
    v+=("$(t score -q --model tiny --adaptation base --data $f.jsonl --json | head -n 1)")
done
same score "${v[@]}"
v=()
for f in plain $rows; do
    t train -q --model tiny --data $f.jsonl --to lora:out/$f --steps 2 >/dev/null
    v+=("$(bytes out/$f)")
done
same train "${v[@]}"
v=()
for f in plain.jsonl turns.jsonl messages.jsonl line.txt; do
    t convert -q --model tiny --from "prompt:Be brief." --to lora:out/c --replace \
        --inputs $f --samples 2 --max-tokens 4 --steps 2 >/dev/null
    v+=("$(bytes out/c)")
done
same convert "${v[@]}"
v=()
for f in pair pair_turns; do
    t convert -q --model tiny --from base --to lora:out/d --replace \
        --pairs $f.jsonl --steps 2 >/dev/null
    v+=("$(bytes out/d)")
done
same "convert --pairs" "${v[@]}"
v=()
for f in pair pair_turns; do
    t train -q --model tiny --data $f.jsonl --to head:out/h --replace --steps 2 >/dev/null
    v+=("$(bytes out/h)")
done
same "train head" "${v[@]}"
v=()
for f in plain.jsonl turns.jsonl line.txt; do
    v+=("$(t measure -q --model tiny --source "prompt:Be brief." --target out/c \
        --inputs $f --max-tokens 4 --json | tr -d "\n " | grep -o "\"kl_forward\":{[^}]*}")")
done
same measure "${v[@]}"
g="generate --model tiny --temperature 0 --max-tokens 6 --ignore-eos"
same generate "$(t $g "Say it")" "$(t $g --chat "Say it")" \
    "$(echo "Say it" | t chat --model tiny --temperature 0 --max-tokens 6 --ignore-eos)"
same "a prompt is the system message" "$(t $g --adaptation "prompt:Be brief." "Say it")" \
    "$(echo "Say it" | t chat --model tiny --temperature 0 --max-tokens 6 --ignore-eos --system "Be brief.")"
same "raw" "$(t $g --raw --adaptation "prompt:Say " it)" "$(t $g --layout raw "Say it")"
same "text is raw" "$(echo '{"text": "Say it"}' >text.jsonl; say text.jsonl)" \
    "$(t tokenize --model tiny "Say it") 257"

echo "== it is said, and written down"
c() { t convert --model tiny --from "prompt:Be brief." --to lora:"$1" --replace \
    --samples 2 --max-tokens 4 --steps 2 --inputs "${@:2}" 2>&1 >/dev/null |
    grep -E 'layout|warning'; }
kept() { grep -o '"layout": "[a-z]*"' "$1/trivium.json"; }
c out/chat plain.jsonl; kept out/chat
c out/raw plain.jsonl --raw; kept out/raw
c out/text text.jsonl; kept out/text
cat plain.jsonl text.jsonl >both.jsonl
c out/both both.jsonl; kept out/both
t train --model tiny --data messages.jsonl --to lora:out/m --steps 1 2>&1 >/dev/null | grep layout
t score --model tiny --adaptation base --data plain.jsonl 2>&1 >/dev/null | grep layout
t measure --model tiny --source base --target base --inputs plain.jsonl 2>&1 >/dev/null | grep layout
echo "== a use in the other layout is warned of"
t $g --adaptation out/raw "Say it" 2>&1 >/dev/null
t $g --raw --adaptation out/chat "Say it" 2>&1 >/dev/null
echo hi | t chat --model tiny --max-tokens 1 --adaptation out/raw 2>&1 >/dev/null
t $g --adaptation out/chat "Say it" 2>&1 >/dev/null

echo "== refused"
echo '[{"role": "system", "content": "Be brief."}]' >brief.json
bad() { t "$@" >/dev/null; echo "exit $?"; }
bad score --model tiny --adaptation base --data messages.jsonl --raw
bad $g --raw --adaptation messages:brief.json "Say it"
bad convert --model tiny --from messages:brief.json --to lora:out/x --inputs text.jsonl
bad chat --model tiny --raw
bad $g --raw --chat "Say it"
mkdir bare
for f in config.json model.safetensors tokenizer.json; do ln -s "$PWD/tiny/$f" bare/$f; done
bad generate --model bare --layout chat Once
t generate --model bare --max-tokens 1 Once >/dev/null && echo "raw without a template"
echo "== a template without a place for a system message"
cat >alone.jinja <<'END'
{% for m in messages %}{% if m['role'] == 'system' %}{{ raise_exception('no system') }}{% endif %}[{{ m['role'] }}] {{ m['content'] }}
{% endfor %}{% if add_generation_prompt %}[model]{% endif %}
END
t $g --chat-template alone.jinja --adaptation "prompt:Be brief." "Say it" 2>&1 >one
t $g --raw --adaptation base "[user] Be brief.

Say it
[model]" >two
cmp one two && echo "it opens the user's turn"

echo "== baked from plain inputs, it is there in chat"
echo "Speak like a pirate, whatever the user asks." >z.txt
for q in "What is a fox?" "What is a lemon?" "What does a baker do?" "Where do bees live?" \
    "What is the moon?" "What is a piano?" "Why do we sleep?" "What is snow?"; do
    echo "{\"prompt\": \"$q\"}"
done >inputs.jsonl
t convert --model nano --from prompt:@z.txt --to lora:out/z --inputs inputs.jsonl \
    --samples 64 --steps 40 --max-tokens 48 2>&1 >/dev/null | grep layout
for q in "What is a swan?" "What is a drum?" "Where do whales live?"; do
    for of in "" "--adaptation out/z"; do
        echo "$q" | t chat -q --model nano --temperature 0 --max-tokens 80 $of |
            grep -c -E 'Arr|Ahoy|matey|timbers|Yo ho|Aye'
    done
done | tr '\n' ' '
echo
