# The completion of fish in a real fish.
. "$SUPPORT/cli.sh"
command -v fish >/dev/null || { echo "no fish" >&2 && exit 77; }
mkdir out.d
touch rows.jsonl z.txt
export HOME=$PWD XDG_CONFIG_HOME=$PWD/config
"$TRIVIUM" completion fish >trivium.fish
c() {
    echo "$1 => $(timeout 60 fish --no-config -c '
        source trivium.fish
        complete -C "$argv[1]"' "$1" | cut -f 1 | LC_ALL=C sort -u | tr '\n' ' ')"
}
. "$SUPPORT/completion.sh"
