# What is to be told of files that a command opens beside its model and data:
# models of an adaptation, and columns that nothing reads. --quiet is silent.
. "$SUPPORT/cli.sh"
need_tiny
mkdir beside
cp tiny/* beside
sed 's/"num_hidden_layers": 2/"num_hidden_layers": 1/' tiny/config.json \
    >beside/config.json
gen() {
    t generate --model tiny --max-tokens 2 "$@" Hi 2>&1 | grep -v '^[^$!e]'
}
# Models.
gen -a "on:beside,prompt:Say it."
gen -a full:beside
gen -q -a full:beside
echo '{"prompt": "Hi", "completion": " you"}' >d.jsonl
t score --model tiny --adaptation "on:beside,prompt:No." --data d.jsonl |
    grep '! trivium: warning'
t measure --model tiny --source full:beside --target base --inputs d.jsonl \
    --max-inputs 1 --max-tokens 2 | grep '! trivium: warning'
# Columns.
echo '{"prompt": "1", "completion": "2", "votes": 3}' >demos.jsonl
echo '{"text": "a fox", "title": "Fox", "votes": 3}' >corpus.jsonl
gen -a demos:demos.jsonl
gen -a retrieve:corpus.jsonl
gen -a "mix:1*demos:demos.jsonl+1*prompt:No."
t train --model tiny --data d.jsonl --eval demos.jsonl --to lora:out --steps 1 \
    --batch 1 --rank 1 | grep '! trivium: warning'
echo '{"text": "Say it.", "votes": 3}' >phrases.jsonl
t convert --model tiny --from verifier:length,hi=3 --to text:z --inputs d.jsonl \
    --phrases phrases.jsonl --search-inputs 1 --held-out 1 --rounds 1 \
    --population 2 --minibatch 1 --max-tokens 2 --propose edits |
    grep '! trivium: warning'
