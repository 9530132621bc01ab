#!/usr/bin/env python3
"""PPO's rewards of tokens, advantages and losses from the last TRL that had
them as methods of its PPOTrainer, with gradients by autograd: ppo.json.

    pip download --no-deps trl==0.11.4
    python3 gen_ppo.py trl-0.11.4-py3-none-any.whl               torch 2.13.0

That version cannot be imported beside a newer transformers, so the methods'
text is taken out of the wheel and run as it stands. With `whiten_rewards` it
lets padding into the advantages (whitening moves what is masked off 0), so that
whitened rewards are compared by themselves.
"""
import ast
import sys
import types
import typing
import warnings
import zipfile

import torch
import torch.nn.functional as F

from trl_parts import numbers, single, write

wheel = zipfile.ZipFile(sys.argv[1])
room = dict(torch=torch, F=F, warnings=warnings, flatten_dict=lambda x: x,
            **{k: getattr(typing, k) for k in ("List", "Optional", "Union")})


def take(path, names, within=None):
    body = ast.parse(wheel.read(path)).body
    if within:
        body = next(n for n in body if isinstance(n, ast.ClassDef) and
                    n.name == within).body
    for n in body:
        if isinstance(n, ast.FunctionDef) and n.name in names:
            n.decorator_list = []
            exec(compile(ast.Module([n], []), path, "exec"), room)


take("trl/core.py", ("masked_mean", "masked_var", "masked_whiten",
                     "clip_by_value", "entropy_from_logits"))
take("trl/trainer/ppo_trainer.py", ("compute_rewards", "_kl_penalty",
                                    "compute_advantages", "loss"),
     "PPOTrainer")

torch.manual_seed(11)
LENGTHS = [4, 1, 7, 6]
S, T = len(LENGTHS), max(LENGTHS)
mask = torch.zeros(S, T)
for s, n in enumerate(LENGTHS):
    mask[s, :n] = 1
keep = mask.bool()
old = single(-torch.rand(S, T) * 5)
ref = single(old + torch.randn(S, T) * 0.3)
p = single(old + torch.randn(S, T) * 0.25)
value = single(torch.randn(S, T))
now = single(value + torch.randn(S, T) * 0.4)
scores = single(torch.randn(S) * 2)


def run(o, dtype):
    me = types.SimpleNamespace(
        kl_ctl=types.SimpleNamespace(value=o["beta"]),
        config=types.SimpleNamespace(
            kl_penalty="kl", whiten_rewards=False, gamma=o["gamma"],
            lam=o["lam"], cliprange_value=o["range"], cliprange=o["clip"],
            vf_coef=1.0, ratio_threshold=1e9))
    me._kl_penalty = types.MethodType(room["_kl_penalty"], me)
    m = mask.to(dtype)
    rewards, _, _ = room["compute_rewards"](
        me, scores.to(dtype), old.to(dtype), ref.to(dtype), m)
    values, adv, ret = room["compute_advantages"](
        me, value.to(dtype), rewards.clone(), m)
    x = p.to(dtype).requires_grad_()
    v = now.to(dtype).requires_grad_()
    policy, critic, stats = room["loss"](
        me, old.to(dtype), values, torch.zeros(S, T, 2), v, x, m, adv, ret)
    white = room["masked_whiten"](rewards, m, shift_mean=False)
    return dict(
        token_r=numbers(rewards[keep]), white_r=numbers(white[keep]),
        adv=numbers(adv[keep]), ret=numbers(ret[keep]), loss=policy.item(),
        value_loss=critic.item(),
        d_p=numbers(torch.autograd.grad(policy, x)[0][keep]),
        d_v=numbers(torch.autograd.grad(critic, v)[0][keep]),
        figures=[stats["policy"]["approxkl"].item(),
                 stats["policy"]["clipfrac"].item(),
                 stats["val"]["clipfrac"].item()])


plain = dict(beta=0.2, gamma=1.0, lam=0.95, clip=0.2, range=0.2)
write("ppo.json", dict(
    first=[sum(LENGTHS[:s]) for s in range(S + 1)], r=numbers(scores),
    **{k: numbers(x[keep]) for k, x in dict(old=old, ref=ref, p=p, v=value,
                                            now=now).items()},
    cases=[dict(**o, f64=run(o, torch.float64), f32=run(o, torch.float32))
           for o in (plain, plain | dict(gamma=0.9, lam=0.5, range=0.5),
                     plain | dict(lam=0.0, beta=0.0, clip=0.1))]))
