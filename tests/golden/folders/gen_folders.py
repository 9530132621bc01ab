"""Write folders.json: what transformers makes of folders whose files contradict
each other.

    python gen_folders.py        (in this folder)

torch 2.13.0, transformers 5.24.0, safetensors 0.8.0, tokenizers as that pins
it. A case is the golden model tiny/one with changes: "files" are merged into
its JSON files (RFC 7396: null deletes a field; a file that is null goes, one
that is a string is written as it stands, one that was not there is new),
"tensors" are steps on its weights, "shards" and "index" lay them out. The test
makes the same folder and must find what stands in "want":

    logprob   of IDS after the first, summed, computed in float32
    ids       of the texts, with special tokens
    eos       the ids that end a text when transformers generates
    refused   transformers refuses the folder, or makes up weights
"""
import io
import json
import logging
import os
import shutil
import tempfile

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer, GenerationConfig

HERE = os.path.dirname(os.path.abspath(__file__))
BASE = os.path.join(HERE, "..", "tiny", "one")
IDS = [256, 72, 101, 108, 108, 111, 257]
TEXTS = ["Hello", "<s>Hello</s> <pad>", "a<x>b <y> c"]
EMBED, HEAD = "model.embed_tokens.weight", "lm_head.weight"
DOWN = "model.layers.0.mlp.down_proj.weight"
NORM = "model.norm.weight"


def token(content, i, **flags):
    return {"id": i, "content": content, "single_word": False, "lstrip": False,
            "rstrip": False, "normalized": False, "special": True, **flags}


def without(t, key):
    return {k: v for k, v in t.items() if k != key}


S, E = token("<s>", 256), token("</s>", 257)
CASES = []


def case(name, note=None, **what):
    CASES.append({"name": name, "note": note, **what})


# --- the head and the embedding ---
OWN = [["scale", HEAD, EMBED, -0.5]]
SAME = [["scale", HEAD, EMBED, 1.0]]
MOVED = SAME + [["drop", EMBED]]
for tied in (True, False, None):
    for head, steps in (("none", []), ("own", OWN), ("equal", SAME),
                        ("equal in f32", SAME + [["f32", HEAD]]),
                        ("alone", MOVED)):
        case(f"tied {tied}, head {head}",
             "differs from" if tied and head == "own" else None,
             files={"config.json": {"tie_word_embeddings": tied}},
             tensors=steps)

# --- config.json and the weights ---
config = lambda **f: {"config.json": f}
case("vocab_size above the rows", files=config(vocab_size=300))
case("vocab_size below the rows", files=config(vocab_size=257))
case("hidden_size of another model", files=config(hidden_size=32))
case("intermediate_size of another model", files=config(intermediate_size=16))
case("more layers in the files", "asks nothing of",
     files=config(num_hidden_layers=1))
case("more layers in the config", files=config(num_hidden_layers=3))
case("a bias that the config denies", "asks nothing of",
     tensors=[["row", "model.layers.0.self_attn.q_proj.bias", NORM]])
case("a bias that only the config has", files=config(attention_bias=True))
case("an old buffer",
     tensors=[["row", "model.layers.0.self_attn.rotary_emb.inv_freq", NORM]])
case("float32 said, bfloat16 stored", files=config(dtype="float32"))
case("bfloat16 said, float32 stored", tensors=[["f32", DOWN]])
case("float16 said, bfloat16 stored", files=config(torch_dtype="float16",
                                                   dtype=None))

# --- shards and their index ---
A, B = "a.safetensors", "b.safetensors"
two = {A: [EMBED, DOWN], B: None}  # None: the rest
index = lambda m, **f: {"metadata": {"total_size": 1}, "weight_map": m, **f}
case("two shards", shards=two, index=index({EMBED: A, DOWN: A, NORM: B}))
case("index names a head that is absent", "no file holds", shards=two,
     index=index({EMBED: A, HEAD: A, NORM: B}))
case("index says the wrong file", shards=two,
     index=index({EMBED: B, NORM: A}))
case("index names few tensors", shards=two,
     index=index({EMBED: A, NORM: B}))
case("index forgets a file", shards=two, index=index({EMBED: A}))
case("index names a file that is absent", shards=two,
     index=index({EMBED: A, NORM: B, "x": "c.safetensors"}))
case("a tensor in two shards, equal", shards={A: [EMBED, NORM], B: [NORM, None]},
     index=index({EMBED: A, NORM: B}))
case("a tensor in two shards, different", "with other values",
     tensors=[["scale", "other", DOWN, 2.0]],
     shards={A: [EMBED, DOWN], B: [["other", DOWN], None]},
     index=index({EMBED: A, NORM: B}))
case("a tensor in two shards, different, the index names the first",
     "with other values", tensors=[["scale", "other", DOWN, 2.0]],
     shards={A: [EMBED, ["other", DOWN]], B: [DOWN, None]},
     index=index({EMBED: A, DOWN: A, NORM: B}))
case("an extra file with an extra tensor", "asks nothing of",
     tensors=[["scale", "other", DOWN, 2.0]],
     shards={A: [EMBED, DOWN], "c.safetensors": ["other"], B: None},
     index=index({EMBED: A, NORM: B, "other": "c.safetensors"}))
case("one file and an index", "and not the files",
     shards={"model.safetensors": None}, index=index({EMBED: A}))

# --- the ids that end a text ---
case("eos in config alone", files={
    "generation_config.json": None, "config.json": {"eos_token_id": [7, 257]}})
case("eos differs in all three files", "both files end it", files={
    "generation_config.json": {"eos_token_id": 5},
    "config.json": {"eos_token_id": 6},
    "tokenizer_config.json": {"eos_token": "<s>"}})
case("several in generation_config", files={
    "generation_config.json": {"eos_token_id": [257, 9]}})

# --- files of the tokenizer ---
case("added_tokens.json agrees", files={
    "tokenizer.json": {"added_tokens": [S, E, token("<pad>", 258)]},
    "added_tokens.json": {"<pad>": 258}, "config.json": {"vocab_size": 260}},
    tensors=[["pad", EMBED, 260]])
case("added_tokens.json has another id", "added_tokens.json", files={
    "tokenizer.json": {"added_tokens": [S, E, token("<pad>", 258)]},
    "added_tokens.json": {"<pad>": 259}, "config.json": {"vocab_size": 260}},
    tensors=[["pad", EMBED, 260]])
case("added_tokens.json has tokens of its own", files={
    "added_tokens.json": {"<x>": 258, "<y>": 259},
    "config.json": {"vocab_size": 260}}, tensors=[["pad", EMBED, 260]])
case("added_tokens.json in another order", "added_tokens.json", files={
    "added_tokens.json": {"<y>": 259, "<x>": 260},
    "config.json": {"vocab_size": 262}}, tensors=[["pad", EMBED, 262]])
case("tokens in added_tokens_decoder alone", files={
    "tokenizer_config.json": {"added_tokens_decoder": {
        "256": without(S, "id"), "257": without(E, "id"),
        "258": without(token("<x>", 0, special=False), "id"),
        "259": without(token("<y>", 0, lstrip=True), "id")}},
    "config.json": {"vocab_size": 260}}, tensors=[["pad", EMBED, 260]])
case("added_tokens_decoder has other ids",
     "tokenizer_config.json' gives tokens other ids", files={
    "tokenizer_config.json": {"added_tokens_decoder": {
        "256": without(S, "id"), "257": without(E, "id"),
        "300": without(token("<x>", 0, special=False), "id"),
        "299": without(token("<y>", 0), "id")}},
    "config.json": {"vocab_size": 301}}, tensors=[["pad", EMBED, 301]])
case("special tokens in tokenizer_config alone", files={
    "tokenizer_config.json": {"pad_token": "<pad>",
                              "additional_special_tokens": ["<x>", "<y>"]},
    "config.json": {"vocab_size": 262}}, tensors=[["pad", EMBED, 262]])
case("special tokens in special_tokens_map alone", files={
    "special_tokens_map.json": {"pad_token": {"content": "<pad>",
                                              "lstrip": True,
                                              "rstrip": False,
                                              "normalized": False,
                                              "single_word": False},
                                "bos_token": "<s>",
                                "additional_special_tokens": ["<x>"]},
    "config.json": {"vocab_size": 262}}, tensors=[["pad", EMBED, 262]])
case("added_tokens_decoder has other flags", files={
    "tokenizer.json": {"added_tokens": [S, E, token("<x>", 258),
                                        token("<y>", 259, lstrip=True)]},
    "tokenizer_config.json": {"added_tokens_decoder": {
        "256": without(S, "id"), "257": without(E, "id"),
        "258": without(token("<x>", 0, rstrip=True), "id"),
        "259": without(token("<y>", 0), "id")}},
    "config.json": {"vocab_size": 260}}, tensors=[["pad", EMBED, 260]])
case("added_tokens_decoder knows fewer", files={
    "tokenizer.json": {"added_tokens": [S, E, token("<x>", 258),
                                        token("<y>", 259, lstrip=True)]},
    "tokenizer_config.json": {"added_tokens_decoder": {
        "256": without(S, "id")}},
    "config.json": {"vocab_size": 260}}, tensors=[["pad", EMBED, 260]])
case("a special token that is a plain one of tokenizer.json", files={
    "tokenizer.json": {"added_tokens": [
        S, E, token("<x>", 258, special=False, rstrip=True), token("<y>", 259)]},
    "tokenizer_config.json": {"pad_token": "<x>", "unk_token": "b"},
    "config.json": {"vocab_size": 260}}, tensors=[["pad", EMBED, 260]])
case("a token of an own name, and a list of extra ones", files={
    "tokenizer_config.json": {"image_token": "<y>", "sep_token": "<pad>",
                              "extra_special_tokens": ["<x>"]},
    "config.json": {"vocab_size": 262}}, tensors=[["pad", EMBED, 262]])
case("null beside special_tokens_map", files={
    "tokenizer_config.json": {"bos_token": None},
    "special_tokens_map.json": {"bos_token": "<s>"}})
case("special_tokens_map against tokenizer_config", "'<s>' is used",
     files={"special_tokens_map.json": {"eos_token": "<s>", "bos_token": "</s>"}})
case("special_tokens_map against tokenizer_config, with a decoder",
     "'</s>' is used", files={
    "tokenizer_config.json": {"added_tokens_decoder": {
        "256": without(S, "id"), "257": without(E, "id")}},
    "special_tokens_map.json": {"eos_token": "<s>", "bos_token": "</s>"}})
case("tokenizer larger than the embedding", "only 258 rows", files={
    "tokenizer.json": {"added_tokens": [S, E, token("<pad>", 258)]}})
case("vocab.json against tokenizer.json", "tokenizer.json is used", files={
    "vocab.json": {"a": 1, "b": 0}, "merges.txt": "#version: 0.2\na b\n"})
case("add_bos_token against the template", files={
    "tokenizer_config.json": {"add_bos_token": False, "add_eos_token": True}})
case("two templates", "different chat templates", files={
    "chat_template.jinja": "{{ messages[0].content }}"})
case("the same template twice", files={"chat_template.jinja": json.load(
    open(os.path.join(BASE, "tokenizer_config.json")))["chat_template"]})


def merge(old, patch):
    if not isinstance(patch, dict):
        return patch
    old = dict(old) if isinstance(old, dict) else {}
    for k, v in patch.items():
        if v is None:
            old.pop(k, None)
        else:
            old[k] = merge(old.get(k), v)
    return old


def build(c, where):
    shutil.copytree(BASE, where)
    for name, patch in c.get("files", {}).items():
        path = os.path.join(where, name)
        if patch is None:
            os.remove(path)
        elif isinstance(patch, str):
            open(path, "w").write(patch)
        else:
            old = json.load(open(path)) if os.path.exists(path) else {}
            json.dump(merge(old, patch), open(path, "w"))
    weights = os.path.join(where, "model.safetensors")
    t = load_file(weights)
    for step, name, *rest in c.get("tensors", []):
        if step == "drop":
            del t[name]
        elif step == "scale":
            t[name] = t[rest[0]] * rest[1]
        elif step == "row":
            t[name] = t[rest[0]].clone()
        elif step == "f32":
            t[name] = t[name].float()
        elif step == "pad":  # more rows, zero
            t[name] = torch.cat([t[name], torch.zeros(
                rest[0] - len(t[name]), t[name].shape[1], dtype=t[name].dtype)])
    os.remove(weights)
    shards = c.get("shards", {"model.safetensors": None})
    named = {n for names in shards.values() for n in names or []
             if isinstance(n, str)}
    renamed = {n[0] for names in shards.values() for n in names or []
               if isinstance(n, list)}
    for file, names in shards.items():
        part = {}
        for n in names or [None]:
            if n is None:
                part.update({k: t[k] for k in t if k not in named | renamed})
            elif isinstance(n, list):
                part[n[1]] = t[n[0]]
            else:
                part[n] = t[n]
        save_file(part, os.path.join(where, file), metadata={"format": "pt"})
    if "index" in c:
        json.dump(c["index"], open(os.path.join(
            where, "model.safetensors.index.json"), "w"))


def ask(where, c):
    log = io.StringIO()
    handler = logging.StreamHandler(log)
    logger = logging.getLogger("transformers")
    logger.addHandler(handler)
    want = {}
    try:
        model = AutoModelForCausalLM.from_pretrained(where,
                                                     dtype=torch.float32)
        ids = torch.tensor([IDS])
        logp = torch.log_softmax(model(ids).logits[0].double(), -1)
        want["logprob"] = logp[:-1].gather(1, ids[0, 1:, None]).sum().item()
        eos = model.generation_config.eos_token_id
        want["eos"] = eos if isinstance(eos, list) else [eos]
        if "MISSING" in log.getvalue():
            return {"refused": True}
    except Exception as e:
        return {"refused": True, "why": type(e).__name__}
    finally:
        logger.removeHandler(handler)
    tok = AutoTokenizer.from_pretrained(where)
    want["ids"] = [tok(t)["input_ids"] for t in TEXTS]
    want["chat"] = tok.apply_chat_template(
        [{"role": "user", "content": "Hi"}], tokenize=False,
        add_generation_prompt=True)
    want["bos_id"], want["eos_id"] = tok.bos_token_id, tok.eos_token_id
    return want


transformers.logging.set_verbosity_warning()
for c in CASES:
    with tempfile.TemporaryDirectory() as d:
        where = os.path.join(d, "m")
        build(c, where)
        c["want"] = ask(where, c)
        print(c["name"], c["want"], flush=True)
with open(os.path.join(HERE, "folders.json"), "w") as f:
    json.dump({"ids": IDS, "texts": TEXTS, "cases": CASES}, f, indent=1)
    f.write("\n")
