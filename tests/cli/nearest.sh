# A near miss in every vocabulary: what was written, and what is guessed.
. "$SUPPORT/cli.sh"
need_tiny
echo '{"prompt": "a", "completion": " b", "answer": "b"}' >rows.jsonl
echo '{"promt": "a", "completion": " b"}' >typo.jsonl
echo '{"prompt": "a", "chosn": " b", "rejected": " c"}' >pairs.jsonl
echo '{"input": "a", "output": "b"}' >demos.jsonl
# n WANT WORDS...: the guess is in the failure, on one line.
n() {
    local want=$1 got status
    shift
    got=$("$TRIVIUM" "$@" 2>&1 >/dev/null)
    status=$?
    got=$(grep -v '^\(Try\|trivium: [a-z]*: at most\)' <<<"$got")
    case $got in
        *"did you mean '$want'?"*) echo "$want: ok" ;;
        *) echo "$want: exit $status, no guess: $got" ;;
    esac
}
echo "--- commands, topics, methods, options and their choices"
n train trian
n rewards help rewrds
n distill help distil
n --schedule train --schedul linear
n cosine train --schedule cosin
n bon generate --act bonn
to=(convert --model tiny --from "prompt:hi" --to lora:z)
n distill "${to[@]}" --method distil
n upper "${to[@]}" --method features --features-layers uper
n q_proj "${to[@]}" --targets q_prj
n lora "${to[@]}" --via lorra
n lora convert --model tiny --from prompt:hi --to loar:z
n lora train --model tiny --data rows.jsonl --to lroa:z
of=(convert --model tiny --inputs rows.jsonl --from verifier:number --to lora:z)
n sigmoid "${of[@]}" --loss sigmod
n dapo "${of[@]}" --method grpo --loss dapoo
# w WANT WORDS...: another name, of which nothing is guessed by its letters.
w() {
    local want=$1 got
    shift
    got=$("$TRIVIUM" "$@" 2>&1 >/dev/null)
    case $got in
        *"did you mean"*) echo "$want: guessed: $got" ;;
        *"$want"*) echo "$want: ok" ;;
        *) echo "$want: not said: $got" ;;
    esac
}
train=(train --model tiny --data rows.jsonl --to lora:z)
w "convert --from REWARD --method grpo" "${train[@]}" --method grpo
w "convert --from REWARD --method rloo" "${train[@]}" --method rloo
w "--method dpo --loss ipo" "${train[@]}" --method ipo
w "takes one of" "${train[@]}" --method xpo
w "there are sigmoid" "${of[@]}" --loss grpo
w "train --method dpo" dpo --model tiny
w "--to full:OUT" merge
w "trivium chat" run tiny
w "'--task', as verifier:CHECK" measure --model tiny --metric rouge
w "no --model" inspect --model tiny
w "write verifier:exact" measure --model tiny --source base --task exact
w "prompt:TEXT for a prompt" "${to[@]}" --from "Be brief."
echo "--- kinds, checks, and options of specs"
s() {
    local want=$1 spec=$2
    n "$want" score --model tiny --data rows.jsonl --adaptation "$spec"
}
s prompt pompt:hi
s verifier verifer:number
s base bse
s number verifier:nubmer
s column verifier:number,colum=answer
s answer verifier:number,column=anwser
s word verifier:regex,by=wrod,pattern=a
s words verifier:contains,wrods=a
s beta ratio:bta=1,prompt:hi
s alpha endo:alpa=1
s minus= contrast:prompt:a,mins=prompt:b
s template judge:tmplate=x,Be brief.
s form demos:demos.jsonl,frm=chat
s chat demos:demos.jsonl,form=chta
s template retrieve:demos.jsonl,templat=x
echo "--- columns"
n promt train --model tiny --data typo.jsonl --to lora:z
n chosn train --model tiny --data pairs.jsonl --to head:z
