# The demo walks to its end on a model with a chat template and on one without,
# and what it measures on was not learned from.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
tiny=$TRIVIUM_SOURCE/tests/golden/tiny/one
mkdir "$room/plain"
cp "$tiny/model.safetensors" "$tiny/tokenizer.json" "$room/plain"
# Its tokens are bytes: the story's prompt has more than the tiny context holds.
sed 's/"max_position_embeddings": 128/"max_position_embeddings": 512/' \
    "$tiny/config.json" >"$room/plain/config.json"
walk() { # MODEL NAME
    OUT=$room/$2 MODEL=$1 CONVERT="--samples 8 --max-tokens 4 --steps 2 --batch 2
        --rank 2" sh "$TRIVIUM_SOURCE/tools/demo.sh" >"$room/$2.txt" \
        2>"$room/$2.err" || { cat "$room/$2.err"; exit 1; }
    for part in 'BASE  *PROMPT  *LORA' "The picture: $room/$2/demo.html"; do
        grep -a -q "$part" "$room/$2.txt" || { echo "$2: no '$part'"; exit 1; }
    done
    grep -q '<div class="said target">' "$room/$2/demo.html" || exit 1
    [ -z "$(sort "$room/$2/demo/train.jsonl" "$room/$2/demo/heldout.jsonl" |
        uniq -d)" ] || { echo "$2: learned from what is held out"; exit 1; }
}
walk "$tiny" chat
walk "$room/plain" story
grep -a -q '^> What is a swan?' "$room/chat.txt" || exit 1
grep -a -q '^> One night,' "$room/story.txt" || exit 1
grep -q pirate "$room/chat/demo/z.json" || exit 1
[ "$(wc -l <"$room/chat/demo/train.jsonl")" -ge 200 ] || exit 1
MODEL=$room/nowhere sh "$TRIVIUM_SOURCE/tools/demo.sh" 2>"$room/err"
[ $? -eq 3 ] || { echo "no exit 3 for a model that is not there"; exit 1; }
grep -q "no model at '$room/nowhere'" "$room/err"
