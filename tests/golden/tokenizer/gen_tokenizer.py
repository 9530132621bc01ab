#!/usr/bin/env python3
"""Make the golden files of tests/unit/test_tokenizer.c. Run in this folder:

    python3 gen_tokenizer.py ASSETS

Made with tokenizers 0.23.3 and transformers 5.24.0. Writes llama3.json and
qwen2.json (small BPEs with those models' exact normalizers and splits, trained
on the assets' prompts), variants.json (a small tokenizer for each part that a
file may have, and the hashes of what it makes of the generated documents) and
golden.json (hashes for the whole corpus).

A hash of ids is the SHA-256 of all documents' ids as little-endian 32-bit
numbers, each document followed by -1; a hash of text that of the decoded
documents, each followed by a NUL.
"""
import copy, hashlib, json, os, struct, sys
from tokenizers import (AddedToken, Regex, Tokenizer, decoders, models,
                        normalizers, pre_tokenizers, processors, trainers)
from corpus import asset_documents, generated_documents

ASSETS = sys.argv[1]
REUSE = len(sys.argv) > 2  # keep the trained files that are there
LLAMA3 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}|"
          r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
         r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")


def byte_level_split(pattern):
    return pre_tokenizers.Sequence([
        pre_tokenizers.Split(Regex(pattern), behavior="isolated", invert=False),
        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def train(pattern, normalizer, specials, size):
    t = Tokenizer(models.BPE())
    if normalizer:
        t.normalizer = normalizer
    t.pre_tokenizer = byte_level_split(pattern)
    t.decoder = decoders.ByteLevel()
    tr = trainers.BpeTrainer(vocab_size=size, show_progress=False,
                             initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    files = ["data/awesome-chatgpt-prompts/prompts.csv",
             "data/gsm8k/test.jsonl"]
    texts = [open(os.path.join(ASSETS, f), encoding="utf-8").read() for f in files]
    texts += [d.decode("utf-8", "replace") for d in generated_documents()[:100]]
    t.train_from_iterator(texts, tr)
    t.add_special_tokens([AddedToken(s, special=True, normalized=False)
                          for s in specials])
    return json.loads(t.to_str())


def make_llama3():
    d = train(LLAMA3, None, ["<|begin_of_text|>", "<|end_of_text|>",
                             "<|eot_id|>"], 2500)
    bos = [x["id"] for x in d["added_tokens"]][0]
    d["model"]["ignore_merges"] = True
    # a token that no merge reaches, as Llama 3 has them
    d["model"]["vocab"]["\u0120xyzzy"] = bos + 3
    d["post_processor"] = {"type": "Sequence", "processors": [
        {"type": "ByteLevel", "add_prefix_space": True, "trim_offsets": False,
         "use_regex": True},
        {"type": "TemplateProcessing",
         "single": [{"SpecialToken": {"id": "<|begin_of_text|>", "type_id": 0}},
                    {"Sequence": {"id": "A", "type_id": 0}}],
         "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                  {"Sequence": {"id": "B", "type_id": 1}}],
         "special_tokens": {"<|begin_of_text|>": {
             "id": "<|begin_of_text|>", "ids": [bos],
             "tokens": ["<|begin_of_text|>"]}}}]}
    return d


def make_qwen2():
    return train(QWEN2, normalizers.NFC(),
                 ["<|endoftext|>", "<|im_start|>", "<|im_end|>"], 2500)


def load(d):
    return Tokenizer.from_str(json.dumps(d))


def load_file(path):
    """The assets' Llama 2 file has three merges of tokens that hold spaces,
    written "a b" all the same, which tokenizers refuses: write them as pairs,
    cut where both sides and their sum are tokens."""
    d = json.load(open(path, encoding="utf-8"))
    v, m = d["model"]["vocab"], d["model"]["merges"]
    for i, x in enumerate(m):
        if isinstance(x, str) and x.count(" ") != 1:
            cuts = [(x[:k], x[k + 1:]) for k in range(len(x)) if x[k] == " "]
            cuts = [c for c in cuts if c[0] in v and c[1] in v and c[0] + c[1] in v]
            assert len(cuts) == 1, x
            m[i] = cuts[0]
        elif isinstance(x, str):
            m[i] = tuple(x.split(" "))
    return load(d)


def hashes(t, docs):
    ids, text = hashlib.sha256(), hashlib.sha256()
    for doc in docs:
        s = doc.decode("utf-8", errors="replace")
        e = t.encode(s, add_special_tokens=True).ids
        ids.update(struct.pack("<%di" % (len(e) + 1), *e, -1))
        text.update(t.decode(e, skip_special_tokens=False).encode() + b"\0")
        text.update(t.decode(e, skip_special_tokens=True).encode() + b"\0")
    return {"ids": ids.hexdigest(), "text": text.hexdigest()}


def small_char_model(byte_fallback=True, unk="<unk>", fuse=True):
    """A character BPE with a few merges, SentencePiece-style."""
    vocab = {"<unk>": 0, "<s>": 1, "</s>": 2}
    if byte_fallback:
        for b in range(256):
            vocab["<0x%02X>" % b] = len(vocab)
    for c in "\u2581 abcdefghijklmnopqrstuvwxyzHW.,!?'\u00e9\u65e5\u0301":
        vocab[c] = len(vocab)
    merges = [["\u2581", "w"], ["\u2581w", "o"], ["l", "l"], ["\u2581", "\u2581"],
              ["\u2581\u2581", "\u2581\u2581"], ["a", "b"], ["ab", "ab"],
              ["abab", "abab"], ["r", "l"], ["rl", "d"], ["x", "x"], ["xx", "xx"],
              ["e", "\u0301"], [" ", " "]]
    for a, b in merges:
        if a + b not in vocab:
            vocab[a + b] = len(vocab)
    return {"type": "BPE", "dropout": None, "unk_token": unk,
            "continuing_subword_prefix": None, "end_of_word_suffix": None,
            "fuse_unk": fuse, "byte_fallback": byte_fallback,
            "ignore_merges": False, "vocab": vocab, "merges": merges}


def variants():
    qwen = json.load(open("qwen2.json", encoding="utf-8"))
    few = copy.deepcopy(qwen)  # the first merges only: small, but byte-level
    keep = few["model"]["merges"] = few["model"]["merges"][:120]
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {c: i for i, c in enumerate(alphabet)}
    for a, b in keep:
        vocab.setdefault(a + b, len(vocab))
    few["model"]["vocab"] = vocab
    few["added_tokens"] = []
    few["normalizer"] = None
    bl = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True,
          "use_regex": True}
    raw_bl = dict(bl, use_regex=False)
    few["pre_tokenizer"] = bl
    spm = {"version": "1.0", "truncation": None, "padding": None,
           "added_tokens": [], "normalizer": None, "pre_tokenizer": None,
           "post_processor": None, "decoder": None,
           "model": small_char_model()}
    out = []

    def add(name, base, **parts):
        d = copy.deepcopy(base)
        for k, v in parts.items():
            d["model" if k == "model" else k] = v
        out.append((name, d))

    def tok(i, s, **kw):
        t = {"id": i, "content": s, "single_word": False, "lstrip": False,
             "rstrip": False, "normalized": False, "special": False}
        t.update(kw)
        return t

    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        add(form, few, normalizer={"type": form})
    add("lowercase", few, normalizer={"type": "Lowercase"})
    add("strip", few, normalizer={"type": "Strip", "strip_left": True,
                                  "strip_right": True})
    add("strip-left", few, normalizer={"type": "Strip", "strip_left": True,
                                       "strip_right": False})
    add("replace-string", few, normalizer={
        "type": "Replace", "pattern": {"String": "a"}, "content": "bb"})
    add("replace-regex", few, normalizer={
        "type": "Replace", "pattern": {"Regex": "\\s+|[0-9]{2}"}, "content": "_"})
    add("normalizers", few, normalizer={"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": ">"}, {"type": "NFKD"},
        {"type": "Lowercase"}]})
    add("prefix-space", few, pre_tokenizer=dict(bl, add_prefix_space=True))
    pats = {"regex": {"Regex": "[a-m]+|\\d"}, "string": {"String": "e"},
            "word": {"Regex": "\\w+"}, "line": {"Regex": "^.|.$"},
            "hex": {"Regex": "[\\h]+"}}
    for pn, p in pats.items():
        for b in ("Isolated", "Removed", "Contiguous", "MergedWithPrevious",
                  "MergedWithNext"):
            for inv in (False, True):
                if pn not in ("regex", "string") and (inv or b != "Isolated"):
                    continue
                add("split-%s-%s%s" % (pn, b, "-invert" if inv else ""), few,
                    pre_tokenizer={"type": "Sequence", "pretokenizers": [
                        {"type": "Split", "pattern": p, "behavior": b,
                         "invert": inv}, raw_bl]})
    add("split-empty-matches", few, pre_tokenizer={
        "type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": "a*"}, "behavior": "Isolated",
             "invert": False}, raw_bl]})
    for name, p in {
            "digits": {"type": "Digits", "individual_digits": False},
            "digits-one": {"type": "Digits", "individual_digits": True},
            "whitespace": {"type": "Whitespace"},
            "whitespace-split": {"type": "WhitespaceSplit"},
            "punctuation": {"type": "Punctuation", "behavior": "Isolated"},
            "punctuation-contiguous": {"type": "Punctuation",
                                       "behavior": "Contiguous"}}.items():
        add(name, few, pre_tokenizer={"type": "Sequence",
                                      "pretokenizers": [p, raw_bl]})
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            ms = {"type": "Metaspace", "replacement": "\u2581",
                  "prepend_scheme": scheme, "split": split}
            add("metaspace-%s%s" % (scheme, "" if split else "-whole"), spm,
                pre_tokenizer=ms, decoder=ms,
                added_tokens=[tok(1, "<s>", special=True)])
    llama = {"type": "Sequence", "normalizers": [
        {"type": "Prepend", "prepend": "\u2581"},
        {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
    llama_dec = {"type": "Sequence", "decoders": [
        {"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "},
        {"type": "ByteFallback"}, {"type": "Fuse"},
        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]}
    add("spm", spm, normalizer=llama, decoder=llama_dec)
    add("spm-no-decoder", spm, normalizer=llama)
    add("spm-fuse-late", spm, normalizer=llama, decoder={
        "type": "Sequence", "decoders": [
            {"type": "ByteFallback"}, {"type": "Fuse"},
            {"type": "Replace", "pattern": {"Regex": "\u2581+"}, "content": " "},
            {"type": "Strip", "content": " ", "start": 2, "stop": 0}]})
    for unk in (None, "<unk>"):
        for fuse in (True, False):
            add("unk-%s-%s" % (unk, fuse), spm, normalizer=llama,
                decoder=llama_dec, model=small_char_model(False, unk, fuse))
    part = small_char_model()
    del part["vocab"]["<0xE2>"]
    add("some-bytes", spm, normalizer=llama, decoder=llama_dec, model=part)
    affix = small_char_model(False)
    affix["end_of_word_suffix"] = "</w>"
    affix["continuing_subword_prefix"] = "##"
    for c in "abcdelorwx":
        for s in ("##" + c, c + "</w>", "##" + c + "</w>"):
            affix["vocab"][s] = len(affix["vocab"])
    affix["vocab"]["xx</w>"] = len(affix["vocab"])
    affix["merges"] = [["a", "##b"], ["x", "##x</w>"]]
    add("affixes", spm, model=affix, pre_tokenizer={"type": "WhitespaceSplit"})
    n = len(vocab)
    for flags in ({}, {"single_word": True}, {"lstrip": True}, {"rstrip": True},
                  {"lstrip": True, "rstrip": True}, {"normalized": True},
                  {"special": True}):
        add("added-" + ("-".join(flags) or "plain"), few,
            normalizer={"type": "Lowercase"},
            added_tokens=[tok(n, "[X]", **flags), tok(n + 1, "[Y]", **flags),
                          tok(n + 2, "[y]", **flags), tok(n + 3, "  ", **flags),
                          tok(n + 4, "<s>", **flags),
                          tok(n + 5, "<|im_", **flags),
                          tok(n + 6, "<|im_start|>", **flags),
                          tok(n + 7, "\u00e9", **flags),
                          tok(n + 9, "hello", **flags)])  # id out of turn
    add("template", few, added_tokens=[tok(n, "[X]", special=True),
                                       tok(n + 1, "[Y]", special=True)],
        post_processor={
            "type": "TemplateProcessing",
            "single": [{"SpecialToken": {"id": "[X]", "type_id": 0}},
                       {"Sequence": {"id": "A", "type_id": 0}},
                       {"SpecialToken": {"id": "[Y]", "type_id": 0}},
                       {"SpecialToken": {"id": "[X]", "type_id": 0}}],
            "pair": [{"Sequence": {"id": "A", "type_id": 0}},
                     {"Sequence": {"id": "B", "type_id": 0}}],
            "special_tokens": {
                "[X]": {"id": "[X]", "ids": [n], "tokens": ["[X]"]},
                "[Y]": {"id": "[Y]", "ids": [n + 1, n], "tokens": ["[Y]", "[X]"]}}})
    return out


def dump(name, d, **kw):
    with open(name, "w", encoding="utf-8") as f:
        json.dump(d, f, ensure_ascii=False, **kw)
        f.write("\n")


def main():
    if not REUSE:
        dump("llama3.json", make_llama3(), separators=(",", ":"))
        dump("qwen2.json", make_qwen2(), separators=(",", ":"))
    gen = generated_documents()
    few_docs = gen[:12] + gen[100:]
    base, listed = {}, []
    for name, d in variants():
        model = json.dumps(d["model"], sort_keys=True)
        key = hashlib.sha256(model.encode()).hexdigest()[:8]
        base[key] = d["model"]
        listed.append({"name": name, "model": key,
                       "parts": {k: v for k, v in d.items() if k != "model"},
                       **hashes(load(d), few_docs)})
    dump("variants.json", {"models": base, "variants": listed},
         separators=(",", ":"))

    golden = {}
    for name in ("llama3", "qwen2"):
        t = Tokenizer.from_file(name + ".json")
        golden[name] = hashes(t, gen)
    docs = gen + asset_documents(ASSETS)
    print(sum(map(len, docs)), "bytes,", len(docs), "documents")
    golden["documents"], golden["bytes"] = len(docs), sum(map(len, docs))
    for name in ("tokenizer-gpt2", "tokenizer-llama2", "tokenizer-smollm2",
                 "tinystories-656k"):
        t = load_file(os.path.join(ASSETS, "models", name, "tokenizer.json"))
        golden[name] = hashes(t, docs)
        print(name, golden[name])
    from transformers import AutoTokenizer
    name = "tinystories-instruct-3m-chat"
    t = AutoTokenizer.from_pretrained(os.path.join(ASSETS, "models", name))
    golden[name] = hashes(t.backend_tokenizer, docs)
    dump("golden.json", golden, indent=1)


main()
