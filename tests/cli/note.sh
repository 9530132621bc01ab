# A measurement that is noted in what was made, and read there.
. "$SUPPORT/cli.sh"
need_tiny
tiny_lora made || echo "no conversion"
echo '{"prompt": "Once"}' >in.jsonl
small="--max-inputs 4 --max-tokens 6 --candidates 2 --seed 3"
noted() { # SOURCE TARGET: what stands in the manifest, no figures
    # shellcheck disable=SC2086
    "$TRIVIUM" measure -q --model tiny --source "$1" --target "$2" $small \
        --note "${@:3}" >table || echo "not measured"
    "$TRIVIUM" inspect made --json | sed -n '/"measured"/,$p' |
        grep -v '"mean"\|"stderr"\|"version"' |
        sed 's/\("sha256": "\)[0-9a-f]\{64\}/\1.../'
}
sha256sum made/* >before
noted "prompt:Say it." made
sha256sum made/* | diff before - | sed -n 's/^> .* //p'
cp made/trivium.json one
noted "prompt:Say it." made >/dev/null
cmp one made/trivium.json && echo "the same again"
noted verifier:json made --inputs in.jsonl | grep -v '"[a-z_]*": {$'
for target in "prompt:Say it." base tiny; do
    # shellcheck disable=SC2086
    t measure -q --model tiny --source base --target "$target" $small --note
done
"$TRIVIUM" generate --model tiny --adaptation made --max-tokens 1 "Once" \
    >/dev/null && echo "what was made still acts"
