# Failures: one table of exit codes, which README, help and manual page list;
# and under --json each failure is one JSON object, in every command.
. "$SUPPORT/cli.sh"
need_tiny

"$TRIVIUM" help exit-codes | sed -n 's/^  \([0-9][0-9]* [a-z-]*\)  .*/\1/p' >table
cat table
list=$(paste -s -d, table | sed 's/,/, /g')
grep -q "exit code says how a command ended: $list\$" "$TRIVIUM_SOURCE/README.md" &&
    echo "README has the table"
"$TRIVIUM" man | sed -n '/^\.SH EXIT STATUS/,/^\.SH ENV/{/^[0-9]*$/p}' |
    diff - <(cut -d' ' -f1 table) && echo "the manual page has it"
"$TRIVIUM" help | sed -n '/^Exit status/,/^$/{s/^ *\([0-9][0-9]*\)  .*/\1/p}' |
    diff - <(cut -d' ' -f1 table) && echo "trivium help has it"

# One object, whose sentence is that of stderr and whose status is the exit's.
failure() {
    local status object sentence
    "$TRIVIUM" "$@" >out 2>err
    status=$?
    object=$(cat out)
    sentence=$(sed -n 's/^trivium: //p' err | tail -n 1 | sed 's/["\\]/\\&/g')
    case $object in
    "{\"error\":{\"code\":\""*"\",\"status\":$status,\"message\":\"$sentence\"}}")
        grep -q "^$status $(echo "$object" | cut -d'"' -f6)\$" table || cat out ;;
    *) echo "not so: $* (exit $status)"; cat out err ;;
    esac
    [ "$(wc -l <out)" = 1 ] || echo "several lines: $*"
}
commands=$("$TRIVIUM" help | sed -n '/^Commands/,/^$/{s/^  \([a-z]*\)  .*/\1/p}')
for c in $commands; do
    echo "--json: $c"
    failure "$c" --json --nonsense
    failure "$c" --nonsense --json
    failure "$c" -j --threads many
    "$TRIVIUM" help "$c" | grep -q -- '--json' || continue
    case $c in
    inspect) failure inspect nowhere --json ;;
    *) failure "$c" --json ;; # something is missing
    esac
done
failure --json
failure --json generate
failure nonsense --json
failure --nonsense --json
echo '{"prompt": "Once"}' >in.jsonl
mkdir there && echo mine >there/mine
failure inspect there --json
failure generate --model nowhere Once --json
failure generate --model tiny --prompt @nowhere --json
failure generate --model tiny --adaptation pompt:hi Once --json
failure generate --model tiny --candidates 0 Once --json
failure chat --model nowhere --json
failure score --model tiny --adaptation base --data nowhere --json
failure measure --model tiny --source base --target nowhere --json
failure convert --model tiny --from prompt:hi --to lora:there --json
failure convert --model tiny --from prompt:hi --to lora:there --replace --json
failure convert --model tiny --from prompt:hi --to nothing --json
failure convert --model tiny --from prompt:hi --to head:z --method dpo --json
failure convert --model tiny --from prompt:hi --to lora:z --beta 2 --json
failure train --model tiny --data nowhere --to lora:z --json
failure train --model tiny --data in.jsonl --to lora:z --json

# What inspect says of a broken artefact is its result.
tiny_lora broken && echo '{}' >broken/adapter_config.json
"$TRIVIUM" inspect broken --json 2>err | grep -c '"what"\|"error"'
cat err
# Without --json nothing but the sentence.
t inspect nowhere
