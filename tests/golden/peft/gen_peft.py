#!/usr/bin/env python3
"""Which modules PEFT adapts under a config, with rank and scale, as JSON on
stdout.

    python3 gen_peft.py > match.json     torch 2.13.0, transformers 5.24.0,
                                         peft 0.21.2
"""
import json

from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, GPT2Config, LlamaConfig

GPT2 = GPT2Config(n_embd=32, n_head=4, n_layer=3, n_positions=64,
                  vocab_size=112)
LLAMA = LlamaConfig(hidden_size=32, intermediate_size=48, num_hidden_layers=12,
                    num_attention_heads=4, num_key_value_heads=2, vocab_size=112)

CASES = [
    (GPT2, dict(target_modules=["c_attn"], r=4, lora_alpha=8)),
    (GPT2, dict(target_modules=["c_proj"], r=4, lora_alpha=6)),
    (GPT2, dict(target_modules=["attn.c_proj", "c_fc"], r=3, lora_alpha=16,
                use_rslora=True)),
    (GPT2, dict(target_modules=r".*\.h\.[02]\..*c_(attn|fc)", r=4)),
    (GPT2, dict(target_modules=["c_attn", "c_proj"], r=8, lora_alpha=8,
                layers_to_transform=[0, 2],
                exclude_modules=["mlp.c_proj"])),
    (GPT2, dict(target_modules=["c_attn"], layers_to_transform=1,
                layers_pattern="h", r=2)),
    (LLAMA, dict(target_modules=["q_proj", "v_proj"], r=16, lora_alpha=32)),
    (LLAMA, dict(target_modules=["q_proj", "down_proj"], r=8, lora_alpha=4,
                 rank_pattern={"layers.1.self_attn.q_proj": 2,
                               r"layers\.(2|3)\..*": 5, "down_proj": 3},
                 alpha_pattern={"^model.layers.0.self_attn.q_proj": 64,
                                "proj": 12}, use_rslora=True)),
    (LLAMA, dict(target_modules=["q_proj", "model.layers.11.mlp.up_proj"],
                 r=8, layers_to_transform=[1, 10])),
    (LLAMA, dict(target_modules=r"model\.layers\.1\.self_attn\.(q|k)_proj",
                 r=8, rank_pattern={"1.self_attn.k_proj": 6})),
    (LLAMA, dict(target_modules=["k_proj", "v_proj"], r=8,
                 exclude_modules=r".*layers\.\d\.self_attn.*")),
    (LLAMA, dict(target_modules=["gate_proj"], r=8, layers_to_transform=[2, 3],
                 layers_pattern=["blocks", "layers"])),
    (LLAMA, dict(target_modules="all-linear", r=2, lora_alpha=5)),
]


def case(base, kw):
    kw = dict(dict(task_type="CAUSAL_LM", fan_in_fan_out=base is GPT2), **kw)
    given = LoraConfig(**kw).to_dict()
    for k, v in given.items():
        if isinstance(v, set):
            given[k] = sorted(v)
    given = {k: v for k, v in given.items() if k in kw}
    model = get_peft_model(AutoModelForCausalLM.from_config(base),
                           LoraConfig(**kw))
    modules = {}
    for name, m in model.base_model.model.named_modules():
        if hasattr(m, "lora_A"):
            modules[name] = [m.r["default"], m.scaling["default"]]
    return dict(model=base.to_dict(), config=dict(peft_type="LORA", **given),
                modules=modules)


def slim(c):
    keep = ("model_type", "n_embd", "n_head", "n_layer", "n_positions",
            "vocab_size", "hidden_size", "intermediate_size",
            "num_hidden_layers", "num_attention_heads", "num_key_value_heads")
    c["model"] = {k: v for k, v in c["model"].items() if k in keep}
    return c


print(json.dumps([slim(case(b, k)) for b, k in CASES], indent=1))
