# What a newcomer writes first, by the guide's pages: the sentence says what to
# write instead, before any work.
. "$SUPPORT/cli.sh"
need_tiny
printf 'Be kind.' >z.txt
echo '{"prompt": "Hi", "completion": " there"}' >rows.jsonl
echo '{"question_text": "Hi", "good": "a", "bad": "b"}' >other.jsonl
printf 'a,b\nc,d\n' >other.csv
printf 'import sys\n' >reward.py
to="--model tiny --to lora:out --dry-run --inputs rows.jsonl"
# shellcheck disable=SC2086
from() { t convert $to --from "$1" | grep -v '^plan\|^time\|^memory\|^! .*layout'; }
score() { t score --model tiny --data rows.jsonl --adaptation "$1"; }

# A file where a spec belongs.
from @z.txt
from rows.jsonl
from other.csv
from messages:z.txt
from PROMPT:z.txt
t generate --model tiny --max-tokens 1 -a prompt:@rows.jsonl Hi | grep '^! .*warning'

# A program of one's own.
score reward.py
score verifier:reward.py
score "verifier:python3 reward.py"
score "command:python3 reward.py"
score "verifier:command,cmd=python3 reward.py,timeout=60"
score "verifier:regex,pattern=x,by=line"
score "verifier:regex,pattern=[,]by=line" | grep -e '^answers' -e behind
score "verifier:command,cmd=python3 reward.py"

# The grammar of specs within a text.
gen() { t generate --model tiny --max-tokens 1 "$@" Hi | grep -v '^[^$!e]'; }
gen -a "prompt:Be kind.=2"
gen -a "prompt:Be kind.*2"
gen -a "prompt:Solve x=2"
gen -a "1*prompt:Be kind.+1*prompt:Be brief."
score "contrast:prompt:Be kind.,prompt:Be rude." | grep '^! .*warning'
score "contrast:prompt:Be kind.,minus=prompt:Be rude." | grep '^! .*warning'

# The output.
t convert --model tiny --from prompt:@z.txt --to lora --dry-run
mkdir there && : >there/file
t convert --model tiny --from prompt:@z.txt --to lora:there --dry-run
t train --model tiny --data rows.jsonl --to lora:there --dry-run
t train --model tiny --data rows.jsonl --method dpo --to lora:there --dry-run
t train --model tiny --data rows.jsonl --to prompt:out --dry-run

t measure --model tiny --source prompt:a --target base --html there
t measure --model tiny --source prompt:a --target base --html nowhere/z.html
t convert --model tiny --from verifier:length,hi=3 --to prompt:out --phrases nowhere.txt --dry-run

# An option of another command, and the model without its option.
t convert --model tiny --from prompt:@z.txt --to lora:out --data rows.jsonl
t train --model tiny --pairs rows.jsonl --to lora:out
t train --model tiny --inputs rows.jsonl --to lora:out
t train --model tiny --data rows.jsonl --to lora:out --reward reward.py
t measure --model tiny --from prompt:a --target base
t measure --model tiny --source prompt:a --to base
t convert --model tiny --source prompt:a --to lora:out
t convert --resume out
t convert tiny --from prompt:@z.txt --to lora:out
t train --model tiny --data rows.jsonl --to lora:out --method DPO

# Columns.
t train --model tiny --data other.csv --to lora:out
t train --model tiny --data other.jsonl --to lora:out
