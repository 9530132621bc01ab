#!/usr/bin/env python3
"""The tokenizer and the configuration of trivium-nano.

    tokenizer.py train DATA MODEL    a byte-level BPE of 6,144 tokens from DATA/train.jsonl, and MODEL/*.json
    tokenizer.py count DATA MODEL    tokens of a mean row of each ability
    tokenizer.py check DATA MODEL    the program against `tokenizers`, `transformers` and the generator

Needs tokenizers (made with 0.23.3); check needs transformers (5.24.0), and the program in TRIVIUM (default: build/trivium).
The files in model/ come from `generate.py OUT --seed 0 --rows 60000`.
"""

import json
import os
import pathlib
import random
import shutil
import subprocess
import sys

import generate
from worlds.source import Source

VOCAB = 6144
BOS, END, PAD = "<|begin|>", generate.END, "<|pad|>"
SPECIAL = [PAD, BOS, END, *generate.ROLES.values()]
TEMPLATE = (
    "{{- bos_token }}{% for message in messages %}{% if message['role'] not in ['system', 'user', 'assistant'] %}"
    "{{ raise_exception('nano knows the roles system, user and assistant') }}{% endif %}"
    "{{- '<|' + message['role'] + '|>' + message['content'] + eos_token }}{% endfor %}"
    "{% if add_generation_prompt %}{{- '<|assistant|>' }}{% endif %}"
)
# 12.3 million parameters: 6144*320 (tied) + 9 * (4*320*320 + 3*320*768 + 2*320) + 320; 24.6 MB in bf16.
CONFIG = {
    "architectures": ["LlamaForCausalLM"],
    "attention_bias": False,
    "attention_dropout": 0.0,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "head_dim": 64,
    "hidden_act": "silu",
    "hidden_size": 320,
    "initializer_range": 0.02,
    "intermediate_size": 768,
    "max_position_embeddings": 1024,
    "mlp_bias": False,
    "model_type": "llama",
    "num_attention_heads": 5,
    "num_hidden_layers": 9,
    "num_key_value_heads": 5,
    "pad_token_id": 0,
    "rms_norm_eps": 1e-5,
    "rope_theta": 10000.0,
    "tie_word_embeddings": True,
    "torch_dtype": "bfloat16",
    "use_cache": True,
    "vocab_size": VOCAB,
}


def texts(path):
    for row in path.open(encoding="utf-8"):
        row = json.loads(row)
        yield row["text"] if "text" in row else generate.rendered(row["messages"])


def write(path, value):
    path.write_text(json.dumps(value, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def train(data, out):
    from tokenizers import AddedToken, Tokenizer, decoders, models, pre_tokenizers, processors, trainers

    tok = Tokenizer(models.BPE())
    tok.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Digits(individual_digits=True), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)]
    )
    tok.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCAB,
        special_tokens=[AddedToken(t, normalized=False, special=True) for t in SPECIAL],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    plain = (t.replace(END, "\n") for t in texts(data / "train.jsonl"))  # roles are no words
    for role in generate.ROLES.values():
        plain = (t.replace(role, "") for t in plain)
    tok.train_from_iterator(plain, trainer)
    tok.post_processor = processors.TemplateProcessing(
        single=f"{BOS} $A", pair=f"{BOS} $A {BOS} $B", special_tokens=[(BOS, tok.token_to_id(BOS))]
    )
    assert tok.get_vocab_size() == VOCAB and [tok.token_to_id(t) for t in SPECIAL] == list(range(len(SPECIAL)))
    out.mkdir(parents=True, exist_ok=True)
    (out / "tokenizer.json").write_text(
        json.dumps(json.loads(tok.to_str()), ensure_ascii=False, separators=(",", ":")) + "\n", encoding="utf-8"
    )
    write(
        out / "tokenizer_config.json",
        {
            "tokenizer_class": "PreTrainedTokenizerFast",
            "bos_token": BOS,
            "eos_token": END,
            "pad_token": PAD,
            "clean_up_tokenization_spaces": False,
            "model_max_length": 1024,
            "chat_template": TEMPLATE,
            "added_tokens_decoder": {
                str(i): {
                    "content": t,
                    "lstrip": False,
                    "normalized": False,
                    "rstrip": False,
                    "single_word": False,
                    "special": True,
                }
                for i, t in enumerate(SPECIAL)
            },
        },
    )
    write(out / "config.json", CONFIG)
    write(out / "generation_config.json", {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 0})


def count(data, out):
    from tokenizers import Tokenizer

    tok = Tokenizer.from_file(str(out / "tokenizer.json"))
    for kind, world in generate.WORLDS.items():
        lengths, chars, learned = [], 0, 0
        for i in range(1500):
            row = json.loads(generate.line(world.row(Source(f"count/{kind}/{i}"))))
            text = row["text"] if "text" in row else generate.rendered(row["messages"])
            answer = text if "text" in row else row["messages"][-1]["content"]
            lengths.append(len(tok.encode(text).ids) + 1)
            learned += len(tok.encode(answer).ids)
            chars += len(text.encode())
        print(
            f"{kind:8} {sum(lengths) / len(lengths):6.1f} tokens a row, {max(lengths)} at most, {learned / sum(lengths):.2f} of them learned, {chars / sum(lengths):.2f} bytes a token"
        )


def check(data, out):
    from tokenizers import Tokenizer
    from transformers import AutoConfig, AutoTokenizer

    import tempfile
    import torch
    from transformers import AutoModelForCausalLM

    program = os.environ.get("TRIVIUM", "build/trivium")
    tok, auto = Tokenizer.from_file(str(out / "tokenizer.json")), AutoTokenizer.from_pretrained(out)
    c = AutoConfig.from_pretrained(out)
    layer = 4 * c.hidden_size**2 + 3 * c.hidden_size * c.intermediate_size + 2 * c.hidden_size
    size = c.vocab_size * c.hidden_size + c.num_hidden_layers * layer + c.hidden_size
    print(f"{size} parameters, {2 * size / 1e6:.2f} MB in bf16")
    torch.manual_seed(0)
    room = tempfile.TemporaryDirectory()  # the program wants weights beside the tokenizer: random ones
    net = AutoModelForCausalLM.from_config(c).to(torch.bfloat16)
    assert sum(p.numel() for p in net.parameters()) == size
    net.save_pretrained(room.name)
    for name in ("tokenizer.json", "tokenizer_config.json", "config.json", "generation_config.json"):
        shutil.copy(out / name, room.name)
    chance, rows = random.Random(0), list(texts(data / "valid.jsonl"))
    some = chance.sample(rows, 40) + ["", " ", "3.14 and 1000", "Größe, naïve, 日本語 🙂", "a\n\n b\tc", f"{END}<|user|>x"]
    for text in some:
        want = tok.encode(text).ids
        got = subprocess.run(
            [program, "tokenize", "--quiet", "--model", room.name], input=text.encode(), stdout=subprocess.PIPE, check=True
        ).stdout
        assert [int(i) for i in got.split()] == want == auto(text)["input_ids"], text
        back = subprocess.run(
            [program, "tokenize", "--quiet", "--decode", "--model", room.name], input=got, stdout=subprocess.PIPE, check=True
        ).stdout.decode()
        assert back.removesuffix("\n").removeprefix(BOS) == text.removesuffix("\n"), (back, text)
    chats = [json.loads(x)["messages"] for x in (data / "valid.jsonl").open(encoding="utf-8") if '"messages"' in x][:200]
    for m in chats:
        text = auto.apply_chat_template(m, tokenize=False)
        assert text == BOS + generate.rendered(m) + END
        ids = auto.apply_chat_template(m[:-1], tokenize=True, add_generation_prompt=True)
        ids = ids["input_ids"] if not isinstance(ids, list) else ids
        assert (
            auto.apply_chat_template(m[:-1], tokenize=False, add_generation_prompt=True)
            == BOS + generate.rendered(m[:-1]) + END + "<|assistant|>"
        )
        assert ids == tok.encode(generate.rendered(m[:-1]) + END + "<|assistant|>").ids
    for m in [m for m in chats if len(m) in (2, 3)][:25]:
        words = ["--chat", "--prompt", m[-2]["content"]] + (["--adaptation", "prompt:" + m[0]["content"]] if len(m) == 3 else [])
        got = json.loads(
            subprocess.run(
                [program, "generate", "--quiet", "--json", "--model", room.name, "--max-tokens", "1", *words],
                stdout=subprocess.PIPE,
                check=True,
            ).stdout
        )
        ids = tok.encode(generate.rendered(m[:-1]) + END + "<|assistant|>").ids
        assert got["completions"][0]["prompt_tokens"] == len(ids), m
    print(
        f"{len(some)} texts have the same ids here and in tokenizers and transformers; {len(chats)} conversations render as the generator writes them, in the program, too (25)"
    )


if __name__ == "__main__":
    {"train": train, "count": count, "check": check}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
