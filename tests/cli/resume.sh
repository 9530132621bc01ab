# Ctrl-C in a conversion, then --resume: the same bytes as without a stop.
. "$SUPPORT/cli.sh"
need_tiny
run() {
    "$TRIVIUM" convert --model tiny --from "prompt:Say it again." \
        --samples 32 --max-tokens 16 --steps 400 --batch 4 --rank 4 --seed 5 \
        "$@" >>log 2>&1
}
run --to lora:whole || { cat log; exit 1; }
stopped=0
set -m # so that a job in the background does not ignore the interrupt
for wait in 0.1 0.3 0.6; do
    rm -rf part*
    run --to lora:part &
    job=$!
    sleep "$wait"
    kill -INT "-$job" 2>/dev/null
    wait "$job"
    status=$?
    if [ "$status" -eq 0 ]; then
        continue # it was faster than the wait
    fi
    [ "$status" -eq 130 ] || echo "exit $status"
    [ ! -e part ] || echo "stopped, yet there"
    stopped=$((stopped + 1))
    run --to lora:part --resume || { tail log; echo "cannot resume"; }
    cmp whole/adapter_model.safetensors part/adapter_model.safetensors ||
        echo "stopped after $wait s: other bytes"
done 2>/dev/null
[ "$stopped" -gt 0 ] && echo "was stopped, resumed, and gave the same bytes"
ls -d part* | grep -v '^part$'
true
