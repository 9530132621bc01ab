#!/usr/bin/env python3
"""A LoRA that Trivium wrote (plain, rsLoRA or DoRA), opened by PEFT: what it
changes in the log-probability of each token is the same there.

    check_scores.py TRIVIUM MODEL OURS

TRIVIUM is the program, MODEL a Hugging Face folder, OURS an artefact of Trivium
for it. Prints the largest difference over the tokens of a few answers; exits 1
above 1e-4 nat, or where PEFT misses a key or knows one not.
Not part of `make test`: needs torch, transformers, peft.
"""
import json
import subprocess
import sys
import tempfile
import warnings

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

ROWS = [("Say hello.", "Ahoy there, captain!"),
        ("What is two and two?", "Four, by the beard of Neptune."),
        ("1 + 1 =", " 2"), ("Name a colour.", "Blue as the deep sea.")]


def ours_of(trivium, base, ours):
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
        for prompt, completion in ROWS:
            f.write(json.dumps(dict(prompt=prompt, completion=completion))
                    + "\n")
        f.flush()
        out = subprocess.run(
            [trivium, "score", "--model", base, "--adaptation", "lora:" + ours,
             "--data", f.name, "--tokens", "--precision", "f32", "--json"],
            check=True, stdout=subprocess.PIPE).stdout
    rows = [json.loads(line) for line in out.splitlines()]
    return [row["tokens"] for row in rows if "tokens" in row]


def logp(model, x, y):
    with torch.no_grad():
        logits = model(input_ids=torch.tensor([x + y])).logits[0].double()
    at = torch.log_softmax(logits, -1)[len(x) - 1:-1]
    return at.gather(1, torch.tensor(y)[:, None])[:, 0]


def main(trivium, base, ours):
    tok = AutoTokenizer.from_pretrained(base)
    model = AutoModelForCausalLM.from_pretrained(base,
                                                 dtype=torch.float32).eval()
    said = ours_of(trivium, base, ours)
    pairs = [(tok(prompt)["input_ids"], [t["id"] for t in tokens])
             for (prompt, _), tokens in zip(ROWS, said)]
    plain = [logp(model, x, y) for x, y in pairs]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = PeftModel.from_pretrained(model, ours).eval()
    worst, most, n = 0.0, 0.0, 0
    for (x, y), before, tokens in zip(pairs, plain, said):
        theirs = logp(model, x, y) - before
        here = torch.tensor([t["score"] for t in tokens], dtype=torch.double)
        worst = max(worst, (theirs - here).abs().max().item())
        most = max(most, theirs.abs().max().item())
        n += len(y)
    print(f"{n} tokens, moved by up to {most:.4g} nat, off from PEFT by up to "
          f"{worst:.2g}")
    return 0 if worst < 1e-4 and n else 1


sys.exit(main(*sys.argv[1:]))
