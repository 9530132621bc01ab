"""Make two small tokenizers and chats.json: for conversations under published
templates, the ids that Hugging Face gives for the whole rendered text and for
its context. Needs tokenizers 0.22, jinja2 3.1.6. Run in this folder.
"""
import json
import pathlib

from tokenizers import (AddedToken, Tokenizer, decoders, models, normalizers,
                        pre_tokenizers, processors, trainers)
from transformers.utils import chat_template_utils as ctu

HERE = pathlib.Path(__file__).parent
text = ["the cat sat on the mat and the dog ran to the cat",
        "User: what is the answer?\nassistant system user [INST] [/INST]",
        "yes and no, the answer is here: 42\n\n"] * 20
special = ["<s>", "</s>", "<|im_start|>", "<|im_end|>"]


def finish(tok, name, bos):
    if bos:
        tok.post_processor = processors.TemplateProcessing(
            single="<s> $A", special_tokens=[("<s>", tok.token_to_id("<s>"))])
    d = HERE / name
    d.mkdir(exist_ok=True)
    tok.save(str(d / "tokenizer.json"))
    (d / "tokenizer_config.json").write_text(json.dumps(
        {"bos_token": "<s>", "eos_token": "</s>"}) + "\n")
    return tok


byte = Tokenizer(models.BPE())
byte.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
byte.decoder = decoders.ByteLevel()
byte.train_from_iterator(text, trainers.BpeTrainer(
    vocab_size=320, special_tokens=special, show_progress=False,
    initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet())))
byte = finish(byte, "byte", False)

piece = Tokenizer(models.BPE(unk_token="<unk>", fuse_unk=True,
                             byte_fallback=True))
piece.normalizer = normalizers.Sequence(
    [normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
piece.decoder = decoders.Sequence(
    [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(),
     decoders.Strip(" ", 1, 0)])
piece.train_from_iterator(
    [t.replace("\n", "") for t in text], trainers.BpeTrainer(
        vocab_size=340, show_progress=False,
        special_tokens=["<unk>"] + special +
        ["<0x%02X>" % i for i in range(256)]))
piece = finish(piece, "piece", True)

chats = [
    [{"role": "user", "content": "what is the answer?"},
     {"role": "assistant", "content": "42, the cat"}],
    [{"role": "system", "content": "be a dog"},
     {"role": "user", "content": "the mat é"},
     {"role": "assistant", "content": "no"},
     {"role": "user", "content": "and the cat?"},
     {"role": "assistant", "content": "yes\nand 日本"}],
]
cases = []
for name, tok, template in (("byte", byte, "smollm2"),
                            ("piece", piece, "llama2"),
                            ("piece", piece, "zephyr")):
    source = (HERE / "../chat/templates" / (template + ".jinja")).read_text()
    t = ctu._cached_compile_jinja_template(source)
    for chat in chats:
        kw = {"bos_token": "<s>", "eos_token": "</s>"}
        whole = t.render(messages=chat, add_generation_prompt=False, **kw)
        head = t.render(messages=chat[:-1], add_generation_prompt=True, **kw)
        assert whole.startswith(head)
        ids = tok.encode(whole, add_special_tokens=False).ids
        context = tok.encode(head, add_special_tokens=False).ids
        bos = tok.token_to_id("<s>")
        if name == "piece" and context[0] != bos:  # the tokenizer's own BOS
            ids, context = [bos] + ids, [bos] + context
        cases.append({"tokenizer": name, "template": template,
                      "messages": chat, "ids": ids, "context": context})
(HERE / "chats.json").write_text(json.dumps(cases, ensure_ascii=False) + "\n",
                                 encoding="utf-8")
