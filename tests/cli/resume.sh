# Ctrl-C in a conversion, then --resume: the same bytes as without a stop.
. "$SUPPORT/cli.sh"
need_tiny
work=(convert --model tiny --from "prompt:Say it again." --samples 16
    --max-tokens 16 --steps 500 --batch 4 --rank 4 --checkpoint-every 150
    --seed 5)
run() {
    "$TRIVIUM" "${work[@]}" "$@" >>log 2>&1
}
run --to lora:whole || cat log

# stop SIGNAL STEPS: begin, and send the signal once so many steps are done.
stop() {
    rm -rf part part.run
    "$TRIVIUM" "${work[@]}" --to lora:part >>log 2>&1 &
    local job=$! done=0 tries=0
    while [ "$done" -lt "$2" ] && [ "$tries" -lt 3000 ]; do
        done=$(cat part.run/metrics.jsonl 2>/dev/null | wc -l)
        tries=$((tries + 1))
        sleep 0.01
    done
    kill "-$1" "$job"
    wait "$job" 2>/dev/null
    echo "$1: exit $?, $([ -e part ] && echo there || echo nothing there)"
}
same() {
    cmp whole/adapter_model.safetensors part/adapter_model.safetensors &&
        echo "the same bytes"
}
set -m # so that a job in the background does not ignore the interrupt
stop INT 20
grep -c -- --resume log # the sentence says how to go on
run --to lora:part --resume || tail -n 3 log
same
stop TERM 170
run --to lora:part --resume || tail -n 3 log
same
# Killed outright, what the last checkpoint holds is enough.
stop KILL 170
run --to lora:part --resume || tail -n 3 log
same
