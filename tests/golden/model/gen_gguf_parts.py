"""Write tiny GGUF files of the families whose linear maps, rotary positions or
residuals differ from Llama's, and what transformers makes of the same weights.

    python gen_gguf_parts.py [FAMILY ...]    (in this folder; all by default)

gguf 0.19.0, transformers 5.24.0, torch 2.13.0, safetensors 0.8.0, numpy 2.4.6.

transformers reads no GGUF file of these architectures, or not all of its keys.
So a random model is made first; each of its tensors is rounded to a type of
GGUF, and written as llama.cpp's converter writes it (names, keys, order of
rows: its conversion/phi.py, mistral3.py, gptneox.py, starcoder.py, glm.py).
The files are those that gen_gguf.py describes.
"""
import hashlib
import json
import os
import sys

import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Q
from gguf import GGUFWriter, RopeScalingType
from gguf.quants import dequantize, quantize
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM

V, C, L, H, CONTEXT = 112, 32, 2, 4, 64
COMMON = dict(vocab_size=V, hidden_size=C, num_hidden_layers=L,
              num_attention_heads=H, intermediate_size=64,
              max_position_embeddings=CONTEXT, pad_token_id=None,
              bos_token_id=1, eos_token_id=2)
SHORT, LONG = [1.0, 1.25, 1.5], [1.0, 4.0, 9.0]
FAMILIES = {  # architecture, config
    "phi3": ("phi3", transformers.Phi3Config(
        **COMMON, num_key_value_heads=2, tie_word_embeddings=True,
        partial_rotary_factor=0.75, original_max_position_embeddings=16,
        sliding_window=None, rope_parameters=dict(
            rope_type="longrope", rope_theta=500.0, short_factor=SHORT,
            long_factor=LONG, original_max_position_embeddings=16))),
    "ministral3": ("mistral3", transformers.Ministral3Config(
        **COMMON, num_key_value_heads=2, head_dim=16,
        tie_word_embeddings=True, rope_parameters=dict(
            rope_type="yarn", rope_theta=500.0, factor=8.0, mscale=1.0,
            mscale_all_dim=0.5, original_max_position_embeddings=8,
            beta_fast=4.0, beta_slow=1.0, llama_4_scaling_beta=0.1))),
    "gpt_neox": ("gptneox", transformers.GPTNeoXConfig(
        **COMMON, rotary_pct=0.5, tie_word_embeddings=False)),
    "starcoder2": ("starcoder2", transformers.Starcoder2Config(
        **COMMON, num_key_value_heads=2,  # the converter writes no window
        tie_word_embeddings=True)),
    "glm4": ("glm4", transformers.Glm4Config(
        **COMMON, num_key_value_heads=2, head_dim=16,
        tie_word_embeddings=True)),
}
NAMES = {  # Hugging Face's last parts, of all these families
    "embed_tokens": "token_embd", "embed_in": "token_embd",
    "model.norm": "output_norm", "final_layer_norm": "output_norm",
    "lm_head": "output", "input_layernorm": "attn_norm",
    "qkv_proj": "attn_qkv", "query_key_value": "attn_qkv",
    "q_proj": "attn_q", "k_proj": "attn_k", "v_proj": "attn_v",
    "o_proj": "attn_output", "dense": "attn_output",
    "gate_up_proj": "ffn_up", "gate_proj": "ffn_gate", "up_proj": "ffn_up",
    "c_fc": "ffn_up", "dense_h_to_4h": "ffn_up",
    "down_proj": "ffn_down", "c_proj": "ffn_down",
    "dense_4h_to_h": "ffn_down", "post_attention_layernorm": "ffn_norm",
    "post_self_attn_layernorm": "post_attention_norm",
    "post_mlp_layernorm": "post_ffw_norm"}
TYPES = [Q.Q8_0, Q.F16, Q.Q4_0, Q.BF16]


def gguf_name(name):
    path = name.split(".")
    last = ".".join(path[-3:-1]) if name.startswith("model.norm.") else path[-2]
    layer = next((p for p in path if p.isdigit()), None)
    stem = f"{NAMES[last]}.{path[-1]}"
    return stem if layer is None else f"blk.{layer}.{stem}"


def in_file(family, config, name, x):
    """The rows of a tensor as they lie in the file."""
    if family == "ministral3" and (".q_proj" in name or ".k_proj" in name):
        heads = H if ".q_proj" in name else config.num_key_value_heads
        return (x.reshape(heads, 2, -1, x.shape[-1]).swapaxes(1, 2)
                .reshape(x.shape))
    if family == "gpt_neox" and ".query_key_value." in name:
        by_head = x.reshape(H, 3, C // H, -1)
        return by_head.swapaxes(0, 1).reshape(x.shape)
    return x


def as_before(family, config, name, x):
    """And back."""
    if family == "ministral3" and (".q_proj" in name or ".k_proj" in name):
        heads = H if ".q_proj" in name else config.num_key_value_heads
        return (x.reshape(heads, -1, 2, x.shape[-1]).swapaxes(1, 2)
                .reshape(x.shape))
    if family == "gpt_neox" and ".query_key_value." in name:
        by_part = x.reshape(3, H, C // H, -1)
        return by_part.swapaxes(0, 1).reshape(x.shape)
    return x


def keys(w, family, config):
    w.add_context_length(CONTEXT)
    w.add_embedding_length(C)
    w.add_block_count(L)
    w.add_feed_forward_length(config.intermediate_size)
    w.add_head_count(H)
    w.add_vocab_size(V)
    if family in ("gpt_neox", "starcoder2"):
        w.add_layer_norm_eps(1e-5)
    else:
        w.add_layer_norm_rms_eps(config.rms_norm_eps)
    if family == "gpt_neox":
        w.add_rope_dimension_count(4)
        w.add_parallel_residual(True)
        return
    w.add_head_count_kv(config.num_key_value_heads)
    w.add_rope_freq_base(config.rope_parameters["rope_theta"])
    if family == "phi3":
        w.add_rope_dimension_count(6)
        w.add_rope_scaling_orig_ctx_len(16)
        w.add_rope_scaling_attn_factors(float(np.sqrt(
            1 + np.log(CONTEXT / 16) / np.log(16))))
        w.add_sliding_window(0)
        for name, factors in (("long", LONG), ("short", SHORT)):
            w.add_tensor(f"rope_factors_{name}.weight",
                         np.array(factors, np.float32))
    if family in ("ministral3", "glm4"):
        w.add_key_length(16)
        w.add_value_length(16)
        w.add_rope_dimension_count(8 if family == "glm4" else 16)
    if family == "ministral3":
        w.add_rope_scaling_type(RopeScalingType.YARN)
        w.add_rope_scaling_factor(8.0)
        w.add_rope_scaling_orig_ctx_len(8)
        w.add_rope_scaling_yarn_beta_fast(4.0)
        w.add_rope_scaling_yarn_beta_slow(1.0)
        w.add_rope_scaling_yarn_log_mul(0.5)
        w.add_attn_temperature_scale(0.1)


def write(family):
    arch, config = FAMILIES[family]
    rng = np.random.default_rng(100 + list(FAMILIES).index(family))
    model = AutoModelForCausalLM.from_config(
        config, attn_implementation="eager", dtype=torch.float32).eval()
    w = GGUFWriter(family + ".gguf", arch)
    w.add_name(f"tiny {family}")
    keys(w, family, config)
    said = {}
    tied = config.tie_word_embeddings
    state = {k: v for k, v in sorted(model.state_dict().items())
             if not (tied and k == "lm_head.weight")}
    for i, (name, p) in enumerate(state.items()):
        x = rng.normal(0, 0.3, tuple(p.shape)).astype(np.float32)
        if p.ndim == 1 and name.endswith("weight"):
            x = 1 + x
        lies = in_file(family, config, name, x)
        if p.ndim == 1:
            w.add_tensor(gguf_name(name), lies)
            read = lies
        else:
            q = TYPES[i % 4]
            raw = quantize(lies, q)
            w.add_tensor(gguf_name(name), raw, raw_dtype=q)
            read = dequantize(raw, q).astype(np.float32)
        read = as_before(family, config, name, read)
        p.data.copy_(torch.from_numpy(read.copy()))
        file_name = ("embed_out.weight" if family == "gpt_neox"
                     and name == "lm_head.weight" else name)
        read = np.ascontiguousarray(read)
        said[file_name] = {"shape": list(read.shape), "sha256":
                           hashlib.sha256(read.tobytes()).hexdigest()}
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    with open(family + ".json", "w") as f:
        json.dump(said, f, indent=1)
    ids = torch.from_numpy(rng.integers(0, V, 12))
    with torch.no_grad():
        logits = model(input_ids=ids[None]).logits[0]
    save_file({"ids": ids.float(), "logits": logits.contiguous()},
              family + ".safetensors")
    print(family, os.path.getsize(family + ".gguf"), len(said),
          float(logits.abs().max()))


for one in sys.argv[1:] or FAMILIES:
    write(one)
