"""Golden values of operators, from PyTorch 2.13 in float64, autograd included.

    python3 gen_ops.py > ops.txt

Inputs are float32 numbers written in full; the test reads them back. One line
for each array: name, length, values.
"""

import torch
import torch.nn.functional as F

torch.manual_seed(1)


def put(name, x):
    x = x.detach().reshape(-1).double()
    print(name, x.numel(), " ".join("%.9g" % v for v in x.tolist()))


def leaf(*shape, scale=1.0):
    x = (torch.randn(*shape) * scale).float().double()
    return x.requires_grad_()


# norms: x [3,10]
x, w, b, dy = leaf(3, 10, scale=2), leaf(10), leaf(10), leaf(3, 10)
for a in (("x", x), ("w", w), ("b", b), ("dy", dy)):
    put("norm_" + a[0], a[1])
y = F.layer_norm(x, (10,), w, b, 1e-5)
put("layer_y", y)
for n, g in zip(("dx", "dw", "db"), torch.autograd.grad(y, (x, w, b), dy)):
    put("layer_" + n, g)
y = F.rms_norm(x, (10,), w, 1e-5)
put("rms_y", y)
for n, g in zip(("dx", "dw"), torch.autograd.grad(y, (x, w), dy)):
    put("rms_" + n, g)

# activations, gated: u [2,16] = f(u[:8]) * u[8:]
u, dh = leaf(2, 16, scale=3), leaf(2, 8)
put("act_u", u)
put("act_dh", dh)
for n, f in (
    ("gelu_tanh", lambda t: F.gelu(t, approximate="tanh")),
    ("gelu_erf", F.gelu),
    ("silu", F.silu),
    ("relu", F.relu),
):
    h = f(u[:, :8]) * u[:, 8:]
    put("act_" + n, h)
    put("act_d_" + n, torch.autograd.grad(h, u, dh)[0])

# attention: 5 queries, 4 heads over 2, D = 6, causal
q, k, v, do = leaf(5, 24), leaf(5, 12), leaf(5, 12), leaf(5, 24)
for a in (("q", q), ("k", k), ("v", v), ("dout", do)):
    put("attn_" + a[0], a[1])


def heads(t, n):
    return t.reshape(1, 5, n, 6).transpose(1, 2)


o = F.scaled_dot_product_attention(
    heads(q, 4), heads(k, 2), heads(v, 2), is_causal=True, enable_gqa=True
)
o = o.transpose(1, 2).reshape(5, 24)
put("attn_out", o)
for n, g in zip(("dq", "dk", "dv"), torch.autograd.grad(o, (q, k, v), do)):
    put("attn_" + n, g)

# losses: 3 rows of 11 logits
a, z = leaf(3, 11, scale=2), leaf(3, 11, scale=2)
put("loss_a", a)
put("loss_b", z)
target, coef = torch.tensor([4, 10, 0]), torch.tensor([1.0, 0.5, 2.0]).double()
logp = torch.log_softmax(z, -1)[torch.arange(3), target]
put("xent_logp", logp)
put("xent_d", torch.autograd.grad(-(coef * logp).sum(), z)[0])
la, lb = torch.log_softmax(a, -1), torch.log_softmax(z, -1)
lm = torch.log((la.exp() + lb.exp()) / 2)


def kl(p, q):
    return F.kl_div(q, p, log_target=True, reduction="none").sum(-1)


for n, d in (
    ("forward", kl(la, lb)),
    ("reverse", kl(lb, la)),
    ("jsd", (kl(la, lm) + kl(lb, lm)) / 2),
):
    put("div_" + n, d)
    put("div_d_" + n, torch.autograd.grad((coef * d).sum(), z, retain_graph=True)[0])

# AdamW: three steps, one parameter group
p = torch.nn.Parameter((torch.randn(7)).float().double())
g = torch.randn(3, 7).float().double()
put("adamw_w", p)
put("adamw_g", g)
opt = torch.optim.AdamW([p], lr=0.01, betas=(0.9, 0.98), eps=1e-6, weight_decay=0.1)
for i in range(3):
    p.grad = g[i].clone()
    opt.step()
put("adamw_after", p)
