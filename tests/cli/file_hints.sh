# A text that is the name of a file that is there is taken as it stands, and a
# warning says how the file is read: in every place that takes either. What
# takes a file alone says so.
. "$SUPPORT/cli.sh"
need_tiny
printf 'Be kind. ' >z.txt
printf 'Say yes. {answer}' >q.txt
echo '{"prompt": "Hi", "completion": " there"}' >rows.jsonl
gen() { t generate --model tiny --max-tokens 1 "$@" | grep -v '^[^$!e]'; }
score() { t score --model tiny --data rows.jsonl --adaptation "$1" | grep -e '^! .*warning' -e '^! trivium: .*the template of' -e '^exit'; }
gen -a prompt:z.txt Hi
gen -a prompt:@z.txt Hi
gen -a "prompt:z.txt " Hi
gen -q -a prompt:z.txt Hi
gen -a "0.5*prompt:z.txt" -a "prompt:Be rude." Hi
gen z.txt
gen --prompt z.txt
gen --prompt @z.txt
gen -a messages:z Hi
score contrast:prompt:@z.txt,minus=prompt:z.txt
score judge:z.txt
score judge:@z.txt
score judge:template=q.txt,Yes.
score judge:template=@q.txt,Yes.
score "sum:0.5*judge:z.txt+0.5*ratio:prompt:z.txt"
small="--samples 4 --max-tokens 2 --steps 1 --batch 2 --rank 2"
# shellcheck disable=SC2086
t convert --model tiny --from prompt:z.txt --to lora:l $small | grep '^! .*warning'
t measure --model tiny --source prompt:z.txt --target prompt:@z.txt \
    --max-inputs 2 --max-tokens 2 | grep '^! .*warning'
t convert --model tiny --from "prompt:Be kind." --to contrast:c --against prompt:z.txt |
    grep '^! .*warning'
# What an artefact holds was not typed here.
t convert --model tiny --from prompt:z.txt --to judge:j | grep '^! .*warning'
score j
t generate --model tiny --max-tokens 1 -a judge:z.txt Hi --best-of 2 |
    grep '^! .*warning'
