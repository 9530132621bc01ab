#!/usr/bin/env python3
"""A LoRA that Trivium wrote, loaded by PEFT: same tensors, same outputs.

    check_peft.py MODEL OURS [THEIRS]

MODEL is a Hugging Face folder, OURS an artefact of Trivium for it, THEIRS the
adapter that OURS was rewritten from. Prints the largest differences; exits 1
where a tensor differs, a key is missing, or the outputs do.
Not part of `make test`: needs torch, transformers, peft, safetensors.
"""
import json
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM


def open_with(base, folder):
    """PeftModel warns about keys that it misses or does not know."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        return PeftModel.from_pretrained(model, folder).eval()


def main(base, ours, theirs=None):
    model = open_with(base, ours)
    state = {k.replace(".default", ""): v for k, v in
             model.state_dict().items() if "lora_" in k}
    file = load_file(f"{ours}/adapter_model.safetensors")
    if set(state) != set(file):
        print("keys differ:", sorted(set(state) ^ set(file))[:4])
        return 1
    bad = [k for k in file if not torch.equal(file[k], state[k])]
    config = json.load(open(f"{ours}/adapter_config.json"))
    print(f"{len(file)} tensors, r {config['r']}, {len(bad)} differ")
    if theirs:
        other = open_with(base, theirs)
        ids = torch.arange(3, 35).remainder(model.config.vocab_size)[None]
        with torch.no_grad():
            plain = AutoModelForCausalLM.from_pretrained(
                base, dtype=torch.float32).eval()(ids).logits
            a, b = model(ids).logits, other(ids).logits
        print(f"logits: ours - theirs {(a - b).abs().max():.3g}, "
              f"ours - base {(a - plain).abs().max():.3g}")
        if not torch.equal(a, b):
            bad.append("logits")
    return 1 if bad else 0


sys.exit(main(*sys.argv[1:]))
