# .ci/run: every stage runs, is counted, and fails the whole when it fails. A
# small script plays make; nothing is built.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
mkdir "$room/bin"
play() { # play SCRIPT: what make does from now on
    printf '#!/bin/sh\necho "$1" >>"%s/called"\n%s\n' "$room" "$1" \
        >"$room/bin/make"
    chmod +x "$room/bin/make"
    rm -f "$room/called"
}
want() { # want STATUS COUNTS: of a run of all stages
    PATH="$room/bin:$PATH" "$TRIVIUM_SOURCE/.ci/run" >"$room/out" 2>&1
    status=$?
    if [ "$status" -ne "$1" ] || [ "$(tail -n 1 "$room/out")" != "$2" ] ||
        [ "$(tr '\n' ' ' <"$room/called")" != "test clang asan fuzz " ]; then
        echo "wanted exit $1, '$2' and all stages; exit $status:"
        cat "$room/called" "$room/out"
        exit 1
    fi
}
two='echo "  1/9 Test  #1: test_a ......   Passed    0.01 sec"
echo "10/12 Test #12: cli_b ......***Skipped   0.10 sec"'
play "$two"
want 0 "4 passed, 0 failed, 4 skipped"

# A test fails.
play "$two"'
[ "$1" != asan ] || {
    echo "  3/9 Test  #3: test_c ......***Failed    0.01 sec"
    exit 2
}'
want 1 "4 passed, 1 failed, 4 skipped"

# A stage fails before its tests: it does not build, or clang is not there.
play '[ "$1" != clang ] || { echo "no clang" >&2; exit 2; }
'"$two"
want 1 "3 passed, 1 failed, 3 skipped"
grep -q '^no clang$' "$room/out" &&
    grep -q '^== stage clang failed after [0-9]* s$' "$room/out"
