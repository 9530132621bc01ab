# Reward models: learned from pairs and from both sides of a prompt and of
# parameters, scored with, inspected, and refused.
. "$SUPPORT/cli.sh"
need_tiny
ln -s "$TRIVIUM_SOURCE/tests/golden/heads/tiny" made
cat >pairs.jsonl <<'END'
{"prompt": "Say it. ", "chosen": "Yes", "rejected": "No!"}
{"prompt": "Hm? ", "chosen": "Yes, yes", "rejected": "No no"}
{"chosen": "A good day", "rejected": "A bad day"}
{"prompt": "2+2=", "chosen": "4", "rejected": "5"}
END
cat >rows.jsonl <<'END'
{"prompt": "Say it. ", "completion": "Yes"}
{"prompt": "Say it. ", "completion": "No!"}
{"prompt": "2+2=", "completion": "4"}
END
# Times, bytes and FLOP differ by machine.
tame() {
    sed -E 's/^(took +)[^:]*:/\1TIME:/; s/about .*/about N/;
        s/^(memory +).*/\1N at most/; s/^(loss +)[0-9.]*/\1N/;
        s/by [-0-9.e]* on average/by N on average/; s/^(made .*, )[0-9.]+/\1N/'
}
head_of() { t --raw train -q --model tiny --data pairs.jsonl --to "$@" 2>&1 | tame; }
# One made by transformers.
t --raw score -q --model tiny --data rows.jsonl --adaptation made --precision f32
t inspect made | head -n 12
t generate --model tiny --adaptation head:made --best-of 3 --max-tokens 1 --seed 1 Hm |
    tail -n 2
t generate --model made Hm
# Made here, as a LoRA and as a folder.
head_of head:a --eval pairs.jsonl --steps 20 --lr 1e-2 --rank 2
head_of head:b --full --steps 5 --lr 1e-3 --save-as f32 --centre 0.01
for r in a head:b; do
    "$TRIVIUM" --raw score -q --model tiny --data pairs.jsonl --adaptation $r --json |
        grep -o '"accuracy":{"mean":[0-9.]*'
done
ls a b
"$TRIVIUM" --raw inspect a | head -n 6
grep -o '"accuracy": 1, "margin"' a/metrics.jsonl | tail -n 1
"$TRIVIUM" --raw train -q --model tiny --data pairs.jsonl --to head:c --steps 20 --lr 1e-2 \
    --rank 2 --batch 3 --checkpoint-every 5 >/dev/null
"$TRIVIUM" --raw train -q --model tiny --data pairs.jsonl --to head:d --steps 20 --lr 1e-2 \
    --rank 2 --batch 3 --checkpoint-every 5 >/dev/null
cmp c/adapter_model.safetensors d/adapter_model.safetensors && echo "the same seed, the same bytes"
# Edges.
edge() {
    t --raw convert -q --model tiny --from "$1" --to "$2" --samples 40 --max-tokens 4 \
        --steps 4 --batch 4 --rank 2 "${@:3}" 2>&1 | tame | 
        sed -E 's/^(ranks +).*/\1N/; s/^(work +)[^ ]*/\1N/'
}
tiny_lora z
edge "prompt:Say it. " head:e
edge "prompt:Say it. " head:f --against "prompt:Do not. "
edge lora:z head:g
edge lora:z head:h --method regress
ls -d e.run 2>&1
# Parameters that are easy to tell from the base: the head learns to.
for i in 1 2 3 4 5 6 7 8; do
    echo '{"prompt": "'$i'", "completion": "aaaa"}'
done >a.jsonl
"$TRIVIUM" --raw train -q --model tiny --data a.jsonl --to lora:aaaa --steps 100 --lr 2e-2 >/dev/null
"$TRIVIUM" --raw convert -q --model tiny --from lora:aaaa --to head:ranks --samples 800 \
    --max-tokens 6 --steps 120 --lr 1e-2 --json >ranks.json
number() { sed 's/.*"'"$1"'"://; s/,.*//' ranks.json; }
awk -v a="$(number accuracy)" \
    'BEGIN { print (a >= 0.75 ? "held-out pairs are ranked right" : "accuracy " a) }'
# 400 are of both sides; each side's own come beside them.
awk -v n="$(($(number pairs) + $(number held_out)))" \
    'BEGIN { print (n > 400 && n <= 800 ? "both kinds of pairs" : "pairs " n) }'
"$TRIVIUM" --raw inspect g --json | grep -o '"\(params->reward\|prompt->params\|head\|lora:z\)"' | sort -u
scores() { "$TRIVIUM" --raw score -q --model tiny --data rows.jsonl --adaptation "$1" --json; }
scores g >g.json
scores sum:0.5*head:g+0.5*head:g | cmp g.json - && echo "half and half is whole"
# And on: what was trained becomes a LoRA, alone and in a sum.
back() { edge "$1" "lora:$2" --group 4 | grep -v "^\(KL\|reward\)"; }
back a back
back sum:0.5*head:b+0.5*head:a back-sum
ls back back-sum
t --raw convert -q --model tiny --from lora:z --to head:x --against prompt:y
t --raw convert -q --model tiny --from lora:z --to head:x --method ratio
t --raw convert -q --model tiny --from lora:z --to head:x --samples 1
# What cannot be.
head_of lora:x --full
head_of head:a
t --raw train -q --model tiny --data rows.jsonl --to head:x
t --raw score -q --model tiny --data rows.jsonl --adaptation head:tiny
t --raw score -q --model tiny --data rows.jsonl --adaptation head:z
t --raw score -q --model tiny --data rows.jsonl --adaptation lora:a
t --raw score -q --model tiny --data rows.jsonl --adaptation made --tokens
t --raw score -q --model other --data rows.jsonl --adaptation a
t generate --model tiny --adaptation made --act guided Hm
printf '{"prompt": "x", "completion": "%0200d"}\n' 0 >long.jsonl
t --raw score -q --model tiny --data long.jsonl --adaptation made
