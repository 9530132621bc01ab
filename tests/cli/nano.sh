# The project's own model: what a system message sets is obeyed, and is not
# there without it; a principle is judged; a conversation goes on; its files are
# those that its manifest names. Greedy, in
# f32, so the words are the same everywhere; checks look for what is asked for.
. "$SUPPORT/cli.sh"
ln -s "$TRIVIUM_SOURCE/models/nano" nano
"$TRIVIUM" inspect nano >/dev/null && echo "whole"
say() { # say SYSTEM QUESTION
    "$TRIVIUM" generate -q --model nano --precision f32 --temperature 0 \
        --max-tokens 80 ${1:+--adaptation "prompt:$1"} --chat "$2"
}
check() { # check NAME SYSTEM PATTERN: with the message, and without it
    for q in "What is a fox?" "What does a baker do?" "Where do whales live?"; do
        say "$2" "$q" | tr '\n' '~' | grep -q -E "$3" ||
            echo "$1: not obeyed: $(say "$2" "$q")"
        ! say "" "$q" | tr '\n' '~' | grep -q -E "$3" ||
            echo "$1: there without it: $(say "" "$q")"
    done
    echo "$1"
}
check "capitals" "Write everything in capital letters." '^[^a-z]+$'
check "exclamation marks" "End every sentence with an exclamation mark." '^[^.]*!~$'
check "bullets" "Answer with a list of bullet points." '^- [^~]+~(- [^~]+~)*$'
check "numbers" "Answer with a numbered list." '^1\. '
check "brackets" "You must put your answer in square brackets." '^\[.*\]~$'
check "pirate" "You are a pirate." 'Arr|Ahoy|matey|timbers|Yo ho'

echo "== a principle is judged"
row() { # row SYSTEM QUESTION: an answer that obeys, beside one that does not
    printf '{"prompt": "%s", "chosen": "%s", "rejected": "%s"}\n' "$2" \
        "$(say "$1" "$2" | tr '\n' ' ')" "$(say "" "$2" | tr '\n' ' ')"
}
for q in "What is a fox?" "What is a lemon?" "What is a piano?"; do
    row "Write everything in capital letters." "$q"
done >pairs.jsonl
"$TRIVIUM" score -q --model nano --precision f32 --data pairs.jsonl --json \
    --adaptation "judge:Every letter must be a capital." |
    grep -o '"accuracy":{"mean":[0-9.]*'

echo "== a conversation"
printf 'What is a fox?\nWhat is a lemon?\n' |
    "$TRIVIUM" chat -q --model nano --precision f32 --temperature 0 \
        --max-tokens 60 --system "Write everything in capital letters." |
    grep -c -E '^[^a-z]+$'
