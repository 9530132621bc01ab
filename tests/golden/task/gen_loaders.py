#!/usr/bin/env python3
"""Rows of data sets, as Python makes them: loaders.json, and beside it the files.

    gen_loaders.py

The rows are our own, in the forms of the published sets. What is expected is written down by other means than src/task/loaders.c: split(),
regular expressions, and TRL's rule for HH (the prompt ends behind the last "\\n\\nAssistant:").
"""

import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent

SST2 = ["1 a warm , funny film .", "0 it drags .", "1\tgood , with a tab", "0  two blanks ", "1 0", "0 café , \u201cno\u201d"]
GSM8K = [
    ("Two and three?", "2+3 = <<2+3=5>>5.\n#### 5"),
    ("A lot?", "<<1000*1000=1000000>>1,000,000 in all.\n#### 1,000,000"),
    ("Below?", "It falls.\n#### -12"),
    ("Half?", "1/2 = $<<1/2=0.5>>0.5\n####   0.50  "),
    ("Marks?", "a << b is no mark, #### 3 is no end\n#### 7"),
]
HH = [
    ("\n\nHuman: Hi\n\nAssistant: Hello!", "\n\nHuman: Hi\n\nAssistant: Go away."),
    (
        "\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\nand more\n\nAssistant:  Four  ",
        "\n\nHuman: One\n\nAssistant: Two\n\nHuman: Three\nand more\n\nAssistant: Five\n\nsix",
    ),
    ("\n\nHuman: Empty?\n\nAssistant:", "\n\nHuman: Empty?\n\nAssistant: no"),
    ("\n\nHuman: A\n\nAssistant: b", "\n\nHuman: C\n\nAssistant: b"),
    ("\n\nHuman: A\n\nAssistant: b\n\nHuman: c", "\n\nHuman: A\n\nAssistant: b\n\nHuman: d"),
    ("\n\nHuman: é\n\nAssistant: ü", "\n\nHuman: é\n\nAssistant: ß"),
]
PERSONA = [("I am kind", " Yes", " No"), ("I hurt \u201cothers\u201d", " No", " Yes")]
TOXICITY = [("Once more the", 0.25, " day", 0.5), ("He said", None, " so", 0.1), ("They", 0.75, " went", None)]


def turns(text):
    parts = re.split(r"\n\n(Human|Assistant):", text)[1:]
    return [{"role": "user" if r == "Human" else "assistant", "content": c.strip()} for r, c in zip(parts[::2], parts[1::2])]


def pair(chosen, rejected):
    cut = chosen.rfind("\n\nAssistant:") + len("\n\nAssistant:")
    good, bad = chosen[cut:], rejected[cut:]
    if chosen[:cut] != rejected[:cut] or not good.strip() or not bad.strip() or "\n\nHuman:" in good:
        return None
    return {
        "prompt": turns(chosen[:cut])[:-1],
        "chosen": [{"role": "assistant", "content": good.strip()}],
        "rejected": [{"role": "assistant", "content": bad.strip()}],
    }


def main():
    def lines(name, rows):
        (HERE / name).write_text("".join(json.dumps(r, ensure_ascii=False) + "\n" for r in rows), encoding="utf-8")

    want = {}
    (HERE / "sst2.train").write_text("\n".join(SST2) + "\n", encoding="utf-8")
    names = ("negative", "positive")
    want["sst2"] = [{"sentence": s[2:].strip(), "answer": names[int(s[0])], "wrong": names[1 - int(s[0])]} for s in SST2]

    lines("gsm8k.jsonl", [{"question": q, "answer": a} for q, a in GSM8K])
    want["gsm8k"] = [
        {"prompt": q, "answer": re.sub(r"<<.*?>>", "", a), "number": a.split("####")[-1].replace(",", "").strip()} for q, a in GSM8K
    ]

    lines("hh.jsonl", [{"chosen": c, "rejected": r} for c, r in HH])
    want["hh"] = [p for p in (pair(c, r) for c, r in HH) if p]

    lines(
        "persona.jsonl",
        [{"question": f"Is it so?\n\"{s}\"", "statement": s, "answer_matching_behavior": y, "answer_not_matching_behavior": n} for s, y, n in PERSONA],
    )
    want["persona"] = [{"prompt": f"Is it so?\n\"{s}\"", "statement": s, "answer": y.strip(), "wrong": n.strip()} for s, y, n in PERSONA]

    lines(
        "toxicity.jsonl",
        [{"prompt": {"text": p, "toxicity": t}, "continuation": {"text": c, "toxicity": u}} for p, t, c, u in TOXICITY],
    )
    want["toxicity"] = [{"prompt": p, "toxicity": t, "continuation": c} for p, t, c, _ in TOXICITY if t is not None]
    (HERE / "loaders.json").write_text(json.dumps(want, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
