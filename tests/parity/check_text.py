#!/usr/bin/env python3
"""Log-probabilities of rows of text beside those of transformers in float32.

    check_text.py TRIVIUM MODEL TEXTS [--limit N]

MODEL is a Hugging Face folder, TEXTS JSON lines of `text`. The rule of
lm-evaluation-harness' loglikelihood_rolling: every token counts, the first
behind BOS, or EOS where there is none. Prints how far a token is off, and both
perplexities; exits 1 above 1e-3 nat a token, or where a text has other ids.
Not part of `make test`: needs torch and transformers.
"""
import argparse
import json
import math
import subprocess

import torch
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast

BOUND = 1e-3  # nat a token; f32 sums in another order are off by about 1e-5

p = argparse.ArgumentParser()
p.add_argument("program")
p.add_argument("model")
p.add_argument("texts")
p.add_argument("--limit", type=int, default=50)
a = p.parse_args()
out = subprocess.run(
    [a.program, "score", "-q", "--model", a.model, "--adaptation", "base",
     "--data", a.texts, "--max-rows", str(a.limit), "--tokens", "--precision",
     "f32", "--json"], check=True, stdout=subprocess.PIPE).stdout
ours = [json.loads(line) for line in out.splitlines()]
texts = [json.loads(line)["text"] for line in open(a.texts, encoding="utf-8")]
tok = PreTrainedTokenizerFast.from_pretrained(a.model)
model = AutoModelForCausalLM.from_pretrained(a.model, dtype=torch.float32).eval()
first = tok.bos_token_id if tok.bos_token_id is not None else tok.eos_token_id
worst = other = total = count = 0
for row, text in zip([r for r in ours if "row" in r], texts):
    y = tok(text)["input_ids"]
    y = y[1:] if y[:1] == [tok.bos_token_id] else y
    with torch.no_grad():
        logits = model(torch.tensor([[first] + y])).logits[0, :-1].double()
    logp = torch.log_softmax(logits, -1).gather(1, torch.tensor(y)[:, None])
    other += y != [t["id"] for t in row["tokens"]]
    worst = max(worst, abs(row["score"] - logp.sum().item()) / len(y))
    total += logp.sum().item()
    count += len(y)
print(f"{count} tokens, off by up to {worst:.2g} nat a token, {other} texts "
      f"with other ids; perplexity "
      f"{ours[-1]['summary']['perplexity']['token']:.6g}, transformers "
      f"{math.exp(-total / count):.6g}")
raise SystemExit(1 if worst > BOUND or other else 0)
