# One adaptation evaluated by itself, figures that are chosen, sizes that a
# budget leaves, and what is refused.
. "$SUPPORT/cli.sh"
need_tiny
cat >sums.jsonl <<'END'
{"prompt": "1 + 1 =", "answer": "2", "difficulty": "low"}
{"prompt": "1 + 2 =", "answer": "3", "difficulty": "low"}
{"prompt": "2 + 2 =", "answer": "4", "difficulty": "low"}
END
small="--inputs sums.jsonl --max-tokens 6"
# The names of the figures in a report that were measured.
named() {
    # shellcheck disable=SC2086
    "$TRIVIUM" measure -q --model tiny $small --json "$@" >json || cat json
    sed '/"answer_tokens"/,/^  }/d' json | tr -d '\n ' | grep -o '"[a-z_0-9]*":{"mean":[-0-9][^}]*' |
        sed 's/":.*"n":\([0-9]*\).*/ \1/; s/"//' | tr '\n' ','
    echo
}
echo "== one adaptation, at a task"
named --source "prompt:Say it." --task verifier:number
named --source "prompt:Say it." --task verifier:number --temperature 0
named --source base --task verifier:number
named --source "prompt:Say it." --task verifier:number --figures task_source
named --source "prompt:Say it." --task verifier:number --figures task_gain
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." $small \
    --task 'verifier:regex,pattern=^' | head -n 5
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." $small \
    --task 'verifier:regex,pattern=^' --temperature 0 --examples 1 |
    grep -c '^BASE  *PROMPT *$'
echo "== figures by name"
named --source "prompt:Say it." --target "prompt:Once"
named --source "prompt:Say it." --target "prompt:Once" --figures kl,ranks
named --source "prompt:Say it." --target "prompt:Once" --figures gap_closed
named --source "prompt:Say it." --target "prompt:Say it."
named --source verifier:number --target "prompt:Once"
echo "== columns that nothing reads are named"
# shellcheck disable=SC2086
"$TRIVIUM" measure --model tiny $small --source base --task verifier:number \
    2>&1 >/dev/null | grep 'columns of'
echo "== sizes"
"$TRIVIUM" measure --model tiny --inputs sums.jsonl --source "prompt:Say it." \
    --target base --dry-run 2>&1 | sed 's/about .*/about .../'
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target base \
    --budget 0.001 >table && grep -o '^Cut.*so\|--max-in.*figures' table
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target base \
    --budget 0.001 --json | grep -v '_seconds\|seconds"\|peak\|cut\|flop\|tokens"' >cut
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target base \
    --budget none --max-inputs 12 --max-tokens 16 --json |
    grep -v '_seconds\|seconds"\|peak\|cut\|flop\|tokens"' |
    cmp cut - && echo "the options that are named give the same figures"
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target base \
    --budget 0.001 --max-inputs 20 --max-tokens 8 >table
grep -c '^Cut' table
echo "== refused"
no() { t measure --model tiny --source "prompt:Say it." "$@"; }
no
no --target base --figures gap_clsoed
no --target base --figures drift
no --target base --figures task
no --task verifier:number --figures task,kl
no --target base --temperature 0
no --task verifier:number --html z.html
no --target base --budget soon
