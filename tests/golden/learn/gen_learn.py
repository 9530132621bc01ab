#!/usr/bin/env python3
"""Learning rates of transformers' schedules and parameters under
torch.optim.AdamW with clip_grad_norm_, as JSON on stdout.

    python3 gen_learn.py > learn.json        torch 2.13.0, transformers 5.24.0
"""
import json
import math

import torch
from transformers import (get_constant_schedule_with_warmup,
                          get_cosine_schedule_with_warmup,
                          get_linear_schedule_with_warmup)


def rates(shape, steps, share, peak):
    warm = math.ceil(steps * share)
    opt = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=peak)
    if shape == "cosine":
        s = get_cosine_schedule_with_warmup(opt, warm, steps)
    elif shape == "linear":
        s = get_linear_schedule_with_warmup(opt, warm, steps)
    else:
        s = get_constant_schedule_with_warmup(opt, warm)
    out = []
    for _ in range(steps):
        out.append(s.get_last_lr()[0])
        opt.step()
        s.step()
    return dict(shape=shape, steps=steps, warmup=share, peak=peak, lr=out)


def adamw(decay, clip, lr, n=7, steps=12):
    """Two groups: parameters 2..4 have no decay."""
    gen = torch.Generator().manual_seed(5)
    w0 = torch.randn(n, generator=gen)
    w = [w0[:2].clone(), w0[2:5].clone(), w0[5:].clone()]
    w = [x.requires_grad_() for x in w]
    opt = torch.optim.AdamW([dict(params=[w[0], w[2]], weight_decay=decay),
                             dict(params=[w[1]], weight_decay=0.0)], lr=lr)
    grads, after, norms = [], [], []
    for t in range(steps):
        g = torch.randn(n, generator=gen) * (3.0 if t % 3 else 0.02)
        grads += g.tolist()
        for x, part in zip(w, (g[:2], g[2:5], g[5:])):
            x.grad = part.clone()
        norms.append(float(torch.nn.utils.clip_grad_norm_(
            w, clip if clip else math.inf)))
        opt.step()
        after += torch.cat([x.detach() for x in w]).tolist()
    return dict(decay=decay, clip=clip, lr=lr, n=n, steps=steps,
                start=w0.tolist(), grads=grads, norms=norms, after=after)


print(json.dumps(dict(
    schedules=[rates(s, n, w, 3e-4) for s in ("cosine", "linear", "constant")
               for n, w in ((20, 0.1), (7, 0.03), (5, 0.0), (4, 1.0))],
    adamw=[adamw(0.0, 0.0, 1e-2), adamw(0.1, 1.0, 3e-3)]), indent=0))
