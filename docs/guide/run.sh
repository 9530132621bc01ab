#!/usr/bin/env bash
# run.sh [--rewrite] [PAGE...] -- run the commands of the guide.
#
# A page's ```sh blocks run in order, in an empty folder of their own with
# nano/, the project's small model, and `trivium`, which is $TRIVIUM or the one
# of build/, in f32, so that words are the same on other processors. The ```text block behind one is what it printed: --rewrite writes
# it anew, else it is compared. Numbers and times differ from machine to machine
# and are not compared; words, names and the shape of tables are.
set -u
here=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$here/../.." && pwd)
: "${TRIVIUM:=$source/build/trivium}"
export TRIVIUM NO_COLOR=1 LC_ALL=C.UTF-8 COLUMNS=100
rewrite=false
if [ "${1:-}" = --rewrite ]; then
    rewrite=true
    shift
fi
[ $# -gt 0 ] || set -- "$here"/*.md
result=0
all=$(mktemp -d)
trap 'rm -rf "$all"' EXIT

# parts PAGE FOLDER: FOLDER/N.sh, the blocks of commands; FOLDER/N.text, what
# stands behind them, where there is something.
parts() {
    awk -v to="$2" '
    /^```sh$/ { n++; out = to "/" n ".sh"; printf "" >out; next }
    /^```text$/ { out = to "/" n ".text"; printf "" >out; next }
    /^```/ { out = ""; next }
    out { print >out }' "$1"
}

# write PAGE FOLDER: the page with FOLDER/N.got in its ```text blocks.
write() {
    awk -v from="$2" '
    /^```sh$/ { n++ }
    /^```$/ { skip = 0 }
    !skip { print }
    /^```text$/ {
        skip = 1
        while ((getline line < (from "/" n ".got")) > 0)
            print line
    }' "$1"
}

# What does not depend on the machine: no numbers, units of time and size, signs
# and widths of columns.
plain() {
    sed -E 's/[0-9][0-9,.]*/N/g; s/ (ns|µs|ms|s|min|h)\b/ T/g;
        s/ ([kMGT]?B|[kMGTP]FLOP)\b/ U/g; s/-N/N/g; s/N T( N T)+/N T/g;
        s/ +/ /g' "$1"
}

for page in "$@"; do
    room=$(mktemp -d -p "$all")
    mkdir "$room/parts" "$room/work"
    parts "$page" "$room/parts"
    ln -s "$source/models/nano" "$room/work/nano"
    (
        cd "$room/work" || exit 1
        trivium() { "$TRIVIUM" "$1" ${2+--precision f32} "${@:2}"; }
        for ((n = 1; ; n++)); do
            [ -e "$room/parts/$n.sh" ] || break
            # shellcheck disable=SC1090
            . "$room/parts/$n.sh" >"$room/parts/$n.got" 2>&1 </dev/null
            echo "$?" >"$room/parts/$n.status"
            # Of long work a line each half a minute: as many as it is slow.
            sed -i -E '/^[a-z]+: .* of .* left$/d' "$room/parts/$n.got"
        done
    )
    for got in "$room"/parts/*.got; do
        text=${got%.got}.text
        if [ "$(cat "${got%.got}.status")" != 0 ]; then
            echo "$page: a command failed:"
            cat "${got%.got}.sh" "$got"
            result=1
        elif ! $rewrite && [ -e "$text" ]; then
            diff <(plain "$text") <(plain "$got") || {
                echo "$page: what is printed has changed (see above)"
                result=1
            }
        fi
    done
    if $rewrite; then
        write "$page" "$room/parts" >"$room/new" && cat "$room/new" >"$page"
    fi
done
exit "$result"
