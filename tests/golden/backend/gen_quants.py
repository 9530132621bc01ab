"""Write quants.safetensors and quants.json: blocks of each quantised type, and
what llama.cpp's own Python package makes of them.

    python gen_quants.py        (in this folder)

gguf 0.19.0, numpy 2.4.6, safetensors 0.8.0.

quants.safetensors  <TYPE>.bytes [3, block bytes] U8, <TYPE>.values [3, block
                    values] F32: random blocks whose scales are positive,
                    negative and subnormal
quants.json         <TYPE>: SHA-256 of the f32 values of 2048 blocks, whose
                    bytes test_tensor.c makes again from the same generator,
                    and [byte, mask] of what keeps their scales finite; every
                    vector of IQ1, IQ2 and IQ3 is met

../../fuzz/corpus/gguf/<TYPE>.gguf  one block as a tensor: a seed

Also prints the SHA-256 of numpy's f16 conversions that test_tensor.c holds.
"""
import hashlib
import json

import numpy as np
from gguf import GGMLQuantizationType as Q
from gguf import GGUFWriter
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize
from safetensors.numpy import save_file

# Where the f16 scales of a block lie; MXFP4's is a byte, IQ1_M's in pieces.
SCALES = {Q.Q8_0: [0], Q.Q4_0: [0], Q.Q4_1: [0, 2], Q.Q5_0: [0],
          Q.Q5_1: [0, 2], Q.Q2_K: [80, 82], Q.Q3_K: [108], Q.Q4_K: [0, 2],
          Q.Q5_K: [0, 2], Q.Q6_K: [208], Q.IQ4_NL: [0], Q.IQ4_XS: [0],
          Q.MXFP4: [], Q.IQ3_S: [0], Q.IQ3_XXS: [0], Q.IQ2_S: [0],
          Q.IQ2_XS: [0], Q.IQ2_XXS: [0], Q.IQ1_M: [], Q.IQ1_S: [0]}
BLOCKS = 2048
rng = np.random.default_rng(7)


def words(n):
    """n bytes of the generator x = x * 1664525 + 1013904223: its upper 8."""
    out, x = np.empty(n, np.uint8), 1
    for i in range(n):
        x = (x * 1664525 + 1013904223) & 0xffffffff
        out[i] = x >> 24
    return out


def scale_bits(q):
    """[byte, mask] of each scale: with these, none is infinite or NaN."""
    if q == Q.MXFP4:
        return [[0, 0xef]]
    if q == Q.IQ1_M:
        return [[55, 0xbf]]
    return [[at + 1, 0xbf] for at in SCALES[q]]


def few(q, size):
    b = rng.integers(0, 256, (3, size), dtype=np.uint8)
    scales = np.array([0.03, -0.5, 3e-6], np.float16)
    for at in SCALES[q]:
        b[:, at:at + 2] = scales.view(np.uint8).reshape(3, 2)
    if q == Q.MXFP4:
        b[:, 0] = (122, 1, 0)
    if q == Q.IQ1_M:
        for i in range(4):
            b[:, 49 + 2 * i] &= 15
            b[:, 49 + 2 * i] |= (scales.view(np.uint16) >> 4 * i & 15
                                 ).astype(np.uint8) << 4
    return b


def seed(q, block):
    w = GGUFWriter(f"../../fuzz/corpus/gguf/{q.name}.gguf", "llama")
    w.add_tensor("token_embd.weight", block[None], raw_dtype=q)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


out, hashes = {}, {}
stream = words(BLOCKS * 256)
for q in SCALES:
    values, size = GGML_QUANT_SIZES[q]
    b = few(q, size)
    out[f"{q.name}.bytes"] = b
    seed(q, b[0])
    out[f"{q.name}.values"] = dequantize(b, q).astype(np.float32)
    b = stream[:BLOCKS * size].reshape(BLOCKS, size).copy()
    for at, mask in scale_bits(q):
        b[:, at] &= mask
    x = dequantize(b, q).astype(np.float32)
    assert np.isfinite(x).all()
    hashes[q.name] = {"finite": scale_bits(q),
                      "sha256": hashlib.sha256(x.tobytes()).hexdigest()}
save_file(out, "quants.safetensors")
with open("quants.json", "w") as f:
    json.dump(hashes, f)

every = np.arange(65536, dtype=np.uint16).view(np.float16).astype(np.float32)
every = every[~np.isnan(every)]
print("f16 to f32", hashlib.sha256(every.tobytes()).hexdigest())
some = np.arange(0, 2**32, 4099, dtype=np.uint32).view(np.float32)
with np.errstate(over="ignore"):
    half = some[~np.isnan(some)].astype(np.float16)
print("f32 to f16", hashlib.sha256(half.tobytes()).hexdigest())
