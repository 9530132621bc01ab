#!/usr/bin/env python3
"""Sums of log-probabilities of given answers, as lm-evaluation-harness takes
them on PIQA, beside those of transformers in float32.

    check_loglikelihood.py TRIVIUM MODEL ROWS [LABELS] [--limit N]

MODEL is a Hugging Face folder or a GGUF file (which transformers widens), ROWS
JSON lines of goal, sol1 and sol2, LABELS 0 or 1 a line, the right one. The
harness' rule: the context "Question: {goal}\\nAnswer:", the answer " {sol}",
whose ids are those of both together behind those of the context. Prints how far
the sums are off and the accuracy; exits 1 above 1e-3 nat, or where an answer
has other ids.
Not part of `make test`: needs torch, transformers, and gguf for GGUF files.
"""
import argparse
import json
import os
import subprocess
import tempfile

import torch
from transformers import (AutoModelForCausalLM, AutoTokenizer,
                          PreTrainedTokenizerFast)

BOUND = 1e-3  # nat; sums over about 20 tokens, each near 1e-5 off in f32


def read_rows(path, labels, limit):
    rows = [json.loads(line) for line in open(path, encoding="utf-8")]
    right = [int(x) for x in open(labels)] if labels else [0] * len(rows)
    return [(f"Question: {r['goal']}\nAnswer:",
             [" " + r["sol1"], " " + r["sol2"]], y)
            for r, y in list(zip(rows, right))[:limit]]


def ours_of(program, model, rows):
    """[(ids, sum)] of the right answer and of the other, row by row."""
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        for context, answers, y in rows:
            f.write(json.dumps(dict(prompt=context, chosen=answers[y],
                                    rejected=answers[1 - y])) + "\n")
        f.flush()
        out = subprocess.run(
            [program, "score", "--raw", "--model", model, "--adaptation", "base",
             "--data", f.name, "--no-eos", "--tokens", "--precision", "f32",
             "--json"], check=True, stdout=subprocess.PIPE).stdout
    lines = [json.loads(line) for line in out.splitlines()]
    return [([t["id"] for t in line[side + "_tokens"]], line[side])
            for line in lines if "row" in line
            for side in ("chosen", "rejected")]


def load(model):
    where = dict(pretrained_model_name_or_path=model)
    if os.path.isfile(model):
        where = dict(pretrained_model_name_or_path=os.path.dirname(model)
                     or ".", gguf_file=os.path.basename(model))
    # AutoTokenizer builds some classes anew, without the Digits of SmolLM2's
    # tokenizer.json; this class runs the file as it is.
    kind = AutoTokenizer if "gguf_file" in where else PreTrainedTokenizerFast
    return (kind.from_pretrained(**where), AutoModelForCausalLM.from_pretrained(
        **where, dtype=torch.float32).eval())


def theirs_of(tok, model, context, answer):
    x = tok(context)["input_ids"]
    y = tok(context + answer)["input_ids"][len(x):]
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([x + y]),
                       logits_to_keep=len(y) + 1).logits[0, :-1].double()
    at = torch.log_softmax(logits, -1).gather(1, torch.tensor(y)[:, None])
    return y, at.sum().item()


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("model")
    p.add_argument("rows")
    p.add_argument("labels", nargs="?")
    p.add_argument("--limit", type=int)
    a = p.parse_args()
    rows = read_rows(a.rows, a.labels, a.limit)
    ours = ours_of(a.program, a.model, rows)
    tok, model = load(a.model)
    worst = other = 0
    sums = []
    for i, (context, answers, y) in enumerate(rows):
        for k, answer in enumerate((answers[y], answers[1 - y])):
            ids, total = theirs_of(tok, model, context, answer)
            sums.append((ours[2 * i + k][1], total, len(answer.encode()) - 1))
            other += ids != ours[2 * i + k][0]
            worst = max(worst, abs(ours[2 * i + k][1] - total))
    print(f"{len(sums)} answers, off by up to {worst:.2g} nat, {other} with "
          "other ids")
    pairs = list(zip(sums[::2], sums[1::2]))
    for name, k in (("ours", 0), ("transformers", 1)):
        plain = sum(c[k] > r[k] for c, r in pairs)
        by_byte = sum(c[k] / c[2] > r[k] / r[2] for c, r in pairs)
        print(f"{name:12}  accuracy {plain / len(pairs):.4f}  by length in "
              f"bytes {by_byte / len(pairs):.4f}")
    return 1 if worst > BOUND or other else 0


raise SystemExit(main())
