# The page of measure --html, as a browser shows it on a telephone and on a desk,
# light and dark: tests/house/support/page_probe.js says what it looks for.
for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
    browser=$(command -v "$name") && break
done
[ -n "$browser" ] || { echo "no chromium: skipped"; exit 77; }
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

# look LIGHT PAGE: both widths of a page, in frames, since a window has a least
# width; the page's copy carries the probe.
look() {
    local scheme=$1 copy=$room/probed-$2
    { sed '$d' "$2" | sed '$d'
      echo '<script>'; cat "$TRIVIUM_SOURCE/tests/house/support/page_probe.js"
      echo '</script></body></html>'; } >"$copy"
    cat >frames.html <<HTML
<!doctype html><pre id="said"></pre><script>
addEventListener('message', (e) => {
    document.getElementById('said').append('SA' + 'ID ' + e.data + '\n') })
</script>
<iframe src="$copy#390" style="width:390px;height:800px;border:0"></iframe>
<iframe src="$copy#1280" style="width:1280px;height:800px;border:0"></iframe>
HTML
    timeout 60 "$browser" --headless --no-sandbox --disable-gpu \
        --user-data-dir="$room/profile" --virtual-time-budget=4000 \
        --window-size=1400,900 \
        --blink-settings=preferredColorScheme=$((scheme)) \
        --dump-dom "file://$room/frames.html" >dom 2>browser.err ||
        { cat browser.err; fail "the browser failed"; }
    sed -n '/SAID/,/<\/pre>/p' dom | sed 's/.*SAID/SAID/; s/<\/pre>.*//' >said
    cat said
    [ "$(grep -c '^SAID.*: good$' said)" -eq 2 ] && ! grep -q '^  ' said ||
        fail "$2: not good at both widths"
    grep -q "^SAID 390 $([ "$scheme" -eq 1 ] && echo light || echo dark) " \
        said || fail "$2: not seen at 390 px"
}
for page in params reward prompt; do
    echo "- $page: $(sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' $page.html)"
    for scheme in 1 0; do
        look $scheme $page.html
    done
done
# It is HTML by the book, too.
if command -v tidy >/dev/null; then
    for page in params reward prompt; do
        tidy -q -e -utf8 --drop-empty-elements no $page.html 2>tidy.err || fail "$(cat tidy.err)"
    done
fi
if python3 -c 'import html5lib' 2>/dev/null; then
    for page in params reward prompt; do
        python3 -c 'import html5lib, sys
html5lib.HTMLParser(strict=True).parse(open(sys.argv[1], "rb").read())' \
            $page.html || fail "$page.html: no HTML"
    done
fi
exit $result
