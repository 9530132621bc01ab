"""Logits of the two real models of the assets and of the project's own, for test_assets.c.

torch 2.13.0, transformers 5.24.0, safetensors 0.8.0:

    python gen_assets.py ASSETS

Writes <model>.safetensors beside this file: ids [T], at [P] (positions) and logits [P, V], all F32, from transformers in
float32 with eager attention.
"""
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

here = pathlib.Path(__file__).parent
models = {"tinystories-instruct-3m-chat": [0, 9, 22, 39], "tinystories-656k": list(range(0, 40, 3))}
own = here.parents[2] / "models" / "nano"
chat = [
    {"role": "system", "content": "You are a pirate. Answer in one sentence."},
    {"role": "user", "content": "What is a fox, and where does it live?"},
]
for name, at in (models | {"nano": list(range(4, 40, 5))}).items():
    path = own if name == "nano" else pathlib.Path(sys.argv[1]) / "models" / name
    model = AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32, attn_implementation="eager")
    vocab = model.config.vocab_size
    ids = torch.tensor([(i * i * 37 + 11 * i + 5) % (vocab - 10) + 3 for i in range(40)])
    if name == "nano":
        tokenizer = AutoTokenizer.from_pretrained(path)
        text = tokenizer.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
        said = tokenizer(text, add_special_tokens=False)["input_ids"]
        ids[: len(said)] = torch.tensor(said[:40])
    with torch.no_grad():
        logits = model(ids[None]).logits[0]
    save_file(
        {"ids": ids.float(), "at": torch.tensor(at).float(), "logits": logits[at].float().contiguous()},
        here / f"{name}.safetensors",
    )
