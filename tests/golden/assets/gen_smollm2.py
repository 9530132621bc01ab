"""A real quantised model in transformers, for test_assets.c.

torch 2.13.0, transformers 5.24.0, gguf 0.19.0:

    python gen_smollm2.py ASSETS

Writes smollm2.json: a chat as text, its 64 ids, and the log-probability of each
but the first, from SmolLM2-135M-Instruct's GGUF file (Q4_1 and Q8_0), whose
weights transformers widens to float32.
"""
import json
import pathlib
import sys

import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
CHAT = [
    {"role": "system", "content": "You are a pirate. Answer briefly."},
    {"role": "user", "content": "What is a fox, and where does it live?"},
    {"role": "assistant",
     "content": "Arr! A fox is a small wild dog with a bushy tail, matey. It "
                "lives in forests, on farms and in 1,000 cities, too."},
]
folder = pathlib.Path(sys.argv[1]) / "models" / "smollm2-135m-instruct-gguf"
tokenizer = AutoTokenizer.from_pretrained(folder, gguf_file=FILE)
model = AutoModelForCausalLM.from_pretrained(
    folder, gguf_file=FILE, dtype=torch.float32,
    attn_implementation="eager").eval()
text = tokenizer.apply_chat_template(CHAT, tokenize=False)
ids = tokenizer(text, add_special_tokens=False)["input_ids"]
print(len(ids))
ids = ids[:64]
with torch.no_grad():
    logits = model(torch.tensor([ids])).logits[0].double()
p = torch.log_softmax(logits, -1)
said = [p[i, ids[i + 1]].item() for i in range(len(ids) - 1)]
with open(pathlib.Path(__file__).parent / "smollm2.json", "w") as f:
    json.dump({"text": text, "ids": ids,
               "logprobs": [round(x, 6) for x in said]}, f)
