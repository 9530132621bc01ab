#!/bin/sh
# fuzz.sh PROGRAM -- run one fuzz target for FUZZ_SECONDS (60) from its corpus in
# the tree. New inputs, and one that fails, go to out/fuzz/, so the tree changes
# only when someone copies them.
set -eu
program=$1
what=$(basename "$program")
what=${what#fuzz_}
cd "$(dirname "$0")/.."
found=out/fuzz/$what
mkdir -p "$found"
"$program" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=10 \
    -rss_limit_mb=2048 -print_final_stats=1 -artifact_prefix="$found/crash-" \
    "$found" "tests/fuzz/corpus/$what"
