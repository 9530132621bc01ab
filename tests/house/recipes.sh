# The recipes that no other test drives run to their end on a few rows: nano from
# its data to its card, and the table of prompts. Python's own library is enough.
command -v python3 >/dev/null || { echo "no python3: skipped"; exit 77; }
[ "$SANITIZE" != 1 ] || { echo "too slow under sanitizers: skipped"; exit 77; }
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
export PYTHONDONTWRITEBYTECODE=1 OMP_NUM_THREADS=1 # rows are few
recipes=$TRIVIUM_SOURCE/recipes

# A Python that makes each step of run.sh small, and a program that says little;
# they leave the rest as it is.
cat >"$room/python" <<'SH'
#!/bin/sh
case "$1" in
*/generate.py) exec python3 "$@" --rows 40 --valid-rows 12 --held 0.01 ;;
*/evaluate.py) exec python3 "$@" --limit 8 --kl 1 --samples 1 ;;
esac
exit 1
SH
cat >"$room/trivium" <<SH
#!/bin/sh
case "\$1" in
generate) exec "$TRIVIUM" "\$@" --max-tokens 2 ;;
measure) exec "$TRIVIUM" "\$@" --max-tokens 4 ;;
esac
exec "$TRIVIUM" "\$@"
SH
chmod +x "$room/python" "$room/trivium"
export TRIVIUM=$room/trivium
PYTHON=$room/python STEPS=1 LATER=1 DENSE=1 LAST=1 sh "$recipes/nano/run.sh" \
    "$room/nano" -- --quiet --batch 2 --max-length 64 >"$room/shown" 2>&1 ||
    { cat "$room/shown"; exit 1; }
for file in model/model.safetensors evaluation.json; do
    [ -s "$room/nano/$file" ] || { echo "run.sh: no $file"; exit 1; }
done
python3 "$recipes/nano/card.py" "$room/nano/evaluation.json" "two hours" 8.7 \
    8.6 >"$room/card" || exit 1
grep -q '^| behaviours obeyed with a system message | .* % (' "$room/card" ||
    { cat "$room/card"; exit 1; }
if python3 -c 'import tokenizers' 2>/dev/null; then
    python3 "$recipes/nano/tokenizer.py" count "$room/nano/data" \
        "$recipes/nano/model" | grep -q '^stories .* tokens a row' || exit 1
else # it starts, and lacks nothing else
    python3 "$recipes/nano/tokenizer.py" count "$room/nano/data" \
        "$recipes/nano/model" 2>&1 | grep -q "No module named 'tokenizers'" ||
        exit 1
fi

data=$room/assets/data
mkdir -p "$data/tinystories" "$data/soda-tinystoriesinstruct-chat"
for name in train heldout; do
    for who in Ann Ben Cleo; do
        echo "$name: one day $who went to the park with a red ball and"
        seq -s ' ' 40
        echo '<|endoftext|>'
    done >"$data/tinystories/$name.txt"
done
for n in 0 1 2 3 4 5 6 7 8 9; do
    printf 'User: Hello, what is the number %s for?\nBot: To count.\n' "$n"
done >"$data/soda-tinystoriesinstruct-chat/chat_val.txt"
python3 "$recipes/prompts/make_inputs.py" "$room/assets" "$room/inputs" \
    >"$room/shown" || exit 1
[ "$(cat "$room"/inputs/*.jsonl | wc -l)" -eq 16 ] ||
    { cat "$room/shown" "$room"/inputs/*; exit 1; }
python3 "$recipes/prompts/results.py" "$TRIVIUM_SOURCE/models/nano" \
    "$room/inputs" "$room/results" --methods sft -- --samples 4 --steps 2 \
    --max-tokens 4 --lr 0.001 --batch 2 >"$room/shown" || exit 1
[ "$(grep -c '^| [a-z]* | sft | 0 | ' "$room/shown")" -eq 3 ] &&
    grep -q 'of the gap closed on average' "$room/shown" ||
    { cat "$room/shown"; exit 1; }
