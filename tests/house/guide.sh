# What the pages of docs/guide/ say is printed is printed: of those that take
# seconds; GUIDE=all runs the others, too. And docs/guide/run.sh can tell.
set -u
if [ "$SANITIZE" = 1 ]; then
    echo "a sanitised program takes too long for the pages" >&2
    exit 77
fi
cd "$TRIVIUM_SOURCE" || exit 1
pages="principle steer dpo find"
[ "${GUIDE:-}" != all ] || pages="$pages bake reward carry"
result=0
for page in $pages; do
    bash docs/guide/run.sh "docs/guide/$page.md" || result=1
done
# Every page is on the list of pages, and in one of the lists above.
for page in docs/guide/*.md; do
    name=$(basename "$page" .md)
    [ "$name" != README ] || continue
    grep -q "]($name.md)" docs/guide/README.md ||
        { echo "docs/guide/README.md: no link to $name.md"; result=1; }
    case " principle steer dpo find bake reward carry " in
    *" $name "*) ;;
    *) echo "$page: no test runs it"; result=1 ;;
    esac
done
# A page that says something else is noticed, and so is a command that fails.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
# says WORD LINE: of a page with this line, is what the commands print the
# `same` or something `else`?
says() {
    cat >"$room/page.md" <<END
\`\`\`sh
trivium --version
echo "42 swans in 3 s, -0.52 ± 0.03, loss 0.0092, rank 1.000 ± 0.000"
\`\`\`

\`\`\`text
trivium $version
$2
\`\`\`
END
    if bash docs/guide/run.sh "$room/page.md" >/dev/null; then
        [ "$1" = same ]
    else
        [ "$1" = else ]
    fi || { echo "not $1: $2"; result=1; }
}
version=$("$TRIVIUM" --version | cut -d' ' -f2)
says same "42 swans in 9 min, -0.52 ± 0.03, loss 0.0092, rank 1.000 ± 0.000"
says same "42 swans in 3 s, -0.54 ± 0.03, loss 0.0093, rank 1.000 ± 0.000"
says else "42 geese in 3 s, -0.52 ± 0.03, loss 0.0092, rank 1.000 ± 0.000"
says else "45 swans in 3 s, -0.52 ± 0.03, loss 0.0092, rank 1.000 ± 0.000"
says else "42 swans in 3 s, 0.52 ± 0.03, loss 0.0092, rank 1.000 ± 0.000"
says else "42 swans in 3 s, -0.56 ± 0.03, loss 0.0092, rank 1.000 ± 0.000"
says else "42 swans in 3 s, -0.52 ± 0.03, loss 0.0099, rank 1.000 ± 0.000"
says else "42 swans in 3 s, -0.52 ± 0.03, loss 0.0092, rank 0.900 ± 0.000"
bash docs/guide/run.sh --rewrite "$room/page.md" &&
    grep -q "^42 swans in 3 s, -0.52 ± 0.03, loss 0.0092" "$room/page.md" ||
    { echo "a page is not rewritten"; result=1; }
printf '```sh\ntrivium generate --model nowhere Hi\n```\n' >"$room/page.md"
bash docs/guide/run.sh "$room/page.md" >/dev/null &&
    { echo "a command that fails is not noticed"; result=1; }
exit "$result"
