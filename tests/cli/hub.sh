# Models and adapters by their names on the Hugging Face Hub, in a cache laid
# out as huggingface_hub does it: refs, snapshots, links to blobs.
. "$SUPPORT/cli.sh"
need_tiny
HF_HUB_CACHE=$PWD/hub
export HF_HUB_CACHE
here() { sed "s|$PWD|HERE|g"; }
one=0123456789abcdef0123456789abcdef01234567
two=89abcdef0123456789abcdef0123456789abcdef
# cached NAME COMMIT FOLDER: a snapshot of links to blobs.
cached() {
    local repo=hub/models--${1/\//--} f
    mkdir -p "$repo/blobs" "$repo/refs" "$repo/snapshots/$2"
    for f in "$3"/*; do
        cp "$f" "$repo/blobs/$2-${f##*/}"
        ln -s "../../blobs/$2-${f##*/}" "$repo/snapshots/$2/${f##*/}"
    done
}
ref() { printf %s "$3" >"hub/models--${1/\//--}/refs/$2"; }
say() { t generate "$@" --max-tokens 4 --temperature 0 Once | here; }
# Which of the two models speaks, or what is said in its place.
of_tiny=$(say --model tiny | sed -n 2p | od -c)
of_other=$(say --model other | sed -n 2p | od -c)
who() {
    case $(say "$@" | sed -n 2p | od -c) in
        "$of_tiny") echo tiny ;;
        "$of_other") echo other ;;
        *) say "$@" | sed -n '2,3p' | cut -c 1-150 ;;
    esac
}
cached Org/tiny-1.0 $one tiny
ref Org/tiny-1.0 main $one
cached Org/tiny-1.0 $two other
mkdir hub/models--Org--tiny-1.0/refs/pr
ref Org/tiny-1.0 v2 $two
ref Org/tiny-1.0 pr/1 $two
cached gpt $two other
ref gpt main $two
echo "--- a branch, a tag, a pull request, a commit; a name without a slash"
for m in tiny Org/tiny-1.0 Org/tiny-1.0@main Org/tiny-1.0@$one other \
    Org/tiny-1.0@v2 Org/tiny-1.0@pr/1 Org/tiny-1.0@$two gpt; do
    who --model $m
done
"$TRIVIUM" inspect Org/tiny-1.0@v2 | sed -n 's/^name  *//p'
echo "--- each variable that names the cache, the first before the others"
mkdir -p home/.cache/huggingface xdg/huggingface hf
cp -r hub home/.cache/huggingface/hub
cp -r hub xdg/huggingface/hub
cp -r hub hf/hub
for env in HF_HUB_CACHE="$PWD/hub" HUGGINGFACE_HUB_CACHE="$PWD/hub" \
    HF_HOME="$PWD/hf" XDG_CACHE_HOME="$PWD/xdg" HOME="$PWD/home" \
    "HF_HOME=~/.cache/huggingface HOME=$PWD/home" \
    "HF_HUB_CACHE=$PWD/hub HF_HOME=/no" "HF_HUB_CACHE= HF_HOME=$PWD/hf"; do
    # shellcheck disable=SC2086
    env -u HF_HUB_CACHE -u HF_HOME -u XDG_CACHE_HOME $env \
        "$TRIVIUM" inspect gpt | sed -n 's/^name  *//p'
done
echo "--- a path that is there wins"
mkdir -p Org
ln -s "$PWD/other" Org/tiny-1.0
who --model Org/tiny-1.0
rm Org/tiny-1.0
echo "--- not there, not whole, not that revision"
say --model Away/absent
say --model Away/absent@v3
say --model Org/tiny-1.0@v9
mkdir -p hub/models--Org--none
say --model Org/none
cached Org/half $one tiny
ref Org/half main $one
rm hub/models--Org--half/blobs/*-model.safetensors
say --model Org/half
rm -rf g && mkdir g && cp tiny/* g && rm g/model.safetensors
: >g/model-00001-of-00002.safetensors # and not the second
cached Org/shard $one g
ref Org/shard main $one
say --model Org/shard
rm -rf g
env -u HOME -u HF_HUB_CACHE "$TRIVIUM" inspect Org/half 2>&1
ref Org/half main ../../../../other
say --model Org/half
ref Org/half main ''
say --model Org/half
echo "--- what is no name stays a path; what is hostile is refused"
for m in Org/../tiny ./Away/absent Org/a/b Org/.hid Org/a--b Org/a..b Org/a.git \
    'Org/new
line' lora:Away/absent "Org/$(printf 'a%.0s' {1..97})"; do
    who --model "$m"
done
for m in Org/tiny-1.0@../main Org/tiny-1.0@ Org/tiny-1.0@/etc Org/tiny-1.0@a//b \
    Org/tiny-1.0:../x Org/tiny-1.0:/etc/passwd 'Org/tiny-1.0@a
b' "Org/tiny-1.0@$(printf 'a%.0s' {1..300})"; do
    who --model "$m"
done
echo "--- GGUF: the only file, one by its name or a word of it, several"
gguf=$(find "$TRIVIUM_SOURCE/tests/golden" -name '*.gguf' \
    -size -200k | sort | head -n 1)
mkdir g
cp "$gguf" g/tiny-Q8_0.gguf
echo x >g/README.md
cached Org/one-GGUF $one g
ref Org/one-GGUF main $one
cp "$gguf" g/tiny-Q4_K_M.gguf
cp "$gguf" g/mmproj-tiny.gguf
cached Org/two-GGUF $one g
ref Org/two-GGUF main $one
for m in Org/one-GGUF Org/one-GGUF:tiny-Q8_0.gguf Org/two-GGUF:q4_k_m \
    Org/two-GGUF:tiny-Q8_0.gguf Org/two-GGUF@main:Q8_0; do
    "$TRIVIUM" inspect "$m" 2>&1 | sed -n 's/^path  *//p' | here
done
t inspect Org/two-GGUF
t inspect Org/two-GGUF:Q5_0
echo "--- adapters, and the model that an adaptation belongs to"
tiny_lora z
cached Org/lora $one z
ref Org/lora main $one
say --model tiny --adaptation z | sed -n 2p | od -c >acted
for a in lora:z Org/lora lora:Org/lora lora:Org/lora@main on:Org/tiny-1.0,Org/lora; do
    say --model tiny --adaptation $a | sed -n 2p | od -c | cmp - acted &&
        echo "the same"
done
say --model tiny --adaptation Away/absent
say --model tiny --adaptation lora:Away/absent
who --model other --adaptation full:Org/tiny-1.0@v2
"$TRIVIUM" convert -q --model tiny --base Org/tiny-1.0 --from Org/lora \
    --to lora:y --samples 8 --max-tokens 8 --steps 4 --batch 2 --rank 2 |
    sed -n 's/^made  *\([^,]*\).*/made \1/p'
echo "--- what adapter_config.json calls the base"
base() { grep -o '"\(base_model_name_or_path\|revision\)": .*' "$1"/adapter_config.json | sed "s|$TRIVIUM_SOURCE|SOURCE|"; }
base z
for m in Org/tiny-1.0 Org/tiny-1.0@$one "tiny --base-name Org/named" \
    "tiny --base-name ../tiny" "tiny --base-name Org/named@v1"; do
    rm -rf w
    # shellcheck disable=SC2086
    "$TRIVIUM" convert -q --from "prompt:Say it." --to lora:w --samples 8 \
        --max-tokens 8 --steps 4 --batch 2 --rank 2 --model $m >/dev/null
    base w
done
for to in soft prefix head; do
    rm -rf w
    "$TRIVIUM" convert -q --from "prompt:Say it." --to $to:w --samples 8 \
        --max-tokens 8 --steps 4 --batch 2 --model Org/tiny-1.0 >/dev/null
    base w
done
cmp z/adapter_model.safetensors hub/models--Org--lora/blobs/$one-adapter_model.safetensors
t convert --model tiny --from prompt:hi --to lora:w --base-name ''
echo "--- from scratch: a config and a tokenizer are enough"
cached Org/fresh $one tiny
ref Org/fresh main $one
rm hub/models--Org--fresh/blobs/*-model.safetensors
echo '{"text": "Once upon"}' >rows.jsonl
"$TRIVIUM" train -q --model Org/fresh --from-scratch --data rows.jsonl \
    --to full:fresh --steps 1 --batch 1 | sed -n 's/^made  *\([^,]*\).*/made \1/p'
