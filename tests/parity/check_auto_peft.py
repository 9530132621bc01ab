#!/usr/bin/env python3
"""Artefacts of Trivium, opened by name alone, from another folder: a LoRA,
soft and prefix tokens by AutoPeftModelForCausalLM, a head by
AutoPeftModelForSequenceClassification, all weights by the classes Auto... of
transformers. What each changes in the log-probability of every token, or its
score, is the same there.

    check_auto_peft.py TRIVIUM MODEL

TRIVIUM is the program, MODEL a Hugging Face folder. MODEL is given once as a
relative path and once by a name on the Hub, out of a cache that is made for it.
Prints the largest difference of each kind. Exits 1 above 1e-4 nat (f32 through
all layers on both sides), or where PEFT misses a key or knows one not.
Not part of `make test`: needs torch, transformers, peft.
"""
import json
import os
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

ROWS = [("Say hello.", " Ahoy there, captain!"), ("1 + 1 =", " 2"),
        ("Name a colour.", " Blue as the deep sea.")]
PAIRS = [(x, y, " No.") for x, y in ROWS]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
BOUND = 1e-4


def fake_cache(cache, name, folder):
    """A repository as huggingface_hub leaves it."""
    repo = cache / ("models--" + name.replace("/", "--"))
    snapshot = repo / "snapshots" / COMMIT
    (repo / "refs").mkdir(parents=True)
    (repo / "blobs").mkdir()
    snapshot.mkdir(parents=True)
    (repo / "refs" / "main").write_text(COMMIT)
    for f in Path(folder).iterdir():
        if f.is_file():
            (snapshot / f.name).symlink_to(f.resolve())


def turns(tok, x, y=None):
    """Rows of messages are chats whatever the layout of plain prompts is."""
    user = [{"role": "user", "content": x}]
    return user + [{"role": "assistant", "content": y}] if y else user


def context(tok, x):
    if not tok.chat_template:
        return tok(x)["input_ids"]
    out = tok.apply_chat_template(turns(tok, x), add_generation_prompt=True,
                                  return_dict=False)
    return list(out)


def write_rows(tok, path, pairs=False):
    with open(path, "w") as f:
        for x, y, n in PAIRS:
            if pairs:
                row = dict(prompt=x, chosen=y, rejected=n)
                if tok.chat_template:
                    row = dict(prompt=turns(tok, x),
                               chosen=turns(tok, x, y)[1:],
                               rejected=turns(tok, x, n)[1:])
            elif tok.chat_template:
                row = dict(messages=turns(tok, x, y))
            else:
                row = dict(prompt=x, completion=y)
            f.write(json.dumps(row) + "\n")


def main(trivium, given):
    import torch
    from peft import (AutoPeftModelForCausalLM,
                      AutoPeftModelForSequenceClassification)
    from transformers import (AutoModelForCausalLM,
                              AutoModelForSequenceClassification,
                              AutoTokenizer, GenerationConfig)
    f32 = dict(dtype=torch.float32)
    trivium, model = os.path.abspath(trivium), os.path.abspath(given)
    tok = AutoTokenizer.from_pretrained(model)
    work = Path(tempfile.mkdtemp())
    fake_cache(Path(os.environ["HF_HUB_CACHE"]), "Org/Model", model)
    write_rows(tok, work / "rows.jsonl")
    write_rows(tok, work / "pairs.jsonl", pairs=True)

    def run(*args):
        return subprocess.run([trivium, *map(str, args)], check=True,
                              stdout=subprocess.PIPE, cwd=work).stdout

    def score(out, *more):
        text = run("score", "-q", "--model", model, "--adaptation", out,
                   "--data", "rows.jsonl", "--precision", "f32", "--json",
                   *more)
        return [json.loads(line) for line in text.splitlines()][:len(ROWS)]

    def logp(m, x, y):
        with torch.no_grad():
            ids = torch.tensor([x + y])
            at = m(input_ids=ids).logits[0].double().log_softmax(-1)
        at = at[-len(y) - 1:-1]
        return at.gather(1, torch.tensor(y)[:, None])[:, 0]

    bad = 0

    def report(kind, name, worst, most):
        nonlocal bad
        bad += not worst <= BOUND or not most > 10 * BOUND
        print(f"{kind:8} {name:12} differs by {worst:.2g} at most, "
              f"acts by up to {most:.2g}")

    base = AutoModelForCausalLM.from_pretrained(model, **f32).eval()
    names = [os.path.relpath(model, work), "Org/Model"]
    for name, kind in [(n, k) for n in names
                       for k in ("lora", "soft", "prefix", "full")]:
        out = f"{kind}-{name == names[1]}"
        more = ["--save-as", "f32"] if kind == "full" else []
        run("train", "-q", "--model", name, "--data", "rows.jsonl", "--to",
            f"{kind}:{out}", "--steps", 5, "--batch", 3, "--lr",
            1e-4 if kind == "full" else 1e-2, *more)
        auto = AutoModelForCausalLM if kind == "full" else \
            AutoPeftModelForCausalLM
        with warnings.catch_warnings():
            warnings.simplefilter("error", UserWarning)
            theirs = auto.from_pretrained(work / out, **f32).eval()
        worst = most = 0.0
        for (x, _), row in zip(ROWS, score(out, "--tokens")):
            x, y = context(tok, x), [t["id"] for t in row["tokens"]]
            ours = torch.tensor([t["score"] for t in row["tokens"]],
                                dtype=torch.float64)
            diff = logp(theirs, x, y) - logp(base, x, y) - ours
            worst = max(worst, diff.abs().max().item())
            most = max(most, ours.abs().max().item())
        report(kind, "path" if name == names[0] else name, worst, most)
        if kind == "full":
            same = AutoTokenizer.from_pretrained(work / out)
            bad += same(ROWS[0][1])["input_ids"] != tok(ROWS[0][1])["input_ids"]
            bad += same.chat_template != tok.chat_template
            if os.path.exists(f"{model}/generation_config.json"):
                bad += (GenerationConfig.from_pretrained(work / out).eos_token_id
                        != GenerationConfig.from_pretrained(model).eos_token_id)

    for out, more in (("head", []), ("head-full", ["--full", "--save-as",
                                                   "f32"])):
        run("train", "-q", "--model", "Org/Model", "--data", "pairs.jsonl",
            "--to", f"head:{out}", "--steps", 5, "--batch", 3, "--lr", 1e-3,
            *more)
        auto = AutoModelForSequenceClassification if more else \
            AutoPeftModelForSequenceClassification
        theirs = auto.from_pretrained(work / out, **f32, **(
            {} if more else dict(num_labels=1))).eval()
        worst = most = 0.0
        laid = run("tokenize", "--model", model, "--messages",
                   "rows.jsonl").splitlines()
        for line, row in zip(laid, score(out)):
            ids = [int(i) for i in line.split()]
            with torch.no_grad():
                got = theirs(input_ids=torch.tensor([ids])).logits.item()
            worst = max(worst, abs(got - row["score"]))
            most = max(most, abs(got))
        report(out, "Org/Model", worst, most)
    return 1 if bad else 0


# Before huggingface_hub is read, which looks at it once.
os.environ["HF_HUB_CACHE"] = tempfile.mkdtemp()
os.environ["HF_HUB_OFFLINE"] = "1"
sys.exit(main(*sys.argv[1:]))
