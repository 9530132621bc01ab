# Artefacts that were changed or lost a part, and where inspect says so.
. "$SUPPORT/cli.sh"
need_tiny
tiny_lora z || echo "no conversion"
"$TRIVIUM" inspect z --json | grep -o '"whole": *[a-z]*' | tr -d ' '
cp -r z changed
printf 'x' | dd of=changed/adapter_model.safetensors bs=1 seek=7000 \
    conv=notrunc 2>/dev/null
"$TRIVIUM" inspect changed | grep '^whole'
"$TRIVIUM" generate --model tiny --adaptation changed "A" 2>&1 |
    sed 's/[0-9a-f]\{12\}\.\.\./HASH/g'
cp -r z lost
rm lost/adapter_model.safetensors
"$TRIVIUM" inspect lost | grep '^whole'
t generate --model tiny --adaptation lost --max-tokens 1 "A"
cp -r z short
head -c 4000 z/adapter_model.safetensors >short/adapter_model.safetensors
t generate --model tiny --adaptation short --max-tokens 1 "A"
cp -r z manifest
echo '{' >manifest/trivium.json
t generate --model tiny --adaptation manifest --max-tokens 1 "A"
t inspect manifest
