# Prompts made of words: examples and documents before an input, and the search
# for instructions and examples that a reward likes.
. "$SUPPORT/cli.sh"
need_tiny
cat >demos.jsonl <<'END'
{"prompt": "1", "completion": "one"}
{"prompt": "2", "completion": "two"}
END
cat >corpus.jsonl <<'END'
{"text": "The fox is red.", "title": "Fox"}
{"text": "A whale is blue."}
END
run() {
    "$TRIVIUM" generate -q --model tiny --max-tokens 6 --seed 3 --ignore-eos \
        --precision f32 "$@"
}
# What they put before an input is a prompt like another.
run --raw -a "demos:demos.jsonl,template={input}={output};" 3 >a
run --raw -a "prompt:1=one;2=two;" "3=" >b
cmp <(tail -c +1 a) <(sed "s/^3=/3/" b) &&
    echo "examples stand before the input"
run -a "retrieve:corpus.jsonl,k=1,template=<{text}>" "a fox" >a
run -a "prompt:<The fox is red.>" "a fox" >b
cmp a b && echo "the nearest document stands before the input"
run -a "retrieve:corpus.jsonl" "nothing of it" >a
run "nothing of it" >b
cmp a b && echo "where nothing is found there is none"
t generate --model tiny -a demos: Hi
t generate --model tiny -a demos:nowhere.jsonl Hi
t generate --model tiny -a demos:demos.jsonl,form=song Hi
t generate --model tiny -a "demos:demos.jsonl,template=none" Hi
t generate --model tiny -a retrieve:corpus.jsonl,k=0 Hi
echo '{"prompt": "x"}' >half.jsonl
t generate --model tiny -a demos:half.jsonl Hi
printf '{"text": "fox %0200d"}\n' 0 >long.jsonl
t generate --model tiny -a retrieve:long.jsonl "a fox"
# A LoRA of examples, through the same door as of any prompt.
t convert -q --model tiny --from demos:demos.jsonl --to lora:out/l \
    --samples 8 --max-tokens 4 --steps 2 --batch 2 --rank 2 | sed 's/[0-9.]* \(ms\|s\|kB\|MB\|MFLOP\|tokens\)/N \1/g; s/loss .*/loss/; s/^took .*:/took/; s/about .*//; s/memory .*/memory/; s,work .*,work,; s/took .*:/took/; s/^took .*/took/'
# The search.
printf 'Once\nTwo men\nThe cat\nA dog\nHere\nNow\nWhy\nNo one\nAll\n' >in.txt
printf 'ee ee\nzz\n!!!\n' >phrases.txt
search() {
    "$TRIVIUM" convert -q --model tiny --precision f32 --inputs in.txt \
        --from "verifier:contains,inside=1,words=e" --max-tokens 6 \
        --threads 1 "$@"
}
evolve() { search --rounds 3 --population 4 --phrases phrases.txt "$@"; }
# With a chat's template it is a system message, unless a text is asked for.
evolve --to prompt:out/z >/dev/null && ls out/z && ls -d out/z.run 2>&1
evolve --to text:out/y --propose edits >/dev/null
tr -d 'ez! \n' <out/y/prompt.txt | wc -c # made of the phrases alone
evolve --to messages:out/m >/dev/null && ls out/m &&
    grep -c '"role": "system"' out/m/messages.json
search --to demos:out/d --demos 2 >/dev/null && ls out/d
"$TRIVIUM" inspect out/d | grep '"kind"'
run --chat -a out/m "Hi" >/dev/null && run --chat -a out/d "Hi" >/dev/null && echo "they act"
grep -o '"held_out_reward[a-z_]*"' out/z/trivium.json
# The same bytes again, and from a run that was stopped.
evolve --to prompt:out/z2 >/dev/null
cmp out/z/trivium.json out/z2/trivium.json && cmp out/z/messages.json out/z2/messages.json &&
    cmp out/z/candidates.jsonl out/z2/candidates.jsonl && echo "equal"
# Of parameters: examples under which the base comes near to them.
"$TRIVIUM" convert -q --model tiny --from out/l --to demos:out/p \
    --inputs in.txt --max-tokens 4 --demos 1 --any-base >/dev/null && ls out/p
# What cannot be.
t convert --model tiny --from verifier:number --to prompt:out/x --method sft
t convert --model tiny --from out/l --to messages:out/x --method demos
t convert --model tiny --from verifier:length,hi=3 --to prompt:out/x --proposer ftp://x --proposer-model m --inputs in.txt
t convert --model tiny --from verifier:length,hi=3 --to prompt:out/x --proposer http://localhost:1
t convert --model tiny --from verifier:length,hi=3 --to prompt:out/x --propose me
t convert --model tiny --from verifier:length,hi=3 --to prompt:out/x --inputs in.txt --phrases nowhere.txt
t convert --model tiny --from verifier:contains,words=e --to prompt:out/x --inputs in.txt --max-tokens 120
