"""Write a model small enough to enumerate every answer: 8 tokens, width 16.

    python gen_world.py        (in this folder)

torch 2.13.0, transformers 5.24.0, tokenizers as that pins it.
Llama, 2 layers, context 64, f32; the tokens are a, b, c, d, blank, newline,
<s>, </s>. Weights are random and large, so that what stands before an answer
matters; no chat template.
"""
import json
import os

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))

torch.manual_seed(3)
config = LlamaConfig(
    vocab_size=8, hidden_size=16, intermediate_size=32, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=64,
    bos_token_id=6, eos_token_id=7, tie_word_embeddings=False)
model = LlamaForCausalLM(config).to(torch.float32)
with torch.no_grad():
    for key, p in model.named_parameters():
        p.copy_(1 + 0.1 * torch.randn_like(p) if "norm" in key
                else 0.45 * torch.randn_like(p))
model.save_pretrained(HERE)
vocab = {c: i for i, c in enumerate(["a", "b", "c", "d", "\u0120", "\u010a",
                                     "<s>", "</s>"])}
tok = Tokenizer(models.BPE(vocab=vocab, merges=[]))
tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tok.decoder = decoders.ByteLevel()
tok.add_special_tokens(["<s>", "</s>"])
tok.post_processor = processors.TemplateProcessing(
    single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 6)])
tok.save(os.path.join(HERE, "tokenizer.json"))
with open(os.path.join(HERE, "tokenizer_config.json"), "w") as f:
    json.dump({"bos_token": "<s>", "eos_token": "</s>"}, f, indent=1)
    f.write("\n")
