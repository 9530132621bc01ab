# Generation: where the prompt comes from, what is printed, and the seed.
. "$SUPPORT/cli.sh"
need_tiny
run() {
    "$TRIVIUM" generate --model tiny --max-tokens 12 --seed 3 --ignore-eos "$@"
}
run "Once upon" >argument
run --prompt "Once upon" >option
echo "Once upon" >prompt.txt
run --prompt @prompt.txt >file
run <prompt.txt >stdin
for way in option file stdin; do
    cmp argument $way && echo "$way gives the same text as argument"
done
run --seed 4 "Once upon" >reseeded
cmp -s argument reseeded || echo "another seed gives another text"
run --samples 3 "Once upon" | grep -a -e '^---'
run --samples 3 --json "Once upon" >json
run --samples 3 --json "Once upon" | cmp json - && echo "JSON repeats"
grep -a -o '"finish":"[a-z]*","prompt_tokens":[0-9]*,"new_tokens":[0-9]*' json
run --chat "Hello" >/dev/null && echo "chat works"
run --adaptation "prompt:Say it." "Once upon" >prompted
cmp -s argument prompted || echo "an adaptation changes the text"
# The text ends before a stop string, which is the second character here.
run --temperature 0 "Once" >greedy
stop=$(head -c 2 greedy | tail -c 1)
run --temperature 0 --stop "$stop" --json "Once" |
    grep -a -o '"finish":"stop"'
# A reward takes the best of n answers; the first of them is the one of n = 1.
reward() {
    run --json --adaptation "verifier:regex,by=letter,pattern=\p{Lu}" "$@" Once |
        grep -a -o '"reward":[0-9.]*' | cut -d : -f 2
}
echo "$(reward --best-of 1) $(reward --best-of 16)" |
    awk '$2 > $1 || $2 == 1 { print "the best of 16 is better than the first" }'
run --adaptation "ratio:prompt:A" --act sir Once >/dev/null && echo "sir works"
run --temperature 0 --adaptation prompt:A Once >prompted
run --temperature 0 --adaptation ratio:prompt:A --act guided Once |
    cmp - prompted && echo "a ratio guides to what it is of"
t generate --model tiny --adaptation prompt:A --best-of 4 Once
t generate --model tiny --adaptation verifier:json --act guided Once
t generate --model tiny --adaptation verifier:number Once
