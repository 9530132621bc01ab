"""Write two whole models of a few kilobytes, for tests of the program.

    python gen_tiny.py        (in this folder)

torch 2.13.0, transformers 5.24.0, tokenizers as that pins it.
Llama, width 16, 2 layers, context 128, bf16; one token a byte, <s>, </s>; a
chat template. `one` and `other` differ in their weights alone. They are random:
what they write means nothing, but every path of the program runs on them.
"""
import json
import os

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
TEMPLATE = (
    "{% for m in messages %}{{ '<s>' if loop.first }}{{ m['role'] }}: "
    "{{ m['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}assistant:{% endif %}")

for seed, name in enumerate(["one", "other"]):
    folder = os.path.join(HERE, name)
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=258, hidden_size=16, intermediate_size=32,
        num_hidden_layers=2, num_attention_heads=4, num_key_value_heads=2,
        max_position_embeddings=128, bos_token_id=256, eos_token_id=257,
        tie_word_embeddings=True)
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    with torch.no_grad():
        for key, p in model.named_parameters():
            p.copy_(1 + 0.1 * torch.randn_like(p) if "norm" in key
                    else 0.3 * torch.randn_like(p))
    model.save_pretrained(folder)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {c: i for i, c in enumerate(alphabet)} | {"<s>": 256, "</s>": 257}
    tok = Tokenizer(models.BPE(vocab=vocab, merges=[]))
    tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tok.decoder = decoders.ByteLevel()
    tok.add_special_tokens(["<s>", "</s>"])
    tok.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 256)])
    tok.save(os.path.join(folder, "tokenizer.json"))
    with open(os.path.join(folder, "tokenizer_config.json"), "w") as f:
        json.dump({"bos_token": "<s>", "eos_token": "</s>",
                   "chat_template": TEMPLATE}, f, indent=1)
        f.write("\n")
