# Bad specs of every kind: each failure names the spec, the part and the fact.
. "$SUPPORT/cli.sh"
need_tiny
echo '{"prompt": "a", "completion": " b"}' >rows.jsonl
echo '{"input": "a", "output": "b"}' >demos.jsonl
while IFS= read -r s; do
    got=$("$TRIVIUM" score -q --model tiny --data rows.jsonl --adaptation "$s" \
        2>&1 >/dev/null)
    status=$?
    [[ $got == *"'$s'"* ]] || echo "not named: $s"
    case $status in 2 | 3) ;; *) echo "exit $status: $s" ;; esac
    echo "${got#trivium: }" | cut -c 1-160
done <<'SPECS'
lora:
full:
adapter:
soft:
prefix:
head:
prompt:@
messages:
demos:
demos:demos.jsonl,
demos:demos.jsonl,form=
demos:demos.jsonl,form=chat,form=chat
demos:demos.jsonl,form
demos:demos.jsonl,x=1
retrieve:
retrieve:demos.jsonl,k=x
retrieve:demos.jsonl,k=0
retrieve:demos.jsonl,k=1,k=2
mix:
mix:lora:lo
mix:x*prompt:a
mix:1*
mix:1e999*prompt:a
mix:1*mix:1*prompt:a
1e999*prompt:a
ratio:
ratio:beta=1
ratio:beta=1,
ratio:beta=x,prompt:a
ratio:beta=1,beta=2,prompt:a
contrast:
contrast:prompt:a,minus=
judge:
judge:scale=x,Be brief
judge:@
verifier:
verifier:number,
verifier:number,,
verifier:number,=
verifier:number,column
verifier:number,column=a,column=b
verifier:length,lo=x
verifier:regex
endo:alpha=0
endo:nothing
sum:
sum:verifier:number
sum:1*verifier:number+
sum:1*sum:1*verifier:number
on:
on:tiny
on:tiny,
on:,prompt:a
on:tiny,on:tiny,prompt:a
on:tiny,verifier:number
ratio:ratio:ratio:ratio:ratio:ratio:ratio:ratio:ratio:ratio:prompt:a
base:x
nokind:x
SPECS
