"""Write rope.safetensors: rotary cosines and sines as transformers makes them.

    python gen_rope.py        (in this folder)

transformers 5.24.0, torch 2.13.0, safetensors 0.8.0.

pos [P] as F32, and for each scheme <name>.freq [D/2], <name>.cos and .sin
[P, D/2]: plain (theta 10000, D 64), linear (the same, factor 4), llama3
(Llama 3.1's: theta 500000, D 128, factor 8, 1 to 4, original 8192).
"""
import torch
from safetensors.torch import save_file
from transformers import LlamaConfig
from transformers.models.llama.modeling_llama import LlamaRotaryEmbedding

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
save_file(out, "rope.safetensors")
