"""nano_data.py RECIPE DATA MODEL: facts of the generated rows; MODEL becomes a tiny model with nano's tokenizer and a text of rows."""

import json
import pathlib
import re
import shutil
import struct
import sys

recipe, data, model = map(pathlib.Path, sys.argv[1:])
sys.path.insert(0, str(recipe))
import generate  # noqa: E402
from worlds import behave, demos, facts, judge, plots, reckon, stories, words  # noqa: E402
from worlds.source import Pool  # noqa: E402


def rows(name):
    return [json.loads(x) for x in (data / name).open(encoding="utf-8")]


train, valid = rows("train.jsonl"), rows("valid.jsonl")
held = {name: rows(f"heldout/{name}.jsonl") for name in generate.HELD}

# Rows have one of two columns, in the shapes that the program reads.
for row in train + valid:
    assert set(row) in ({"text"}, {"messages"}), row
    if "messages" in row:
        roles = [m["role"] for m in row["messages"]]
        assert roles in (["user", "assistant"], ["system", "user", "assistant"]), row
        assert all(set(m) == {"role", "content"} and m["content"] == m["content"].strip() != "" for m in row["messages"]), row
        assert not any("<|" in m["content"] for m in row["messages"]), row
    elif "<|" in row["text"]:
        turns = row["text"].split(generate.END)
        roles = [re.match(r"<\|(\w+)\|>(?!<\|)", t).group(1) for t in turns]
        assert roles[roles[0] == "system" :] == ["user", "assistant"] * (len(roles) // 2), row
texts = [r["text"] if "text" in r else generate.rendered(r["messages"]) for r in train + valid]
whole = "\n".join(texts)
assert len(set(texts)) == len(texts)
assert not re.search(r"[\x00-\x08\x0b-\x1f]|\bNone\b|\{[a-zA-Z]+\}", re.sub(r"\{\"", "", whole)), "a slot was left open"

# What is kept for measuring is not there.
found = set(re.findall(r"[A-Za-z]+", whole))
for pool in (words.GIRLS, words.BOYS, words.TOWNS):
    kept = {x for x in pool.held if x.lower() not in found}  # a name can be a word, too
    assert len(kept) > 50 and not found & kept, found & kept
flat = whole.lower()
for phrase in behave.held_phrases():
    assert phrase.lower() not in flat, phrase


def pieces(template):
    """Parts of a template that stand in every reading of it."""
    depth, out = 0, [""]
    for c in re.sub(r"\{\w+\}", "\0", template):
        depth += c == "["
        if depth or c == "\0":
            out.append("") if out[-1] else None
        else:
            out[-1] += c
        depth -= c == "]"
    return [p for p in out if len(p) > 12]


n = 0
for module in (behave, demos, facts, judge, plots, reckon, stories):
    for name, pool in vars(module).items():
        pools = pool.values() if isinstance(pool, dict) else [pool]
        for pool in (p for p in pools if isinstance(p, Pool)):
            for t in pool.held:
                if module is behave and pool in behave.CORES.values():
                    continue  # looked for above
                for piece in pieces(t if isinstance(t, str) else t[0]):
                    known = any(piece.lower() in (x if isinstance(x, str) else x[0]).lower() for x in pool.train)
                    assert known or piece.lower() not in flat, (name, piece)
                    n += 1
assert n > 30

# The held-out rows are answered as they should be, and their base is not.
for row in held["behave"] + held["wordings"]:
    ask = row["prompt"][0]["content"]
    assert behave.obeys(row["behaviour"], row["value"], row["reference"], ask), row
assert {r["behaviour"] for r in held["behave"]} == set(behave.KINDS) and len(behave.KINDS) >= 12
for row in held["reckon"]:
    assert int(row["reference"].split("####")[1]) == row["answer"], row
    steps = re.findall(r"(\d+(?: [-+*] \d+)+) = (\d+)", row["reference"])
    assert steps and all(eval(sum) == int(said) for sum, said in steps), row  # digits and signs alone: the pattern says so
for row in held["copying"]:  # nothing but what was read
    words = re.findall(r"\w+", row["reference"])
    assert words and set(words) <= set(re.findall(r"\w+", row["prompt"][0]["content"])), row
for row in held["demos"]:
    assert row["label"] in row["labels"] and row["prompt"].endswith(row["plain"].split("\n", 1)[1]) and row["shots"] >= 4
assert {r["answer"] for r in held["judge"]} == {"Yes", "No"}
assert abs(sum(r["answer"] == "Yes" for r in held["judge"]) * 2 - len(held["judge"])) <= 2
for row in held["stories"]:
    assert all(re.search(rf"\b{re.escape(w.lower())}\b", row["reference"].lower()) for w in row["need"]), row

# A model of one small layer, all zeros, beside the tokenizer.
config = json.loads((recipe / "model/config.json").read_text())
C, F = config["head_dim"], 64
config.update(hidden_size=C, intermediate_size=F, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1)
shapes = {"model.embed_tokens.weight": [config["vocab_size"], C], "model.norm.weight": [C]}
for part, shape in {
    "input_layernorm": [C],
    "post_attention_layernorm": [C],
    "self_attn.q_proj": [C, C],
    "self_attn.k_proj": [C, C],
    "self_attn.v_proj": [C, C],
    "self_attn.o_proj": [C, C],
    "mlp.gate_proj": [F, C],
    "mlp.up_proj": [F, C],
    "mlp.down_proj": [C, F],
}.items():
    shapes[f"model.layers.0.{part}.weight"] = shape
head, at = {}, 0
for name, shape in shapes.items():
    size = 2 * shape[0] * (shape[1] if len(shape) > 1 else 1)
    head[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [at, at + size]}
    at += size
head = json.dumps(head).encode()
head += b" " * (-len(head) % 8)
model.mkdir()
for name in ("tokenizer.json", "tokenizer_config.json", "generation_config.json"):
    shutil.copy(recipe / "model" / name, model)
(model / "config.json").write_text(json.dumps(config))
(model / "model.safetensors").write_bytes(struct.pack("<Q", len(head)) + head + bytes(at))
(model / "text").write_text("\n".join(texts[:300]) + "\n", encoding="utf-8")
