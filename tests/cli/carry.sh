# What an adaptation changes in one model, carried to another. `tiny` and
# `other` share a tokenizer; `letters` has the
# same weights, but two of its tokens are exchanged.
. "$SUPPORT/cli.sh"
need_tiny
cat >d.jsonl <<'TXT'
{"prompt": "Once upon", "completion": " a time."}
{"prompt": "The", "completion": " cat."}
TXT
tiny_lora z
score() {
    "$TRIVIUM" score -q --precision f32 --data d.jsonl --json "$@" >score.json &&
        grep -o '"score": *[-0-9.e]*' score.json
}
# To the model itself: the adaptation as it is.
score --model tiny --adaptation z >own
score --model tiny --adaptation on:tiny,lora:z >carried
paste own carried | awk '{ d = $2 - $4; if (d < 0) d = -d
    print d < 1e-4 ? "the same score" : "another score: " $0 }'
# To a model of another tokenizer: the reward of the same texts, in the tokens
# of the model that it is from.
mkdir letters
cp other/* letters/
chmod u+w letters/*
sed -i 's/"Ĳ": /"@@": /; s/"ĳ": /"Ĳ": /; s/"@@": /"ĳ": /' letters/tokenizer.json
cmp -s other/tokenizer.json letters/tokenizer.json || echo "another tokenizer"
score --model letters --adaptation on:tiny,lora:z | cmp - own && echo "the same scores"
# As an artefact, which refers to both.
"$TRIVIUM" convert -q --model other --from lora:z --base tiny --to ratio:r >out.txt
score --model other --adaptation on:tiny,lora:z >carried
score --model other --adaptation r | cmp - carried && echo "so they are as an artefact"
"$TRIVIUM" generate -q --model other -a on:tiny,lora:z --max-tokens 3 Once >out.txt &&
    echo "and it acts"
# Mistakes.
t generate --model other -a on:nowhere,lora:z Once
t generate --model other -a on:tiny Once
t generate --model other -a on:tiny,on:tiny,lora:z Once
t generate --model other -a "on:tiny,mix:1*base" Once
t generate --model other -a on:tiny,base Once
t generate --model letters -a on:tiny,full:other Once
# What a template puts behind the end of a turn is no part of an answer: with
# and without a line end there, the reward is the same.
echo '{"messages": [{"role": "user", "content": "Hi"},
 {"role": "assistant", "content": "Hello"}]}' | tr -d '\n' >turns.jsonl
for tail in bare line; do
    mkdir $tail
    cp tiny/* $tail
    echo '{"bos_token": "<s>", "eos_token": "</s>"}' >$tail/tokenizer_config.json
    printf "{%% for m in messages %%}{{ m.content }}</s>%s{%% endfor %%}" \
        "$([ $tail = line ] && echo "{{ '\\n' if m.role == 'assistant' }}")" \
        >$tail/chat_template.jinja
    "$TRIVIUM" score -q --model letters -a "on:$tail,prompt:Say it." --json \
        --data turns.jsonl | grep -o '"score":[^,}]*' >$tail.score
done
cmp bare.score line.score && echo "an answer ends with its end of turn"
