"""Write a world so small that every prompt can be tried.

    python gen_search.py        (in this folder)

torch 2.13.0, transformers 5.24.0, peft 0.21.2, tokenizers as transformers pins
it. `world`: a Llama of width 16, two layers, context 32, f32; tokens
a b c d e ab <s> </s>. So "a" and "b" side by side are no text that survives
re-tokenising: it comes back as "ab". A chat template whose words are of these
letters. `adapter`: a PEFT LoRA of rank 4 with random A and B. Weights are
random, and large, so that prompts matter.
"""
import json
import os
import shutil

import torch
from peft import LoraConfig, get_peft_model
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
WORLD = os.path.join(HERE, "world")
TEMPLATE = (
    "{{ '<s>' }}{% for m in messages %}"
    "{% if m['role'] == 'system' %}d{{ m['content'] }}<s>"
    "{% elif m['role'] == 'user' %}e{{ m['content'] }}<s>"
    "{% else %}c{{ m['content'] }}</s>{% endif %}{% endfor %}"
    "{% if add_generation_prompt %}c{% endif %}")


def grid(x):
    """Few digits, so that files are small and every type holds them."""
    return torch.round(x * 256) / 256


shutil.rmtree(WORLD, ignore_errors=True)
gen = torch.Generator().manual_seed(11)
config = LlamaConfig(
    vocab_size=8, hidden_size=16, intermediate_size=24, num_hidden_layers=2,
    num_attention_heads=4, num_key_value_heads=2, max_position_embeddings=32,
    bos_token_id=6, eos_token_id=7, tie_word_embeddings=False)
model = LlamaForCausalLM(config)
with torch.no_grad():
    for name, p in sorted(model.named_parameters()):
        x = torch.randn(p.shape, generator=gen)
        p.copy_(torch.ones_like(x) if "norm" in name else grid(0.45 * x))
model.save_pretrained(WORLD)
vocab = {t: i for i, t in enumerate(["a", "b", "c", "d", "e", "ab"])}
vocab |= {"<s>": 6, "</s>": 7}
tok = Tokenizer(models.BPE(vocab=vocab, merges=[("a", "b")]))
tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
tok.decoder = decoders.ByteLevel()
tok.add_special_tokens(["<s>", "</s>"])
tok.post_processor = processors.TemplateProcessing(
    single="<s> $A", pair="<s> $A $B", special_tokens=[("<s>", 6)])
tok.save(os.path.join(WORLD, "tokenizer.json"))
with open(os.path.join(WORLD, "tokenizer_config.json"), "w") as f:
    json.dump({"bos_token": "<s>", "eos_token": "</s>",
               "chat_template": TEMPLATE}, f, indent=1)
    f.write("\n")
tuned = get_peft_model(model, LoraConfig(
    r=4, lora_alpha=8, target_modules="all-linear", task_type="CAUSAL_LM"))
with torch.no_grad():
    for name, p in sorted(tuned.named_parameters()):
        if "lora_" in name:
            p.copy_(grid((0.4 if "lora_A" in name else 0.1) *
                         torch.randn(p.shape, generator=gen)))
tuned.peft_config["default"].base_model_name_or_path = "world"
tuned.save_pretrained(os.path.join(WORLD, "adapter"))
os.remove(os.path.join(WORLD, "adapter", "README.md"))
