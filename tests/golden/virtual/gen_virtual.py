"""Write virtual tokens, prefixes and bottleneck adapters for the tiny models of
../models, with what they make of those models.

    python gen_virtual.py [FAMILY ...]        (in this folder; all by default)

torch 2.13.0, transformers 5.24.0, peft 0.21.2, safetensors 0.8.0, numpy 2.4.6.
README.md says what each file and tensor is.
"""
import json
import os
import shutil
import sys
import tempfile

import torch
from peft import (PeftModel, PrefixTuningConfig, PromptTuningConfig,
                  get_peft_model)
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "models")
sys.path.insert(0, MODELS)
WANTED = sys.argv[1:]
sys.argv[1:] = ["none"]  # it writes the models that its arguments name
from gen_models import FAMILIES, f32, grid  # noqa: E402 (makes float64 stay)

TOKENS = 5  # virtual ones
SIZE = 6    # of the bottleneck
SEQS = 2    # of the three in ../models: 7 and 13 tokens
# A family's seed is 2000 and its place, but for these: 2005 of olmo2 and 2105 of
# smollm3 draw bottlenecks whose gradients cancel, so that bf16 is 8.6 and 8.8 %
# of the largest off.
SEEDS = {"olmo2": 2006, "phi3": 2100, "ministral3": 2101, "gpt_neox": 2102,
         "starcoder2": 2103, "glm4": 2104, "olmo3": 2101, "gemma2": 2102,
         "gemma3": 2103, "granite": 2104, "smollm3": 2107, "exaone4": 2106,
         "granitemoehybrid": 2108}
PATHS = {  # layers; attention and MLP in one
    "gpt2": ("transformer.h", "attn", "mlp"),
    "gpt_neox": ("gpt_neox.layers", "attention", "mlp"),
    "granitemoehybrid": ("model.layers", "self_attn", "shared_mlp")}


def base(family):
    model = AutoModelForCausalLM.from_pretrained(
        os.path.join(MODELS, family), attn_implementation="eager",
        dtype=torch.float64).eval()
    for p in model.parameters():
        p.requires_grad_(False)
    return model


def sequences(family):
    gold = load_file(os.path.join(MODELS, family, "golden.safetensors"))
    return [gold[f"ids.{i}"].long() for i in range(SEQS)]


def note(gold, kind, model, family):
    """Logits at the text's own tokens, and the summed loss, backpropagated."""
    total = torch.zeros((), dtype=torch.float64)
    for i, ids in enumerate(sequences(family)):
        logits = model(input_ids=ids[None]).logits[0, -len(ids):]
        assert logits.dtype == torch.float64
        logp = torch.log_softmax(logits[:-1], -1)
        loss = -logp.gather(1, ids[1:, None]).sum()
        loss.backward()
        gold[f"{kind}.logits.{i}"] = f32(logits)
        total += loss.detach()
    gold[f"{kind}.loss"] = f32(total[None])


def with_peft(gold, kind, config, family, gen):
    peft = get_peft_model(base(family), config).double().eval()
    table = peft.prompt_encoder["default"].embedding.weight
    table.data = grid(0.5 * torch.randn(table.shape, generator=gen,
                                        dtype=torch.float64))
    note(gold, kind, peft, family)
    gold[f"{kind}.grad"] = f32(table.grad)
    for p in peft.parameters():
        p.data = p.data.float()
    peft.peft_config["default"].base_model_name_or_path = family
    where = os.path.join(HERE, family, kind)
    peft.save_pretrained(where)
    os.remove(os.path.join(where, "README.md"))


class Bottleneck(torch.nn.Module):
    """A module and a bottleneck after it: m + U f(D m + d) + u."""

    def __init__(self, module, width, gen):
        super().__init__()

        def draw(*shape):
            return torch.nn.Parameter(grid(0.3 * torch.randn(
                shape, generator=gen, dtype=torch.float64)))

        self.module = module
        self.D, self.d = draw(SIZE, width), draw(SIZE)
        self.U, self.u = draw(width, SIZE), draw(width)

    def forward(self, *args, **kwargs):
        out = self.module(*args, **kwargs)
        m = out[0] if isinstance(out, tuple) else out
        h = torch.nn.functional.silu(m @ self.D.T + self.d)
        m = m + h @ self.U.T + self.u
        return (m, *out[1:]) if isinstance(out, tuple) else m


def with_bottleneck(gold, family, gen):
    model = base(family)
    width = model.config.hidden_size
    tensors, modules = {}, {}
    path, *parts = PATHS.get(family, ("model.layers", "self_attn", "mlp"))
    layers = model.get_submodule(path)
    for i, layer in enumerate(layers):
        for place, name in zip(("attention", "mlp"), parts):
            b = Bottleneck(getattr(layer, name), width, gen)
            setattr(layer, name, b)
            modules[f"layers.{i}.{place}"] = b
    note(gold, "adapter", model, family)
    for path, b in modules.items():
        for ours, theirs in (("down.weight", "D"), ("down.bias", "d"),
                             ("up.weight", "U"), ("up.bias", "u")):
            p = getattr(b, theirs)
            tensors[f"{path}.{ours}"] = f32(p)
            gold[f"adapter.grad.{path}.{ours}"] = f32(p.grad)
    where = os.path.join(HERE, family, "adapter")
    os.makedirs(where)
    save_file(tensors, os.path.join(where, "bottleneck.safetensors"),
              metadata={"format": "pt"})
    with open(os.path.join(where, "bottleneck_config.json"), "w") as f:
        json.dump({"activation": "silu", "base_model_name_or_path": family,
                   "layers": len(layers), "places": ["attention", "mlp"],
                   "size": SIZE, "width": width}, f, indent=2)


def main():
    for number, family in enumerate(FAMILIES):
        if WANTED and family not in WANTED:
            continue
        gen = torch.Generator().manual_seed(
            SEEDS.get(family, 2000 + number))
        shutil.rmtree(os.path.join(HERE, family), ignore_errors=True)
        gold = {}
        with_peft(gold, "soft", PromptTuningConfig(
            task_type="CAUSAL_LM", num_virtual_tokens=TOKENS), family, gen)
        with_peft(gold, "prefix", PrefixTuningConfig(
            task_type="CAUSAL_LM", num_virtual_tokens=TOKENS), family, gen)
        with_bottleneck(gold, family, gen)
        save_file(gold, os.path.join(HERE, family, "golden.safetensors"))


if __name__ == "__main__":
    main()
