# The page of measure --html, as a browser shows it on a telephone and on a desk,
# light and dark: tests/house/support/page_probe.js says what it looks for.
. "$TRIVIUM_SOURCE/tests/house/support/look.sh"
find_browser
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room" || exit 1
result=0
fail() {
    echo "$1"
    result=1
}

# A model whose tokens are bytes, with room for a prompt that tries everything:
# the ends of tags, what moves a terminal's cursor, what turns the direction of
# writing, and a word that is wider than the screen.
tiny=$TRIVIUM_SOURCE/tests/golden/tiny/one
mkdir tiny
cp "$tiny"/* tiny
sed 's/"max_position_embeddings": 128/"max_position_embeddings": 1024/' \
    "$tiny/config.json" >tiny/config.json
printf '%s\33[31m \u202eabc\u2066 <img src=http://x/y.png>\r\n\n  %0200d\n' \
    '</script></title></style><script>alert(1)</script> <b>&amp;' 0 >z.txt
for i in 1 2 3 4 5 6; do
    printf '{"prompt": "Say <i>%s</i> and %0100d"}\n' $i 0
done >in.jsonl
tell() { "$TRIVIUM" "$@" >/dev/null 2>err || { cat err; exit 1; }; }
tell convert --model tiny --from prompt:@z.txt --to lora:z --inputs in.jsonl \
    --samples 8 --max-tokens 8 --steps 30 --batch 2 --rank 2
tell measure --model tiny --source prompt:@z.txt --target z --inputs in.jsonl \
    --max-tokens 40 --examples 3 --html params.html
# A reward that has no gap, and a target that was not converted.
tell measure --model tiny --source verifier:length,hi=9 --target z \
    --inputs in.jsonl --max-tokens 8 --html reward.html
tell measure --model tiny --source base --target prompt:@z.txt \
    --inputs in.jsonl --max-tokens 8 --examples 1 --html prompt.html

for page in params reward prompt; do
    echo "- $page: $(sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' $page.html)"
    for scheme in 1 0; do
        look $scheme $page.html
    done
    is_html $page.html
done
exit $result
