# The whole walk on a tiny model: inspect, convert, measure, generate.
. "$SUPPORT/cli.sh"
need_tiny
"$TRIVIUM" inspect tiny >/dev/null && echo "inspected the model"
"$TRIVIUM" inspect tiny --json | head -c 1
echo
printf '{"prompt": "One"}\n{"prompt": "Two"}\n{"prompt": "Three"}\n' >in.jsonl
"$TRIVIUM" convert --model tiny --from "prompt:Say it." --to lora:out/z \
    --inputs in.jsonl --samples 8 --max-tokens 8 --steps 4 --batch 2 \
    --rank 2 >report 2>notes || cat notes
sed 's/[0-9][0-9.,]*/N/g; s/N [mu]*s:/N s:/; s/N \(min\|s\):/N s:/' report |
    grep -v '^work\|^memory\|^took'
"$TRIVIUM" inspect out/z >/dev/null && echo "inspected the artefact"
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target out/z \
    --inputs in.jsonl --max-tokens 8 --html z.html >table && echo "measured"
cut -c 1-15 table | head -n 10
grep -c '<figure class="plot">' z.html
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target out/z \
    --inputs in.jsonl --max-tokens 8 --examples 2 --html z.html >table
grep -a '^> \|^BASE' table
grep -a -o 'it picks the same next token as the prompt in' table
grep -a -c 'class="asked"' z.html
grep -a -o '<title>.* of tiny' z.html
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target out/z \
    --inputs in.jsonl --max-tokens 8 --examples 2 --json |
    grep -o '"\(input\|base\|source\|target\)": "[A-Z]\?' | sort | uniq -c
"$TRIVIUM" measure -q --model tiny --source "prompt:Say it." --target out/z \
    --inputs in.jsonl --max-tokens 8 --json >json &&
    grep -o '"[a-z_0-9]*": *{"mean"' json | tr -d ' ' | sort
"$TRIVIUM" generate --model tiny --adaptation out/z --max-tokens 4 "One" \
    >/dev/null && echo "generated"
