"""Write quants.safetensors: random blocks of each quantised type and what
llama.cpp's own Python package makes of them.

    python gen_quants.py        (in this folder)

gguf 0.19.0, numpy 2.4.6, safetensors 0.8.0.

<TYPE>.bytes [n, block bytes] U8, <TYPE>.values [n, block values] F32. Also
prints the SHA-256 of numpy's f16 conversions that test_tensor.c holds.
"""
import hashlib

import numpy as np
from gguf import GGMLQuantizationType as Q
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize
from safetensors.numpy import save_file

rng = np.random.default_rng(7)
out = {}
for q, scales in ((Q.Q8_0, [0]), (Q.Q4_0, [0]), (Q.Q4_K, [0, 2]),
                  (Q.Q6_K, [208])):
    values, size = GGML_QUANT_SIZES[q]
    b = rng.integers(0, 256, (6, size), dtype=np.uint8)
    for at in scales:  # finite, of both signs, one of them subnormal
        d = rng.normal(0, 0.02, 6).astype(np.float16)
        d[5] = 3e-6
        b[:, at:at + 2] = d.view(np.uint8).reshape(6, 2)
    out[f"{q.name}.bytes"] = b
    out[f"{q.name}.values"] = dequantize(b, q).astype(np.float32)
save_file(out, "quants.safetensors")

every = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
every = every[~np.isnan(every)]
print("f16 to f32", hashlib.sha256(every.tobytes()).hexdigest())
some = np.arange(0, 2**32, 4099, dtype=np.uint32).view(np.float32)
with np.errstate(over="ignore"):
    half = some[~np.isnan(some)].astype(np.float16)
print("f32 to f16", hashlib.sha256(half.tobytes()).hexdigest())
