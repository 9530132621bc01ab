# What wins where a model's files contradict each other is said on stderr, once
# for each command, and by inspect.
. "$SUPPORT/cli.sh"
need_tiny
mkdir model
cp tiny/* model
sed 's/"num_hidden_layers": 2/"num_hidden_layers": 1/' tiny/config.json \
    >model/config.json
printf '{{ messages[0].content }}' >model/chat_template.jinja
printf '{"<x>": 300}' >model/added_tokens.json
t tokenize --model model 'Hi'
t tokenize --model model 'Hi<x>'
t tokenize --quiet --model model Hi
t inspect model | grep -A 4 warnings
