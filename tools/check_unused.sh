#!/bin/sh
# check_unused.sh BUILD LIST [ROOT] -- every symbol that a file of src/ shows to
# others is asked for by another file of src/. What only tests ask for, or
# nobody, not even its own file, stands in LIST with a reason: "NAME  reason".
set -eu
build=$1
list=$(cd "$(dirname "$2")" && pwd)/$(basename "$2")
root=${3:-$(cd "$(dirname "$0")/.." && pwd)}
cd "$build/CMakeFiles"
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
# A build keeps the objects of files that have gone or moved.
objects() {
    for object in $(find "$@" -name '*.c.o' 2>/dev/null); do
        [ ! -f ../compile_commands.json ] ||
            grep -q "/$object " ../compile_commands.json || continue
        echo "$object"
    done
}
# shellcheck disable=SC2046 # names of objects have no blanks
nm -A -g $(objects trv_objects.dir trv_isa_*.dir trv_cli_objects.dir \
    trivium_cli.dir) >"$room/src"
# shellcheck disable=SC2046
nm -A -g $(objects trv_test_support.dir test_*.dir fuzz_*.dir bench_*.dir) \
    >"$room/tests"
awk -v list="$list" -v root="$root" '
# How many lines of the file of a symbol name it.
function lines(file, name,    text, n) {
    n = 0
    while ((getline text < (root "/" file)) > 0)
        if (text ~ ("(^|[^A-Za-z0-9_])" name "($|[^A-Za-z0-9_])"))
            n++
    close(root "/" file)
    return n
}
BEGIN {
    while ((getline line < list) > 0)
        if (line ~ /^[^#]/) {
            split(line, word, " ")
            listed[word[1]] = line ~ /^[^ ]+ +[^ ]/
        }
}
$NF ~ /^(__(odr_)?asan|trv_|main$)/ { next }
$(NF - 1) == "U" {
    if (FILENAME ~ /src$/)
        used[$NF] = 1
    else
        tested[$NF] = 1
    next
}
FILENAME ~ /src$/ && $(NF - 1) ~ /^[A-Z]$/ {
    file = $1
    sub(/\.o:.*/, "", file)
    sub(/.*\.dir\//, "", file)
    home[$NF] = file
}
END {
    for (name in home) {
        if (name in used || (!(name in tested) && lines(home[name], name) > 1))
            continue
        found[name] = 1
        if (listed[name])
            continue
        print home[name] ": " name " is used by " \
            (name in tested ? "tests alone" : "nobody")
        bad = 1
    }
    for (name in listed)
        if (!(name in found)) {
            print name " is listed and " \
                (name in home ? "used by the program" : "not there")
            bad = 1
        }
    exit bad
}' "$room/src" "$room/tests" | sort >"$room/said"
cat "$room/said"
[ ! -s "$room/said" ]
