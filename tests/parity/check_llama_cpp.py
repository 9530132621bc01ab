#!/usr/bin/env python3
"""Trivium's logits beside llama.cpp's, on GGUF files that people have.

    check_llama_cpp.py build/parity_logits FILE.gguf...

For each file, at 200 positions of README.md: the KL divergence in nats, mean
and largest, and the share of positions with the same best token. Weights are
also widened to F32, F16 and BF16 files, which both programs then read.

    8-bit       llama.cpp on the file, against itself on the F32 weights: what
                its products in 8 bits cost
    file        Trivium on the file, against llama.cpp on the F32 weights
    F16, BF16   Trivium against llama.cpp, both on that file

Fails where `file` is not below `8-bit`, or F16 or BF16 not below 1e-3 nat.
A file without a vocabulary, as those of tests/golden/model are, is compared at
12 drawn ids and in F32 alone: the row F32. (exaone4's departs: llama.cpp gives
a window to models of 64 layers alone.)
Not part of `make test`: needs xllamacpp (llama.cpp's library), gguf, numpy.
"""
import argparse
import ctypes as C
import glob
import importlib.util
import os
import subprocess
import tempfile

import numpy as np
from gguf import GGMLQuantizationType as Q
from gguf import GGUFReader, GGUFWriter
from gguf.quants import dequantize, quantize

POSITIONS = 200
BOUND = 1e-3  # nat


class Batch(C.Structure):
    _fields_ = [("n", C.c_int32), ("token", C.POINTER(C.c_int32)),
                ("embd", C.c_void_p), ("pos", C.POINTER(C.c_int32)),
                ("n_seq", C.POINTER(C.c_int32)),
                ("seq", C.POINTER(C.POINTER(C.c_int32))),
                ("logits", C.POINTER(C.c_int8))]


class Params(C.Structure):
    """Options, which are taken as they are: larger than the real struct."""
    _fields_ = [("bytes", C.c_char * 1024)]


def load_library():
    folder = os.path.dirname(importlib.util.find_spec("xllamacpp").origin)
    lib = C.CDLL(glob.glob(folder + "/xllamacpp*.so")[0])
    for name, result, args in (
            ("llama_model_default_params", Params, []),
            ("llama_context_default_params", Params, []),
            ("llama_model_load_from_file", C.c_void_p, [C.c_char_p, Params]),
            ("llama_init_from_model", C.c_void_p, [C.c_void_p, Params]),
            ("llama_model_get_vocab", C.c_void_p, [C.c_void_p]),
            ("llama_vocab_n_tokens", C.c_int32, [C.c_void_p]),
            ("llama_tokenize", C.c_int32,
             [C.c_void_p, C.c_char_p, C.c_int32, C.POINTER(C.c_int32),
              C.c_int32, C.c_bool, C.c_bool]),
            ("llama_batch_init", Batch, [C.c_int32, C.c_int32, C.c_int32]),
            ("llama_decode", C.c_int32, [C.c_void_p, Batch]),
            ("llama_get_logits", C.POINTER(C.c_float), [C.c_void_p]),
            ("llama_free", None, [C.c_void_p]),
            ("llama_model_free", None, [C.c_void_p]),
            ("llama_log_set", None, [C.c_void_p, C.c_void_p])):
        f = getattr(lib, name)
        f.restype, f.argtypes = result, args
    return lib


def run_llama(lib, path, text=None, ids=None, positions=POSITIONS):
    """Ids of the text, or the ids given, and the logits at each."""
    model = lib.llama_model_load_from_file(path.encode(),
                                           lib.llama_model_default_params())
    assert model, path
    vocab = lib.llama_model_get_vocab(model)
    V = lib.llama_vocab_n_tokens(vocab)
    if ids is None:
        room = (C.c_int32 * len(text))()
        n = lib.llama_tokenize(vocab, text, len(text), room, len(text), True,
                               False)
        ids = list(room[:min(n, positions)])
    context = lib.llama_init_from_model(model,
                                        lib.llama_context_default_params())
    b = lib.llama_batch_init(len(ids), 0, 1)
    b.n = len(ids)
    for i, t in enumerate(ids):
        b.token[i], b.pos[i], b.n_seq[i], b.logits[i] = t, i, 1, 1
        b.seq[i][0] = 0
    assert lib.llama_decode(context, b) == 0, path
    out = np.ctypeslib.as_array(lib.llama_get_logits(context),
                                (len(ids), V)).copy()
    lib.llama_free(context)
    lib.llama_model_free(model)
    return ids, out


def run_trivium(program, path, ids, folder):
    with open(folder + "/ids", "w") as f:
        f.write(" ".join(map(str, ids)))
    subprocess.run([program, path, folder + "/ids", folder + "/logits"],
                   check=True)
    return np.fromfile(folder + "/logits", np.float32).reshape(len(ids), -1)


def has_words(reader):
    return "tokenizer.ggml.model" in reader.fields


def widen(source, target, q):
    """The same model with its matrices in type q. Vectors stay, and so does
    an embedding that is only looked up, for both programs widen its rows."""
    r = GGUFReader(source)
    arch = r.fields["general.architecture"].contents()
    w = GGUFWriter(target, arch)
    for f in r.fields.values():
        value = f.contents()
        if f.name == "phi3.rope.scaling.original_context_length":
            value = max(value, 512)  # short factors at llama.cpp's context
        if not f.name.startswith("GGUF.") and f.name != "general.architecture":
            w.add_key_value(f.name, value, f.types[0],
                            f.types[-1] if len(f.types) > 1 else None)
    if not has_words(r):
        w.add_tokenizer_model("no_vocab")
    own_head = any(t.name == "output.weight" for t in r.tensors)
    for t in r.tensors:
        if arch == "olmo2" and t.name.startswith("token") and not own_head:
            x = dequantize(t.data, t.tensor_type).astype(np.float32)
            w.add_tensor("output.weight", x)  # llama.cpp wants one
        looked_up = t.name == "token_embd.weight" and own_head
        if t.tensor_type == Q.F32 or looked_up:
            w.add_tensor(t.name, t.data, raw_dtype=t.tensor_type)
        else:
            x = dequantize(t.data, t.tensor_type).astype(np.float32)
            w.add_tensor(t.name, quantize(x, q), raw_dtype=q)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def log_softmax(x):
    x = x.astype(np.float64)
    x -= x.max(axis=1, keepdims=True)
    return x - np.log(np.exp(x).sum(axis=1, keepdims=True))


def compare(title, p, q):
    """KL(p || q) by position."""
    lp, lq = log_softmax(p), log_softmax(q)
    kl = (np.exp(lp) * (lp - lq)).sum(axis=1)
    same = (p.argmax(axis=1) == q.argmax(axis=1)).mean()
    print(f"  {title:6}  mean {kl.mean():.2e}  largest {kl.max():.2e}  "
          f"same best {100 * same:.1f}%", flush=True)
    return kl.mean()


def check_bare(lib, program, path, reader):
    rows = [t.shape[-1] for t in reader.tensors if t.name.startswith("token")]
    ids = np.random.default_rng(3).integers(0, rows[0], 12).tolist()
    with tempfile.TemporaryDirectory() as folder:
        wide = folder + "/wide.gguf"
        widen(path, wide, Q.F32)
        theirs = run_llama(lib, wide, ids=ids)[1]
        ours = run_trivium(program, path, ids, folder)
        return compare("F32", theirs, ours[:, :theirs.shape[1]]) < BOUND


def check(lib, program, path, text):
    print(os.path.basename(path))
    reader = GGUFReader(path)
    if not has_words(reader):
        return check_bare(lib, program, path, reader)
    with tempfile.TemporaryDirectory() as folder:
        field = [f for f in reader.fields if f.endswith(".context_length")]
        context = reader.fields[field[0]].contents()
        ids, narrow = run_llama(lib, path, text,
                                positions=min(context, POSITIONS))
        wide = folder + "/wide.gguf"
        widen(path, wide, Q.F32)
        exact = run_llama(lib, wide, ids=ids)[1]
        cost = compare("8-bit", exact, narrow)
        ours = run_trivium(program, path, ids, folder)
        ours = ours[:, :exact.shape[1]]
        good = compare("file", exact, ours) < cost
        for q in (Q.F16, Q.BF16):
            widen(path, wide, q)
            theirs = run_llama(lib, wide, ids=ids)[1]
            ours = run_trivium(program, wide, ids, folder)
            kl = compare(q.name, theirs, ours[:, :theirs.shape[1]])
            good = kl < BOUND and good
    return good


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("files", nargs="+")
    a = p.parse_args()
    lib = load_library()
    quiet = C.CFUNCTYPE(None, C.c_int, C.c_char_p, C.c_void_p)(
        lambda *_: None)
    lib.llama_log_set(C.cast(quiet, C.c_void_p), None)
    readme = os.path.join(os.path.dirname(__file__), "../../README.md")
    text = open(readme, "rb").read()[:4 * POSITIONS * 2]
    bad = [f for f in a.files if not check(lib, a.program, f, text)]
    for f in bad:
        print("too far:", f)
    return 1 if bad else 0


raise SystemExit(main())
