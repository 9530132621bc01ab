#!/usr/bin/env python3
"""Policy losses and advantages from TRL's GRPOTrainer and RLOOTrainer, with
gradients by autograd: policy.json.

    python3 gen_policy.py                          trl 1.16.0, torch 2.13.0

Each case in float64 and in float32. TRL's rows are padded and have a mask with
holes (the tokens of tools); the numbers written are those of the tokens that
count, end to end.
"""
import types

import torch
from trl import GRPOTrainer, RLOOTrainer

from trl_parts import Model, metric, numbers, single, trainer, write

torch.manual_seed(8)

LENGTHS = [6, 1, 9, 4, 2, 7, 5, 8]
S, T = len(LENGTHS), max(LENGTHS)
mask = torch.zeros(S, T, dtype=torch.long)
for s, n in enumerate(LENGTHS):
    mask[s, :n] = 1
tools = torch.ones_like(mask)
tools[0, 2:4] = tools[2, 5] = tools[7, 1] = tools[7, 7] = 0
keep = (mask * tools).bool()
counts = keep.sum(1).tolist()
first = [sum(counts[:s]) for s in range(S + 1)]


def exact(x):
    """Multiples of 1/1024: their sums and differences are exact in float32."""
    return torch.round(x.double() * 1024) / 1024


old = exact(-torch.rand(S, T) * 5)
p = exact(old + torch.randn(S, T) * 0.25)
ref = exact(p + torch.randn(S, T) * 0.4)
adv = single(torch.randn(S))
adv[3] = 0.0
token_adv = single(torch.randn(S, T))


def per_token(values):
    def f(model, *unused, **unused_too):
        return values, torch.zeros_like(values), None
    return f


def inputs(dtype, **more):
    ids = torch.zeros_like(mask)
    return dict(prompt_ids=ids[:, :1], prompt_mask=mask[:, :1],
                completion_ids=ids, **more)


def grpo(o, dtype):
    x = p.to(dtype).requires_grad_()
    t = trainer(
        _get_per_token_logps_and_entropies=per_token(x),
        model=types.SimpleNamespace(training=True),
        top_entropy_quantile=1.0, off_policy_mask_threshold=None,
        importance_sampling_level=o["level"], beta=o["beta"],
        loss_type=o["mean"], epsilon_low=o["low"], epsilon_high=o["high"],
        args=types.SimpleNamespace(delta=None, use_bias_correction_kl=False,
                                   steps_per_generation=1),
        use_vllm=False, current_gradient_accumulation_steps=1,
        max_completion_length=o["max_tokens"], _entropy_bonus_enabled=False)
    a = token_adv if o["token_adv"] else adv
    more = {} if o["on_policy"] else dict(old_per_token_logps=old.to(dtype))
    loss = GRPOTrainer._compute_loss(t, None, inputs(
        dtype, completion_mask=mask, tool_mask=tools, advantages=a.to(dtype),
        ref_per_token_logps=ref.to(dtype),
        num_items_in_batch=torch.tensor(float(o["total"])), **more))
    g = torch.autograd.grad(loss, x)[0]
    assert not g[~keep].any()
    return dict(loss=loss.item(), d_p=numbers(g[keep]), figures=[
        metric(t, "kl") if o["beta"] else -1.0,
        metric(t, "clip_ratio/low_mean"), metric(t, "clip_ratio/high_mean")])


def rloo(o, dtype):
    """RLOOTrainer has no tool mask: what counts is the completion mask."""
    x = p.to(dtype).requires_grad_()
    t = trainer(_get_per_token_logps_and_entropies=per_token(x),
                model=types.SimpleNamespace(training=True),
                epsilon_low=o["low"], epsilon_high=o["high"])
    loss = RLOOTrainer._compute_loss(t, None, inputs(
        dtype, completion_mask=keep.long(), advantages=adv.to(dtype),
        old_logps=(old.to(dtype) * keep).sum(1)))
    g = torch.autograd.grad(loss, x)[0]
    return dict(loss=loss.item(), d_p=numbers(g[keep]), figures=[
        -1.0, metric(t, "clip_ratio/low_mean"),
        metric(t, "clip_ratio/high_mean")])


def both(f, o):
    return dict(**o, f64=f(o, torch.float64), f32=f(o, torch.float32))


plain = dict(level="token", mean="grpo", low=0.2, high=0.2, beta=0.0,
             max_tokens=0, total=0, token_adv=False, on_policy=False)
cases = [both(grpo, plain | change) for change in (
    {},
    dict(on_policy=True, beta=0.04),
    dict(beta=0.5),
    dict(low=0.1, high=0.28),
    dict(mean="bnpo", beta=0.1),
    dict(mean="dr_grpo", max_tokens=16, beta=0.1),
    dict(mean="dapo", total=123, high=0.28, beta=0.1),
    dict(level="sequence", low=0.02, high=0.03),
    dict(level="sequence", mean="dapo", total=123, beta=0.2),
    dict(level="sequence", mean="dr_grpo", max_tokens=16),
    dict(token_adv=True, mean="bnpo", beta=0.1),
)]
cases += [both(rloo, plain | dict(level="rloo") | change) for change in (
    {}, dict(low=0.5, high=0.9))]


def scored(cls, rewards, K, **settings):
    """Advantages, and what is logged of the rewards."""
    n = len(rewards)
    model = Model({})
    t = trainer(
        model=model, ref_model=model, environment_factories=None, tools=None,
        environments=None, pad_to_multiple_of=None, use_vllm=False,
        mask_truncated_completions=False, num_iterations=1, num_generations=K,
        num_generations_eval=K, reward_funcs=[None], reward_func_names=["r"],
        _tokenizer=types.SimpleNamespace(pad_token_id=0),
        reward_weights=torch.ones(1, dtype=rewards.dtype),
        multi_objective_aggregation="sum_then_normalize",
        args=types.SimpleNamespace(
            per_device_train_batch_size=n, steps_per_generation=1,
            gradient_accumulation_steps=1, gradient_checkpointing_kwargs=None),
        _logs=dict(prompt=[], completion=[], rewards=dict(r=[]), advantages=[],
                   extra={}, images=[]),
        _pending_extra_logs={}, _pending_metrics={}, log_multimodal=False,
        _calculate_rewards=lambda *a: rewards.unsqueeze(1), **settings)
    ids = [[1]] * n
    if cls is GRPOTrainer:
        t._generate = lambda prompts: (ids, ids, None, ids, None, {}, None,
                                       None)
    else:
        t._generate = lambda prompts: (ids, ids, ids)
        kl = settings["kl"].to(rewards.dtype)
        turns = iter((kl, torch.zeros_like(kl)))  # the policy, the reference
        t._get_per_token_logps_and_entropies = lambda *a, **k: (
            next(turns), None, None)
    out = cls._generate_and_score_completions(
        t, [dict(prompt="") for _ in range(n)])
    return dict(adv=numbers(out["advantages"]), figures=[
        metric(t, "reward"), metric(t, "reward_std"),
        metric(t, "frac_reward_zero_std")])


nan = float("nan")
rewards = single(torch.randn(4, 5) * 3)
rewards[1] = 0.3                               # no spread
holes = rewards.clone()
holes[0, 2:4] = holes[3, 0] = holes[3, 4] = nan  # some without a reward
holes[2, 1:] = nan                               # only one in its group
holes[1] = single(torch.randn(5))
zero_kl = torch.zeros(20, 1)
kl = exact(torch.randn(20, 1))


def advantages(name, r, kind, **o):
    K = r.shape[1]
    out = dict(name=name, kind=kind, K=K, beta=o.get("beta", 0.0), r=[
        None if v != v else v for v in numbers(r)])
    if o.get("beta"):
        out["kl"] = numbers(o["kl"])
    for key, dtype in (("f64", torch.float64), ("f32", torch.float32)):
        flat = r.reshape(-1).to(dtype)
        if kind in ("group", "batch", "none"):
            out[key] = scored(GRPOTrainer, flat, K, scale_rewards=kind,
                              beta=0.0)
        else:
            out[key] = scored(
                RLOOTrainer, flat, K, reward_clip_range=None,
                beta=o.get("beta", 0.0), kl=o.get("kl", zero_kl[:len(flat)]),
                normalize_advantages=kind == "rloo normalised")
    return out


kinds = ("group", "batch", "none", "rloo", "rloo normalised")
write("policy.json", dict(
    first=first, p=numbers(p[keep]), old=numbers(old[keep]),
    ref=numbers(ref[keep]), adv=numbers(adv),
    token_adv=numbers(token_adv[keep]), cases=cases,
    advantages=[advantages("plain", rewards, k) for k in kinds] +
    [advantages("holes", holes, k) for k in kinds] +
    [advantages("charged", rewards, "rloo", beta=0.3, kl=kl)] +
    [advantages("alone", rewards[:, :1], k) for k in kinds[:4]]))
