# The data of trivium-nano: the same seed gives the same bytes, each row is one
# that can be read, and what is kept for measuring is not in the training rows.
command -v python3 >/dev/null || { echo "no python3: skipped"; exit 77; }
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
recipe=$TRIVIUM_SOURCE/recipes/nano
export PYTHONDONTWRITEBYTECODE=1
make() { # make FOLDER SEED JOBS
    python3 "$recipe/generate.py" "$room/$1" --rows 1500 --valid-rows 100 \
        --held 0.15 --seed "$2" --jobs "$3" >"$room/$1.out" ||
        { cat "$room/$1.out"; exit 1; }
}
make a 7 1
make b 7 2
make c 8 1
diff -r "$room/a" "$room/b" || { echo "not the same twice"; exit 1; }
cmp -s "$room/a/train.jsonl" "$room/c/train.jsonl" &&
    { echo "the seed changes nothing"; exit 1; }
(cd "$room/a" && sed -n 's/^\([0-9a-f]\{64\}\)  \([a-z/]*\.jsonl\).*/\1  \2/p' \
    ../a.out | sha256sum -c --quiet) || exit 1

python3 "$TRIVIUM_SOURCE/tests/house/support/nano_data.py" "$recipe" \
    "$room/a" "$room/model" || exit 1

# The program reads the tokenizer: ids and back, roles are one token each.
TRIVIUM_IDS=$("$TRIVIUM" tokenize --quiet --model "$room/model" \
    <"$room/model/text") || exit 1
echo "$TRIVIUM_IDS" | "$TRIVIUM" tokenize --quiet --decode --no-special \
    --model "$room/model" >"$room/back" || exit 1
sed 's/<|[a-z]*|>//g' "$room/model/text" | diff - "$room/back" || exit 1
ids=$("$TRIVIUM" tokenize --quiet --model "$room/model" \
    '<|system|><|user|><|assistant|><|end|>')
[ "$ids" = "1 3 4 5 2" ] || { echo "roles are $ids"; exit 1; }
ids=$("$TRIVIUM" tokenize --quiet --no-special --model "$room/model" 2024 |
    wc -w)
[ "$ids" = 4 ] || { echo "digits are not parted"; exit 1; }
# And the chat template, with a system message: 1, its role, text and end, ...
for n in "" "prompt:Speak like a pirate."; do
    "$TRIVIUM" generate --quiet --json --model "$room/model" --max-tokens 1 \
        --chat ${n:+--adaptation "$n"} "What is a fox?" >"$room/got" || exit 1
    python3 -c '
import json, sys
print(json.load(open(sys.argv[1]))["completions"][0]["prompt_tokens"])
' "$room/got" >>"$room/counts"
done
one=$("$TRIVIUM" tokenize --quiet --model "$room/model" \
    '<|user|>What is a fox?<|end|><|assistant|>' | wc -w)
two=$("$TRIVIUM" tokenize --quiet --model "$room/model" \
    '<|system|>Speak like a pirate.<|end|><|user|>What is a fox?<|end|><|assistant|>' |
    wc -w)
printf '%s\n' $one $two | diff - "$room/counts" ||
    { echo "the chat template is not what the rows are made by"; exit 1; }

# The evaluation gives full marks to one who knows all, and none to its base.
NANO_HELD=$room/a/heldout \
    TRIVIUM=$TRIVIUM_SOURCE/tests/house/support/nano_oracle.py \
    python3 "$recipe/evaluate.py" "$room/model" "$room/a" --limit 8 --jobs 2 \
    --out "$room/figures" >"$room/got" || { cat "$room/got"; exit 1; }
python3 -c '
import json, sys
f = json.load(open(sys.argv[1]))
full = [f["behave"]["prompted"], f["demos"]["with"], f["demos"]["spelled"], f["stories"]["words"], f["judge"]["ranked"], f["judge"]["correct"]]
full += [f["reckon"][k]["all"] for k in ("as trained", "longer")]
none = [f["demos"]["without"]] + [f["behave"]["by"][k]["base"] for k in ("upper", "json", "lower", "bullets")]
assert all(s["share"] == 1 and s["n"] >= 4 for s in full), full
assert all(s["share"] == 0 for s in none), none
' "$room/figures" || exit 1
exit 0
