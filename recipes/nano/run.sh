#!/bin/sh
# trivium-nano from nothing: data, training in four stages, evaluation. Stopped,
# it goes on where it was when it is called again with the same OUT.
#   run.sh [OUT] [-- OPTION...]    OUT: out/nano; OPTIONs go to `trivium train`
# TRIVIUM names the program, PYTHON the interpreter, TOKENS and SEED the data,
# STEPS, LATER, DENSE and LAST the lengths of the stages, STORIES a text of stories to
# learn, too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
TRIVIUM=${TRIVIUM:-$here/../../build/trivium}
PYTHON=${PYTHON:-python3}
TOKENS=${TOKENS:-90M}
SEED=${SEED:-0}
STEPS=${STEPS:-4500}
LATER=${LATER:-1300}
DENSE=${DENSE:-2000}
LAST=${LAST:-400}
export TRIVIUM

out=out/nano
if [ $# -gt 0 ] && [ "$1" != "--" ]; then
    out=$1
    shift
fi
[ $# -eq 0 ] || shift
mkdir -p "$out"

# data NAME OPTION...: the manifest is written last; without it the data are
# made again.
data() {
    name=$1
    shift
    [ -e "$out/$name/manifest.json" ] && return
    echo "run.sh: making the data in $out/$name"
    "$PYTHON" "$here/generate.py" "$out/$name" --jobs 2 "$@"
}

# train MODEL NAME DATA OPTION...: a finished model is not trained again;
# --resume begins anew where none stopped.
train() {
    model=$1 name=$2 data=$3
    shift 3
    [ -e "$out/$name/model.safetensors" ] && return
    "$TRIVIUM" train --model "$model" --data "$out/$data/train.jsonl" \
        --eval "$out/$data/valid.jsonl" --to "full:$out/$name" --batch 64 \
        --max-length 1024 --schedule cosine --weight-decay 0.1 \
        --seed "$SEED" --resume "$@"
}

# All abilities, two fifths of the rows.
data data --tokens "$TOKENS" --seed "$SEED" ${STORIES:+--stories "$STORIES"}
train "$here/model" first data --from-scratch --steps "$STEPS" --lr 1.5e-3 "$@"

# Then more of what comes late: reading words out of the context, as
# demonstrations and many behaviours need it.
data later --tokens 13M --seed "$((SEED + 1))" --held 0 --share \
    demos=0.38,behave=0.34,copying=0.12,reckon=0.06,judge=0.06,stories=0.04
train "$out/first" second later --steps "$LATER" --lr 1e-3 "$@"

# What two stages did not teach, in rows that are full of it: items of a few
# words, so that most of a row is labels; longer sums in more wordings; weak
# behaviours more often.
data dense --stage 3 --tokens 22M --seed "$((SEED + 2))" --held 0 --share \
    demos=0.55,behave=0.22,reckon=0.08,judge=0.05,copying=0.05,stories=0.05
train "$out/second" third dense --steps "$DENSE" --lr 1.2e-3 "$@"

# Last, more conversations than labels again; those with labels say so first.
data last --stage 4 --tokens 5M --seed "$((SEED + 3))" --held 0 --share \
    behave=0.45,demos=0.28,reckon=0.08,judge=0.07,stories=0.07,copying=0.05
train "$out/third" model last --steps "$LAST" --lr 8e-4 "$@"

"$PYTHON" "$here/evaluate.py" "$out/model" "$out/data" \
    --out "$out/evaluation.json"
