# A LoRA learned from a reward, by each method; from given pairs; stopped and
# resumed; and what is refused. What a run says of numbers depends on rounding,
# so they are masked.
. "$SUPPORT/cli.sh"
need_tiny
cat >sums.jsonl <<'END'
{"prompt": "Say 1: ", "answer": "1"}
{"prompt": "Say 2: ", "answer": "2"}
{"prompt": "Say 3: ", "answer": "3"}
END
cat >pairs.jsonl <<'END'
{"prompt": "Hi", "chosen": "aaa", "rejected": "bbb"}
{"prompt": "Ho", "chosen": "aab", "rejected": "bba"}
{"prompt": "Hu", "chosen": "aab", "rejected": "aab"}
END
mask() { sed -E 's/-?[0-9]+(,[0-9]{3})*(\.[0-9]+)?(e-?[0-9]+)?/N/g'; }
learn() {
    echo "\$ $*"
    local rank=
    case "$*" in *"--to lora:"*) rank="--rank 2" ;; esac
    "$TRIVIUM" convert --model tiny $rank --max-tokens 8 --seed 4 "$@" \
        >out.txt 2>err.txt
    local status=$?
    grep -E '^(made|reward|KL|loss)' out.txt | mask
    grep -Ev ': [0-9,]+ [a-z]+ in |warning: (the reward (did not|fell)|all answers|the chosen|at the end|the student|step [0-9]+: the answers)' err.txt | mask
    echo "exit $status"
    echo
}
by=verifier:contains,inside=1,share=1,words='a|e|i|o|u'
common=(--steps 6 --batch 8 --group 4 --samples 24)
learn --from "$by" --to lora:dpo "${common[@]}"
tail -n 1 dpo/metrics.jsonl | mask
learn --from "$by" --to lora:ipo --loss ipo --pairing all --margin 0.1 "${common[@]}"
learn --from "$by" --to lora:bon --method bon "${common[@]}"
learn --from "$by" --to lora:tilt --method tilt "${common[@]}" --eval sums.jsonl
learn --from "$by" --to lora:grpo --method grpo "${common[@]}"
tail -n 1 grpo/metrics.jsonl | mask
learn --from "$by" --to lora:rloo --method grpo --advantage rloo --updates 2 "${common[@]}"
learn --from "$by" --to lora:gspo --method grpo --ratio sequence --loss grpo --clip-ratio 4e-4 "${common[@]}"
grep -h '"ratio"' gspo/trivium.json grpo/trivium.json
learn --from "$by" --to lora:ppo --method ppo "${common[@]}"
tail -n 1 ppo/metrics.jsonl | mask
learn --from base --pairs pairs.jsonl --to lora:given --steps 4 --batch 2
learn --from base --pairs pairs.jsonl --to lora:orpo --method orpo --steps 4 --batch 2
tail -n 1 orpo/metrics.jsonl | mask
grep -oE '"(loss|pairing|labels|sft_weight|label_smoothing)": *"?[a-z0-9.]*' orpo/trivium.json
for kind in adapter soft prefix; do
    learn --from "$by" --to $kind:$kind "${common[@]}"
done
learn --from base --pairs pairs.jsonl --to adapter:kept --steps 4 --batch 2
learn --from verifier:contains,inside=1,words=a --pairs pairs.jsonl --loss kto --to lora:marked --steps 4 --batch 2
grep -c '"edge": "reward->params"' marked/trivium.json
learn --from verifier:exact --to lora:flat --inputs sums.jsonl --group 2
[ -e flat ] || echo "nothing was made"
# What cannot be.
learn --from base --to lora:no
learn --from "$by" --to lora:no --method dqo
learn --from "$by" --to lora:no --loss grpo
learn --from "$by" --to lora:no --method grpo --loss ipo
learn --from "$by" --to lora:no --method grpo --batch 12
learn --from "$by" --to lora:no --method grpo --advantage rloo --ratio sequence
learn --from "$by" --to lora:no --method rloo --ratio sequence
learn --from "$by" --to lora:no --method bon --pairs pairs.jsonl
learn --from "$by" --to lora:no --loss hinge --labels soft
learn --from "$by" --to lora:no --loss orpo
learn --from "$by" --to lora:no --method orpo --loss ipo
learn --from "$by" --to lora:no --method orpo --sft-weight 1
learn --from "$by" --to lora:no --group 1
learn --from "$by" --to mix:no
learn --from base --pairs sums.jsonl --to lora:no
ls -d no no.run 2>/dev/null

# Stopped in the midst of a batch that several steps learn from, and resumed:
# the same bytes.
work=(convert --model tiny --from "$by" --method grpo --group 4 --batch 16
    --updates 3 --steps 250 --rank 2 --max-tokens 8 --samples 24 --seed 5)
"$TRIVIUM" "${work[@]}" --to lora:whole >log 2>&1 || cat log
set -m # so that a job in the background does not ignore the interrupt
"$TRIVIUM" "${work[@]}" --to lora:part >log 2>&1 &
job=$! done=0 tries=0
while [ "$done" -lt 10 ] && [ "$tries" -lt 3000 ]; do
    done=$(cat part.run/metrics.jsonl 2>/dev/null | wc -l)
    tries=$((tries + 1))
    sleep 0.01
done
kill -INT "$job"
wait "$job" 2>/dev/null
echo "stopped: exit $?"
"$TRIVIUM" "${work[@]}" --to lora:part --resume >log 2>&1 || cat log
cmp whole/adapter_model.safetensors part/adapter_model.safetensors &&
    echo "the same bytes"
