"""Write small SentencePiece models and the ids that transformers gives texts.

    python gen_spm.py [nmt_nfkc]        (in this folder)

sentencepiece 0.2.3, transformers 5.24.0, tokenizers as that pins it. NAME.model
is trained on the text below; spm.json has, for each tokenizer.model with each
tokenizer_config.json, the ids of the texts by AutoTokenizer and what it decodes
them to. NAME.json is a Unigram model as a tokenizer.json. Where
SentencePieceProcessor.encode() gives a text without special tokens other ids,
the text is printed: two of the model "unigram", where a piece of the user is
two spaces, and where a rule is of two characters inside a longer grapheme.
"""
import json
import os
import shutil
import sys
import tempfile

import sentencepiece
import transformers
from sentencepiece import sentencepiece_model_pb2
from transformers import AutoTokenizer

HERE = os.path.dirname(os.path.abspath(__file__))
CORPUS = """The quick brown fox jumps over the lazy dog. The dog sleeps.
She sells sea shells by the sea shore; the shells she sells are sea shells.
In 1984 and 2001 there were 365 days; 366 in 2000, 1996 and 1992.
def f(x): return x + 1  # a comment, and a second    one with   spaces
Caf\u00e9 na\u00efve r\u00e9sum\u00e9 \u00fcber Stra\u00dfe \u65e5\u672c\u8a9e \u4e2d\u6587 \uc5b4 \u043f\u0440\u0438\u0432\u0435\u0442
It is what it is, and that is that; who would have thought of it?
one two three four five six seven eight nine ten eleven twelve thirteen
""" * 3
TEXTS = [
    "", " ", "Hello world", " Hello", "  two  spaces ", "trailing   ",
    "the sea shells", "caf\u00e9 \u65e5\u672c\u8a9e", "unknown: \u0e01\u0e32 \u263a\ufe0f",
    "\U0001f600 emoji \U0001f468\u200d\U0001f469\u200d\U0001f467", "tab\tand\nline\r\n",
    "\u2581already", "a\u2581b", "<s>Hello</s> world", "</s>", "<unk> x",
    "a<ctl>b", "x<usr>y <usr> z", "<usr><usr2>", "sea<usr2>shells",
    "\u2160\u2161 \ufb01ne \uff21\uff22 \u00bd", "e\u0301 o\u0308 n\u0303", "aQb QQ q",
    "<0x41> <0x0A>", "   ", "\u3000wide\u00a0space", "<x>new<y> one",
    "e\u0301\u0302\u0303\u0304 stack", "z" * 40, "\u0e01" * 5 + "a",
]
RULES = "\n".join(f"{a}\t{b}" for a, b in [
    ("51", "71 75"), ("FB01", "66 69"), ("A0", "20"), ("3000", "20"),
    ("65 301", "E9"), ("BD", "31 2F 32"), ("9", "20"), ("2160", "49"),
    ("2161", "49 49")]) + "\n"
COMMON = dict(vocab_size=330, character_coverage=0.98, num_threads=1,
              user_defined_symbols=["<usr>", "<usr2>", "  "],
              control_symbols=["<ctl>"], minloglevel=2,
              hard_vocab_limit=False)
MODELS = {
    "bpe": dict(model_type="bpe", byte_fallback=True,
                normalization_rule_name="identity",
                remove_extra_whitespaces=False, vocab_size=480),
    "bpe_plain": dict(model_type="bpe", normalization_rule_name="identity",
                      vocab_size=200, user_defined_symbols=[]),
    "bpe_gemma": dict(model_type="bpe", byte_fallback=True, vocab_size=480,
                      normalization_rule_name="identity",
                      add_dummy_prefix=False, remove_extra_whitespaces=False,
                      bos_id=2, eos_id=1, pad_id=0, unk_id=3,
                      bos_piece="<bos>", eos_piece="<eos>"),
    "bpe_late": None,
    "unigram": dict(model_type="unigram", vocab_size=200),
    "unigram_bytes": dict(model_type="unigram", byte_fallback=True,
                          vocab_size=440, normalization_rule_name="identity",
                          add_dummy_prefix=False,
                          remove_extra_whitespaces=False),
}
CONFIGS = {
    "bpe": [("llama", None), ("llama", {"tokenizer_class": "LlamaTokenizer"}),
            ("llama", {"tokenizer_class": "LlamaTokenizer", "legacy": True,
                       "add_bos_token": True}),
            ("llama", {"tokenizer_class": "LlamaTokenizer",
                       "add_prefix_space": False, "add_eos_token": True}),
            ("mistral", {"tokenizer_class": "LlamaTokenizer",
                         "add_bos_token": True}),
            ("llama", {"legacy": False, "added_tokens_decoder": {
                "480": {"content": "<x>", "special": True},
                "481": {"content": "<y>", "special": False},
                "3": {"content": "<named>", "special": True}}}),
            ("llama", {"pad_token": "<x>", "eos_token": "<ctl>",
                       "bos_token": None})],
    "bpe_gemma": [("llama", None), ("llama", {"add_bos_token": True})],
    "bpe_late": [("llama", None), ("llama", {"tokenizer_class":
                                             "LlamaTokenizer"})],
}


def delay(name, of):
    """A copy in which some pieces merge last, as Llama 2's of several spaces
    do; its ids say otherwise."""
    m = sentencepiece_model_pb2.ModelProto()
    with open(os.path.join(HERE, of + ".model"), "rb") as f:
        m.ParseFromString(f.read())
    for p in [p for p in m.pieces if p.type == 1 and len(p.piece) > 1][:40:3]:
        p.score = -1e9
    with open(os.path.join(HERE, name + ".model"), "wb") as f:
        f.write(m.SerializeToString())


def train(name, options):
    options = {**COMMON, **options}
    with tempfile.TemporaryDirectory() as d:
        text = os.path.join(d, "text")
        with open(text, "w") as f:
            f.write(CORPUS)
        if "normalization_rule_name" not in options:
            tsv = os.path.join(d, "rules.tsv")
            with open(tsv, "w") as f:
                f.write(RULES)
            options["normalization_rule_tsv"] = tsv
        sentencepiece.SentencePieceTrainer.train(
            input=text, model_prefix=os.path.join(d, "m"), **options)
        m = sentencepiece_model_pb2.ModelProto()
        with open(os.path.join(d, "m.model"), "rb") as f:
            m.ParseFromString(f.read())
    for field in "input", "model_prefix":  # the folder's name
        m.trainer_spec.ClearField(field)
    m.normalizer_spec.ClearField("normalization_rule_tsv")
    with open(os.path.join(HERE, name + ".model"), "wb") as f:
        f.write(m.SerializeToString())


def ask(name, model_type, config):
    with tempfile.TemporaryDirectory() as d:
        shutil.copy(os.path.join(HERE, name + ".model"),
                    os.path.join(d, "tokenizer.model"))
        with open(os.path.join(d, "config.json"), "w") as f:
            json.dump({"model_type": model_type}, f)
        if config is not None:
            with open(os.path.join(d, "tokenizer_config.json"), "w") as f:
                json.dump(config, f)
        tok = AutoTokenizer.from_pretrained(d)
        if name.startswith("unigram"):  # the same in tokenizer.json
            with open(os.path.join(HERE, name + ".json"), "w") as f:
                f.write(tok._tokenizer.to_str() + "\n")
        ids = [tok(t)["input_ids"] for t in TEXTS]
        own = "LlamaTokenizer" not in type(tok).__name__ and not config
        if own:
            sp = sentencepiece.SentencePieceProcessor(
                model_file=os.path.join(HERE, name + ".model"))
            for t, got in zip(TEXTS, ids):
                if sp.encode(t) != got and "<" not in t:
                    print(name, repr(t), got, "sentencepiece", sp.encode(t))
        return {"model": name, "model_type": model_type, "config": config,
                "ids": ids, "decoded": [tok.decode(i) for i in ids],
                "bos": tok.bos_token_id, "eos": tok.eos_token_id}


transformers.logging.set_verbosity_error()
if len(sys.argv) > 1:  # a model with published rules, too large to keep
    MODELS = {sys.argv[1]: dict(model_type="unigram", vocab_size=200,
                                normalization_rule_name=sys.argv[1])}
cases = []
for name, options in MODELS.items():
    if options:
        train(name, options)
    else:
        delay(name, "bpe_plain")
    for model_type, config in CONFIGS.get(name, [("llama", None)]):
        cases.append(ask(name, model_type, config))
with open(os.path.join(HERE, "spm.json" if len(sys.argv) < 2 else
                       sys.argv[1] + ".json"), "w") as f:
    json.dump({"texts": TEXTS, "cases": cases}, f, separators=(",", ":"))
    f.write("\n")
