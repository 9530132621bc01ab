# docs/models.md has a row for each family and type, names tests that are
# there, and the check can tell.
check=$TRIVIUM_SOURCE/tools/check_models.sh
sh "$check" || exit 1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
ln -s "$TRIVIUM_SOURCE/tests" "$TRIVIUM_SOURCE/tools" "$room"
mkdir "$room/docs"
page=$TRIVIUM_SOURCE/docs/models.md

# refused WHY: the tree in $room, as it is now, fails and says so.
refused() {
    if said=$(sh "$check" "$room"); then
        echo "not noticed: $1"
        exit 1
    fi
    case "$said" in
    *"$1"*) ;;
    *)
        echo "said '$said', not '$1'"
        exit 1
        ;;
    esac
}
fresh() {
    rm -rf "$room/src"
    cp -r "$TRIVIUM_SOURCE/src" "$room"
    cp "$page" "$room/docs"
}
fresh
sh "$check" "$room" || { echo "a copy is no other tree"; exit 1; }
grep -v '^| `glm4`' "$page" >"$room/docs/models.md"
refused "no row for the family glm4"
grep -v '^| `IQ4_XS`' "$page" >"$room/docs/models.md"
refused "no row for the type IQ4_XS"
fresh
sed -i 's/X(olmo2) /X(olmo9) /' "$room/src/model/files/family.h"
refused "no row for the family olmo9"
refused "there is no family olmo2"
fresh
sed 's/^\(| `phi3` .*\)| 1.4e-6 |/\1| |/' "$page" >"$room/docs/models.md"
refused "an empty cell"
sed 's/`test_assets`/`test_asses`/' "$page" >"$room/docs/models.md"
refused "there is no test test_asses"
exit 0
