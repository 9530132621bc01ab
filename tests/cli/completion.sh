# The completion script in a real bash.
. "$SUPPORT/cli.sh"
source <("$TRIVIUM" completion bash)
complete_words() {
    COMP_WORDS=(trivium "$@")
    COMP_CWORD=$#
    _trivium
    echo "$*: ${COMPREPLY[*]}"
}
complete_words ""
complete_words con
complete_words convert --di
complete_words convert --divergence ""
complete_words convert --method d
complete_words help re
complete_words help d
complete_words generate --precision b
complete_words measure --q
"$TRIVIUM" man >page
grep -c '^\.TH TRIVIUM 1' page
