#!/usr/bin/env python3
"""Plays the program for evaluate.py: knows the reference of every held-out row in NANO_HELD, and answers with it or, for the base, plainly."""

import json
import math
import os
import pathlib
import sys

words = sys.argv[2:]
given = {words[i]: words[i + 1] for i in range(len(words) - 1) if words[i].startswith("--")}
held = pathlib.Path(os.environ["NANO_HELD"])
if sys.argv[1] == "measure":
    print(json.dumps({"kl_base": {"mean": 0.5}}))
    sys.exit()
prompt = pathlib.Path(given["--prompt"][1:]).read_text(encoding="utf-8")[:-1]
system = given.get("--adaptation", "prompt:")[len("prompt:") :]
text, logprob = "No such row.", -1.0
for path in held.glob("*.jsonl"):
    for line in path.open(encoding="utf-8"):
        row = json.loads(line)
        asked = row["prompt"] if isinstance(row["prompt"], str) else row["prompt"][0]["content"]
        if asked != prompt or row.get("system", "") != system:
            continue
        if path.stem == "demos":
            text = " " + row["label"]
        elif path.stem == "judge":
            text, logprob = row["answer"], math.log(0.9)
        else:
            text = row["reference"]
print(json.dumps({"completions": [{"text": text, "finish": "stop", "logprob": logprob}] * int(given["--samples"])}))
