#!/usr/bin/env python3
"""Write the seeds of tests/fuzz/corpus/tokenizer/: one small tokenizer.json for
each part. Run in this folder."""
import json

vocab = {"<unk>": 0, "<s>": 1}
for s in ("<0xFF>", "<0xE2>", "<0x82>", "\u2581", "a", "b", "c", "\u0120", "l",
          "o", "H", "e", "1", "2", "\u00e9", "\u65e5", "aa", "aaaa", "ab", "ll",
          "\u0120a", "\u010a", "\u00c3", "\u00a9", "\u2581\u2581"):
    vocab[s] = len(vocab)
merges = [["a", "a"], ["aa", "aa"], ["a", "b"], ["l", "l"], ["\u0120", "a"],
          ["\u2581", "\u2581"]]


def model(**kw):
    return dict({"type": "BPE", "unk_token": "<unk>", "fuse_unk": True,
                 "byte_fallback": True, "ignore_merges": False, "vocab": vocab,
                 "merges": merges}, **kw)


def write(name, **kw):
    d = {"version": "1.0", "added_tokens": [
            {"id": 1, "content": "<s>", "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False, "special": True}],
         "normalizer": None, "pre_tokenizer": None, "post_processor": None,
         "decoder": None, "model": model()}
    d.update(kw)
    json.dump(d, open("tokenizer/%s.json" % name, "w"), separators=(",", ":"))


bl = {"type": "ByteLevel", "add_prefix_space": True, "use_regex": True}
ms = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first",
      "split": True}


def seq(kind, *parts):
    return {"type": "Sequence", kind: list(parts)}


write("plain")
write("bytes", pre_tokenizer=bl, decoder=bl,
      model=model(byte_fallback=False, unk_token=None, ignore_merges=True))
write("spm", normalizer=seq("normalizers",
      {"type": "Prepend", "prepend": "\u2581"},
      {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}),
      decoder=seq("decoders",
                  {"type": "Replace", "pattern": {"String": "\u2581"},
                   "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
                  {"type": "Strip", "content": " ", "start": 1, "stop": 1}))
write("forms", normalizer=seq("normalizers", {"type": "NFC"}, {"type": "NFKD"},
      {"type": "Lowercase"}, {"type": "Strip", "strip_left": True,
                              "strip_right": True}))
write("split", pre_tokenizer=seq("pretokenizers",
      {"type": "Split", "pattern": {"Regex": "\\s+(?!\\S)|[^\\w]|(?i:a+)\\h"},
       "behavior": "MergedWithNext", "invert": True}, {"type": "Digits"},
      {"type": "Punctuation", "behavior": "Contiguous"}))
write("space", pre_tokenizer=seq("pretokenizers", {"type": "Whitespace"},
      {"type": "WhitespaceSplit"}))
write("metaspace", pre_tokenizer=ms, decoder=ms)
write("fused", decoder=seq("decoders", {"type": "Fuse"}, {"type": "ByteFallback"},
      bl, ms, {"type": "Replace", "pattern": {"Regex": "a*"}, "content": "-"}))
write("affix", model=model(continuing_subword_prefix="a",
                           end_of_word_suffix="b", byte_fallback=False,
                           fuse_unk=False, merges=["a aa", "l l"]))
write("added", added_tokens=[
    {"id": 1, "content": c, "single_word": i % 2 == 0, "lstrip": i % 3 == 0,
     "rstrip": i % 5 == 0, "normalized": i % 2 == 1, "special": i % 3 == 1}
    for i, c in enumerate(["<s>", "[X]", " ", "H", "caf", "  ", "aaaa"])])
write("template", post_processor=seq("processors", bl, {
    "type": "TemplateProcessing",
    "single": [{"SpecialToken": {"id": "<s>", "type_id": 0}},
               {"Sequence": {"id": "A", "type_id": 0}}],
    "special_tokens": {"<s>": {"id": "<s>", "ids": [1], "tokens": ["<s>"]}}}))
