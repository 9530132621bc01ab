"""Ten training losses of a reference run, for test_training.c.

torch 2.13.0, transformers 5.24.0, peft 0.21.2:  python gen_training.py > training.json

The tiny Llama of ../models with its PEFT adapter, trained in float64 on all rows at once: AdamW (rate 2e-3, decay 0.01,
clipping at norm 1, constant rate). `sft` is the mean of -log p(answer token); `forward`, `reverse` and `jsd` the mean
divergence, over the full vocabulary, from the bare model that sees z before each context. `features` is `forward` and, at
the same places, 0.5 times the mean over both layers' outputs (no last norm) of |t - s|^2 / |t|^2, t the bare model's state.
"""
import json
import pathlib

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

here = pathlib.Path(__file__).parent
z = [11, 12, 13, 14, 15]
rows = [([1, 2, 3], [21, 22, 23, 24]), ([1, 2, 4], [30, 31]), ([9, 8, 7], [40, 41, 42, 43, 44, 45]), ([5], [50])]


def answer_logits(model, context, answer):
    ids = torch.tensor([context + answer])
    return model(ids).logits[0, len(context) - 1 : -1]


def answer_states(model, layers, context, answer):
    seen = []
    hooks = [layer.register_forward_hook(lambda m, x, y: seen.append(y[0] if isinstance(y, tuple) else y)) for layer in layers]
    model(torch.tensor([context + answer]))
    for hook in hooks:
        hook.remove()
    return [h.reshape(-1, h.shape[-1])[len(context) - 1 : -1] for h in seen]


def divergence(kind, lp, lq):
    p, q = lp.exp(), lq.exp()
    if kind == "forward":
        return (p * (lp - lq)).sum(-1)
    if kind == "reverse":
        return (q * (lq - lp)).sum(-1)
    lm = torch.log((p + q) / 2)
    return ((p * (lp - lm)).sum(-1) + (q * (lq - lm)).sum(-1)) / 2


def run(kind):
    folder = here.parent / "models" / "llama"
    base = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    model = PeftModel.from_pretrained(base, folder / "adapter", is_trainable=True).double()
    teacher = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float64, attn_implementation="eager")
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=2e-3, weight_decay=0.01)
    losses = []
    for _ in range(10):
        optimiser.zero_grad()
        total, n = 0.0, 0
        for context, answer in rows:
            lq = torch.log_softmax(answer_logits(model, context, answer), -1)
            if kind == "sft":
                total = total - lq[torch.arange(len(answer)), answer].sum()
            else:
                with torch.no_grad():
                    lp = torch.log_softmax(answer_logits(teacher, z + context, answer), -1)
                total = total + divergence("forward" if kind == "features" else kind, lp, lq).sum()
            if kind == "features":
                mine = answer_states(model, model.base_model.model.model.layers, context, answer)
                with torch.no_grad():
                    its = answer_states(teacher, teacher.model.layers, z + context, answer)
                for s, t in zip(mine, its):
                    total = total + 0.5 / len(its) * (((t - s) ** 2).sum(-1) / (t**2).sum(-1)).sum()
            n += len(answer)
        loss = total / n
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        losses.append(loss.item())
    return losses


print(json.dumps({kind: run(kind) for kind in ["sft", "forward", "reverse", "jsd", "features"]}, indent=1))
