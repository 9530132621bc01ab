# Documents are found by the stems of their words; inputs that none of them
# matches are counted, and told of by every command that looks them up.
. "$SUPPORT/cli.sh"
need_tiny
cat >corpus.jsonl <<'END'
{"text": "they run"}
{"text": "an owl"}
END
cat >rows.jsonl <<'END'
{"prompt": "running", "completion": " x"}
{"prompt": "nothing", "completion": " x"}
END
"$TRIVIUM" generate -q --raw --model tiny --max-tokens 4 --temperature 0 \
    -a "retrieve:corpus.jsonl,k=1,template=<{text}> " "running" >a
"$TRIVIUM" generate -q --raw --model tiny --max-tokens 4 --temperature 0 \
    "<they run> running" >b
cmp a b && echo "running finds run"
# The share alone: how often a command looks an input up is its own business.
told() { grep '^! .*warning' | sed 's/ ([0-9]* of [0-9]*)$//'; }
spec=retrieve:corpus.jsonl
t generate --model tiny --max-tokens 1 -a "$spec" "owls" | told
t generate --model tiny --max-tokens 1 -a "$spec" "emus" | told
t score --model tiny --data rows.jsonl --adaptation "$spec" | told
t score -q --model tiny --data rows.jsonl --adaptation "$spec" | grep '^!'
t score --model tiny --data rows.jsonl --adaptation "contrast:$spec" | told
# shellcheck disable=SC2086
t convert --model tiny --from "$spec" --to lora:l --inputs rows.jsonl --samples 4 \
    --max-tokens 2 --steps 1 --batch 2 --rank 2 | told
t measure --model tiny --source "$spec" --target base --inputs rows.jsonl \
    --max-tokens 2 | told | sed 's/[0-9.]*%/N%/'
# What was stored before the stems opens, and finds as a spec does.
mkdir old && cp corpus.jsonl old
cat >old/trivium.json <<END
{"trivium": 1, "form": "prompt", "kind": "retrieve", "base": null, "chain": [],
 "prompt": {"k": "1", "template": "<{text}> "},
 "files": [{"name": "corpus.jsonl", "bytes": $(stat -c %s corpus.jsonl), "sha256": "$(sha256sum <corpus.jsonl | cut -d' ' -f1)"}]}
END
"$TRIVIUM" generate -q --raw --model tiny --max-tokens 4 --temperature 0 -a old "running" >c
cmp a c && echo "so does a stored one"
