#!/usr/bin/env bash
# run.sh [--rewrite] [PAGE...] -- run the commands of the guide.
#
# A page's ```sh blocks run in order, in an empty folder of their own with
# nano/, the project's small model, and `trivium`, which is $TRIVIUM or the one
# of build/, with --precision f32 added to every command: in bf16 texts differ
# between processors. The ```text block behind one is what it printed: --rewrite
# writes it anew, else it is compared. Words, names and the shape of tables must
# be the same, times, sizes and rates only be there, and each other number agree
# within a band; see bands().
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

# Without what the machine decides: times, sizes of memory and files, work,
# rates, whether a token takes more time or less, and widths of columns.
steady() {
    sed -E 's/[0-9][0-9,.]* [a-z]+\/s\b/R/g
        s/[0-9][0-9,.]* (ns|µs|ms|s|min|h)\b/T/g; s/T( T)+/T/g
        s/(takes T) (more|less)/\1 more/
        s/[0-9][0-9,.]* ([kMGT]?B|[kMGTP]?FLOP)\b/U/g; s/ +/ /g' "$1"
}

number='-?[0-9][0-9,.]*( ± [0-9][0-9.]*)?'
words() { steady "$1" | sed -E "s/$number/N/g"; }
numbers() { steady "$1" | grep -oE -e "$number"; }

# bands TEXT GOT: the numbers that are too far from what the page says. On one
# instruction set f32 gives the same ones; others add up in another order, which
# sampling and training amplify. So a figure may move by its own standard error
# where it has one (more would be another result), and any other by a twentieth,
# or by two of its last digits where these are coarser.
bands() {
    paste -d '|' <(numbers "$1") <(numbers "$2") | awk -F '|' '
    {
        gsub(",", "")
        split($1, want, " ± "); split($2, got, " ± ")
        digit = index(want[1], ".")
        digit = digit ? 10 ^ (digit - length(want[1])) : 1
        band = want[1] < 0 ? -want[1] / 20 : want[1] / 20
        if (want[1] ~ /^[0-9]+$/ && digit == 1)
            digit = 0 # counts are no roundings
        if (want[2] > 0)
            band = want[2]
        if (band < 2 * digit)
            band = 2 * digit
        off = want[1] - got[1]
        if (off > band * 1.000001 || -off > band * 1.000001) {
            printf "%s is %s now\n", $1, $2
            bad = 1
        }
    }
    END { exit bad }'
}

for page in "$@"; do
    room=$(mktemp -d -p "$all")
    mkdir "$room/parts" "$room/desk"
    parts "$page" "$room/parts"
    ln -s "$source/models/nano" "$room/desk/nano"
    (
        cd "$room/desk" || exit 1
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
            { diff <(words "$text") <(words "$got") && bands "$text" "$got"; } || {
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
