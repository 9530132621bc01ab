# Input files that are broken, and outputs that cannot be made.
. "$SUPPORT/cli.sh"
need_tiny
long=$(printf 'word %.0s' {1..40})
small="--samples 8 --max-tokens 8 --steps 2 --batch 2 --rank 2"
: >empty.jsonl
echo '[1, 2]' >list.jsonl
printf '{"prompt": "One."}\n{"prompt": "Two.\n' >broken.jsonl
printf '{"prompt": "One."}\n{"promt": "Two."}\n' >column.jsonl
printf '{"prompt": 7}\n' >type.jsonl
for file in nowhere.jsonl empty.jsonl list.jsonl broken.jsonl column.jsonl \
    type.jsonl; do
    # shellcheck disable=SC2086
    t convert --model tiny --from prompt:hi --to lora:z --inputs "$file" $small
    t measure --model tiny --source prompt:hi --target base --inputs "$file"
done
# shellcheck disable=SC2086
t convert -q --model tiny --from "prompt:$long" --to lora:z $small
t convert --model tiny --from prompt:hi --to lora:z --method magic
t convert --model tiny --from prompt:hi --to soup:z
t convert --model tiny --from prompt:hi --to reward:z
t convert --model tiny --from base --to lora:z
tiny_lora made || echo "no conversion"
t convert --model tiny --from prompt:hi --to lora:made
echo x >file
t convert --model tiny --from prompt:hi --to lora:file
t convert --model tiny --from prompt:hi --to lora:file/z
t generate --model other --adaptation made "Once"
t measure --model other --source prompt:hi --target made
"$TRIVIUM" generate --model other --adaptation made --any-base \
    --max-tokens 1 "Once" >/dev/null && echo "--any-base takes it"
t generate --model tiny "$long"
t generate --model tiny --adaptation "prompt:$long" "Once"
t tokenize --model tiny --decode "1 2 x"
t tokenize --model tiny --decode "1 -2"
t tokenize --model tiny --decode "1 99999"
ls
