#!/usr/bin/env python3
"""KTO against TRL's KTOTrainer: one model, one batch, loss, metrics and the
gradient's norm.

    check_kto.py TRIVIUM MODEL        TRIVIUM: the program; MODEL: a small folder

Trivium makes a LoRA by `train --method kto` for some steps, in which each step
takes all rows; PEFT opens what it left, and TRL's own loss is computed on the
rows in the order of the next step, which the same run with one step more logs.
Order in a batch matters: each answer is matched with the next one's prompt. It
is found by trying which of the rotations and orders gives the logged KL, so the
rows are few.
"""
import itertools
import json
import os
import subprocess
import sys
import tempfile
import types

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import KTOTrainer

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)),
                                "../golden/losses"))
from trl_parts import Model, metric, trainer  # noqa: E402

ROWS = [("Name a colour.", " Blue is a colour.", True),
        ("Name an animal.", " no", False),
        ("Name a number between one and ten.", " Seven, of course.", True),
        ("Name a town by the sea.", " I will not say so.", False)]
STEPS = 3


def run(trivium, model, where, steps):
    out = os.path.join(where, f"out{steps}")
    rows = os.path.join(where, "rows.jsonl")
    with open(rows, "w") as f:
        for p, c, label in ROWS:
            f.write(json.dumps(dict(prompt=p, completion=c, label=label)) + "\n")
    raw = ["--raw"] if "--raw" in subprocess.run(
        [trivium, "help", "train"], capture_output=True, text=True).stdout else []
    subprocess.run([trivium, "train", "-q", "--precision", "f32", "--model", model, "--method", "kto",
                    "--data", rows, "--to", f"lora:{out}", "--steps", str(steps),
                    "--batch", str(len(ROWS)), "--schedule", "constant",
                    "--warmup", "0", "--lr", "1e-3", "--clip", "0", "--seed", "1",
                    *raw], check=True, stdout=subprocess.DEVNULL)
    for name in (f"{out}/metrics.jsonl", f"{out}.run/metrics.jsonl"):
        if os.path.exists(name):
            with open(name) as f:
                return out, [json.loads(line) for line in f]
    raise SystemExit("no metrics.jsonl")


def logps(model, rows):
    """log-probabilities of answer tokens, as KTOTrainer's batches have them."""
    width = max(len(p) + len(a) for p, a in rows)
    ids = torch.zeros(len(rows), width, dtype=torch.long)
    mask = torch.zeros_like(ids)
    for i, (p, a) in enumerate(rows):
        ids[i, :len(p) + len(a)] = torch.tensor(p + a)
        mask[i, len(p):len(p) + len(a)] = 1
    logits = model(input_ids=ids).logits[:, :-1].float()
    lp = torch.log_softmax(logits, -1).gather(2, ids[:, 1:, None])[..., 0]
    return lp * mask[:, 1:], mask


def outputs(x):
    z = torch.zeros_like(x)
    return types.SimpleNamespace(log_probs=x, entropy=z, mean_logits=z,
                                 is_top1=z.bool())


def trl(policy, order, rows):
    own = [rows[i] for i in order]
    moved = [(rows[i][0], rows[order[k - 1]][1]) for k, i in enumerate(order)]
    p, mask = logps(policy, own)
    with torch.no_grad():
        m, m_mask = logps(policy, moved)
        with policy.disable_adapter():
            q, mq = logps(policy, own)[0], logps(policy, moved)[0]
    one, two = torch.ones_like(mask), torch.full_like(m_mask, 2)
    net = Model({1: outputs(p), 2: outputs(m)})
    t = trainer(model=net, ref_model=Model({1: outputs(q), 2: outputs(mq)}),
                calculate_KL=True, precompute_ref_logps=False, loss_type="kto",
                args=types.SimpleNamespace(gradient_checkpointing_kwargs=None),
                beta=0.1, desirable_weight=1.0, undesirable_weight=1.0)
    t._compute_kl_logps = types.MethodType(KTOTrainer._compute_kl_logps, t)
    loss = KTOTrainer._compute_loss(t, net, dict(
        input_ids=one, attention_mask=one, completion_mask=mask,
        KL_input_ids=two, KL_attention_mask=two, KL_completion_mask=m_mask,
        label=torch.tensor([ROWS[i][2] for i in order])), False)
    policy.zero_grad()
    loss.backward()
    norm = torch.sqrt(sum((x.grad.double() ** 2).sum()
                          for x in policy.parameters() if x.grad is not None))
    names = ("kl", "rewards/chosen", "rewards/rejected", "rewards/margins",
             "logps/chosen", "logps/rejected")
    return dict(loss=loss.item(), grad_norm=norm.item(),
                **{n: metric(t, n) for n in names})


def main(trivium, model):
    tokenizer = AutoTokenizer.from_pretrained(model)
    eos = [tokenizer.eos_token_id]
    rows = [(tokenizer(p)["input_ids"],
             tokenizer(c, add_special_tokens=False)["input_ids"] + eos)
            for p, c, _ in ROWS]
    with tempfile.TemporaryDirectory() as where:
        made, _ = run(trivium, model, where, STEPS)
        _, lines = run(trivium, model, where, STEPS + 1)
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        policy = PeftModel.from_pretrained(base, made, is_trainable=True).eval()
        ours = lines[-1]
        best = min((trl(policy, list(o), rows)
                    for o in itertools.permutations(range(len(ROWS)))),
                   key=lambda x: abs(x["kl"] - ours["kl"]))
    worst = 0.0
    for name, theirs in best.items():
        # sums of some 10 log-probabilities, each f32 to about 1e-6
        error = abs(theirs - ours[name]) / max(1.0, abs(theirs))
        worst = max(worst, error)
        print(f"{name:18} ours {ours[name]:.6f}, TRL {theirs:.6f}, {error:.1e}")
    print("worst", f"{worst:.1e}")
    return worst > 1e-4


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
