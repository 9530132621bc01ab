"""Write pre.json: what llama.cpp makes of texts under each pre-tokenizer.

    python gen_pre.py        (in this folder)

xllamacpp 2026.10.11549 (llama.cpp's library), gguf 0.19.0, tokenizers 0.23.3.

texts   lines of many scripts, digits, signs and spaces
merges  pairs of ids: 0 to 255 are bytes, 256 + i is the i-th merge. They are
        learned from the texts as they are, uncut, so that they would join
        whatever a pre-tokenizer parts
ids     by name of a pre-tokenizer: SHA-256 of the ids of all texts, as i32,
        each behind their number

The tokenizers of gemma4 and sarvam-moe need another vocabulary. Those of
PUBLISHED are cut by `tokenizers` with the expressions that their publishers
give: llama.cpp departs from these. It takes all letters for capitals and small
ones alike (tiny_aya, youtu), leaves marks out of words (kimi-k2), and joins
digits with the text before them (tiny_aya, afmoe). It also never takes a wide
space (U+3000) for a part of a range, so the texts have none.
"""
import ctypes as C
import glob
import hashlib
import importlib.util
import json
import os
import random
import struct
import tempfile
from collections import Counter

from gguf import GGUFWriter
from tokenizers import Regex, Tokenizer, models, pre_tokenizers

NAMES = ("llama-bpe dbrx jais-2 minicpm5 falcon starcoder gpt-2 qwen2 qwen35 "
         "ufakzeka laguna seed-coder bailingmoe exaone-moe tekken gpt-4o "
         "granite-embed-multi-97m superbpe deepseek-llm deepseek-coder "
         "deepseek-v3 spark2_5 bloom viking chameleon default").split()
CASED = (r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}@]*"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}@]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
         r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}@]+"
         r"[\p{Ll}\p{Lm}\p{Lo}\p{M}@]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?")
REST = r"| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
ANY, NO_HAN = CASED.replace("@", ""), CASED.replace("@", r"&&[^\p{Han}]")
PUBLISHED = {
    "tiny_aya": [r"\d{1,3}(?=(?:\d{3})*\b)", ANY + r"|\p{N}{1,3}" + REST],
    "kimi-k2": [r"[\p{Han}]+|" + NO_HAN + r"|\p{N}{1,3}"
                + REST.replace("/", "")],
    "youtu": ["[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+"
              "|[一-龥\u3040-ゟ゠-ヿ]+", ANY + r"|\p{N}" + REST],
    "afmoe": [r"\p{N}{1,3}(?=(?:\p{N}{3})*(?!\p{N}))",
              "[一-\u9fff\u3400-\u4dbf\uf900-\ufaff\u3040-ゟ゠-ヿ･-ﾟ"
              "\u2f00-\u2fdfเ-\u0e7f\u0e80-\u0effក-\u17ffက-႟"
              "ꩠ-ꩿ\ua9e0-\ua9ff가-\ud7afᄀ-ᇿ]+",
              r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+"""
              r"|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+"
              r"| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"],
}
WORDS = ("Hello world the quick Brown FOX it's IT'S we'll I'D don't 'tis "
         "naïve ÉCOLE straße Übung Größe İstanbul ПРИВЕТ мир Ελληνικά κόσμε "
         "Ωμέγα שלום עולם مرحبا العالم नमस्ते दुनिया ภาษาไทย ລາວ ខ្មែរ "
         "မြန်မာ 你好 世界 漢字 かな カナ ﾊﾝｶｸ 한국어 ㅋㅋ ㄅㄆㄇ ａｂｃ ＡＢＣ "
         "ქართული Հայերեն አማርኛ e\u0301 n\u0303o camelCase HTTPServer iOS "
         "IMGIMGABZ ab12cd x86 v2beta").split()
SIGNS = ["!", "?!", "...", "…", ",", "。", "、", "！", "，", "：", "“", "”",
         "—", "-", "--", "(", ")", "[x]", "{", "}", "/", "\\", "|", "_", "@",
         "#", "$", "€", "%", "^", "&", "*", "+", "=", "<", ">", "~", "`",
         "'", '"', "//", "/*", "->", "::", "😀", "👍🏽", "©", "±", "²", "½"]
SPACES = [" ", " ", " ", " ", "  ", "   ", "    ", "\t", "\n", "\n\n", " \n",
          "\r\n", "\n  ", "\u00a0", " " * 9]
rng = random.Random(5)


class Params(C.Structure):
    _fields_ = [("bytes", C.c_char * 1024)]  # larger than the real struct


VOCAB_ONLY = 72  # offset of that bool


def open_library():
    folder = os.path.dirname(importlib.util.find_spec("xllamacpp").origin)
    lib = C.CDLL(glob.glob(folder + "/xllamacpp*.so")[0])
    lib.llama_model_default_params.restype = Params
    lib.llama_model_load_from_file.restype = C.c_void_p
    lib.llama_model_load_from_file.argtypes = [C.c_char_p, Params]
    lib.llama_model_get_vocab.restype = C.c_void_p
    lib.llama_model_get_vocab.argtypes = [C.c_void_p]
    lib.llama_model_free.argtypes = [C.c_void_p]
    lib.llama_tokenize.argtypes = [C.c_void_p, C.c_char_p, C.c_int32,
                                   C.POINTER(C.c_int32), C.c_int32, C.c_bool,
                                   C.c_bool]
    return lib


def text():
    out = []
    for _ in range(rng.randint(3, 24)):
        k = rng.randrange(8)
        if k < 3:
            out.append(rng.choice(WORDS))
        elif k == 3:
            out.append("".join(rng.choice("0123456789")
                               for _ in range(rng.randint(1, 11))))
        elif k == 4:
            out.append("".join(rng.choice(SIGNS)
                               for _ in range(rng.randint(1, 3))))
        else:
            out.append(rng.choice(SPACES))
    return "".join(out)


def learn_merges(texts, count):
    rows, merges = [list(t.encode()) for t in texts], []
    while len(merges) < count:
        pairs = Counter(p for r in rows for p in zip(r, r[1:]))
        best = max(pairs, key=lambda p: (pairs[p], p))
        new = 256 + len(merges)
        merges.append(best)
        for k, r in enumerate(rows):
            out = []
            for x in r:
                if out and (out[-1], x) == best:
                    out[-1] = new
                else:
                    out.append(x)
            rows[k] = out
    return merges


def byte_chars():
    keep = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [b for b in range(256) if b not in keep]
    at = {b: chr(b) for b in keep}
    at.update({b: chr(256 + i) for i, b in enumerate(rest)})
    return [at[b] for b in range(256)]


def write_vocabulary(path, pre, merges):
    order = byte_chars()
    for a, b in merges:
        order.append(order[a] + order[b])
    w = GGUFWriter(path, "llama")
    w.add_tokenizer_model("gpt2")
    w.add_tokenizer_pre(pre)
    w.add_token_list(order)
    w.add_token_types([1] * len(order))
    w.add_token_merges([f"{order[a]} {order[b]}" for a, b in merges])
    w.add_bos_token_id(0)
    w.add_eos_token_id(0)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.close()


def encode_all(lib, path, texts):
    params = lib.llama_model_default_params()
    C.memset(C.addressof(params) + VOCAB_ONLY, 1, 1)
    model = lib.llama_model_load_from_file(path.encode(), params)
    assert model, path
    vocab, out = lib.llama_model_get_vocab(model), []
    for t in texts:
        s = t.encode()
        room = (C.c_int32 * (len(s) + 1))()
        n = lib.llama_tokenize(vocab, s, len(s), room, len(room), False, False)
        assert n >= 0
        out.append(list(room[:n]))
    lib.llama_model_free(model)
    return out


def encode_published(steps, merges, texts):
    order = byte_chars()
    for a, b in merges:
        order.append(order[a] + order[b])
    t = Tokenizer(models.BPE({s: i for i, s in enumerate(order)},
                             [(order[a], order[b]) for a, b in merges]))
    t.pre_tokenizer = pre_tokenizers.Sequence(
        [pre_tokenizers.Split(Regex(s), "isolated") for s in steps]
        + [pre_tokenizers.ByteLevel(False, use_regex=False)])
    return [t.encode(s).ids for s in texts]


def hash_ids(rows):
    h = hashlib.sha256()
    for ids in rows:
        h.update(struct.pack(f"<{len(ids) + 1}i", len(ids), *ids))
    return h.hexdigest()


def main():
    lib = open_library()
    quiet = C.CFUNCTYPE(None, C.c_int, C.c_char_p, C.c_void_p)(
        lambda *_: None)
    lib.llama_log_set(quiet, None)
    texts = [text() for _ in range(120)]
    merges = learn_merges(texts, 1500)
    hashes = {}
    with tempfile.TemporaryDirectory() as folder:
        for name in NAMES:
            path = os.path.join(folder, name + ".gguf")
            write_vocabulary(path, name, merges)
            hashes[name] = hash_ids(encode_all(lib, path, texts))
    for name, steps in PUBLISHED.items():
        hashes[name] = hash_ids(encode_published(steps, merges, texts))
    with open("pre.json", "w") as f:
        json.dump({"texts": texts, "merges": merges, "ids": hashes}, f)
    print(len(set(hashes.values())), "of", len(hashes), "differ")


if __name__ == "__main__":
    main()
