# The program that `help rewards` shows is one: it gives what the check gives that
# it copies; and what the protocol says of programs that break it is so.
. "$SUPPORT/cli.sh"
command -v python3 >/dev/null || { echo "no python3" >&2; exit 77; }
need_tiny
"$TRIVIUM" help rewards | sed -n '/^Such a program/,/^Examples/p' |
    sed '1d;$d;s/^    //' >reward.py
grep -c . reward.py
cat >rows.jsonl <<'END'
{"prompt": "Hi", "completion": "one two three", "answer": 3}
{"prompt": [{"role": "user", "content": "Ho"}], "completion": [{"role": "assistant", "content": ""}]}
{"prompt": "Hi", "completion": "a b c d e f g h i j k l m n o p q r s t u v w"}
END
json() { "$TRIVIUM" score -q --model tiny --data rows.jsonl --adaptation "$1" --json; }
json "verifier:command,cmd=python3 reward.py" >a
json verifier:length,by=words,lo=20 >b
cmp a b && echo "it gives what verifier:length gives"

# What it is asked, line by line.
cat >log.py <<'END'
import sys
for line in sys.stdin:
    print(line, end="", file=sys.stderr)
END
"$TRIVIUM" score -q --model tiny --data rows.jsonl \
    --adaptation "verifier:command,cmd=python3 log.py" 2>&1 >/dev/null | head -n 2

broken() {
    echo "$2" >broken.py
    t score -q --model tiny --data rows.jsonl \
        --adaptation "verifier:command,timeout=$1,cmd=python3 broken.py"
}
broken 1 "import time; time.sleep(60)"
broken 20 "for _ in range(9): print(1)"
broken 20 "print('good', flush=True); input()"
broken 20 "raise SystemExit(3)"
