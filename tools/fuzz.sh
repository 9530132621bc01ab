#!/bin/sh
# fuzz.sh BUILD SECONDS -- run each fuzz target from the corpus in the tree. New
# inputs go to out/fuzz/, so the tree changes only when someone copies them.
set -eu
cd "$(dirname "$0")/.."
build=$1
seconds=$2
for source in tests/fuzz/fuzz_*.c; do
    name=$(basename "$source" .c)
    corpus=tests/fuzz/corpus/${name#fuzz_}
    found=out/fuzz/${name#fuzz_}
    mkdir -p "$found"
    echo "== $name: $seconds s"
    "$build/$name" -max_total_time="$seconds" -timeout=10 -rss_limit_mb=2048 \
        -print_final_stats=1 -artifact_prefix="$found/crash-" \
        "$found" "$corpus"
done
