# The completion script in a real bash, with the words that it parts at ':' and
# '=' as readline replaces them; and the manual page.
. "$SUPPORT/cli.sh"
mkdir out.d
touch rows.jsonl z.txt
source <("$TRIVIUM" completion bash)
c() {
    COMP_LINE=$1 COMP_POINT=${#1}
    _trivium
    echo "$1 => ${COMPREPLY[*]}"
}
. "$SUPPORT/completion.sh"
c 'trivium '
c 'trivium convert --to=lora:o'
c 'trivium generate --prec'
c 'trivium generate --precision b'
c 'trivium generate --max-tokens '
c 'trivium convert --divergence forward --to lo'
COMP_WORDBREAKS=$' \n'
c 'trivium convert --to lora:o'
"$TRIVIUM" man >page
grep -c '^\.TH TRIVIUM 1' page
t completion fsh
t completion tcsh
