#!/bin/sh
# bench.sh -- `make bench`: training, scoring and sampling beside PyTorch.
#
# The shape of SmolLM2-135M with random weights, both sides on one folder, in
# turn, ROUNDS times; medians over the rounds and how far they lie apart. Each
# side is taken at its better precision. What is printed goes to OUT, too.
#
#   SHAPE=small ROUNDS=1 SECONDS_EACH=2 sh bench/bench.sh     a quick look
#   OUT               the folder for the model and the figures (out/bench)
#   TRIVIUM_PYTHON    a Python with torch, transformers and peft; none: without
set -eu
cd "$(dirname "$0")/.."
BUILD=${BUILD:-build}
SHAPE=${SHAPE:-smollm2-135m}
ROUNDS=${ROUNDS:-3}
SECONDS_EACH=${SECONDS_EACH:-6}
THREADS=${THREADS:-$(nproc)}
OUT=${OUT:-out/bench}
DIR=$OUT/$SHAPE
LOG=$OUT/$SHAPE.jsonl

# One environment for both sides: threads spin a little and then sleep, as the
# program has it by itself. Long spins make a machine with other work ten times
# slower; none at all costs a third of the rate of sampling.
OMP_NUM_THREADS=$THREADS
export OMP_NUM_THREADS
if [ -z "${OMP_WAIT_POLICY:-}" ]; then
    GOMP_SPINCOUNT=${GOMP_SPINCOUNT:-1000}
    export GOMP_SPINCOUNT
    waiting="GOMP_SPINCOUNT $GOMP_SPINCOUNT"
else
    export OMP_WAIT_POLICY
    waiting="OMP_WAIT_POLICY $OMP_WAIT_POLICY"
fi

find_python() {
    [ "${TRIVIUM_PYTHON:-}" != none ] || return 0
    for p in ${TRIVIUM_PYTHON:+"$TRIVIUM_PYTHON"} .venv/bin/python python3; do
        if "$p" -c 'import torch, transformers, peft' 2>/dev/null; then
            echo "$p"
            return
        fi
    done
}

machine() {
    awk -F': ' '/^model name/ {n = $2} /^flags/ {f = $2; exit}
        END {split(f, a, " "); s = ""
             for (i in a) if (a[i] ~ /^(avx2|avx512f|avx512_bf16|amx_bf16|amx_tile)$/) s = s " " a[i]
             printf "machine  %s;%s\n", n, s}' /proc/cpuinfo
    echo "cores    $(nproc), threads $THREADS, $waiting"
    load=$(cut -d' ' -f1 /proc/loadavg)
    echo "load     $load at the start"
    if awk "BEGIN {exit !($load > 1)}"; then
        echo "warning: other programs run here; trust the processor time per" \
             "token and the ratios, not the rates"
    fi
}

[ -x "$BUILD/bench_engine" ] || {
    echo "bench.sh: there is no $BUILD/bench_engine; run: make build" >&2
    exit 1
}
mkdir -p "$OUT"
[ -f "$DIR/model.safetensors" ] ||
    "$BUILD/bench_engine" make "$DIR" --shape "$SHAPE"
PYTHON=$(find_python)
: >"$LOG"
{
    machine
    if [ -n "$PYTHON" ]; then
        "$PYTHON" -c 'import torch, transformers, peft
print("beside   torch", torch.__version__ + ", transformers", transformers.__version__ + ", peft", peft.__version__)'
    else
        echo "PyTorch, transformers and PEFT are not installed: our figures alone"
        echo "(a Python that has them is named by TRIVIUM_PYTHON)"
    fi
} >"$OUT/$SHAPE.txt"
cat "$OUT/$SHAPE.txt"

round=1
while [ "$round" -le "$ROUNDS" ]; do
    for task in train score sample; do
        for precision in bf16 f32; do
            [ -t 2 ] && printf '\rround %s of %s: %s %s      ' \
                "$round" "$ROUNDS" "$task" "$precision" >&2
            "$BUILD/bench_engine" $task "$DIR" --precision $precision \
                --threads "$THREADS" --seconds "$SECONDS_EACH" >>"$LOG"
            [ -z "$PYTHON" ] || "$PYTHON" bench/bench_torch.py $task "$DIR" \
                --precision $precision --threads "$THREADS" \
                --seconds "$SECONDS_EACH" >>"$LOG" 2>>"$OUT/torch.log"
        done
        [ -z "$PYTHON" ] || [ $task != train ] ||
            "$PYTHON" bench/bench_torch.py $task "$DIR" --precision bf16 \
                --adapter bf16 --threads "$THREADS" \
                --seconds "$SECONDS_EACH" >>"$LOG" 2>>"$OUT/torch.log"
    done
    round=$((round + 1))
done
[ -t 2 ] && printf '\r%40s\r' '' >&2

awk -f bench/table.awk "$LOG" | tee -a "$OUT/$SHAPE.txt"
