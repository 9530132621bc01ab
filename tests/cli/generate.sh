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
run --seed 4 "Once upon" >other
cmp -s argument other || echo "another seed gives another text"
run --samples 3 "Once upon" | grep -a -e '^---'
run --samples 3 --json "Once upon" >json
run --samples 3 --json "Once upon" | cmp json - && echo "JSON repeats"
grep -a -o '"finish":"[a-z]*","prompt_tokens":[0-9]*,"new_tokens":[0-9]*' json
run --chat "Hello" >/dev/null && echo "chat works"
run --adaptation "prompt:Say it." "Once upon" >prompted
cmp -s argument prompted || echo "an adaptation changes the text"
t generate --model tiny --max-tokens 4 --temperature 0 --json --stop "" "Once"
