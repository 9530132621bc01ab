# On a terminal: a progress line after one second; colours only there.
. "$SUPPORT/cli.sh"
need_tiny
unset NO_COLOR
export TERM=xterm
"$PTY" log "$TRIVIUM" generate --model nowhere x </dev/null
grep -q $'\033\\[1;31mtrivium:' log && echo "red on a terminal"
NO_COLOR=1 "$PTY" log "$TRIVIUM" generate --model nowhere x </dev/null
grep -q $'\033' log || echo "plain with NO_COLOR"
"$TRIVIUM" help 2>&1 | grep -q $'\033' || echo "plain in a pipe"
"$PTY" log timeout --foreground -s INT 3 "$TRIVIUM" convert --model tiny \
    --from 'prompt:Say it.' --to lora:z --samples 16 --max-tokens 8 \
    --steps 1000000 --rank 2 </dev/null
tr '\r' '\n' <log | grep -a -q '\[[#.]*\] .* tokens/s .* left' &&
    echo "a progress line was drawn"
grep -a -o 'press Ctrl-C again to stop at once' log
grep -a -o 'training: [0-9,]* of 1,000,000 steps' log | sed 's/[0-9,]* of/N of/'
