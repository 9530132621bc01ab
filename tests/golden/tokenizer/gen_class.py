"""Which tokenizer.json transformers 5 cuts texts by, where the class that
tokenizer_config.json names has a pipeline of its own: class.json.

Each case is a whole tokenizer.json of a few tokens, the two configs beside it,
and whether AutoTokenizer's ids differ from those of the file as it stands.

    python gen_class.py        (transformers 5.24, tokenizers)
"""

import json
import os
import tempfile

from tokenizers import Tokenizer, pre_tokenizers
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
PROBES = ["a", " a", "  a  12", "</s>a", "</s> a", "don't 345.67", "a\n\n  b",
          "e\u0301", "\u00e9 12  3"]

mark = "\u2581"
SPM = ["<unk>", "<s>", "</s>"] + ["<0x%02X>" % i for i in range(256)]
SPM += [mark, mark + mark, mark + "a", "a", "b", mark + "1", "12", "1", "2"]
SPM_MERGES = [[mark, mark], [mark, "a"], [mark, "1"], ["1", "2"]]
BYTES = sorted(pre_tokenizers.ByteLevel.alphabet()) + ["</s>"]
BYTES += ["\u0120\u0120", "\u01201", "12", "\u0120a"]
BYTES_MERGES = [["\u0120", "\u0120"], ["\u0120", "1"], ["1", "2"],
                ["\u0120", "a"]]


def added(vocab, names):
    return [{"id": vocab.index(n), "content": n, "single_word": False,
             "lstrip": False, "rstrip": False, "normalized": False,
             "special": True} for n in names]


def tokenizer_json(normalizer, pre, llama):
    vocab, merges = (SPM, SPM_MERGES) if llama else (BYTES, BYTES_MERGES)
    return {"version": "1.0", "truncation": None, "padding": None,
            "added_tokens": added(vocab, SPM[:3] if llama else ["</s>"]),
            "normalizer": normalizer, "pre_tokenizer": pre,
            "post_processor": None,
            "decoder": None if llama else {
                "type": "ByteLevel", "add_prefix_space": False,
                "trim_offsets": True, "use_regex": True},
            "model": {"type": "BPE", "dropout": None,
                      "unk_token": "<unk>" if llama else None,
                      "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": llama,
                      "byte_fallback": llama,
                      "vocab": {t: i for i, t in enumerate(vocab)},
                      "merges": merges}}


def metaspace(scheme):
    return {"type": "Metaspace", "replacement": mark,
            "prepend_scheme": scheme, "split": False}


BYTE_LEVEL = {"type": "ByteLevel", "add_prefix_space": False,
              "trim_offsets": True, "use_regex": True}
DIGITS = {"type": "Sequence", "pretokenizers": [
    {"type": "Digits", "individual_digits": True}, BYTE_LEVEL]}
LLAMA2 = {"type": "Sequence", "normalizers": [
    {"type": "Prepend", "prepend": mark},
    {"type": "Replace", "pattern": {"String": " "}, "content": mark}]}
QWEN2 = {"type": "Sequence", "pretokenizers": [
    {"type": "Split", "pattern": {"Regex":
        r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
        r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"},
     "behavior": "Isolated", "invert": False},
    {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False,
     "use_regex": False}]}

# class, model_type, more of tokenizer_config.json, normalizer, pre_tokenizer
CASES = [
    ("LlamaTokenizer", "llama", {}, LLAMA2, None),
    ("LlamaTokenizerFast", "llama", {"legacy": False}, LLAMA2, None),
    ("LlamaTokenizer", "llama", {}, None, metaspace("first")),
    ("LlamaTokenizer", "llama", {"legacy": True}, None, metaspace("first")),
    ("LlamaTokenizer", "llama", {"legacy": True}, None, metaspace("always")),
    ("LlamaTokenizer", "mistral", {}, LLAMA2, None),
    ("LlamaTokenizer", "phi3", {}, LLAMA2, None),
    ("PreTrainedTokenizerFast", "llama", {}, LLAMA2, None),
    ("LlamaTokenizer", "llama", {}, None, DIGITS),
    ("GPT2Tokenizer", "llama", {}, None, DIGITS),
    ("GPT2TokenizerFast", "gpt2", {}, None, DIGITS),
    ("GPT2Tokenizer", "granite", {}, None, DIGITS),
    ("GPT2Tokenizer", "gpt2", {}, None, BYTE_LEVEL),
    ("PreTrainedTokenizerFast", "smollm3", {}, None, DIGITS),
    ("Qwen2Tokenizer", "qwen2", {}, {"type": "NFC"}, QWEN2),
    ("Qwen2Tokenizer", "qwen2", {}, None, DIGITS),
]


def main():
    out = []
    for name, model_type, more, normalizer, pre in CASES:
        llama = pre is None or pre["type"] == "Metaspace"
        tok = tokenizer_json(normalizer, pre, llama)
        config = {"tokenizer_class": name, "eos_token": "</s>", **more}
        if llama:
            config.update(bos_token="<s>", unk_token="<unk>")
        case = {"tokenizer_config": config, "config": {
            "model_type": model_type}, "normalizer": normalizer,
            "pre_tokenizer": pre, "llama": llama}
        with tempfile.TemporaryDirectory() as d:
            for file, value in (("tokenizer.json", tok),
                                ("tokenizer_config.json", config),
                                ("config.json", case["config"])):
                with open(os.path.join(d, file), "w") as f:
                    json.dump(value, f)
            theirs = AutoTokenizer.from_pretrained(d)
            own = Tokenizer.from_file(os.path.join(d, "tokenizer.json"))
            case["differs"] = any(
                theirs(t, add_special_tokens=False).input_ids
                != own.encode(t, add_special_tokens=False).ids
                for t in PROBES)
        print(name, model_type, more, case["differs"])
        out.append(case)
    files = {"spm": tokenizer_json(None, None, True)["model"],
             "bytes": tokenizer_json(None, None, False)["model"]}
    added_ = {"spm": added(SPM, SPM[:3]), "bytes": added(BYTES, ["</s>"])}
    with open(os.path.join(HERE, "class.json"), "w") as f:
        json.dump({"models": files, "added": added_, "cases": out}, f,
                  separators=(",", ":"))
        f.write("\n")


main()
