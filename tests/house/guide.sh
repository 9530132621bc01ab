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
cat >"$room/page.md" <<'END'
```sh
trivium --version
echo "it says $((6 * 7)) swans"
```

```text
trivium 0.1.0
it says 41 swans
```
END
bash docs/guide/run.sh "$room/page.md" || { echo "numbers count"; result=1; }
sed -i 's/41 swans/41 geese/' "$room/page.md"
bash docs/guide/run.sh "$room/page.md" >/dev/null &&
    { echo "another word is not noticed"; result=1; }
bash docs/guide/run.sh --rewrite "$room/page.md" &&
    grep -q "^it says 42 swans$" "$room/page.md" ||
    { echo "a page is not rewritten"; result=1; }
printf '```sh\ntrivium generate --model nowhere Hi\n```\n' >"$room/page.md"
bash docs/guide/run.sh "$room/page.md" >/dev/null &&
    { echo "a command that fails is not noticed"; result=1; }
exit "$result"
