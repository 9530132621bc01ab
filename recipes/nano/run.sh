#!/bin/sh
# trivium-nano from nothing: data, training, evaluation. Stopped, it goes on
# where it was when it is called again with the same OUT.
#   run.sh [OUT] [-- OPTION...]    OUT: out/nano; OPTIONs go to `trivium train`
# TRIVIUM names the program, PYTHON the interpreter, TOKENS and SEED the data,
# STEPS the length of the training, STORIES a text of stories to learn, too.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
TRIVIUM=${TRIVIUM:-$here/../../build/trivium}
PYTHON=${PYTHON:-python3}
TOKENS=${TOKENS:-80M}
SEED=${SEED:-0}
STEPS=${STEPS:-7000}
export TRIVIUM

out=out/nano
if [ $# -gt 0 ] && [ "$1" != "--" ]; then
    out=$1
    shift
fi
[ $# -eq 0 ] || shift
mkdir -p "$out"

# The manifest is written last: without it the data are made again.
if [ ! -e "$out/data/manifest.json" ]; then
    echo "run.sh: making $TOKENS tokens of data in $out/data"
    "$PYTHON" "$here/generate.py" "$out/data" --tokens "$TOKENS" \
        --seed "$SEED" ${STORIES:+--stories "$STORIES"} --jobs 2
fi

# A row has 133 tokens in the mean: 7,000 steps of 64 rows learn from 60 million
# of them, about two hours and a quarter on two cores; 9,400 are one pass. A
# finished model is not trained again; --resume begins anew where none stopped.
if [ ! -e "$out/model/model.safetensors" ]; then
    "$TRIVIUM" train --model "$here/model" --from-scratch \
        --data "$out/data/train.jsonl" --eval "$out/data/valid.jsonl" \
        --to "full:$out/model" --steps "$STEPS" --batch 64 \
        --max-length 1024 --lr 1.5e-3 --schedule cosine --weight-decay 0.1 \
        --seed "$SEED" --resume "$@"
fi

"$PYTHON" "$here/evaluate.py" "$out/model" "$out/data" \
    --out "$out/evaluation.json"
