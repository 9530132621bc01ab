# One output: who may write it, and what of it stays.
. "$SUPPORT/cli.sh"
need_tiny
work=(convert --model tiny --from "prompt:Say it." --samples 8 --max-tokens 8
    --batch 2 --rank 2)
run() { "$TRIVIUM" "${work[@]}" --steps 4 -q "$@" 2>&1; }
# work_on OUT WORDS...: one in the background, stopped while it is at work.
work_on() {
    local tries=0
    "$TRIVIUM" "${work[@]}" --steps 1000 --to "lora:$1" "${@:2}" >log 2>&1 &
    job=$!
    while [ "$(cat "$1.run/metrics.jsonl" 2>/dev/null | wc -l)" -lt 20 ] &&
        [ "$tries" -lt 3000 ]; do
        tries=$((tries + 1))
        sleep 0.01
    done
    kill -STOP "$job"
}
ended() {
    kill -CONT "$job"
    wait "$job"
    echo "exit $?"
    sed -n 's/^trivium: //p' log | tail -n 1
}
# many WORDS...: eight processes at once; how many say what.
many() {
    for i in 1 2 3 4 5 6 7 8; do
        "$TRIVIUM" "$@" >"many.$i" 2>&1 || echo "exit $?" >>"many.$i" &
    done
    wait
    echo "made by $(grep -l '^made' many.? | wc -l)," \
        "exit 6 by $(grep -lx 'exit 6' many.? | wc -l)"
    rm many.?
}

echo "- eight at one output"
many "${work[@]}" --steps 4 --to lora:z
many convert --model tiny --from "prompt:Be kind." --to judge:j
many convert --model tiny --from "prompt:Say it." --to ratio:c --via lora \
    --samples 4 --max-tokens 4 --steps 2 --batch 2 --rank 2
ls
rm -r c c.via

echo "- a PEFT folder with what a trainer and a person left"
rm z/trivium.json z/metrics.jsonl
mkdir z/checkpoint-100
echo card >z/README.md
echo state >z/checkpoint-100/optimizer.pt
cp z/adapter_model.safetensors was
run --to lora:z --seed 9 --replace >/dev/null
ls z z/checkpoint-100
cat z/README.md z/checkpoint-100/optimizer.pt
cmp -s was z/adapter_model.safetensors || echo "another adapter"
echo "- what the manifest does not list is in the way of another kind"
echo "my notes" >z/prompt.txt
run --to lora:z --replace >/dev/null && cat z/prompt.txt
t convert -q --model tiny --from lora:z --to text:z --samples 4 --replace
rm -r z

echo "- links"
mkdir -p far/away
run --to lora:far/away/z >/dev/null
echo mine >far/away/z/README.md
ln -s far/away/z link
run --to lora:link/ --seed 9 --replace >/dev/null
[ -L link ] && cat link/README.md
run --to lora:link
ln -s far/new dangling
run --to lora:dangling >/dev/null
[ -L dangling ] && ls far/new
here=$PWD
(cd link && t convert -q --model "$here/tiny" --from "prompt:Be kind." \
    --to judge:. --replace) | sed "s|$here|HERE|g"
ls far far/away

echo "- two runs"
work_on busy
run --to lora:busy | sed 's/process [0-9]*/process N/'
run --to lora:busy --replace | sed 's/process [0-9]*/process N/'
"$TRIVIUM" convert --model tiny --from "prompt:Be kind." --to judge:busy \
    --replace 2>&1 | sed 's/process [0-9]*/process N/'
mkdir busy
echo mine >busy/letter
ended
ls busy busy.new
rm -rf busy busy.new busy.run
run --to lora:busy >/dev/null
work_on busy --replace
echo mine >busy/letter
echo theirs >busy/adapter_config.json
ended
cat busy/letter busy/adapter_config.json
rm -rf busy busy.new busy.run

echo "- killed"
run --to lora:old --seed 9 >/dev/null
echo mine >old/README.md
cp -r old before
work_on old --replace
kill -KILL "$job"
wait "$job" 2>/dev/null
diff -r before old && echo "as it was"
run --to lora:old --replace >/dev/null && cat old/README.md
ls -d old*

echo "- a page"
echo '{"prompt": "Hi"}' >in.jsonl
echo x >page
ln -s page html
"$TRIVIUM" measure -q --model tiny --source base --target lora:old \
    --inputs in.jsonl --max-tokens 4 --html html >/dev/null
[ -L html ] && head -n 1 page
mkfifo pipe
head -n 1 <pipe &
"$TRIVIUM" measure -q --model tiny --source base --target lora:old \
    --inputs in.jsonl --max-tokens 4 --html pipe >/dev/null
wait
[ -p pipe ] && echo "a pipe stays a pipe"
