# No files need each other in a circle, and the check can tell.
folders="adapt transform"
check=$TRIVIUM_SOURCE/tools/check_circles.sh
# shellcheck disable=SC2086 # one word a folder
sh "$check" "$TRIVIUM_BUILD" $folders || exit 1
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
objects=$room/CMakeFiles/trv_objects.dir/src
mkdir -p "$objects/house/upper"

# compile FILE TEXT: an object of the tree in $room.
compile() {
    echo "$2" | "$CC" -x c -c -o "$objects/house/$1.c.o" - || exit 1
}
compile a 'int b(void); int a(void); int a(void) { return b(); }'
compile upper/b 'int c(void); int b(void); int b(void) { return c(); }'
compile c 'int c(void); int c(void) { return 0; }'
compile d 'int a(void); int d(void); int d(void) { return a(); }'
sh "$check" "$room" house || { echo "a tree is no circle"; exit 1; }
compile c 'int a(void); int c(void); int c(void) { return a(); }'
said=$(sh "$check" "$room" house) && { echo "not noticed"; exit 1; }
for file in a upper/b c; do
    echo "$said" | grep -q "^  src/house/$file.c\$" || { echo "$said"; exit 1; }
done
echo "$said" | grep -q "^  src/house/d.c" && { echo "$said"; exit 1; }
echo "$said" | grep -q 'asks src/house/a.c for a$' || { echo "$said"; exit 1; }
exit 0
