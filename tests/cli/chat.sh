# A conversation on a pipe: each line a turn, answers alone on stdout.
. "$SUPPORT/cli.sh"
need_tiny
chat() {
    "$TRIVIUM" chat --model tiny --max-tokens 4 --seed 3 --ignore-eos "$@"
    status=$?
    [ $status -eq 0 ] || echo "exit $status" >&2
    return $status
}
# Answers are bytes without meaning, and which ones hangs on the instruction
# set; only what does not is printed.
user() {
    grep -a -o -e '"turn":[0-9]*' -e '"user":"[^"]*"' | paste -d ' ' - -
}
tokens() { # of the prompts
    grep -a -o '"prompt_tokens":[0-9]*' | tr -cd '0-9\n'
}

echo "== one turn is what generate --chat says"
echo "Once" | chat >a
"$TRIVIUM" generate --model tiny --max-tokens 4 --seed 3 --ignore-eos --chat \
    "Once" | cmp - a && echo "same"
printf 'Once' | chat | cmp - a && echo "same without the last line end"
printf 'Once\r\n' | chat | cmp - a && echo "same from Windows"

echo "== later turns stand on earlier ones; empty lines are none"
printf 'One\n\n  \nTwo\n' | chat --json --system "Be." | tee json | user
printf 'One\n\n  \nTwo\n' | chat --json --system "Be." | cmp - json &&
    echo "one seed, one conversation"
tokens <json | { read -r first && read -r second &&
    echo "the first prompt has $first tokens" &&
    [ "$second" -ge $((first + 4 + 22)) ] && echo "the second goes on from it"; }
printf 'One\n/retry\n' | chat --json | grep -a -o '"text":.*"finish"' |
    sort -u | wc -l

echo "== commands"
printf '%s\n' One /undo Two '//slash' /reset Three | chat --json | user
printf '%s\n' One /undo One /reset One "/system Be." /retry |
    chat --json | tokens
printf '%s\n' "/system Be." One /system /save\ saved.json "/system none" Two \
    /system | chat --json | user
head -n 9 saved.json
printf '%s\n' /set\ max-tokens\ 2 One /set\ temperature=0 /set |
    chat --json | grep -a -o '"new_tokens":2'
printf '%s\n' /set\ seed\ 4 Once | chat --seed 9 >b
printf '%s\n' Once | chat --seed 4 | cmp - b && echo "/set seed is --seed"
echo /help | chat
printf '%s\n' One /quit Two | chat --json | wc -l

echo "== adaptations are swapped live"
printf '%s\n' One "/adaptation prompt:Say it." /retry /adaptation \
    "/adaptation none" /retry | chat --json |
    grep -a -o -e '"adaptation":[^,]*' -e '"prompt_tokens":[0-9]*'
echo One | chat --adaptation "prompt:Say it." >a
echo One | chat --system @<(echo "Say it.") | cmp - a &&
    echo "a prompt is the system message"

echo One | chat -a "0*prompt:Say it." -a "prompt:Be.=0" --json |
    grep -a -o '"adaptation":"[^"]*"'
printf '%s\n' "/adaptation 2*prompt:Say it." /adaptation One | chat >b
cmp -s a b || echo "a weight counts"

echo "== the first failure ends it"
for line in /hlep /undo /retry /save /help\ me "/set temprature 1" \
    "/set temperature hot" "/adaptation nowhere" $'no UTF-8: \377'; do
    printf '%s\n' "$line" Once | chat
done
printf 'a\0b\nOnce\n' | chat
chat <.
printf 'Once\n/save no/where.json\n' | chat >/dev/null
"$TRIVIUM" chat --model nowhere </dev/null
echo "exit $?"

echo "== a context that is full"
long="a line so long that two of them leave no room"
printf '%s\n' "$long" "$long" Once | chat --json 2>err | user
sed 's/of [0-9]* tokens leaves/of N tokens leaves/' err
printf '%s\n' "$long" "$long" Once | chat --json --forget | user
printf '%s\n' "$long" "$long" | chat --json --forget -q | tokens
printf '%s\n' "$long $long $long" | chat --forget
printf '%s\n' "$long $long $long" | chat
printf '%s\n' "$long $long" | chat --max-tokens 99 >/dev/null

echo "== a model without a chat template"
mkdir plain
cp tiny/config.json tiny/model.safetensors tiny/tokenizer.json plain
"$TRIVIUM" chat --model plain </dev/null
echo "exit $?"
