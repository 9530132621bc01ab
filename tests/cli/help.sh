# Every help text, and the two ways to ask for one.
. "$SUPPORT/cli.sh"
for command in inspect tokenize generate chat convert measure help man completion; do
    t help "$command"
done
t --help
t --version
t convert --version
"$TRIVIUM" help convert >a
"$TRIVIUM" convert --help >b
cmp a b && echo "'help convert' and 'convert --help' say the same"
"$TRIVIUM" help >a
"$TRIVIUM" -h >b
cmp a b && echo "'help' and '-h' say the same"
