# cli.sh -- what the tests of the command line source.

# t WORDS...: run the program; the transcript goes to stdout, with what the
# program prints on stderr marked by "! " and its exit status at the end.
t() {
    local status quoted=
    [ $# -eq 0 ] || printf -v quoted ' %q' "$@"
    echo "\$ trivium$quoted"
    "$TRIVIUM" "$@" >t.out 2>t.err
    status=$?
    cat t.out
    [ ! -s t.out ] || [ -z "$(tail -c 1 t.out)" ] || echo
    sed 's/^/! /' t.err
    echo "exit $status"
    echo
    rm -f t.out t.err
}

# Lay a link `model` to a model of the assets, or skip the test.
need_model() {
    if [ ! -r "$TRIVIUM_ASSETS/models/$1/config.json" ]; then
        echo "no model '$1' under TRIVIUM_ASSETS" >&2
        exit 77
    fi
    ln -s "$(cd "$TRIVIUM_ASSETS/models/$1" && pwd)" model
}

# Lay links `tiny` and `other` to whole models of a few kilobytes in the tree.
need_tiny() {
    ln -s "$TRIVIUM_SOURCE/tests/golden/tiny/one" tiny
    ln -s "$TRIVIUM_SOURCE/tests/golden/tiny/other" other
}

# A conversion of a second, for tests that need an artefact: tiny_lora OUT.
tiny_lora() {
    "$TRIVIUM" convert -q --model tiny --from "prompt:Say it." --to "lora:$1" \
        --samples 8 --max-tokens 8 --steps 4 --batch 2 --rank 2 >/dev/null
}
