"""The corpus of the tokenizer tests: byte for byte what corpus() in
tests/unit/test_tokenizer.c builds. Real files cut into documents without regard
to characters (so some are broken UTF-8), and generated ones.
"""
import os

CUT = 20011  # bytes of a document; prime, so cuts fall everywhere
FILES = [  # path below the assets, bytes taken
    ("data/gsm8k/test.jsonl", 700000),
    ("data/preferences/dpo_en_demo.json", 1600000),
    ("data/awesome-chatgpt-prompts/prompts.csv", 90000),
    ("data/tinystories/heldout.txt", 400000),
    ("data/realtoxicityprompts/prompts.jsonl", 400000),
    ("data/rasbt-instruct/instruction-data.json", 210000),
    ("data/soda-tinystoriesinstruct-chat/chat_val.txt", 250000),
    ("data/sst2/stsa.binary.dev", 95000),
    ("data/alpaca-seed/seed_tasks.jsonl", 111000),
    ("data/personas/extraversion.jsonl", 150000),
    ("models/tokenizer-gpt2/vocab.bpe", 300000),
    ("models/tokenizer-smollm2/tokenizer_config.json", 4000),
    ("models/tokenizer-llama2/tokenizer.model", 300000),  # binary
]
SCRIPTS = [  # first and last character
    (0x61, 0x7A), (0x41, 0x5A), (0xC0, 0x24F), (0x370, 0x3FF), (0x400, 0x4FF),
    (0x530, 0x58F), (0x5D0, 0x5EA), (0x620, 0x6D3), (0x900, 0x97F),
    (0x980, 0x9FF), (0xB80, 0xBFF), (0xE00, 0xE5B), (0x10A0, 0x10FF),
    (0x1200, 0x137F), (0x1780, 0x17FF), (0x1E00, 0x1FFF), (0x3041, 0x30FF),
    (0x3105, 0x312F), (0x4E00, 0x9FFF), (0xAC00, 0xD7A3), (0x20000, 0x2A6DF),
    (0x10400, 0x1044F), (0x1D400, 0x1D7FF), (0xFB00, 0xFDFF), (0xFF00, 0xFFEF),
    (0x2100, 0x218F), (0x2460, 0x24FF), (0x31350, 0x323AF), (0x11F00, 0x11F59),
    (0x1130, 0x11FF),
]
EMOJI = [(0x1F300, 0x1F5FF), (0x1F600, 0x1F64F), (0x1F900, 0x1F9FF),
         (0x2600, 0x26FF), (0x1F1E6, 0x1F1FF)]
SPACES = [0x20, 0x20, 0x20, 0x20, 0x0A, 0x0A, 0x09, 0x0D, 0xA0, 0x3000, 0x2003,
          0x180E, 0x85, 0x2028, 0x0B, 0x200B]
SNIPPETS = [
    "<|endoftext|>", "<s>", "</s>", "<unk>", "<|im_start|>", "<|im_end|>",
    " <|start_story|> ", "<0x0A>", "\u2581", "\u2581\u2581", "[X]", " [X] ",
    "[Y]", "word[Y]word", " [Z]\n", "I'm you're WE'LL it's 'S don't 'Tis",
    "for (int i = 0; i < n; i++) {\n\tif (a[i] >= 10) return;\n}\n",
    "def f(x):\n    return {'a': x ** 2, \"b\": [1, 2.5e-3]}\n", "http://a.b/?c=d&e",
    "#include <stdio.h>\n", "\n\n\n", "    ", "        x", "...", "!!!???", "--->",
    "\u0000", "1234567890", "3.14159", "\u00bd\u00b2", "caf\u00e9 cafe\u0301",
    "\u0130stanbul \u017f\u212a", "\ufb01\u1e9e", "\u200d", "\ufe0f", "a\u0316\u0301b",
    "\u1100\u1161\u11a8", "\u0958", "\u2126", "Hello", " world",
]
M64 = (1 << 64) - 1


class Lcg:
    def __init__(self, seed):
        self.x = seed

    def below(self, n):
        self.x = (self.x * 6364136223846793005 + 1442695040888963407) & M64
        return (self.x >> 33) % n


def put(cp):
    return chr(cp).encode("utf-8")


def generated(seed, size):
    r, out = Lcg(seed), bytearray()
    while len(out) < size:
        k = r.below(16)
        if k < 6:  # a word of one script
            a, b = SCRIPTS[r.below(len(SCRIPTS))]
            for _ in range(1 + r.below(9)):
                out += put(a + r.below(b - a + 1))
            if r.below(3):
                out += b" "
        elif k == 6:  # emoji, some joined
            for _ in range(1 + r.below(4)):
                a, b = EMOJI[r.below(len(EMOJI))]
                out += put(a + r.below(b - a + 1))
                if r.below(2):
                    out += put(0x200D if r.below(2) else 0xFE0F)
        elif k == 7:  # white space
            for _ in range(1 + r.below(6)):
                out += put(SPACES[r.below(len(SPACES))])
        elif k == 8:  # one kind of space, long
            out += put(SPACES[r.below(len(SPACES))]) * (1 + r.below(40))
        elif k == 9:  # digits
            for _ in range(1 + r.below(12)):
                out += put(0x30 + r.below(10))
        elif k == 10:  # ASCII
            for _ in range(1 + r.below(12)):
                out += put(0x20 + r.below(95))
        elif k == 11 or k == 12:
            out += SNIPPETS[r.below(len(SNIPPETS))].encode("utf-8")
        elif k == 13:  # any character of Unicode
            for _ in range(1 + r.below(3)):
                cp = r.below(0x110000)
                out += put(0xFFFD if 0xD800 <= cp < 0xE000 else cp)
        elif k == 14:  # broken bytes
            if r.below(4) == 0:
                for _ in range(1 + r.below(4)):
                    out.append(0x80 + r.below(128))
        else:  # a letter with marks
            out += put(0x61 + r.below(26))
            for _ in range(1 + r.below(4)):
                out += put(0x300 + r.below(0x70))
    return bytes(out)


def generated_documents():
    docs = [generated(1000 + i, 8000) for i in range(100)]
    docs += [b"", b" ", b"\n", b"a", b"x" * 30000, b" " * 20000,
             b"ab" * 10000, "\u2581".encode() * 5000]
    return docs


def asset_documents(assets):
    docs = []
    for path, take in FILES:
        data = open(os.path.join(assets, path), "rb").read()[:take]
        docs += [data[i:i + CUT] for i in range(0, len(data), CUT)]
    return docs
