#!/usr/bin/env bash
# run.sh [--rewrite] SCRIPT... -- run tests of the command line.
#
# Each script runs in an empty folder with $TRIVIUM, the program. What it
# prints and its exit status must equal SCRIPT's .stdout, .stderr and .exit;
# --rewrite writes these anew, for review with git diff. Exit 77: skipped.
set -u
support=$(cd "$(dirname "$0")" && pwd)
source=$(cd "$support/../../.." && pwd)
: "${TRIVIUM_SOURCE:=$source}"
: "${TRIVIUM:=$source/build/trivium}"
: "${TRIVIUM_ASSETS:=$source/../shared/assets}"
: "${PTY:=${TRIVIUM_BUILD:-$source/build}/pty}"
export TRIVIUM_SOURCE TRIVIUM TRIVIUM_ASSETS PTY
export OMP_WAIT_POLICY=passive # threads that spin starve a busy machine
export HF_HUB_CACHE=/no/hub    # what is not in it is the same everywhere
export NO_COLOR=1 TERM=dumb LC_ALL=C SUPPORT="$support"
rewrite=false
if [ "${1:-}" = --rewrite ]; then
    rewrite=true
    shift
fi
result=0
for script in "$@"; do
    script=$(cd "$(dirname "$script")" && pwd)/$(basename "$script")
    want=${script%.sh}
    room=$(mktemp -d)
    got=$(mktemp -d)
    (cd "$room" && bash "$script" >"$got/stdout" 2>"$got/stderr" </dev/null)
    status=$?
    echo "$status" >"$got/exit"
    # An estimate of time is the machine's of the moment.
    sed -E -i 's/about ([0-9.]+|N) (s|min|h)\b/about TIME/g' \
        "$got/stdout" "$got/stderr"
    rm -rf "$room"
    if [ "$status" -eq 77 ]; then
        echo "skipped: $(tail -n 1 "$got/stderr")"
        [ "$result" -ne 0 ] || result=77
    elif $rewrite; then
        for part in stdout stderr exit; do
            cp "$got/$part" "$want.$part"
        done
    else
        for part in stdout stderr exit; do
            diff -u "$want.$part" "$got/$part" || result=1
        done
    fi
    rm -rf "$got"
done
exit "$result"
