#!/bin/sh
# check_models.sh [ROOT] -- docs/models.md says what the tests show:
#
#   - each family of FAMILIES and each type of DTYPE_LIST has its one row there,
#     no other has one, and no cell of a row is empty;
#   - each `test_...`, `cli_...` and path that it names exists.
set -eu
root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$root"
export LC_ALL=C
page=docs/models.md
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
said=$room/said

# list FILE MACRO: the first argument of each X( of a macro
list() {
    sed -n "/^#define $2(X)/,/[^\\\\]\$/p" "$1" |
        sed -n 's/^ *X(\([A-Za-z0-9_]*\).*/\1/p' | sort
}
# rows TITLE: the first cells, in `marks`, of the table of such a title
rows() {
    awk -v title="| $1 |" '
        index($0, title) == 1 { inside = 1 }
        !/^\|/ { inside = 0 }
        inside && /^\| `/ { split($0, part, "`"); print part[2] }' "$page" | sort
}
# compare WHAT FILE MACRO
compare() {
    list "$2" "$3" >"$room/are"
    rows "$1" >"$room/told"
    [ -s "$room/are" ] || echo "$2: no list $3"
    comm -23 "$room/are" "$room/told" | sed "s,^,$page: no row for the $1 ,"
    comm -13 "$room/are" "$room/told" | sed "s,^,$page: there is no $1 ,"
}
{
    compare family src/model/files/family.h FAMILIES
    compare type src/backend/tensor.h DTYPE_LIST
    grep -nE '^\| `.*\| *\|' "$page" | sed "s,^,$page: an empty cell: ," || :
    grep -oE '`(test|cli|house)_[a-z0-9_]+`' "$page" | tr -d '`' | sort -u |
        while IFS= read -r name; do
            case $name in
            cli_* | house_*) [ -e "tests/${name%%_*}/${name#*_}.sh" ] ;;
            *)
                [ -e "tests/unit/$name.c" ] ||
                    grep -qE "^$name\(" tests/unit/*.c
                ;;
            esac || echo "$page: there is no test $name"
        done
    grep -oE '`(tests|tools)/[^ `]+`' "$page" | tr -d '`' | sort -u |
        while IFS= read -r path; do
            [ -e "$path" ] || echo "$page: there is no $path"
        done
} >"$said"
cat "$said"
[ ! -s "$said" ]
