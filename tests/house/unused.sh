# No symbol is shown by a file for tests alone, or for nobody, but those that
# are listed with a reason; and the check can tell.
check=$TRIVIUM_SOURCE/tools/check_unused.sh
sh "$check" "$TRIVIUM_BUILD" "$TRIVIUM_SOURCE/tests/house/support/unused.txt" ||
    exit 1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir -p "$room/src" "$room/CMakeFiles/trv_objects.dir/src" \
    "$room/CMakeFiles/test_x.dir"

# compile OBJECT SOURCE: a file of the tree in $room.
compile() {
    echo "$2" >"$room/src/$(basename "$1" .o)"
    "$CC" -c -o "$room/CMakeFiles/$1" "$room/src/$(basename "$1" .o)" || exit 1
}
compile trv_objects.dir/src/a.c.o 'int used(void);
int kept(void);
int own(void);
int dead(void);
int used(void) { return 0; }
int kept(void) { return own(); }
int own(void) { return 1; }'
compile trv_objects.dir/src/b.c.o 'int used(void);
int main(void);
int main(void) { return used(); }'
compile test_x.dir/t.c.o 'int kept(void); int t(void); int t(void) { return kept(); }'
said=$(sh "$check" "$room" /dev/null "$room") && { echo "not noticed"; exit 1; }
[ "$said" = "src/a.c: kept is used by tests alone" ] || { echo "$said"; exit 1; }
echo "kept  a reason" >"$room/list"
sh "$check" "$room" "$room/list" "$room" || exit 1
echo "kept" >"$room/list"
sh "$check" "$room" "$room/list" "$room" >/dev/null &&
    echo "no reason, not noticed" && exit 1
printf 'kept  a reason\nused  a reason\n' >"$room/list"
said=$(sh "$check" "$room" "$room/list" "$room") && exit 1
[ "$said" = "used is listed and used by the program" ] ||
    { echo "$said"; exit 1; }
compile trv_objects.dir/src/c.c.o 'int dead(void); int dead(void) { return 2; }'
echo "kept  a reason" >"$room/list"
said=$(sh "$check" "$room" "$room/list" "$room") && exit 1
echo "$said"
