#!/bin/sh
# check_includes.sh [ROOT] -- each folder of src/ includes only itself and those
# below it, and so do the rooms inside src/transform; the command line sees
# nothing of the inside; stems are unique.
set -eu
root=${1:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$root"
find src -name '*.[ch]' | sort | while IFS= read -r file; do
    # FILE:LINE:NAME of each quoted or pointed include
    sed -n 's/^[[:space:]]*#[[:space:]]*include[[:space:]]*\(["<][^">]*\)[">].*/\1/p' \
        "$file" | while IFS= read -r name; do
        printf '%s %s\n' "$file" "$name"
    done
done | awk '
BEGIN {
    n = split("base backend text model adapt learn transform measure task triangle api serve cli",
              order, " ")
    for (i = 1; i <= n; i++)
        rank[order[i]] = i
    # Inside transform, from the tools that all share up to the door. Families
    # of methods stand side by side and know nothing of one another.
    split("job method answers answer_rewards lengths link_budget", order, " ")
    for (i in order)
        level[order[i]] = 1
    level["search"] = 2
    split("imitate policy head demos evolve token_search views", order, " ")
    for (i in order)
        level[order[i]] = 3
    level["edges"] = 4
    level["convert"] = 5
    level["chain"] = 6
}
# The room, or the stem of a file beside the rooms.
function room(path,    at) {
    split(path, at, "/")
    sub(/\..*/, "", at[2])
    return at[2]
}
function check_transform(file, name,    from, to) {
    from = room(substr(file, 5))
    to = room(name)
    if (!(from in level) || !(to in level))
        complain("is in no order of transform: tools/check_includes.sh")
    else if (from != to && level[to] > level[from])
        complain("runs upward inside transform, from " from " to " to)
    else if (from != to && level[from] == 3 && level[to] == 3)
        complain("a family of methods includes another, " to)
}
function complain(why) {
    printf "%s: includes %s: %s\n", $1, substr($2, 2), why
    bad = 1
}
{
    split($1, at, "/")
    from = at[2]
    name = substr($2, 2)
    folder = name
    sub(/\/.*/, "", folder)
    if (!(from in rank)) {
        printf "%s: the folder is not in the order of the house\n", $1
        bad = 1
    } else if ($2 ~ /^</) {
        if (folder in rank && name ~ /\//)
            complain("inside headers are quoted")
    } else if (name ~ /\.\./ || name !~ /\//) {
        complain("write the path from src/")
    } else if (!(folder in rank)) {
        complain("no such folder in the house")
    } else if (rank[folder] > rank[from]) {
        complain("runs upward, from " from " to " folder)
    } else if (from == "transform" && folder == from) {
        check_transform($1, name)
    } else if (from == "cli" && folder != "cli") {
        complain("the command line uses the public headers only")
    }
}
END { exit bad }'
# x.c and x.h share a folder; the same stem in two folders is one too many.
# a/x.inc.h and the like count by what stands before the first dot.
duplicates=$(find src -name '*.[ch]' |
    sed 's,\(.*\)/\([^/.]*\)\.[^/]*$,\2 \1,' | sort -u |
    awk '{ n[$1]++; at[$1] = at[$1] " " $2 }
         END { for (s in n) if (n[s] > 1) print "stem " s " is in" at[s] }')
if [ -n "$duplicates" ]; then
    echo "$duplicates"
    exit 1
fi
