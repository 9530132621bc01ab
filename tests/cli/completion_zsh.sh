# The completion of zsh in a real zsh: a shell on a terminal of its own is sent
# a line and a tab, and what its completion adds is printed.
. "$SUPPORT/cli.sh"
command -v zsh >/dev/null || { echo "no zsh" >&2 && exit 77; }
mkdir fpath out.d
touch rows.jsonl z.txt
"$TRIVIUM" completion zsh >fpath/_trivium
cat >capture.zsh <<'ZSH'
zmodload zsh/zpty || exit 77
zpty z zsh -f -i
read_until() {
    local chunk all=
    while zpty -r z chunk; do
        all+=$chunk
        [[ $all == *$1* ]] && break
    done
    REPLY=$all
}
zpty -w z 'PROMPT= RPROMPT= TERM=dumb; unsetopt zle_bracketed_paste
fpath=($PWD/fpath $fpath); autoload -Uz compinit; compinit -u -D
bindkey "^I" complete-word; zstyle ":completion:*" list-colors ""
mark() { print -r -- "<<$1>>" }
start() { mark begin }; stop() { mark end; exit }
compprefuncs=(start); comppostfuncs=(stop)
compadd() {
    if [[ " ${(j: :)@[1,(i)(-|--)]} " == *" -"[a-zA-Z]#[OAD]" "* ]]; then
        builtin compadd "$@"
        return
    fi
    local -a hits
    local hit
    builtin compadd -A hits "$@"
    for hit in $hits; do print -r -- "<$IPREFIX$hit>"; done
    builtin compadd "$@"
}
setopt extendedglob; print -r -- "<<""ready>>"'
read_until '<<ready>>'
zpty -w -n z "$1"$'\t'
read_until '<<end>>'
print -r -- "$REPLY"
ZSH
c() {
    echo "$1 => $(timeout 60 zsh -f capture.zsh "$1" | tr -d '\r' |
        sed -n '/<<begin>>/,$s/^<\([^<>]*\)>$/\1/p' | LC_ALL=C sort -u | tr '\n' ' ')"
}
. "$SUPPORT/completion.sh"
