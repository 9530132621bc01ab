# On a terminal: a progress line after one second; colours only there.
. "$SUPPORT/cli.sh"
need_tiny
command -v script >/dev/null || { echo "no script(1)" >&2; exit 77; }
unset NO_COLOR
export TERM=xterm
script -qec "'$TRIVIUM' generate --model nowhere x" log >/dev/null
grep -q $'\033\\[1;31mtrivium:' log && echo "red on a terminal"
NO_COLOR=1 script -qec "'$TRIVIUM' generate --model nowhere x" log >/dev/null
grep -q $'\033' log || echo "plain with NO_COLOR"
"$TRIVIUM" help 2>&1 | grep -q $'\033' || echo "plain in a pipe"
script -qec "'$TRIVIUM' convert --model tiny --from 'prompt:Say it.' \
    --to lora:z --samples 64 --max-tokens 32 --steps 3000 --rank 8" log \
    >/dev/null
grep -a -q $'\r.*\\[[#.]*\\].*left' log && echo "a progress line was drawn"
grep -a -c '^made' log
