# A task, checked before it is run: what is told, what is refused, the status.
. "$SUPPORT/cli.sh"
need_tiny
mkdir task
rows() { # FROM TO: sums, each asked once
    for i in $(seq "$1" "$2"); do
        echo "{\"prompt\": \"$i + 1?\", \"answer\": \"$((i + 1))\", \"wrong\": \"$i\"}"
    done
}
rows 1 40 >task/train.jsonl
rows 41 80 >task/heldout.jsonl
sums() { # JSON: what task.json has beside the rows
    cat >task/task.json <<END
{"format": 1, "name": "sums", "says": "One more.", "max_tokens": 8,
 "data": {"train": {"file": "train.jsonl"}, "heldout": {"file": "heldout.jsonl"}},
 $1}
END
}
sums '"metric": {"kind": "accuracy"}, "reward": "verifier:exact", "sources": {"prompt": {"demos": 2}, "params": {"from": "prompt"}}'
t task check task
t task check task --json
t task check task --model tiny -q 2>&1 | sed 's/0\.[0-9]*/N/g'
rows 30 50 >task/heldout.jsonl
sums '"reward": "verifier:exact,column=answer", "second_reward": "verifier:exact,column=answer"'
t task check task
rows 1 40 >task/heldout.jsonl
sums '"reward": "verifier:number,column=wrong", "metric": {"kind": "pairs"}'
t task check task/
sums '"layout": "chat", "max_tokens": 9, "reward": "verifier:command,cmd=touch ran"'
t task check task
sed -i 's/, "max_tokens": 9//' task/task.json
t task check task
ls ran 2>&1
t task check task --model tiny -q
gzip -k task/train.jsonl && mkdir data/ && mv task/train.jsonl.gz data/ && rm task/train.jsonl
t task check task
t task check task --data data
t task chek task
t task check
t task check nowhere
