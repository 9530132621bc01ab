# The help of commands that fits a screen as it is, and the two ways to ask. What
# is made from the tables of methods is checked by test_help.
. "$SUPPORT/cli.sh"
for command in inspect tokenize generate chat measure help man completion; do
    t help "$command"
done
t --help
t --version
t convert --version
"$TRIVIUM" help convert >a
"$TRIVIUM" convert --help >b
cmp a b && echo "'help convert' and 'convert --help' say the same"
for word in rewards prompts data formats training dpo; do
    "$TRIVIUM" help $word | head -n 3
done
"$TRIVIUM" help >a
"$TRIVIUM" -h >b
cmp a b && echo "'help' and '-h' say the same"
