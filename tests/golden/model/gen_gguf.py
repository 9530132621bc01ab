"""Write tiny GGUF files of each architecture, and what transformers reads from
them.

    python gen_gguf.py        (in this folder)

gguf 0.19.0, transformers 5.24.0, torch 2.13.0, safetensors 0.8.0, numpy 2.4.6.

<arch>.gguf         random weights, types mixed; llama with a SentencePiece
                    vocabulary, rope_freqs and a chat template, gpt2 with a
                    byte-level one, the others with none
<arch>.json         SHA-256 of the f32 bytes of every tensor that transformers
                    made of it, by its Hugging Face name and in its layout
<arch>.safetensors  ids [12] as F32, and transformers' logits [12, V] in f32
split-...gguf       qwen2.gguf in three files
vocabulary.gguf     gpt2.gguf's keys and no tensors
"""
import hashlib
import json
import math
import os

import numpy as np
import torch
import transformers
from gguf import GGMLQuantizationType as Q
from gguf import GGUFReader, GGUFWriter, RopeScalingType
from gguf.constants import GGML_QUANT_SIZES
from gguf.quants import dequantize, quantize
from safetensors.torch import save_file
from transformers import AutoConfig, AutoModelForCausalLM

C, F, L, H, KV, D = 32, 256, 2, 4, 2, 8
THETA, CONTEXT = 500.0, 64
rng = np.random.default_rng(11)


def values(*shape):
    return rng.normal(0, 0.3, shape).astype(np.float32)


def add(w, name, x, q):
    """Quantise by the package, or, where it cannot, draw random blocks."""
    if q in (Q.F32, Q.F16):
        w.add_tensor(name, x.astype(np.float32 if q == Q.F32 else np.float16))
    elif q in (Q.Q4_K, Q.Q6_K):
        n, size = GGML_QUANT_SIZES[q]
        b = rng.integers(0, 256, (x.shape[0], x.shape[1] // n, size),
                         dtype=np.uint8)
        scale = np.float16(0.002 if q == Q.Q4_K else 0.0005).tobytes()
        for at in (0, 2) if q == Q.Q4_K else (208,):
            b[:, :, at:at + 2] = np.frombuffer(scale, np.uint8)
        w.add_tensor(name, b.reshape(x.shape[0], -1), raw_dtype=q)
    else:
        w.add_tensor(name, quantize(x, q), raw_dtype=q)


def permute(x, heads):
    """What llama.cpp's converter does to q and k of its llama architecture."""
    return (x.reshape(heads, 2, x.shape[0] // heads // 2, *x.shape[1:])
            .swapaxes(1, 2).reshape(x.shape))


def llama_factors():
    """rope_freqs of llama3 scaling: factor 8, 1, 4, original context 32."""
    out = []
    for i in range(D // 2):
        wave = 2 * math.pi * THETA ** (2 * i / D)
        if wave < 32 / 4:
            out.append(1.0)
        elif wave > 32 / 1:
            out.append(8.0)
        else:
            smooth = (32 / wave - 1) / (4 - 1)
            out.append(1 / ((1 - smooth) / 8 + smooth))
    return np.array(out, dtype=np.float32)


def byte_level():
    """GPT-2's 256 printable stand-ins for bytes, in its order."""
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    return ([chr(b) for b in keep]
            + [chr(256 + i) for i in range(256 - len(keep))])


def vocabulary(w, arch):
    if arch == "llama":
        tokens = (["<unk>", "<s>", "</s>"]
                  + [f"<0x{b:02X}>" for b in range(256)]
                  + ["▁", "a", "b", "▁a", "ab", "▁ab"])
        w.add_tokenizer_model("llama")
        w.add_tokenizer_pre("default")
        w.add_token_list(tokens)
        w.add_token_scores([0.0] * 259 + [-9.0, -8.0, -7.0, -1.0, -2.0, -3.0])
        w.add_token_types([2, 3, 3] + [6] * 256 + [1] * 6)
        w.add_bos_token_id(1)
        w.add_eos_token_id(2)
        w.add_unk_token_id(0)
        w.add_add_bos_token(True)
        w.add_add_space_prefix(True)
        w.add_chat_template("{% for m in messages %}{{ m['content'] }}"
                            "{% endfor %}")
        return len(tokens)
    if arch == "gpt2":
        tokens = byte_level() + ["ab", "Ġa", "<|endoftext|>"]
        w.add_tokenizer_model("gpt2")
        w.add_tokenizer_pre("gpt-2")
        w.add_token_list(tokens)
        w.add_token_types([1] * 258 + [3])
        w.add_token_merges(["a b", "Ġ a"])
        w.add_bos_token_id(258)
        w.add_eos_token_id(258)
        return len(tokens)
    return 112


# transformers reads no GGUF files of these architectures, or reads less than
# they say: the same by hand. Each is what llama.cpp's converter writes.
NAMES = {"token_embd": "model.embed_tokens", "output_norm": "model.norm",
         "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
         "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
         "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
         "attn_norm": "input_layernorm",
         "ffn_norm": "post_attention_layernorm",
         "post_attention_norm": "post_attention_layernorm",
         "post_ffw_norm": "post_feedforward_layernorm",
         "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
         "ffn_down": "mlp.down_proj"}
SLIDING = ["sliding_attention", "full_attention"]


def ropes(local):
    return dict(sliding_attention=dict(rope_type="default", rope_theta=local),
                full_attention=dict(rope_type="linear", rope_theta=THETA,
                                    factor=4.0))


BY_HAND = {  # configuration class, its own fields; None: of the file's name
    "olmo2": (transformers.Olmo2Config, dict(pad_token_id=None)),
    "olmo3": (transformers.Olmo3Config, dict(
        pad_token_id=None, sliding_window=8, layer_types=SLIDING,
        rope_parameters=ropes(THETA))),
    "gemma2": (transformers.Gemma2Config, dict(
        head_dim=16, sliding_window=8, query_pre_attn_scalar=16,
        attn_logit_softcapping=4.0, final_logit_softcapping=6.0)),
    "gemma3": (transformers.Gemma3TextConfig, dict(
        head_dim=16, sliding_window=8, query_pre_attn_scalar=16,
        layer_types=SLIDING, rope_parameters=ropes(10000.0))),
    "granite": (transformers.GraniteConfig, dict(
        embedding_multiplier=3.0, attention_multiplier=0.2,
        residual_multiplier=0.4, logits_scaling=2.5)),
    "smollm3": (transformers.SmolLM3Config, dict(pad_token_id=None)),
    "exaone4": (transformers.Exaone4Config, dict(
        sliding_window=8, layer_types=SLIDING)),
}
LAYERS = {"smollm3": 4}
HEAD_DIM = {"qwen3": 16, "gemma2": 16, "gemma3": 16}
PERMUTED = ("llama", "granite", "smollm3")
NORM_IN = ("attn_norm", "ffn_norm")
NORM_OUT = ("post_attention_norm", "post_ffw_norm")
NORMS = {"olmo2": NORM_OUT, "olmo3": NORM_OUT, "exaone4": NORM_OUT,
         "gemma2": NORM_IN + NORM_OUT, "gemma3": NORM_IN + NORM_OUT}
QK_NORMS = {"qwen3": 16, "gemma3": 16, "exaone4": D, "olmo2": None,
            "olmo3": None}  # None: over the whole width
ARCH = {"olmo3": "olmo2"}


def own_keys(w, arch):
    """What the converter writes of the fields in BY_HAND."""
    if arch in ("olmo3", "gemma2", "gemma3", "exaone4"):
        w.add_sliding_window(8)
    if arch == "exaone4" or arch == "olmo3":
        w.add_sliding_window_pattern([True, False])
    if arch == "gemma3":  # its own rule, all but each sixth layer
        w.add_uint32("gemma3.attention.sliding_window_pattern", 2)
    if arch in ("olmo3", "gemma3"):
        w.add_rope_scaling_type(RopeScalingType.LINEAR)
        w.add_rope_scaling_factor(4.0)
    if arch == "gemma2":
        w.add_attn_logit_softcapping(4.0)
        w.add_final_logit_softcapping(6.0)
    if arch == "granite":
        w.add_embedding_scale(3.0)
        w.add_attention_scale(0.2)
        w.add_residual_scale(0.4)
        w.add_logit_scale(2.5)


def unpermute(x, heads):
    return (x.reshape(heads, x.shape[0] // heads // 2, 2, *x.shape[1:])
            .swapaxes(1, 2).reshape(x.shape))


def by_hand_name(arch, name):
    layer = name.split(".")[1] if name.startswith("blk.") else None
    part = name.split(".")[-2]
    ours = NAMES[part] + ".weight"
    if part == "ffn_norm" and arch.startswith("gemma"):
        ours = "pre_feedforward_layernorm.weight"
    return ours if layer is None else f"model.layers.{layer}.{ours}"


def open_by_hand(arch, path, V):
    kind, own = BY_HAND[arch]
    fields = dict(
        vocab_size=V, hidden_size=C, intermediate_size=F,
        num_hidden_layers=LAYERS.get(arch, L), num_attention_heads=H,
        num_key_value_heads=KV, max_position_embeddings=CONTEXT,
        rms_norm_eps=1e-5, tie_word_embeddings=True, rope_parameters=dict(
            rope_type="default", rope_theta=THETA))
    model = AutoModelForCausalLM.from_config(
        kind(**{**fields, **own}), attn_implementation="eager",
        dtype=torch.float32).eval()
    state = {}
    for t in GGUFReader(path).tensors:
        x = dequantize(t.data, t.tensor_type).astype(np.float32)
        if arch in PERMUTED and ".attn_q." in t.name:
            x = unpermute(x, H)
        if arch in PERMUTED and ".attn_k." in t.name:
            x = unpermute(x, KV)
        if arch.startswith("gemma") and "norm" in t.name:
            x = x - 1
        state[by_hand_name(arch, t.name)] = torch.from_numpy(x.copy())
    missing, surplus = model.load_state_dict(state, strict=False)
    assert missing == ["lm_head.weight"] and not surplus
    model.tie_weights()
    return model


def write(arch):
    path = arch + ".gguf"
    w = GGUFWriter(path, ARCH.get(arch, arch))
    w.add_name(f"tiny {arch}")
    w.add_context_length(CONTEXT)
    w.add_embedding_length(C)
    layers = LAYERS.get(arch, L)
    w.add_block_count(layers)
    w.add_feed_forward_length(F)
    w.add_head_count(H)
    V = vocabulary(w, arch)
    w.add_vocab_size(V)
    add(w, "token_embd.weight", values(V, C), Q.Q8_0)
    add(w, "output_norm.weight", 1 + values(C), Q.F32)
    head_dim = HEAD_DIM.get(arch, D)
    if arch == "gpt2":
        w.add_layer_norm_eps(1e-5)
        add(w, "output_norm.bias", values(C), Q.F32)
        add(w, "position_embd.weight", values(CONTEXT, C), Q.F16)
    else:
        w.add_head_count_kv(KV)
        w.add_layer_norm_rms_eps(1e-5)
        w.add_rope_freq_base(THETA)
        w.add_rope_dimension_count(head_dim)
        own_keys(w, arch)
        if arch in HEAD_DIM:
            w.add_key_length(head_dim)
            w.add_value_length(head_dim)
        if arch == "llama":
            add(w, "rope_freqs.weight", llama_factors(), Q.F32)
            add(w, "output.weight", values(V, C), Q.Q4_0)
    for i in range(layers):
        p = f"blk.{i}."
        for norm in NORMS.get(arch, NORM_IN):
            add(w, p + norm + ".weight", 1 + values(C), Q.F32)
            if arch == "gpt2":
                add(w, p + norm + ".bias", values(C), Q.F32)
        wide = Q.Q4_K if i == 0 else Q.Q6_K  # rows of 256 values
        narrow = Q.Q8_0 if i == 0 else Q.Q4_0
        if arch == "gpt2":
            for name, out, inner, q in (("attn_qkv", 3 * C, C, narrow),
                                        ("attn_output", C, C, Q.F16),
                                        ("ffn_up", F, C, narrow),
                                        ("ffn_down", C, F, wide)):
                add(w, f"{p}{name}.weight", values(out, inner), q)
                add(w, f"{p}{name}.bias", values(out), Q.F32)
            continue
        for name, heads in (("attn_q", H), ("attn_k", KV), ("attn_v", KV)):
            x = values(heads * head_dim, C)
            if arch in PERMUTED and name != "attn_v":
                x = permute(x, heads)
            add(w, f"{p}{name}.weight", x, narrow)
            if arch == "qwen2":
                add(w, f"{p}{name}.bias", values(heads * head_dim), Q.F32)
        if arch in QK_NORMS:
            for name, heads in (("attn_q_norm", H), ("attn_k_norm", KV)):
                n = QK_NORMS[arch] or heads * D
                add(w, f"{p}{name}.weight", 1 + values(n), Q.F32)
        add(w, p + "attn_output.weight", values(C, H * head_dim),
            Q.BF16 if arch == "qwen2" else Q.F16)
        add(w, p + "ffn_gate.weight", values(F, C), narrow)
        add(w, p + "ffn_up.weight", values(F, C), Q.Q4_0)
        add(w, p + "ffn_down.weight", values(C, F), wide)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()
    read_back(arch, path, V)


def open_known(arch, path):
    config = AutoConfig.from_pretrained(".", gguf_file=path)
    if arch == "qwen3":  # transformers leaves attention.key_length aside
        config.head_dim = 16
    if arch == "gpt2":  # and two of gpt2's
        config.n_inner = F
        config.n_positions = CONTEXT
    model = AutoModelForCausalLM.from_pretrained(
        ".", gguf_file=path, config=config, dtype=torch.float32,
        attn_implementation="eager").eval()
    if arch == "llama":  # transformers leaves rope_freqs.weight aside
        config = model.config
        config.rope_parameters = dict(
            rope_type="llama3", rope_theta=THETA, factor=8.0,
            low_freq_factor=1.0, high_freq_factor=4.0,
            original_max_position_embeddings=32)
        again = AutoModelForCausalLM.from_config(
            config, attn_implementation="eager", dtype=torch.float32).eval()
        again.load_state_dict(model.state_dict())
        model = again
    return model


def read_back(arch, path, V):
    model = (open_by_hand(arch, path, V) if arch in BY_HAND
             else open_known(arch, path))
    said = {}
    for name, x in sorted(model.state_dict().items()):
        if name == "lm_head.weight" and arch != "llama":
            continue  # tied
        if arch.startswith("gemma") and "norm" in name:
            x = x + 1  # as it lies in the file
        if arch == "gpt2" and ".h." in name and x.ndim == 2:
            x = x.T  # [out, in], as it lies in the file
        x = x.contiguous().numpy()
        said[name] = {"shape": list(x.shape),
                      "sha256": hashlib.sha256(x.tobytes()).hexdigest()}
    with open(arch + ".json", "w") as f:
        json.dump(said, f, indent=1)
    ids = torch.from_numpy(rng.integers(0, V, 12))
    with torch.no_grad():
        logits = model(input_ids=ids[None]).logits[0]
    save_file({"ids": ids.float(), "logits": logits.contiguous()},
              arch + ".safetensors")
    print(arch, os.path.getsize(path), len(said), float(logits.abs().max()))


def copy(source, target, tensors, **options):
    """The keys of a file, and its tensors where wanted, written anew."""
    reader = GGUFReader(source)
    arch = reader.fields["general.architecture"].contents()
    w = GGUFWriter(target, arch, **options)
    for f in reader.fields.values():
        if f.name.startswith("GGUF.") or f.name == "general.architecture":
            continue
        w.add_key_value(f.name, f.contents(), f.types[0],
                        f.types[-1] if len(f.types) > 1 else None)
    for t in reader.tensors if tensors else []:
        w.add_tensor(t.name, t.data, raw_dtype=t.tensor_type)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


for arch in ("llama", "qwen2", "qwen3", "gpt2", "olmo2", "olmo3", "gemma2",
             "gemma3", "granite", "smollm3", "exaone4"):
    write(arch)
copy("qwen2.gguf", "split.gguf", True, split_max_tensors=10)
copy("gpt2.gguf", "vocabulary.gguf", False)
