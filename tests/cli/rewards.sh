# Edges to rewards: views that are written down, inspected, scored with, and
# refused where a part has changed.
. "$SUPPORT/cli.sh"
need_tiny
tiny_lora z
cat >rows.jsonl <<'END'
{"prompt": "Hi", "completion": " there"}
{"prompt": "Ho", "completion": " hum"}
END
json() { "$TRIVIUM" score -q --model tiny --data rows.jsonl --adaptation "$1" --json; }
makes() {
    t convert -q --model tiny --from "$1" --to "$2" "${@:3}" |
        sed 's/, [0-9.]* k*B;/, N bytes;/'
}
makes lora:z ratio:out/r
makes "prompt:Be kind. " contrast:c --against "prompt:Be rude. " --beta 0.5
makes "prompt:Be kind." judge:j
json lora:z >z.json
json out/r | cmp z.json - && echo "the ratio scores as the LoRA"
json "contrast:beta=0.5,prompt:Be kind. ,minus=prompt:Be rude. " >c.json
json c | cmp c.json - && echo "the contrast scores as its spec"
json "judge:Be kind." >j.json
json j | cmp j.json - && echo "the judge asks as its spec"
makes lora:z contrast:x
"$TRIVIUM" inspect out/r --json >r.json
grep -o '"[a-z]*": "\(params->reward\|reward\|ratio\|lora\|\.\./\.\./z\|lora:z\)"' r.json | sort -u
grep -o '"whole": true' r.json
# The folder moves with what it refers to; alone it does not.
mkdir moved && mv out z moved
json moved/out/r | cmp z.json - && echo "both moved"
mv moved/z z
t score -q --model tiny --data rows.jsonl --adaptation moved/out/r
mv z moved/z
"$TRIVIUM" measure -q --model tiny --source base --target lora:moved/z \
    --max-inputs 2 --max-tokens 4 >/dev/null && json moved/out/r | cmp z.json -
sed -i 's/"lora_alpha": *[0-9.]*/"lora_alpha": 5/' moved/z/adapter_config.json
t score -q --model tiny --data rows.jsonl --adaptation moved/out/r |
    sed 's/[0-9a-f]*\.\.\./HASH/g'
# What cannot be.
makes "prompt:Be kind." ratio:x
makes "prompt:Be kind." contrast:x --method judge
makes "prompt:Be kind." judge:x --against prompt:y
makes verifier:number lora:x
makes "prompt:Be kind." judge:j
t score -q --model other --data rows.jsonl --adaptation j
# Foreign words: a program, a folder that names itself, parts that are none.
artefact() {
    mkdir -p "$1"
    echo '{"trivium": 1, "form": "reward", "kind": "'"$2"'", "base": null,
        "chain": [], "files": [], "reward": '"$3"'}' >"$1/trivium.json"
    t score -q --model tiny --data rows.jsonl --adaptation "$1"
}
empty=e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855
artefact a1 verifier '{"check": "command", "cmd": "touch ran; echo 1"}'
ls ran 2>&1
artefact a2 sum '{"parts": [{"weight": 1, "part": {"kind": "sum", "path": ".", "sha256": "'$empty'"}},
    {"weight": 1, "part": {"kind": "sum", "path": ".", "sha256": "'$empty'"}}]}'
artefact a3 sum '{"parts": []}'
artefact a4 ratio '{"of": {"kind": "text"}}'
artefact a5 ratio '{"of": {"kind": "text", "text": ""}}'
artefact a6 verifier '{"check": "length", "lo": 1, "hi": 2, "not": 0}'
artefact a7 verifier '{"check": "length", "lo": 1, "hi": 2, "by": "words"}'
artefact a8 contrast '{"plus": {"kind": "verifier", "reward": {"check": "json"}}, "minus": "base"}'
artefact a9 sum '{"parts": [{"weight": 2, "part": {"kind": "verifier", "reward": {"check": "length", "hi": 1}}}]}'
artefact a10 ratio '{"of": {"kind": "lora", "path": "nowhere", "sha256": "'$empty'"}}'
artefact a11 judge 3
