# Looks at a page in Chromium; to be sourced. A script that does has $browser,
# works in $room, and fails by fail().
find_browser() {
    for name in "${CHROMIUM:-chromium}" chromium-browser google-chrome; do
        browser=$(command -v "$name") && return
    done
    echo "no chromium: skipped"
    exit 77
}

# look LIGHT PAGE: both widths of a page, in frames, since a window has a least
# width; the page's copy carries the probe.
look() {
    local scheme=$1 copy=$room/probed-$2
    { sed '/^<\/body>/,$d' "$2"
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

# is_html PAGE: by the book, as far as programs are here that say so.
is_html() {
    if command -v tidy >/dev/null; then
        tidy -q -e -utf8 --drop-empty-elements no "$1" 2>tidy.err ||
            fail "$(cat tidy.err)"
    fi
    if python3 -c 'import html5lib' 2>/dev/null; then
        python3 -c 'import html5lib, sys
html5lib.HTMLParser(strict=True).parse(open(sys.argv[1], "rb").read())' \
            "$1" || fail "$1: no HTML"
    fi
}
