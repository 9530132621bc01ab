# The token that ends the template's turn ends sampling, though no file calls it
# an EOS: a model that has learned `x<|end|>` stops there, wherever it answers.
. "$SUPPORT/cli.sh"
need_tiny
mkdir base
cp tiny/* base
chmod u+w base/*
sed -i 's#</s>#<|end|>#g' base/tokenizer.json
sed -i 's/"eos_token_id": 257/"eos_token_id": 0/' base/*config.json
cat >base/tokenizer_config.json <<'JSON'
{"bos_token": "<s>",
 "chat_template": "{% for m in messages %}{{ '<s>' if loop.first }}{{ m['role'] }}: {{ m['content'] }}<|end|>{% endfor %}{% if add_generation_prompt %}assistant: {% endif %}"}
JSON
for word in Hi Once No Say; do
    echo '{"messages": [{"role": "user", "content": "'$word'"},
        {"role": "assistant", "content": "x"}]}' | tr -d '\n'
    echo
done >d.jsonl
"$TRIVIUM" train -q --model base --data d.jsonl --to full:model --steps 60 \
    --batch 4 --lr 0.03 >/dev/null || echo "exit $?"
greedy() {
    t "$@" --model model --temperature 0 --max-tokens 8
}
greedy generate --chat Hi
greedy generate --chat --json Once | grep -o '"\(tokens\|finish\|ended\|text\)[a-z_]*":[^,}]*'
echo "== what ends a turn is no word of it: a prompt without a chat stops, too"
greedy generate "<s>user: Hi<|end|>assistant: "
echo "== chat"
printf 'Hi\nOnce\n' | "$TRIVIUM" chat -q --model model --temperature 0 --max-tokens 8
echo "== the answers that a conversion draws"
echo '{"messages": [{"role": "user", "content": "Hi"}]}' >in.jsonl
"$TRIVIUM" convert -q --model model --from verifier:length,hi=3 --to lora:z \
    --method grpo --inputs in.jsonl --steps 1 --batch 4 --group 4 --rank 1 \
    --max-tokens 8 --allow-diverged >/dev/null || echo "exit $?"
grep -o '"completions/mean_length": [0-9.]*' z/metrics.jsonl
