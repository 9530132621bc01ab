# Rows of text: the log-probability of all their tokens, and the perplexity of
# all rows; and log-probabilities in place of ratios.
. "$SUPPORT/cli.sh"
need_tiny
printf '{"text": "Say it again."}\n{"text": "Once: \303\251"}\n' >texts.jsonl
printf '{"prompt": "Say", "completion": " it."}\n' >answers.jsonl
score() { "$TRIVIUM" score -q --model tiny --precision f32 "$@"; }
# "KEY": VALUE of the first JSON object that has it.
value() { grep -o "\"$1\":[-0-9.e]*" "$2" | head -n 1 | sed 's/.*://'; }
near() {
    awk -v a="$2" -v b="$3" -v name="$1" \
        'BEGIN { print name, (a - b) ^ 2 < 1e-8 ? "agree" : a " " b }'
}
score -a base -d texts.jsonl | sed 's/-*[0-9]*\.[0-9]*/N/g; s/mean .*/mean/'
score -a base -d texts.jsonl --json >base.json
grep -o '"[a-z_]*":' base.json | sort | uniq -c
near "the perplexity of the sum" "$(value token base.json)" "$(awk -F'[:,]' '
    /"row"/ { for (i = 1; i < NF; i++) {
        if ($i == "\"score\"") s += $(i + 1)
        if ($i == "\"n_tokens\"") n += $(i + 1) } }
    END { printf "%.12f", exp(-s / n) }' base.json)"
# A text is what BOS or EOS is continued by, and ends without an end.
score -a base -d texts.jsonl --tokens --json | grep -o '"text":"[^"]*"' |
    tr -d '\n'
echo
# Under an adaptation it is the log-probability, not a ratio.
score -a "prompt:Hm. " -d texts.jsonl --json >under.json
printf '{"prompt": "Hm. ", "completion": "Say it again."}\n' >after.jsonl
score -a base -d after.jsonl --no-eos --raw --json >after.json
near "a prompt" "$(value score under.json)" "$(value score after.json)"
score -a "prompt:Hm. " -d answers.jsonl --as logp --json >logp.json
score -a "prompt:Hm. " -d answers.jsonl --logp --json | cmp - logp.json
score -a "prompt:Hm. " -d answers.jsonl --json | cmp -s - logp.json ||
    echo "a ratio is another"
echo "== refused"
no() { t score -q --model tiny "$@"; }
no -a verifier:number -d texts.jsonl
cat texts.jsonl answers.jsonl >both.jsonl
no -a base -d both.jsonl
no -a base -d texts.jsonl --as logit
no -a verifier:number -d answers.jsonl --as logp
