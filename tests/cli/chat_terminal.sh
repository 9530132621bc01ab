# A conversation at a terminal: a prompt sign, Ctrl-C stops an answer and not
# the program, failures do not end it, Ctrl-D does.
. "$SUPPORT/cli.sh"
need_tiny
# The same model with a context in which an answer takes its time.
cp -r tiny/ wide
sed 's/"max_position_embeddings": 128/"max_position_embeddings": 400000/' \
    tiny/config.json >wide/config.json
wait_for() { # a word in what the terminal shows, for at most 20 s
    for ((i = 0; i < 200; i++)); do
        grep -a -q -e "$1" log 2>/dev/null && return
        sleep 0.1
    done
    echo "never seen: $1" >&2
}
talk() {
    : >log
    "$PTY" log "$TRIVIUM" chat --model "$1" --ignore-eos --max-tokens "$2" \
        --json
}
{
    wait_for 'Ctrl-D ends'
    printf '\003'
    wait_for 'ends the conversation'
    printf 'Once\n'
    sleep 2 # the answer takes longer
    printf '\003'
    wait_for '"finish":"interrupted"'
    printf '/set max-tokens 3\nOnce\\\nmore\n'
    wait_for '"finish":"length"'
    printf '/nonsense\n'
    wait_for 'unknown command'
    printf '/undo\n'
    wait_for 'taken back'
    printf '\004'
} | talk wide 300000
echo "status $?"
grep -a -o -e '"finish":"[a-z]*"' -e '"user":"[^"]*"' \
    -e 'trivium: Ctrl-D or /quit ends the conversation' \
    -e 'trivium: the last turn was taken back' \
    -e 'trivium: unknown command .*those there are' \
    -e 'trivium: max-tokens is 3' log
