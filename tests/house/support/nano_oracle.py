#!/usr/bin/env python3
"""Plays the program for evaluate.py: knows the reference of every held-out row in NANO_HELD, and answers with it or, for the base, plainly."""

import json
import os
import pathlib
import sys

words = sys.argv[2:]
given = {words[i]: words[i + 1] for i in range(len(words) - 1) if words[i].startswith("--")}
held = pathlib.Path(os.environ["NANO_HELD"])
if sys.argv[1] == "measure":
    print(json.dumps({"kl_base": {"mean": 0.5}}))
    sys.exit()
if sys.argv[1] == "score":
    judged = [json.loads(line) for line in (held / "judge.jsonl").open(encoding="utf-8")]
    answers = {row["prompt"][0]["content"]: row["answer"] for row in judged}
    labels = {row["prompt"]: row["label"] for row in map(json.loads, (held / "demos.jsonl").open(encoding="utf-8"))}
    bare = {row["plain"]: row["label"] for row in map(json.loads, (held / "demos.jsonl").open(encoding="utf-8"))}
    for i, line in enumerate(pathlib.Path(given["--data"]).open(encoding="utf-8")):
        row = json.loads(line)
        if "completion" in row:  # a label: the right one, or without demonstrations any other; the end does not count
            asked, label = row["prompt"], row["completion"].strip()
            score = -float(label != labels[asked] if asked in labels else label == bare[asked])
            tokens = [{"text": row["completion"], "score": score}, {"text": "<|end|>", "score": -9 * score}]
            print(json.dumps({"row": i + 1, "score": -8 * score, "tokens": tokens}))
            continue
        said = [row[k][0]["content"].strip(".") for k in ("chosen", "rejected")]
        scores = [float(answers[row["prompt"][0]["content"]] == s) for s in said]
        print(json.dumps({"row": i + 1, "chosen": scores[0], "rejected": scores[1], "margin": scores[0] - scores[1]}))
    print(json.dumps({"summary": {}}))
    sys.exit()
prompt = pathlib.Path(given["--prompt"][1:]).read_text(encoding="utf-8")[:-1]
system = given.get("--adaptation", "prompt:")[len("prompt:") :]
text = "No such row."
for path in held.glob("*.jsonl"):
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        asked = row["prompt"] if isinstance(row["prompt"], str) else row["prompt"][0]["content"]
        if asked != prompt or row.get("system", "") != system:
            continue
        if path.stem == "demos":
            text = " " + row["label"]
        else:
            text = row["reference"]
print(json.dumps({"completions": [{"text": text, "finish": "stop", "logprob": -1.0}] * int(given["--samples"])}))
