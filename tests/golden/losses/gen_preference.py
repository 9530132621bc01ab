#!/usr/bin/env python3
"""Losses over preferences from TRL's own trainers, with gradients by autograd:
preference.json, reward.json.

    python3 gen_preference.py                      trl 1.16.0, torch 2.13.0

Each case in float64 and in float32. Log-probabilities of tokens are multiples
of 1/64, so that sums over an answer are exact in both.

DPOTrainer has no label smoothing in its sigmoid loss; on a single pair its
`aot` loss, which sorts a batch, is the smoothed one. KTO on pairs is KTOTrainer
on each half, the other half serving as its KL rows. ORPOTrainer takes the
likelihood of the prompt, too: here prompts are one token, which nothing
predicts. It rounds log-probabilities to float32, which is turned off in
float64.
"""
import types
import unittest.mock

import torch
from trl.experimental.orpo import ORPOTrainer
from trl import DPOTrainer, KTOTrainer, RewardTrainer

from trl_parts import Model, metric, numbers, trainer, write

torch.manual_seed(3)


def draw(lengths, deviation):
    """Policy and reference, a list of token log-probabilities each."""
    def exact(x):
        return torch.round(x * 64) / 64
    ref = [exact(-torch.rand(n) * 4) for n in lengths]
    return [exact(r + torch.randn(len(r)) * deviation) for r in ref], ref


def padded(rows, width, dtype):
    """[rows, 2 + width]: after two prompt tokens, zeros where TRL masks."""
    out = torch.zeros(len(rows), 1 + width, dtype=dtype)
    for i, r in enumerate(rows):
        out[i, 1:1 + len(r)] = r.to(dtype)
    return out


def batch(rows, key, width):
    ids = torch.full((len(rows), 2 + width), key)
    mask = torch.zeros_like(ids)
    for i, r in enumerate(rows):
        mask[i, 2:2 + len(r)] = 1
    return ids, torch.ones_like(ids), mask


def outputs(log_probs):
    z = torch.zeros_like(log_probs)
    return types.SimpleNamespace(log_probs=log_probs, entropy=z, mean_logits=z,
                                 is_top1=z.bool())


def first_of_each(grad):
    """All tokens of an answer have the gradient of their sum."""
    return numbers(grad[:, 1])


def dpo(policy, ref, kind, beta, smoothing, dtype, sft=None):
    width = max(len(r) for r in policy)
    ids, attention, mask = batch(policy, 1, width)
    p = padded(policy, width, dtype).requires_grad_()
    m = Model({1: outputs(p)})
    t = trainer(model=m, ref_model=Model({1: outputs(padded(ref, width,
                                                            dtype))}),
                ld_alpha=None, precompute_ref_logps=False,
                args=types.SimpleNamespace(gradient_checkpointing_kwargs=None),
                f_divergence_type="reverse_kl",
                loss_types=[kind] if sft is None else [kind, "sft"],
                loss_weights=[1.0] if sft is None else [1.0, sft], beta=beta,
                label_smoothing=smoothing, use_weighting=False)
    loss = DPOTrainer._compute_loss(
        t, m, dict(input_ids=ids, attention_mask=attention,
                   completion_mask=mask), False)
    g = first_of_each(torch.autograd.grad(loss, p)[0])
    half = len(g) // 2
    return dict(loss=loss.item(), d_pc=g[:half], d_pr=g[half:],
                rewards=[metric(t, "rewards/" + n) for n in (
                    "chosen", "rejected", "margins", "accuracies")])


def smoothed(policy, ref, beta, smoothing, dtype):
    """One pair at a time, then the mean."""
    half = len(policy) // 2
    parts = [dpo([policy[i], policy[half + i]], [ref[i], ref[half + i]], "aot",
                 beta, smoothing, dtype) for i in range(half)]
    return dict(loss=sum(c["loss"] for c in parts) / half,
                d_pc=[c["d_pc"][0] / half for c in parts],
                d_pr=[c["d_pr"][0] / half for c in parts],
                rewards=[sum(c["rewards"][j] for c in parts) / half
                         for j in range(4)])


def kto(policy, ref, good, kl_policy, kl_ref, weights, beta, dtype):
    width = max(len(r) for r in policy + kl_policy)
    ids, attention, mask = batch(policy, 1, width)
    kl_ids, kl_attention, kl_mask = batch(kl_policy, 2, width)
    p = padded(policy, width, dtype).requires_grad_()
    m = Model({1: outputs(p), 2: outputs(padded(kl_policy, width, dtype))})
    t = trainer(model=m, ref_model=Model({
        1: outputs(padded(ref, width, dtype)),
        2: outputs(padded(kl_ref, width, dtype))}),
        calculate_KL=True, precompute_ref_logps=False, loss_type="kto",
        args=types.SimpleNamespace(gradient_checkpointing_kwargs=None),
        beta=beta, desirable_weight=weights[0], undesirable_weight=weights[1])
    t._compute_kl_logps = types.MethodType(KTOTrainer._compute_kl_logps, t)
    loss = KTOTrainer._compute_loss(
        t, m, dict(input_ids=ids, attention_mask=attention,
                   completion_mask=mask, KL_input_ids=kl_ids,
                   KL_attention_mask=kl_attention, KL_completion_mask=kl_mask,
                   label=torch.tensor(good)), False)
    g = torch.autograd.grad(loss, p)[0]
    return dict(loss=loss.item(), kl=metric(t, "kl"), d_p=first_of_each(g),
                rewards=[metric(t, "rewards/" + n) if any(
                    v == w for v in good) else 0.0
                    for n, w in (("chosen", 1), ("rejected", 0))])


def kto_pairs(policy, ref, beta, dtype):
    h = len(policy) // 2
    c = kto(policy[:h], ref[:h], [1] * h, policy[h:], ref[h:], (1, 1), beta,
            dtype)
    r = kto(policy[h:], ref[h:], [0] * h, policy[:h], ref[:h], (1, 1), beta,
            dtype)
    return dict(loss=(c["loss"] + r["loss"]) / 2,
                d_pc=[g / 2 for g in c["d_p"]], d_pr=[g / 2 for g in r["d_p"]],
                rewards=[c["rewards"][0], r["rewards"][1],
                         c["rewards"][0] - r["rewards"][1]])


def orpo(policy, beta, dtype):
    """Two words: the right one, 1, has the given log-probability."""
    half, width = len(policy) // 2, max(len(r) for r in policy)
    p = torch.full((2 * half, width), -1.0, dtype=dtype)
    mask = torch.zeros(2 * half, 1 + width, dtype=torch.long)
    mask[:, 0] = 1
    for i, r in enumerate(policy):
        p[i, :len(r)] = r.to(dtype)
        mask[i, 1:1 + len(r)] = 1
    p.requires_grad_()
    wrong = torch.log(torch.expm1(-p))
    logits = torch.stack([wrong, torch.zeros_like(p)], -1)
    logits = torch.cat([logits, torch.zeros_like(logits[:, :1])], 1)
    labels = torch.where(mask == 1, 1, -100)
    labels[:, 0] = -100
    rows = {}
    for name, of in (("chosen", slice(0, half)), ("rejected",
                                                  slice(half, None))):
        rows[name + "_input_ids"] = mask[of].clone()
        rows[name + "_attention_mask"] = mask[of]
        rows[name + "_labels"] = labels[of]
    t = trainer(is_encoder_decoder=False, padding_value=0, beta=beta)
    for name in ("concatenated_inputs", "get_batch_logps"):
        setattr(t, name, getattr(ORPOTrainer, name))
    for name in ("concatenated_forward", "odds_ratio_loss"):
        setattr(t, name, types.MethodType(getattr(ORPOTrainer, name), t))
    with unittest.mock.patch.object(
            torch.Tensor, "float", lambda x: x.to(dtype)):
        loss, metrics = ORPOTrainer.get_batch_loss_metrics(
            t, lambda *a, **k: types.SimpleNamespace(logits=logits), rows)
    g = numbers(torch.autograd.grad(loss, p)[0][:, 0])
    return dict(loss=loss.item(), d_pc=g[:half], d_pr=g[half:],
                rewards=[metrics["rewards/" + n] for n in (
                    "chosen", "rejected", "margins", "accuracies")],
                nll=metrics["nll_loss"])


def both(f):
    return dict(f64=f(torch.float64), f32=f(torch.float32))


lengths = [5, 1, 9, 3, 2, 7, 4, 8, 1, 3, 6, 12]
policy, ref = draw(lengths, 0.8)
cases = []
for beta in (0.1, 1.0):
    for kind in ("sigmoid", "ipo", "hinge"):
        cases.append(dict(kind=kind, beta=beta, smoothing=0.0, **both(
            lambda t: dpo(policy, ref, kind, beta, 0.0, t))))
    cases.append(dict(kind="sigmoid", beta=beta, smoothing=0.2, **both(
        lambda t: smoothed(policy, ref, beta, 0.2, t))))
    cases.append(dict(kind="kto", beta=beta, smoothing=0.0, **both(
        lambda t: kto_pairs(policy, ref, beta, t))))
with_sft = [dict(kind=kind, beta=0.1, weight=w, **both(
    lambda t: dpo(policy, ref, kind, 0.1, 0.0, t, w)))
    for kind, w in (("sigmoid", 1.0), ("sigmoid", 0.2), ("ipo", 0.5))]
half = len(lengths) // 2
sums = dict(pc=policy[:half], pr=policy[half:], qc=ref[:half], qr=ref[half:])
pairs = {k: [float(x.double().sum()) for x in v] for k, v in sums.items()}
pairs.update(nc=lengths[:half], nr=lengths[half:])

# Answers that do not belong to their inputs: the policy has moved up on them
# in one set, so that the baseline is above 0, and down in the other.
up, up_ref = draw([4, 6, 3], 0.1)
up = [x + 0.25 for x in up]
down, down_ref = draw([4, 6, 3], 0.1)
down = [x - 0.25 for x in down]
good = [1, 0, 0, 1, 1, 0, 1, 1, 0, 1, 0, 0]
marked = []
for name, g, kl, kl_ref, weights in (
        ("up", good, up, up_ref, (1.0, 1.0)),
        ("down", good, down, down_ref, (1.0, 1.0)),
        ("weighted", good, up, up_ref, (0.5, 1.75)),
        ("all good", [1] * 12, up, up_ref, (1.0, 1.0)),
        ("all bad", [0] * 12, up, up_ref, (1.0, 1.0))):
    marked.append(dict(
        name=name, beta=0.3, good=g, weights=weights,
        kl_p=[float(x.double().sum()) for x in kl],
        kl_q=[float(x.double().sum()) for x in kl_ref],
        **both(lambda t: kto(policy, ref, g, kl, kl_ref, weights, 0.3, t))))

# Probabilities are below 1 here, as odds need.
with torch.random.fork_rng():
    _, words = draw(lengths, 0.0)
words = [torch.clamp(x, max=-1 / 16) for x in words]
orpo_pairs = dict(
    pc=[float(x.double().sum()) for x in words[:half]],
    pr=[float(x.double().sum()) for x in words[half:]],
    qc=[0.0] * half, qr=[0.0] * half, nc=lengths[:half], nr=lengths[half:])
with_odds = [dict(kind="orpo", beta=beta, **both(
    lambda t: orpo(words, beta, t))) for beta in (0.1, 1.0)]
write("preference.json", dict(
    pairs=pairs, cases=cases, with_sft=with_sft, kto=marked,
    orpo=dict(pairs=orpo_pairs, cases=with_odds),
    answers=dict(p=[float(x.double().sum()) for x in policy],
                 q=[float(x.double().sum()) for x in ref])))


def reward(rc, rr, margin, centre, dtype):
    x = torch.cat([rc, rr]).to(dtype).requires_grad_()
    t = trainer(model=types.SimpleNamespace(training=True),
                args=types.SimpleNamespace(center_rewards_coefficient=centre))
    inputs = dict(input_ids=None, attention_mask=torch.ones(1))
    if margin is not None:
        inputs["margin"] = margin.to(dtype)
    loss = RewardTrainer.compute_loss(
        t, lambda **k: types.SimpleNamespace(logits=x.unsqueeze(1)), inputs)
    g = numbers(torch.autograd.grad(loss, x)[0])
    n = len(rc)
    return dict(loss=loss.item(), d_rc=g[:n], d_rr=g[n:],
                figures=[metric(t, k) for k in (
                    "accuracy", "margin", "min_reward", "mean_reward",
                    "max_reward")])


rc, rr = torch.randn(9) * 2, torch.randn(9) * 2
rr[4] = rc[4]
margin = torch.rand(9)
write("reward.json", dict(
    rc=numbers(rc), rr=numbers(rr), margin=numbers(margin),
    cases=[dict(margin=m, centre=c, **both(lambda t: reward(
        rc, rr, margin if m else None, c if c else None, t)))
        for m in (False, True) for c in (0.0, 0.01, 0.5)]))
