#!/usr/bin/env python3
"""Adapters as PEFT saves them, one for each option that changes what a folder
holds, on the tiny models of ../models, with PEFT's own log-probabilities.

    python gen_folders.py [CASE ...]     (in this folder; all by default)

torch 2.13.0, transformers 5.24.0, peft 0.21.2, safetensors 0.8.0.

folders/CASE is what save_pretrained() wrote, in bfloat16 where the values
allow it; folders.json has for each case the model, the ids, log p(ids[i] |
ids[:i]) for i >= 1 with the adapter and without, and in `dora` the gradients of
-sum log p in float64 lie beside as grad.safetensors.
"""
import importlib
import json
import os
import shutil
import sys
import tempfile

import torch
from peft import (LoraConfig, PeftModel, PromptEncoderConfig, TaskType,
                  get_peft_model)
from safetensors.torch import load_file, save_file
from transformers import (AutoModelForCausalLM, Gemma3Config,
                          Gemma3ForConditionalGeneration)

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "models")


class Torch64:
    """torch, where what the models force into float32 stays float64."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


for family in ("llama", "gpt2", "qwen2", "phi3", "gpt_neox", "gemma3"):
    importlib.import_module(
        f"transformers.models.{family}.modeling_{family}").torch = Torch64()

# A model that sees: its text part is Trivium's, and the vision tower is there.
SEEN = "../peft/gemma3_seen"


def make_seen():
    text = dict(vocab_size=112, hidden_size=32, intermediate_size=48,
                num_hidden_layers=2, num_attention_heads=4,
                num_key_value_heads=2, head_dim=8,
                max_position_embeddings=128, sliding_window=8,
                bos_token_id=1, eos_token_id=2, pad_token_id=0,
                query_pre_attn_scalar=8,
                layer_types=["sliding_attention", "full_attention"])
    vision = dict(hidden_size=8, intermediate_size=8, num_hidden_layers=1,
                  num_attention_heads=1, image_size=28, patch_size=14)
    torch.manual_seed(11)
    model = Gemma3ForConditionalGeneration(Gemma3Config(
        text_config=text, vision_config=vision, mm_tokens_per_image=4,
        image_token_index=111, boi_token_index=109, eoi_token_index=110,
        tie_word_embeddings=True))
    with torch.no_grad():
        for name, p in model.named_parameters():
            p.copy_(0.1 * torch.randn_like(p) if "norm" in name
                    else 0.2 * torch.randn_like(p))
    model.to(torch.bfloat16).save_pretrained(os.path.join(HERE, "gemma3_seen"))


def open_base(family):
    kind = Gemma3ForConditionalGeneration if family == SEEN \
        else AutoModelForCausalLM
    return kind.from_pretrained(
        os.path.join(MODELS, family), dtype=torch.float32,
        attn_implementation="eager").eval()


CASES = {
    "dora": ("llama", dict(target_modules="all-linear", use_dora=True)),
    "dora_gpt2": ("gpt2", dict(target_modules=["c_attn", "c_proj"],
                               use_dora=True)),
    "dora_bias": ("qwen2", dict(target_modules=["q_proj", "v_proj", "o_proj",
                                                "down_proj"],
                                use_dora=True, use_rslora=True,
                                rank_pattern={"v_proj": 3},
                                alpha_pattern={"layers.1.*": 5})),
    "saved": ("llama", dict(target_modules=["q_proj"],
                            modules_to_save=["lm_head", "embed_tokens",
                                             "norm"])),
    "saved_linear": ("llama", dict(target_modules=["q_proj"],
                                   modules_to_save=["layers.1.mlp.up_proj"])),
    "saved_embed_tied": ("qwen2", dict(target_modules=["q_proj"],
                                       modules_to_save=["embed_tokens"])),
    "saved_head_tied": ("qwen2", dict(target_modules=["q_proj"],
                                      modules_to_save=["lm_head"])),
    "saved_keeps_tie": ("qwen2", dict(target_modules=["q_proj"],
                                      modules_to_save=["embed_tokens"],
                                      ensure_weight_tying=True)),
    "saved_gpt2": ("gpt2", dict(target_modules=["c_attn"],
                                modules_to_save=["wte", "ln_f", "ln_1"])),
    "tokens": ("llama", dict(target_modules=["q_proj"],
                             trainable_token_indices=[7, 3, 90])),
    "tokens_tied": ("qwen2", dict(target_modules=["v_proj"],
                                  trainable_token_indices={
                                      "embed_tokens": [3, 4, 5, 6]})),
    "tokens_head": ("llama", dict(target_modules=["q_proj"],
                                  trainable_token_indices={
                                      "embed_tokens": [3, 9],
                                      "lm_head": [5, 6, 7]})),
    "lora_bias": ("llama", dict(target_modules=["q_proj", "o_proj",
                                                "down_proj"],
                                lora_bias=True)),
    "embedding": ("llama", dict(target_modules=["embed_tokens", "q_proj"])),
    "embedding_tied": ("qwen2", dict(target_modules=["embed_tokens"],
                                     use_rslora=True)),
    "embedding_gpt2": ("gpt2", dict(target_modules=["wte", "wpe", "c_attn"],
                                    rank_pattern={"wpe": 1})),
    "embedding_dora": ("llama", dict(target_modules=["embed_tokens"],
                                     use_dora=True)),
    "head": ("llama", dict(target_modules=["lm_head", "v_proj"],
                           alpha_pattern={"lm_head": 6})),
    "head_tied": ("qwen2", dict(target_modules=["lm_head"])),
    "head_dora": ("llama", dict(target_modules=["lm_head", "k_proj"],
                                use_dora=True)),
    "bias_all": ("gpt2", dict(target_modules=["c_attn"], bias="all")),
    "bias_lora_only": ("qwen2", dict(target_modules=["k_proj", "o_proj"],
                                     bias="lora_only")),
    "regex": ("llama", dict(target_modules=r".*\.layers\.1\..*(k|up)_proj",
                            exclude_modules=r".*up_proj", use_rslora=True,
                            lora_alpha=5.5)),
    "layers": ("llama", dict(target_modules=["q_proj", "down_proj"],
                             layers_to_transform=[1],
                             layers_pattern="layers")),
    "pissa_converted": ("llama", dict(target_modules=["q_proj", "up_proj"],
                                      init_lora_weights="pissa")),
    "olora_converted": ("llama", dict(target_modules=["q_proj", "up_proj"],
                                      init_lora_weights="olora")),
    "raw_names": ("llama", dict(target_modules=["q_proj"], use_dora=True,
                                modules_to_save=["norm"])),
    "short_names": ("qwen2", dict(target_modules=["q_proj"])),
    "leftover_bias": ("llama", dict(target_modules=["q_proj"])),
    "gguf_all": ("llama", dict(target_modules=["q_proj", "k_proj", "v_proj",
                                               "o_proj", "gate_proj",
                                               "up_proj", "down_proj",
                                               "lm_head"])),
    "gguf_qwen2": ("qwen2", dict(target_modules=["q_proj", "k_proj",
                                                 "embed_tokens"])),
    "p_tuning": ("llama", None),
    "lora_phi3": ("phi3", dict(target_modules=["qkv_proj", "gate_up_proj"])),
    "dora_phi3": ("phi3", dict(target_modules="all-linear", use_dora=True)),
    "lora_neox": ("gpt_neox", dict(target_modules=["query_key_value",
                                                   "dense_h_to_4h"])),
    "dora_neox": ("gpt_neox", dict(target_modules=["query_key_value", "dense"],
                                   use_dora=True)),
    "seen": (SEEN, dict(target_modules=r".*language_model.*(q|down)_proj")),
    "seen_dora": (SEEN, dict(target_modules=r".*language_model.*(k|o)_proj",
                             use_dora=True)),
}
GRADIENTS = ("dora", "dora_gpt2", "dora_bias", "lora_bias")


def grid(x):
    """Values that bfloat16 holds."""
    x = x.to(torch.bfloat16).to(torch.float64)
    return torch.round(x * 4096) / 4096


def config_of(kw, family):
    if kw is None:
        return PromptEncoderConfig(task_type=TaskType.CAUSAL_LM,
                                   num_virtual_tokens=4,
                                   encoder_hidden_size=16)
    return LoraConfig(**dict(dict(
        r=2, lora_alpha=4, task_type="CAUSAL_LM",
        fan_in_fan_out=family == "gpt2"), **kw))


def move(model, gen, by_grid):
    """Every trained value somewhere else than where it started."""
    for name, p in sorted(model.named_parameters()):
        if not p.requires_grad:
            continue
        std = 0.3 if "lora_A" in name or "embedding_A" in name else 0.15
        x = std * torch.randn(p.shape, generator=gen, dtype=torch.float64)
        if by_grid and "lora_" in name and "magnitude" not in name:
            p.data = grid(x)
        elif by_grid:
            p.data = grid(p.data + x)
        else:
            p.data = p.data + 0.2 * x


def logp_of(model, ids, grad=False):
    with torch.set_grad_enabled(grad):
        logits = model(input_ids=ids[None]).logits[0, -len(ids):]
        logp = torch.log_softmax(logits[:-1], -1)
        return logp.gather(1, ids[1:, None])[:, 0]


def rename(case, tensors):
    """What those write who save a state_dict themselves."""
    out = {}
    for k, v in tensors.items():
        if case == "raw_names":
            k = k.replace(".lora_A.", ".lora_A.default.")
            k = k.replace(".lora_B.", ".lora_B.default.")
            k = k.replace(".lora_magnitude_vector",
                          ".lora_magnitude_vector.default.weight")
            k = k.replace(".norm.", ".norm.modules_to_save.default.")
        if case == "short_names":
            k = k.removeprefix("base_model.model.")
        out[k] = v
        if case == "leftover_bias" and ".lora_B." in k:
            out[k.replace("weight", "bias")] = torch.zeros(v.shape[0])
    return out


def tidy(where, case, family, by_grid):
    os.remove(os.path.join(where, "README.md"))
    path = os.path.join(where, "adapter_config.json")
    with open(path) as f:
        config = json.load(f)
    for k, v in config.items():
        if isinstance(v, list) and v and isinstance(v[0], str):
            config[k] = sorted(v)
    config["base_model_name_or_path"] = family
    with open(path, "w") as f:
        json.dump(config, f, indent=1, sort_keys=True)
    path = os.path.join(where, "adapter_model.safetensors")
    out = rename(case, load_file(path))
    for k, v in out.items():
        half = v.to(torch.bfloat16)
        out[k] = half if torch.equal(half.to(v.dtype), v) else v.float()
    save_file(out, path, metadata={"format": "pt"})


def write(case):
    family, kw = CASES[case]
    gen = torch.Generator().manual_seed(sum(map(ord, case)))
    torch.manual_seed(5)
    where = os.path.join(HERE, "folders", case)
    shutil.rmtree(where, ignore_errors=True)
    base = open_base(family)
    ids = torch.randint(3, 112, (24,), generator=gen)
    ids[3:6] = torch.tensor([3, 5, 7])
    plain = logp_of(base.double(), ids)
    model = get_peft_model(base.float(), config_of(kw, family)).eval().double()
    converted = case.endswith("_converted")
    start = tempfile.mkdtemp()
    if converted:
        model.peft_config["default"].init_lora_weights = True
        model.save_pretrained(start)
        model.peft_config["default"].init_lora_weights = \
            kw["init_lora_weights"]
    move(model, gen, not converted)
    logp = logp_of(model, ids, grad=case in GRADIENTS)
    grads = {}
    if case in GRADIENTS:
        (-logp.sum()).backward()
        for n, p in model.named_parameters():
            if p.requires_grad:
                n = n.replace(".default", "").replace(
                    "magnitude_vector.weight", "magnitude_vector")
                grads[n] = p.grad.float()
    logp, lp32 = logp.detach(), None
    for p in model.parameters():
        p.data = p.data.float()
    model.save_pretrained(where, **(dict(
        path_initial_model_for_weight_conversion=start) if converted else {}))
    shutil.rmtree(start)
    tidy(where, case, family, not converted)
    if grads:
        save_file(grads, os.path.join(where, "grad.safetensors"))
    lp32 = reopen(case, family, where, ids)
    worst = (lp32 - logp).abs().max()
    print(f"{case:18} moved {(logp - plain).abs().max():.3g}, "
          f"reopened {worst:.2g}")
    assert worst < 2e-4, case
    assert (logp - plain).abs().max() > 0.05, case
    return dict(case=case, model=family, ids=ids.tolist(),
                logp=[round(x, 7) for x in logp.tolist()])


def reopen(case, family, where, ids):
    """PEFT opens the folder afresh, in float32. Names that PEFT itself does
    not read are put right first."""
    base = open_base(family)
    if case in ("raw_names", "short_names"):
        with tempfile.TemporaryDirectory() as fixed:
            shutil.copytree(where, fixed, dirs_exist_ok=True)
            path = os.path.join(fixed, "adapter_model.safetensors")
            out = {}
            for k, v in load_file(path).items():
                k = k.replace(".modules_to_save.default", "")
                k = k.replace(".default.weight", "") \
                    if "magnitude" in k else k.replace(".default", "")
                k = "base_model.model." + k.removeprefix("base_model.model.")
                out[k] = v
            save_file(out, path, metadata={"format": "pt"})
            return logp_of(PeftModel.from_pretrained(base, fixed).eval(),
                           ids).double()
    return logp_of(PeftModel.from_pretrained(base, where).eval(), ids).double()


def main(names):
    path = os.path.join(HERE, "folders.json")
    known = {}
    if names and os.path.exists(path):
        with open(path) as f:
            known = {c["case"]: c for c in json.load(f)}
    if not names or any(CASES[n][0] == SEEN for n in names):
        make_seen()
    for case in names or CASES:
        known[case] = write(case)
    with open(path, "w") as f:
        json.dump([known[c] for c in CASES if c in known], f, indent=0)
        f.write("\n")


main(sys.argv[1:])
