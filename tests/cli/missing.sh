# Files that are not there, or are not what they should be.
. "$SUPPORT/cli.sh"
need_tiny
mkdir empty
echo "not a model" >text.txt
: >empty.txt
printf 'a\0b' >zero.txt
t inspect nowhere
t inspect empty
t inspect text.txt
t generate --model nowhere "Once"
t generate --model empty "Once"
t generate --model text.txt "Once"
t tokenize --model nowhere "Once"
t generate --model tiny --prompt @nowhere.txt
t generate --model tiny --prompt @zero.txt
t generate --model tiny --prompt @empty
t generate --model tiny --adaptation nowhere "Once"
t generate --model tiny --adaptation empty "Once"
t generate --model tiny --adaptation empty/z "Once"
t generate --model tiny --adaptation lora:empty/z "Once"
t generate --model tiny --adaptation prompt:@nowhere.txt "Once"
t generate --model tiny --adaptation prompt:@empty.txt "Once"
t generate --model tiny --adaptation pompt:hi "Once"
t convert --model tiny --from prompt:@nowhere.txt --to lora:z
t convert --model tiny --from prompt:@empty.txt --to lora:z
t measure --model tiny --source prompt:hi --target nowhere
# A file of a folder in the folder's place, and what stands in a file's place.
t inspect tiny/model.safetensors
t generate --model tiny/config.json "Once"
t generate --model tiny --adaptation tiny/model.safetensors "Once"
printf 'version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\n' >pointer
printf '<!DOCTYPE html><html>' >page.gguf
cp pointer pointer.gguf
t inspect pointer.gguf
t inspect page.gguf
for f in model.safetensors config.json tokenizer.json; do
    rm -rf half && mkdir half && cp tiny/* half && cp pointer half/$f
    t generate --model half "Once"
    printf '\xef\xbb\xbf' | cat - tiny/$f >half/$f # a byte order mark
    [ $f = model.safetensors ] ||
        t tokenize --model half "Once"
done
rm half/model.safetensors
t inspect half
cp "$TRIVIUM_SOURCE/tests/golden/peft/gguf/layers.gguf" lora.gguf
t generate --model lora.gguf Once
# No answer is made for a check that has nothing to compare it with.
echo '{"prompt": "Once"}' >in.jsonl
echo '{"prompt": "Once", "answer": "1 + ?"}' >odd.jsonl
for f in in.jsonl odd.jsonl; do
    t convert --model tiny --from verifier:math --to lora:z --inputs $f
    t convert --model tiny --from "sum:1*verifier:math+1*verifier:json" \
        --to text:z --inputs $f
    t measure --model tiny --source base --target base --inputs $f \
        --task verifier:exact,column=gold
done
ls
