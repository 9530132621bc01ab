"""TRL's own methods, called without a trainer: a stand-in for `self` holds the
settings, and a stand-in for the model answers with given log-probabilities.
"""
import collections
import json
import types

import torch


class Accelerator:
    """One process: gathering is doing nothing."""
    device = torch.device("cpu")
    num_processes = 1
    process_index = 0

    def gather(self, x):
        return x

    gather_for_metrics = gather

    def reduce(self, x, reduction=None):
        return x

    def unwrap_model(self, model):
        return model


class Model(torch.nn.Module):
    """Answers a batch by the number in its first id."""
    is_gradient_checkpointing = False

    def __init__(self, answers):
        super().__init__()
        self.answers = answers

    def forward(self, input_ids=None, **unused):
        return self.answers[int(input_ids[0, 0])]


def trainer(**settings):
    return types.SimpleNamespace(
        accelerator=Accelerator(), aux_loss_enabled=False, _tp_size=1,
        _total_train_tokens=0, _metrics=dict(
            train=collections.defaultdict(list),
            eval=collections.defaultdict(list)), **settings)


def metric(t, name):
    return float(t._metrics["train"][name][-1])


def single(x):
    """float32 numbers as JSON's, which are doubles."""
    return x.float().double()


def numbers(x):
    return x.detach().double().reshape(-1).tolist()


def write(name, root):
    """One number array a line."""
    text = json.dumps(root, indent=1)
    out, depth = [], 0
    for line in text.split("\n"):
        bare = line.strip()
        if depth or (bare.endswith("[") and bare != "["):
            numeric = not any(c in bare for c in '{"}') or bare.endswith("[")
            if depth and numeric:
                out[-1] += (" " if out[-1][-1] == "," else "") + bare
                depth -= bare.startswith("]")
                continue
            out.append(line)
            depth = 1 if bare.endswith("[") else 0
            continue
        out.append(line)
    with open(name, "w") as f:
        f.write("\n".join(out) + "\n")
