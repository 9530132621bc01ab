# The benchmarks run to their end, with a run for each figure: the operators, and
# the engine without PyTorch, whose rows the table has where they are there.
room=$(mktemp -d)
trap 'rm -rf "$room"' EXIT
export BENCH_RUNS=1
"$TRIVIUM_BUILD/bench_ops" 2 >"$room/ops" || exit 1
for line in qkv head tiny attention "norm backward" Jensen-Shannon; do
    grep -q "^$line" "$room/ops" ||
        { echo "bench_ops: no line '$line'"; cat "$room/ops"; exit 1; }
done

TRIVIUM_PYTHON=none OUT=$room/out BUILD=$TRIVIUM_BUILD SHAPE=small ROUNDS=1 \
    SECONDS_EACH=0 sh "$TRIVIUM_SOURCE/bench/bench.sh" >"$room/shown" || exit 1
for text in "not installed: our figures alone" "^train   trivium  bf16" \
    "^sample  trivium  f32"; do
    grep -q "$text" "$room/shown" ||
        { echo "bench.sh: no '$text'"; cat "$room/shown"; exit 1; }
done
log=$room/out/small.jsonl
[ "$(grep -c '"side": "trivium"' "$log")" -eq 6 ] || exit 1

# Beside a side that is as fast, every ratio is one.
sed 's/"trivium"/"torch"/' "$log" | cat "$log" - >"$room/both"
awk -f "$TRIVIUM_SOURCE/bench/table.awk" "$room/both" >"$room/table" || exit 1
[ "$(grep -c '^[a-z]* *1\.00x .* 1\.00x .* 1\.00x' "$room/table")" -eq 3 ] ||
    { cat "$room/table"; exit 1; }

if BUILD=$room/nowhere sh "$TRIVIUM_SOURCE/bench/bench.sh" 2>"$room/err"; then
    exit 1
fi
grep -q "no $room/nowhere/bench_engine; run: make build" "$room/err"
