# Every option in the documents is one that the program knows.
check=$TRIVIUM_SOURCE/tools/check_docs.sh
sh "$check" "$TRIVIUM" || exit 1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
echo '    trivium convert --modle x' >"$room/bad.md"
sh "$check" "$TRIVIUM" "$room/bad.md" && echo "not noticed" && exit 1
for file in README.md CONTRIBUTING.md CHANGELOG.md LICENSE; do
    [ -s "$TRIVIUM_SOURCE/$file" ] || { echo "no $file"; exit 1; }
done
# The example has the length that it promises.
lines=$(sed -n '/^```c$/,/^```$/p' "$TRIVIUM_SOURCE/README.md" | grep -c .)
[ "$lines" -gt 0 ] && [ "$lines" -le 32 ] || { echo "the README's example has $lines lines"; exit 1; }
