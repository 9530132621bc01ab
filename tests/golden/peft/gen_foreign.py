#!/usr/bin/env python3
"""The adapters of gen_folders.py as other programs save them.

    python gen_foreign.py       (in this folder, after gen_folders.py)

torch 2.13.0, transformers 5.24.0, safetensors 0.8.0, gguf 0.19.0.

mlx/CASE       adapter_config.json and adapters.safetensors as mlx-lm 0.32 lays
               them out; log p from mlx's own formulas, in numpy's float64 on
               the weights, which transformers then runs
gguf/CASE.gguf what convert_lora_to_gguf.py makes of folders/CASE; its log p is
               that of PEFT, from folders.json
foreign.json   the cases, as in folders.json
"""
import json
import os
import shutil

import gguf
import numpy as np
import torch
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
MODELS = os.path.join(HERE, "..", "models")

MLX = {  # model, fine_tune_type, num_layers, modules of a layer, others
    "lora": ("llama", "lora", 1, ["self_attn.q_proj", "mlp.down_proj"], []),
    "dora": ("qwen2", "dora", -1, ["self_attn.v_proj", "mlp.up_proj"], []),
    "tables": ("qwen2", "lora", 2, ["self_attn.o_proj"],
               ["model.embed_tokens"]),
    "dora_tables": ("llama", "dora", 2, ["self_attn.k_proj"],
                    ["model.embed_tokens", "lm_head"]),
    "full": ("llama", "full", 1, ["self_attn.q_proj", "input_layernorm"], []),
}
GGUF = {  # of folders; they say nothing that GGUF cannot
    "embedding": ("llama", gguf.MODEL_ARCH.LLAMA),
    "layers": ("llama", gguf.MODEL_ARCH.LLAMA),
    "gguf_all": ("llama", gguf.MODEL_ARCH.LLAMA),
    "gguf_qwen2": ("qwen2", gguf.MODEL_ARCH.QWEN2),
}


def grid(x):
    x = torch.as_tensor(x).to(torch.bfloat16).to(torch.float64)
    return (torch.round(x * 4096) / 4096).numpy()


def logp_of(model, ids):
    ids = torch.tensor(ids)
    with torch.no_grad():
        logp = torch.log_softmax(model(input_ids=ids[None]).logits[0][:-1], -1)
    return [round(x, 7) for x in logp.gather(1, ids[1:, None])[:, 0].tolist()]


def write_mlx(case, seed):
    family, kind, num, modules, tables = MLX[case]
    rng = np.random.default_rng(seed)
    model = AutoModelForCausalLM.from_pretrained(
        os.path.join(MODELS, family), dtype=torch.float64,
        attn_implementation="eager").eval()
    params = dict(model.named_parameters())
    layers = model.config.num_hidden_layers
    first = layers - num if num > 0 else 0
    names = [f"model.layers.{i}.{m}" for i in range(first, layers)
             for m in modules] + tables
    rank, scale, out = 2, 1.5, {}
    for name in names:
        w = params[name + ".weight"].data.numpy()
        if kind == "full":
            new = grid(w + 0.1 * rng.standard_normal(w.shape))
            out[name + ".weight"] = new
        elif "embed" in name:  # LoRAEmbedding: rows of lora_a
            a = grid(0.3 * rng.standard_normal((w.shape[0], rank)))
            b = grid(0.3 * rng.standard_normal((rank, w.shape[1])))
            new = w + scale * a @ b
        else:                  # LoRALinear: x @ lora_a @ lora_b
            a = grid(0.3 * rng.standard_normal((w.shape[1], rank)))
            b = grid(0.3 * rng.standard_normal((rank, w.shape[0])))
            new = w + scale * b.T @ a.T
        if kind != "full":
            out[name + ".lora_a"], out[name + ".lora_b"] = a, b
        if kind == "dora":     # rows of the adapted weight, in both layers
            norm = np.linalg.norm(new, axis=1)
            m = grid(norm * (1 + 0.2 * rng.standard_normal(norm.shape)))
            out[name + ".m"] = m
            new = new * (m / norm)[:, None]
        # a tied head is embed_tokens.as_linear(), which adds the pair, too
        params[name + ".weight"].data = torch.from_numpy(new)
    where = os.path.join(HERE, "mlx", case)
    os.makedirs(where)
    save_file({k: torch.from_numpy(v).to(torch.bfloat16)
               for k, v in out.items()},
              os.path.join(where, "adapters.safetensors"))
    config = {"adapter_path": "adapters", "fine_tune_type": kind,
              "model": family, "num_layers": num,
              "lora_parameters": {"rank": rank, "dropout": 0.0,
                                  "scale": scale}}
    with open(os.path.join(where, "adapter_config.json"), "w") as f:
        json.dump(config, f, indent=4)
    ids = rng.integers(3, 112, 24).tolist()
    return dict(case="mlx/" + case, model=family, ids=ids,
                logp=logp_of(model, ids))


def permute(b, heads):
    """LlamaModel.permute() of convert_hf_to_gguf.py, on the rows of B."""
    return b.reshape(heads, 2, b.shape[0] // heads // 2,
                     *b.shape[1:]).swapaxes(1, 2).reshape(b.shape)


def write_gguf(case):
    family, arch = GGUF[case]
    folder = os.path.join(HERE, "folders", case)
    with open(os.path.join(folder, "adapter_config.json")) as f:
        config = json.load(f)
    with open(os.path.join(MODELS, family, "config.json")) as f:
        model = json.load(f)
    names = gguf.get_tensor_name_map(arch, model["num_hidden_layers"])
    w = gguf.GGUFWriter(os.path.join(HERE, "gguf", case + ".gguf"),
                        gguf.MODEL_ARCH_NAMES[arch])
    w.add_type(gguf.GGUFType.ADAPTER)
    w.add_string(gguf.Keys.Adapter.TYPE, "lora")
    w.add_float32(gguf.Keys.Adapter.LORA_ALPHA, float(config["lora_alpha"]))
    tensors = load_file(os.path.join(folder, "adapter_model.safetensors"))
    for name, t in tensors.items():
        name = name.removeprefix("base_model.model.")
        if ".base_layer.weight" in name:
            continue
        is_a = ".lora_A.weight" in name or ".lora_embedding_A" in name
        base = name.split(".lora_")[0] + ".weight"
        dest = names.get_name(base, try_suffixes=(".weight", ".bias"))
        data = t.float().numpy()
        if arch == gguf.MODEL_ARCH.LLAMA and not is_a:
            if "q_proj" in base:
                data = permute(data, model["num_attention_heads"])
            if "k_proj" in base:
                data = permute(data, model["num_key_value_heads"])
        if "token_embd.weight" in dest and is_a:
            data = data.T
        w.add_tensor(dest + (".lora_a" if is_a else ".lora_b"),
                     np.ascontiguousarray(data.astype(np.float16)))
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    with open(os.path.join(HERE, "folders.json")) as f:
        row = next(r for r in json.load(f) if r["case"] == case)
    return dict(row, case=f"gguf/{case}.gguf")


def main():
    for kind in ("mlx", "gguf"):
        shutil.rmtree(os.path.join(HERE, kind), ignore_errors=True)
        os.makedirs(os.path.join(HERE, kind))
    rows = [write_mlx(c, 7 + i) for i, c in enumerate(MLX)]
    rows += [write_gguf(c) for c in GGUF]
    with open(os.path.join(HERE, "foreign.json"), "w") as f:
        json.dump(rows, f, indent=0)
        f.write("\n")


main()
