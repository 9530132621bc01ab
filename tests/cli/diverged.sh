# A run whose loss rises is not saved unless one asks for it, and is saved then
# without another step.
. "$SUPPORT/cli.sh"
need_tiny
cat >rows.jsonl <<'TXT'
{"prompt": "say ", "completion": "it again"}
{"prompt": "ask ", "completion": "me why"}
{"prompt": "one ", "completion": "two three"}
TXT
# Whatever the numbers are, they are another machine's, too.
run() {
    "$TRIVIUM" --raw "$@" >log 2>&1
    echo "exit $?"
    sed -n 's/ from [0-9.e+]* to [0-9.e+]*/ from A to B/
        s/(+- [0-9.e-]*)/(+- E)/g
        s/ from [0-9.e-]* (+- E) to [0-9.e-]*/ from A to B/
        s/first step to [0-9.e+]*/first step to C/
        /diverged/p' log
}
steps() {
    if [ -e "$1" ]; then
        echo "saved" && wc -l <"$1/metrics.jsonl"
    else
        echo "nothing saved" && wc -l <"$1.run/metrics.jsonl"
    fi
}
# A model that knows the rows: one that knows nothing can hardly do worse.
"$TRIVIUM" --raw train --model tiny --from-scratch --data rows.jsonl --to full:m \
    --steps 120 --batch 3 --lr 1e-2 --save-as f32 --quiet >log 2>&1 || cat log
work=(train --model m --data rows.jsonl --to lora:a --steps 20 --rank 4)

echo "== train"
run "${work[@]}" --lr 10
steps a
run "${work[@]}" --lr 10 --resume
steps a
run "${work[@]}" --lr 10 --resume --allow-diverged
steps a
run "${work[@]}" --replace
steps a

echo "== convert"
work=(convert --model m --from "prompt:say " --samples 32 --max-tokens 8
    --steps 20 --batch 4 --rank 4)
for method in distill sft; do
    run "${work[@]}" --method "$method" --to "lora:$method" --lr 10
    steps "$method"
    run "${work[@]}" --method "$method" --to "lora:$method" --lr 10 \
        --resume --allow-diverged
    steps "$method"
done
run "${work[@]}" --to lora:good
steps good

echo "== a reward that falls"
echo '{"prompt": "say "}' >in.jsonl
work=(convert --model m --from "verifier:regex,pattern=^it again" --inputs in.jsonl
    --method grpo --steps 12 --batch 16 --group 8 --max-tokens 12 --rank 4
    --to lora:down)
run "${work[@]}" --lr 10
steps down
run "${work[@]}" --lr 10 --resume --allow-diverged
steps down
