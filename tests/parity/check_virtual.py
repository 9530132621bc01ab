#!/usr/bin/env python3
"""A soft prompt or a prefix that Trivium wrote, loaded by PEFT: the same table,
and what Trivium generated under it has the same log-probability.

    check_virtual.py TRIVIUM MODEL OURS [PROMPT]

TRIVIUM is the program, MODEL a Hugging Face folder, OURS an artefact of Trivium
for it. Prints both log-probabilities; exits 1 where they differ by more than
1e-3 nat (float32 sums over 20 tokens), or where the table does.
Not part of `make test`: needs torch, transformers, peft, safetensors.
"""
import json
import subprocess
import sys
import warnings

import torch
from peft import PeftModel
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer


def main(trivium, base, ours, prompt="User: Hello!\nBot:"):
    said = json.loads(subprocess.run(
        [trivium, "generate", "--model", base, "--adaptation", ours,
         "--prompt", prompt, "--max-tokens", "20", "--temperature", "0",
         "--precision", "f32", "--json"],
        check=True, stdout=subprocess.PIPE).stdout)["completions"][0]
    with warnings.catch_warnings():
        warnings.simplefilter("error", UserWarning)
        model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
        model = PeftModel.from_pretrained(model, ours).eval()
    table = model.prompt_encoder["default"].embedding.weight
    file = load_file(f"{ours}/adapter_model.safetensors")
    same = list(file) == ["prompt_embeddings"] and torch.equal(
        file["prompt_embeddings"], table)
    tok = AutoTokenizer.from_pretrained(base)
    x = tok(prompt)["input_ids"]
    y = tok(said["text"], add_special_tokens=False)["input_ids"]
    if said["finish"] == "stop":
        y.append(tok.eos_token_id)
    ids = torch.tensor([x + y])
    with torch.no_grad():
        logits = model(input_ids=ids).logits[0, -len(ids[0]):].double()
    logp = torch.log_softmax(logits, -1)
    theirs = sum(logp[len(x) + i - 1, y[i]].item() for i in range(len(y)))
    print(f"{tuple(table.shape)}, table {'the same' if same else 'DIFFERS'}; "
          f"{len(y)} tokens (we said {said['new_tokens']}), log-probability "
          f"{said['logprob']:.5f} here, {theirs:.5f} in PEFT")
    return 0 if same and abs(said["logprob"] - theirs) < 1e-3 else 1


sys.exit(main(*sys.argv[1:]))
