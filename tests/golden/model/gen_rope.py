"""Write rope.safetensors: rotary cosines and sines as transformers makes them.

    python gen_rope.py        (in this folder)

transformers 5.24.0, torch 2.13.0, safetensors 0.8.0.

pos [P] as F32, and for each scheme <name>.freq [dim/2], <name>.cos and .sin
[P, dim/2], and <name>.q the factor [P] of queries where they have one. The
schemes are the table below; test_config.c holds the same numbers. All
positions lie within LongRoPE's original context, 8192.
"""
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, Phi3Config
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding
from transformers.models.ministral3.modeling_ministral3 import \
    get_llama_4_attn_scale
from transformers.models.phi3.modeling_phi3 import Phi3RotaryEmbedding

POS = torch.tensor([0, 1, 2, 7, 100, 1023, 8191])
out = {"pos": POS.float()}
for name, dim, rope in (
        ("plain", 64, dict(rope_type="default", rope_theta=10000.0)),
        ("linear", 64, dict(rope_type="linear", rope_theta=10000.0,
                            factor=4.0)),
        ("llama3", 128, dict(rope_type="llama3", rope_theta=500000.0,
                             factor=8.0, low_freq_factor=1.0,
                             high_freq_factor=4.0,
                             original_max_position_embeddings=8192))):
    config = LlamaConfig(hidden_size=dim * 4, num_attention_heads=4,
                         max_position_embeddings=131072, rope_parameters=rope)
    emb = LlamaRotaryEmbedding(config)
    cos, sin = emb(torch.zeros(1), POS[None])
    out[name + ".freq"] = emb.inv_freq.clone()
    out[name + ".cos"] = cos[0, :, :dim // 2].contiguous()
    out[name + ".sin"] = sin[0, :, :dim // 2].contiguous()

YARN = dict(rope_type="yarn", rope_theta=1000000.0, factor=16.0,
            original_max_position_embeddings=16384)
SHORT = [1.0 + 0.03 * i for i in range(24)]
for name, dim, part, rope in (
        ("yarn", 128, 1.0, YARN),
        ("mscale", 128, 1.0, dict(YARN, beta_fast=20.0, beta_slow=2.0,
                                  mscale=0.7, mscale_all_dim=1.0)),
        ("smooth", 64, 1.0, dict(YARN, rope_theta=10000.0, factor=4.0,
                                 original_max_position_embeddings=4096,
                                 truncate=False, attention_factor=0.9)),
        ("tight", 64, 1.0, dict(YARN, rope_theta=10000.0, factor=4.0,
                                original_max_position_embeddings=64)),
        ("longrope", 64, 0.75, dict(rope_type="longrope", rope_theta=10000.0,
                                    short_factor=SHORT,
                                    long_factor=[9.0] * 24)),
        ("dynamic", 64, 1.0, dict(rope_type="dynamic", rope_theta=10000.0,
                                  factor=4.0)),
        ("share", 64, 0.25, dict(rope_type="default", rope_theta=10000.0))):
    shared = dict(hidden_size=dim * 4, num_attention_heads=4)
    if part == 1.0:
        emb = LlamaRotaryEmbedding(LlamaConfig(
            **shared, max_position_embeddings=131072, rope_parameters=rope))
    else:
        emb = Phi3RotaryEmbedding(Phi3Config(
            **shared, partial_rotary_factor=part, rope_parameters=rope,
            max_position_embeddings=131072, pad_token_id=None,
            original_max_position_embeddings=8192))
    half = int(dim * part) // 2
    cos, sin = emb(torch.zeros(1), POS[None])
    out[name + ".freq"] = emb.inv_freq.clone()
    out[name + ".cos"] = cos[0, :, :half].contiguous()
    out[name + ".sin"] = sin[0, :, :half].contiguous()
out["yarn.q"] = get_llama_4_attn_scale(POS[None], 0.1, 1024).flatten()
save_file(out, "rope.safetensors")
