# What cannot be written is a failure, and leaves nothing half made.
. "$SUPPORT/cli.sh"
need_tiny
full() {
    "$TRIVIUM" "$@" >/dev/full
    echo "exit $?"
}
[ -w /dev/full ] || { echo "no /dev/full" >&2; exit 77; }
full help
full --version
full man
full inspect tiny
full tokenize --model tiny "Once"
full generate --model tiny --max-tokens 3 "Once"
full generate --model tiny --max-tokens 3 --json "Once"
echo "Once" | full chat --model tiny --max-tokens 3
echo "Once" | full chat --model tiny --max-tokens 3 --json
# A file size limit of one block stands for a full disk; SIGXFSZ is ignored, so
# that write() fails as it does there.
(
    trap '' XFSZ
    ulimit -f 1
    "$TRIVIUM" convert -q --model tiny --from "prompt:Say it." --to lora:z \
        --samples 4 --max-tokens 4 --steps 1 --batch 2 --rank 64 2>err
    echo "exit $?"
    "$TRIVIUM" convert -q --model tiny --from "prompt:Say it." --to lora:y \
        --samples 4 --max-tokens 4 --steps 1 --batch 2 --rank 64 \
        --checkpoint-every 0 2>>err
    echo "exit $?"
    sed 's/tmp-[0-9]*/tmp-N/' err
)
ls
