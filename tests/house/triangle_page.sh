# The page of a triangle, as a browser shows it on a telephone and on a desk, light
# and dark, of reports that nobody ran: whole, of one seed, hostile, empty.
. "$TRIVIUM_SOURCE/tests/house/support/look.sh"
find_browser
command -v python3 >/dev/null || { echo "no python3: skipped"; exit 77; }
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
cd "$room" || exit 1
result=0
fail() {
    echo "$1"
    result=1
}
python3 -B "$TRIVIUM_SOURCE/tests/house/support/triangle_reports.py" . || exit 1
for page in full one hostile empty; do
    mkdir $page
    mv $page.json $page/report.json
    "$TRIVIUM" report -q $page || fail "$page: no page"
    cp $page/report.html $page.html
    echo "- $page: $(sed -n 's/.*<title>\(.*\)<\/title>.*/\1/p' $page.html)"
    for scheme in 1 0; do
        look $scheme $page.html
    done
    is_html $page.html
done
# Each section once, in this order.
said=$(grep -o '<h2 id="[a-z]*"' full.html | cut -d'"' -f2 | tr '\n' ' ')
want="triangles trouble map chains trips reach drift cost curves answers all run "
[ "$said" = "$want" ] || fail "sections: $said"
# Sorted by its script: what is measured first, and rising.
{ sed '/^<\/body>/,$d' full.html
  echo "<script>const heads=[...document.querySelectorAll('table.sort th button')]
const kept=()=>[...document.querySelectorAll('table.sort tbody tr')].map(
    (r)=>r.cells[3].dataset.v)
heads[3].click()
const up=kept(), n=up.indexOf('')
const good=n>0&&up.slice(n).every((v)=>v==='')&&
    up.slice(0,n).every((v,i)=>i===0||+up[i-1]<=+v)
const box=document.querySelector('.filter input')
box.value='reckon evolve'
box.dispatchEvent(new Event('input',{bubbles:true}))
const left=[...document.querySelectorAll('table.sort tbody tr')].filter(
    (r)=>!r.hidden)
document.title='SO'+'RTED '+good+' '+left.length
</script></body></html>"; } >sorted.html
timeout 60 "$browser" --headless --no-sandbox --disable-gpu \
    --user-data-dir="$room/profile" --dump-dom "file://$room/sorted.html" \
    >dom 2>browser.err
grep -q '<title>SORTED true 3</title>' dom || fail "does not sort or filter"
exit $result
