"""Write the tiny random models of each family and their golden numbers.

    python gen_models.py [FAMILY ...]        (in this folder; all by default)

torch 2.13.0, transformers 5.24.0, peft 0.21.2, safetensors 0.8.0, numpy 2.4.6.
README.md says what each file and tensor is.
"""
import importlib
import json
import os
import shutil
import sys

import torch
import transformers
from peft import LoraConfig, get_peft_model
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))


class Torch64:
    """torch, where what the models force into float32 (norms, softmax) stays
    float64. The rotary angles are float32 as ever, by .float()."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


COMMON = dict(vocab_size=112, hidden_size=32, num_hidden_layers=2,
              num_attention_heads=4, intermediate_size=48,
              max_position_embeddings=128, bos_token_id=1, eos_token_id=2,
              attn_implementation="eager")
FAMILIES = {  # a new one goes last: the place gives the seed, or SEEDS
    "gpt2": (torch.float32, transformers.GPT2Config(
        vocab_size=112, n_embd=32, n_layer=2, n_head=4, n_positions=64,
        bos_token_id=1, eos_token_id=2, attn_implementation="eager",
        resid_pdrop=0.0, embd_pdrop=0.0, attn_pdrop=0.0)),
    "llama": (torch.bfloat16, transformers.LlamaConfig(
        **COMMON, num_key_value_heads=2, tie_word_embeddings=False,
        rope_parameters=dict(rope_type="llama3", rope_theta=500.0, factor=8.0,
                             low_freq_factor=1.0, high_freq_factor=4.0,
                             original_max_position_embeddings=32))),
    "mistral": (torch.float16, transformers.MistralConfig(
        **COMMON, num_key_value_heads=2, sliding_window=8,
        tie_word_embeddings=False)),
    "qwen2": (torch.bfloat16, transformers.Qwen2Config(
        **COMMON, num_key_value_heads=1, tie_word_embeddings=True)),
    "qwen3": (torch.bfloat16, transformers.Qwen3Config(
        **COMMON, num_key_value_heads=2, head_dim=16,
        tie_word_embeddings=True)),
    "olmo2": (torch.bfloat16, transformers.Olmo2Config(
        **COMMON, num_key_value_heads=2, pad_token_id=None,
        tie_word_embeddings=False)),
    "phi3": (torch.bfloat16, transformers.Phi3Config(
        **COMMON, num_key_value_heads=2, pad_token_id=None,
        tie_word_embeddings=True, sliding_window=16,
        partial_rotary_factor=0.75, original_max_position_embeddings=64,
        rope_parameters=dict(
            rope_type="longrope", rope_theta=500.0,
            original_max_position_embeddings=64,
            short_factor=[1.0, 1.25, 1.5], long_factor=[1.0, 4.0, 9.0]))),
    "ministral3": (torch.bfloat16, transformers.Ministral3Config(
        **COMMON, num_key_value_heads=2, head_dim=16, pad_token_id=None,
        tie_word_embeddings=False, rope_parameters=dict(
            rope_type="yarn", rope_theta=500.0, factor=16.0, mscale=1.0,
            mscale_all_dim=0.5, original_max_position_embeddings=8,
            beta_fast=4.0, beta_slow=1.0, llama_4_scaling_beta=0.1))),
    "gpt_neox": (torch.float16, transformers.GPTNeoXConfig(
        **COMMON, rotary_pct=0.5, tie_word_embeddings=False)),
    "starcoder2": (torch.bfloat16, transformers.Starcoder2Config(
        **COMMON, num_key_value_heads=2, sliding_window=8,
        tie_word_embeddings=True)),
    "glm4": (torch.bfloat16, transformers.Glm4Config(
        **COMMON, num_key_value_heads=2, head_dim=16, pad_token_id=None,
        tie_word_embeddings=False)),
    "olmo3": (torch.bfloat16, transformers.Olmo3Config(
        **COMMON, num_key_value_heads=2, pad_token_id=None, sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
        tie_word_embeddings=False, rope_parameters=dict(
            sliding_attention=dict(rope_type="default", rope_theta=500.0),
            full_attention=dict(rope_type="linear", rope_theta=500.0,
                                factor=4.0)))),
    "gemma2": (torch.bfloat16, transformers.Gemma2Config(
        **COMMON, num_key_value_heads=2, head_dim=16, sliding_window=8,
        query_pre_attn_scalar=24, attn_logit_softcapping=4.0,
        final_logit_softcapping=6.0)),
    "gemma3": (torch.bfloat16, transformers.Gemma3TextConfig(
        **COMMON, num_key_value_heads=1, head_dim=16, sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
        query_pre_attn_scalar=12, rope_parameters=dict(
            sliding_attention=dict(rope_type="default", rope_theta=50.0),
            full_attention=dict(rope_type="linear", rope_theta=1000.0,
                                factor=8.0)))),
    "granite": (torch.bfloat16, transformers.GraniteConfig(
        **COMMON, num_key_value_heads=2, embedding_multiplier=3.0,
        attention_multiplier=0.2, residual_multiplier=0.4, logits_scaling=2.5,
        tie_word_embeddings=True)),
    "smollm3": (torch.bfloat16, transformers.SmolLM3Config(
        **COMMON, num_key_value_heads=2, pad_token_id=None,
        no_rope_layers=[1, 0], tie_word_embeddings=True)),
    "exaone4": (torch.bfloat16, transformers.Exaone4Config(
        **COMMON, num_key_value_heads=2, sliding_window=8,
        layer_types=["sliding_attention", "full_attention"],
        tie_word_embeddings=False)),
    "granitemoehybrid": (torch.bfloat16, transformers.GraniteMoeHybridConfig(
        **COMMON, num_key_value_heads=2, shared_intermediate_size=40,
        num_local_experts=0, layer_types=["attention", "attention"],
        position_embedding_type=None, mamba_n_heads=8, embedding_multiplier=2.0,
        attention_multiplier=0.3, residual_multiplier=0.6, logits_scaling=3.0,
        tie_word_embeddings=True)),
}
# A family's seed is 1000 and its place, but for these: 1105 gave a SmolLM3 whose
# gradients are so small beside their terms that bf16 is half of them off, in
# transformers, too.
SEEDS = {"phi3": 1100, "ministral3": 1101, "gpt_neox": 1102,
         "starcoder2": 1103, "glm4": 1104, "olmo3": 1101, "gemma2": 1102,
         "gemma3": 1103, "granite": 1104, "smollm3": 1107, "exaone4": 1106,
         "granitemoehybrid": 1108}


def gemma_norm(self, x):
    """Without the float32 that the class's own asks for."""
    return self._norm(x) * (1.0 + self.weight)


for name, norm in (("gemma2", "Gemma2RMSNorm"), ("gemma3", "Gemma3RMSNorm")):
    getattr(importlib.import_module(
        f"transformers.models.{name}.modeling_{name}"),
        norm).forward = gemma_norm
for family in FAMILIES:
    importlib.import_module(
        f"transformers.models.{family}.modeling_{family}").torch = Torch64()


def grid(x):
    """Values that bfloat16 and float16 both hold."""
    x = x.to(torch.bfloat16).to(torch.float64)
    return torch.round(x * 4096) / 4096


def fill(model, gen, family):
    for name, p in sorted(model.named_parameters()):
        x = 0.3 * torch.randn(p.shape, generator=gen, dtype=torch.float64)
        if p.ndim == 1 and name.endswith("weight"):
            x = x if family.startswith("gemma") else 1 + x  # norms
        p.data = grid(x)


def fill_lora(model, gen):
    for name, p in sorted(model.named_parameters()):
        if "lora_" in name:
            std = 0.3 if "lora_A" in name else 0.1
            p.data = grid(std * torch.randn(p.shape, generator=gen,
                                            dtype=torch.float64))


def run(model, seqs):
    """Logits of each sequence, and the summed loss, backpropagated."""
    out = []
    model.zero_grad()
    for ids in seqs:
        logits = model(input_ids=ids[None]).logits[0]
        assert logits.dtype == torch.float64
        logp = torch.log_softmax(logits[:-1], -1)
        loss = -logp.gather(1, ids[1:, None]).sum()
        loss.backward()
        out.append((logits.detach(), loss.detach()))
    return out


def f32(x):
    return x.detach().to(torch.float32).contiguous().clone()


def write(family, store, config):
    gen = torch.Generator().manual_seed(
        SEEDS.get(family, 1000 + list(FAMILIES).index(family)))
    where = os.path.join(HERE, family)
    shutil.rmtree(where, ignore_errors=True)
    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation="eager").double().eval()
    fill(model, gen, family)
    model.tie_weights()

    seqs = [torch.randint(3, config.vocab_size, (n,), generator=gen)
            for n in (7, 13, 24)]
    gold = {}
    total = torch.zeros((), dtype=torch.float64)
    for i, (logits, loss) in enumerate(run(model, seqs)):
        gold[f"ids.{i}"] = f32(seqs[i])
        gold[f"logits.{i}"] = f32(logits)
        total += loss
    gold["loss"] = f32(total[None])
    for name, p in model.named_parameters():
        if family == "gpt_neox":  # whose files keep the older name
            name = name.replace("lm_head.", "embed_out.")
        gold["grad." + name] = f32(p.grad)

    stored = AutoModelForCausalLM.from_config(config)
    stored.load_state_dict(model.state_dict())
    stored.to(store).save_pretrained(where)
    os.remove(os.path.join(where, "generation_config.json"))

    peft = get_peft_model(model, LoraConfig(
        r=4, lora_alpha=8, target_modules="all-linear", lora_dropout=0.0,
        fan_in_fan_out=family == "gpt2", task_type="CAUSAL_LM"))
    peft.double().eval()
    fill_lora(peft, gen)
    total = torch.zeros((), dtype=torch.float64)
    for i, (logits, loss) in enumerate(run(peft, seqs)):
        gold[f"lora_logits.{i}"] = f32(logits)
        total += loss
    gold["lora_loss"] = f32(total[None])
    for name, p in peft.named_parameters():
        if "lora_" in name:
            gold["lora_grad." + name.replace(".default", "")] = f32(p.grad)
    for p in peft.parameters():
        p.data = p.data.float()
    peft.peft_config["default"].base_model_name_or_path = family
    peft.save_pretrained(os.path.join(where, "adapter"))
    os.remove(os.path.join(where, "adapter", "README.md"))
    config_path = os.path.join(where, "adapter", "adapter_config.json")
    with open(config_path) as f:
        saved = json.load(f)
    saved["target_modules"] = sorted(  # a set of full paths, in any order
        {n.rsplit(".", 1)[-1] for n in saved["target_modules"]})
    with open(config_path, "w") as f:
        json.dump(saved, f, indent=2, sort_keys=True)
    save_file(gold, os.path.join(where, "golden.safetensors"),
              metadata={"format": "pt"})
    check(where, seqs, gold)


def check(where, seqs, gold):
    """The saved files, opened afresh in float32, say the same."""
    names = set(load_file(os.path.join(where, "adapter",
                                       "adapter_model.safetensors")))
    assert names == {n[10:] for n in gold if n.startswith("lora_grad.")}
    model = AutoModelForCausalLM.from_pretrained(
        where, dtype=torch.float32, attn_implementation="eager").eval()
    for i, ids in enumerate(seqs):
        d = (model(input_ids=ids[None]).logits[0].double()
             - gold[f"logits.{i}"]).abs().max().item()
        print(f"{os.path.basename(where)} {i}: float32 differs by {d:.2e},"
              f" largest logit {gold[f'logits.{i}'].abs().max():.2f}")
        assert d < 1e-3


for family, (store, config) in FAMILIES.items():
    if len(sys.argv) == 1 or family in sys.argv[1:]:
        write(family, store, config)
