#!/bin/sh
# check_architecture.sh [ROOT] -- what the documents say of the tree is so:
#
#   - every path in them exists;
#   - every function() that ARCHITECTURE.md names is there, and where it stands
#     behind a file, as in `src/a/b.c`: `f()`, that file defines it;
#   - its table of edges names the methods of src/transform/edges/, no others;
#   - in its table "How to add", where a row names "the last: `X`", the files of
#     src/ and include/ that are listed are those that name X.
set -eu
root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$root"
export LC_ALL=C
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
said=$room/said
text=$room/architecture
tr '\n' ' ' <ARCHITECTURE.md | tr -s ' ' >"$text"

# ---- paths: from the root, or the end of one; bare names of sources, too
find -L .ci bench cmake docs include models recipes src tests tools -type f |
    sort >"$room/files"
top='^(\.ci|bench|cmake|docs|include|models|recipes|src|tests|tools)/'
for file in ARCHITECTURE.md CONTRIBUTING.md README.md docs/dependencies.md \
    docs/models.md; do
    names=$top
    [ "$file" != ARCHITECTURE.md ] || names="$top|\.(c|h|def|sh|py)$"
    # One with a * or NAME in it stands for many.
    grep -oE '[A-Za-z0-9_./*-]+' "$file" | sed 's/[./]*$//' |
        grep -E "$names" | grep -v -e '\*' -e NAME | sort -u |
        while IFS= read -r path; do
            [ -e "$path" ] || grep -q -F -x -e "./$path" "$room/files" ||
                grep -q -E "/$(echo "$path" | sed 's/\./\\./g')\$" \
                    "$room/files" ||
                echo "$file: there is no $path"
        done
done >"$said"

# ---- functions
grep -oE '[a-z_0-9]+\(\)' ARCHITECTURE.md | sort -u | tr -d '()' |
    while IFS= read -r name; do
        grep -rqE "(^|[^A-Za-z0-9_])$name\(" src include ||
            echo "ARCHITECTURE.md: no function $name()"
    done >>"$said"
grep -oE '`src/[a-z_0-9/]+\.c`: `[a-z_0-9]+\(\)`' "$text" | tr -d '`:()' |
    while read -r file name; do
        [ ! -f "$file" ] || grep -qE "^$name\(" "$file" ||
            echo "ARCHITECTURE.md: $file defines no $name()"
    done >>"$said"

# ---- methods
sed -n '/^## The triangle/,/^## /s/^|.*|\(.*\)|$/\1/p' ARCHITECTURE.md |
    grep -oE '`[a-z]+`' | tr -d '`' | sort -u >"$room/told"
cat src/transform/edges/*.c src/transform/policy/policy_method.h |
    sed -n 's/.*[{ ]\.name = "\([a-z]*\)".*/\1/p' | sort -u >"$room/are"
comm -23 "$room/told" "$room/are" |
    sed 's/^/ARCHITECTURE.md: no edge has the method /' >>"$said"
comm -13 "$room/told" "$room/are" |
    sed 's/^/ARCHITECTURE.md: the table of edges lacks the method /' >>"$said"

# ---- what was added last: rows "| **A thing (the last: `X`)** | files | ..."
sed -n '/^## How to add/,$p' ARCHITECTURE.md | awk -F'|' '
/^\|/ {
    if (match($2, /the last: `[a-z0-9_]+`/))
        last = substr($2, RSTART + 11, RLENGTH - 12)
    else if ($2 ~ /[^ ]/)
        last = ""
    n = last == "" ? 0 : split($3, word, "`")
    for (i = 2; i <= n; i += 2)
        if (word[i] ~ /^(src|include)\//)
            print last, word[i]
}' | sort -u >"$room/rows"
[ "$(cut -d' ' -f1 "$room/rows" | sort -u | grep -c .)" -ge 3 ] ||
    echo "ARCHITECTURE.md: 'How to add' names fewer than three that were last" \
        >>"$said"
for last in $(cut -d' ' -f1 "$room/rows" | sort -u); do
    sed -n "s/^$last //p" "$room/rows" >"$room/listed"
    grep -rliE "(^|[^A-Za-z0-9])$last([^A-Za-z0-9]|\$)" src include | sort \
        >"$room/named" || :
    comm -23 "$room/listed" "$room/named" |
        sed "s/\$/ is listed for $last and does not name it/" >>"$said"
    comm -13 "$room/listed" "$room/named" |
        sed "s/\$/ names $last and is not listed for it/" >>"$said"
done
cat "$said"
[ ! -s "$said" ]
