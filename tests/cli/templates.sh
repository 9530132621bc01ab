# Chat templates: what a model is given, which tokens carry loss, a template
# that cannot be read, one from a file, several by name.
. "$SUPPORT/cli.sh"
need_tiny
cat >chat.json <<'JSON'
[{"role": "system", "content": "Be brief."},
 {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello"},
 {"role": "user", "content": "Why"}, {"role": "assistant", "content": "So"}]
JSON
cat >rows.jsonl <<'JSON'
{"text": "Once upon"}
{"prompt": "2+2=", "completion": " 4"}
{"messages": [{"role": "user", "content": "Hi"}]}
{"prompt": "a", "chosen": "b", "rejected": "c"}
JSON
cat >think.jinja <<'JINJA'
{% for m in messages %}
{{ m.role }}: {{ m.content.split('</think>')[-1] }}
{% endfor %}
{% if add_generation_prompt %}
assistant: <think>
{% endif %}
JINJA
echo '{{ tools | tojson }}{{ messages[0].content }}' >tools.jinja
echo '["a tool"]' >tools.json
t tokenize --model tiny --messages chat.json
t tokenize --model tiny --messages chat.json --text
t tokenize --model tiny --messages chat.json --text --loss-on assistant
t tokenize --model tiny --messages rows.jsonl --text
t tokenize --model tiny --messages rows.jsonl
t tokenize --model tiny --messages chat.json --text --chat-template think.jinja
t tokenize --model tiny --messages chat.json --text --tools tools.json \
    --chat-template tools.jinja
t tokenize --model tiny --text
t tokenize --model tiny --messages chat.json --decode
t tokenize --model tiny --messages nothing.json
t tokenize --model tiny --messages chat.json --tools think.jinja
: >empty.jinja
(printf '\xef\xbb\xbf' && cat think.jinja) >marked.jinja
t tokenize --model tiny --messages chat.json --text --chat-template empty.jinja
"$TRIVIUM" tokenize -q --model tiny --messages chat.json --text \
    --chat-template marked.jinja | cmp - <("$TRIVIUM" tokenize -q --model tiny \
    --messages chat.json --text --chat-template think.jinja) &&
    echo "a byte order mark is no part of a template"
# A template that cannot be parsed costs only those who ask for a chat.
mkdir broken
cp tiny/* broken
echo '{"bos_token": "<s>", "eos_token": "</s>"}' >broken/tokenizer_config.json
printf 'a\n{%% if messages %%}' >broken/chat_template.jinja
t inspect broken | grep -e template -e exit
t tokenize --model broken Once
"$TRIVIUM" generate --model broken --max-tokens 4 Once >/dev/null &&
    echo "plain text goes on"
t generate --model broken --chat Once
t chat --model broken </dev/null
t tokenize --model broken --messages chat.json
"$TRIVIUM" generate --model broken --chat --max-tokens 4 Once \
    --chat-template think.jinja >/dev/null && echo "another template is taken"
t generate --model tiny --chat Once --chat-template broken/chat_template.jinja
t generate --model tiny --chat Once --chat-template nothing
# An answer behind a generation prompt that the template does not continue.
echo '{"messages": [{"role": "user", "content": "Hi"},
 {"role": "assistant", "content": "why</think>So"}]}' |
    tr -d '\n' >think.jsonl
t tokenize --model tiny --messages think.jsonl --text \
    --chat-template think.jinja
"$TRIVIUM" score --model tiny --data think.jsonl -a base \
    --chat-template think.jinja 2>&1 >/dev/null | grep note
"$TRIVIUM" train --model tiny --data think.jsonl --to lora:out/think --steps 1 \
    --chat-template think.jinja 2>&1 >/dev/null | grep note
"$TRIVIUM" train --model tiny --data think.jsonl --to lora:out/all --steps 1 \
    --loss-on all >/dev/null 2>&1 && grep -o '"loss_on": *"all"' out/all/trivium.json
t train --model tiny --data think.jsonl --to head:out/head --loss-on all
# Several templates: one by its name, tool_use where there are tools.
cat >broken/tokenizer_config.json <<'JSON'
{"bos_token": "<s>", "eos_token": "</s>", "chat_template": [
 {"name": "default", "template": "plain"},
 {"name": "tool_use", "template": "tools"},
 {"name": "rag", "template": "documents"}]}
JSON
rm broken/chat_template.jinja
echo '{"messages": [{"role": "user", "content": "Hi"}]}' >hi.jsonl
t tokenize --model broken --messages hi.jsonl --text
t tokenize --model broken --messages hi.jsonl --text --tools tools.json
t tokenize --model broken --messages hi.jsonl --text --chat-template rag
