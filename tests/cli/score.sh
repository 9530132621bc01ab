# Scores of given answers: each kind of reward, pairs, tokens, and refusals.
. "$SUPPORT/cli.sh"
need_tiny
cat >sums.jsonl <<'END'
{"prompt": "What is 40 + 2?", "completion": " It is 42.", "answer": "#### 42"}
{"prompt": "What is 40 + 2?", "completion": " It is 43!", "answer": 42}
END
cat >pairs.jsonl <<'END'
{"prompt": "40 + 2?", "chosen": "42", "rejected": "41", "answer": "42"}
{"prompt": "Hm?", "chosen": "It is 7", "rejected": "7", "answer": "7"}
END
cat >chat.jsonl <<'END'
{"messages": [{"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Ho, ho"}]}
{"prompt": [{"role": "user", "content": "Hi"}], "completion": [{"role": "assistant", "content": "Hum"}]}
END
score() { t score -q --model tiny --data "$2" --adaptation "$1" "${@:3}"; }
score verifier:number sums.jsonl
score verifier:number pairs.jsonl
score verifier:number pairs.jsonl --json --max-rows 1
score 'verifier:regex,by=sentence,pattern=[.!]$' chat.jsonl
score 'sum:0.5*verifier:number+0.25*verifier:length,lo=3,hi=3' sums.jsonl
score 'verifier:command,cmd=while read line; do echo 0.5; done' sums.jsonl
# Values of the model are rounded by each instruction set in its own way, so
# only what must be equal is compared.
json() { "$TRIVIUM" score -q --model tiny --data "$2" --adaptation "$1" --json "${@:3}"; }
json "prompt:Say it. " sums.jsonl >z
json "ratio:prompt:Say it. " sums.jsonl | cmp z - && echo "a ratio is its prompt's score"
json "contrast:prompt:Say it. " sums.jsonl | cmp z - && echo "so is a contrast to the base"
json "contrast:prompt:Say it. ,minus=prompt:Say it. " sums.jsonl | head -n 1
json base sums.jsonl --tokens | grep -o '"text":"[^"]*"' | tr -d '\n'
echo
json "sum:1*ratio:prompt:A+1*ratio:prompt:B" pairs.jsonl --tokens |
    grep -o '_tokens' | wc -l
json "judge:It is short." chat.jsonl 2>&1 | sed 's/[0-9][0-9]*/N/g'
json "judge:template=@ask.txt,principle=Be,good." chat.jsonl 2>&1
echo "{principle} {answer}?" >ask.txt
json "judge:template=@ask.txt,Be kind." chat.jsonl | grep -c '"row"'
json "judge:template=@ask.txt,scale=1-3,Be kind." chat.jsonl |
    grep -c '"score":[12]\.'
# Log-probabilities without the end of an answer, and without the base's.
for data in sums.jsonl chat.jsonl; do
    json base "$data" --no-eos --tokens | grep -o '"text":"[^"]*"' |
        tr -d '\n'
    echo
done
json base chat.jsonl --logp >z
json base chat.jsonl | cmp z - && echo "the base is its log-probability"
json "mix:2*prompt:A" sums.jsonl --logp --no-eos | grep -c '"score"'
score verifier:number sums.jsonl --no-eos
score "ratio:prompt:A" sums.jsonl --logp
# What cannot be.
score verifier:number sums.jsonl --tokens
score verifier:exact chat.jsonl
score verifier:numbr sums.jsonl
score ratio:verifier:number sums.jsonl
score sum:verifier:number sums.jsonl
score 'verifier:command,cmd=exit 3' sums.jsonl
score 'verifier:command,timeout=0.2,cmd=sleep 60' sums.jsonl
echo '{"prompt": "x"}' >no_answer.jsonl
score base no_answer.jsonl
score base nowhere.jsonl
printf '{"prompt": "x", "completion": "%0200d"}\n' 0 >long.jsonl
score base long.jsonl
score base sums.jsonl --max-rows -1
# Numbers as Python prints them, and mathematics; what is not understood is
# refused, and what is not used is named.
cat >values.jsonl <<'EOF'
{"prompt": "a", "completion": "It is 0.1", "answer": 0.1, "level": 3}
{"prompt": "b", "completion": "$19.99", "answer": 19.99}
{"prompt": "c", "completion": "\\boxed{\\frac{2}{3}}", "answer": "\\frac{1}{3}"}
{"prompt": "d", "completion": "123456789012345678901234567891", "answer": 123456789012345678901234567890}
EOF
t score --model tiny --data values.jsonl --adaptation verifier:number |
    sed '/scoring: /d'
cat >formulas.jsonl <<'EOF'
{"prompt": "a", "completion": "so $x = 2\\sqrt{2}$", "solution": "\\sqrt{8}"}
{"prompt": "b", "completion": "$(2,1)$", "solution": "(1,2)"}
EOF
t score -q --model tiny --data formulas.jsonl --adaptation verifier:math
echo '{"prompt": "a", "completion": "7", "answer": "3 of 7 or 4 of 7"}' >vague.jsonl
t score -q --model tiny --data vague.jsonl --adaptation verifier:number
