#!/usr/bin/env python3
"""Four tasks for trivium-nano, each told in all three forms.

    tasks.py OUT [--seed 0] [--train 960] [--heldout 96]

    manner   every sentence ends in an exclamation mark; told by a system message, rewarded by the share of such sentences
    brief    one short sentence in place of several; rewarded by length, so that a base that is hardly ever so brief still has better and worse answers
    label    good or bad, by the feeling of a sentence; told by twelve demonstrations, rewarded for the right label
    reckon   sums of four digits, products of two, with written steps, asked for in words that nano never read; told by four worked ones, rewarded for the right number

Each folder of OUT has train.jsonl and heldout.jsonl (what is asked, and `answer`, which a check compares with), z.json (the prompt, as
messages), pairs.jsonl (held out: an answer that is right, one that is not) and task.json (the reward and the principle in words). The
sentences are those of the worlds that nano learned from (../nano/worlds); the seeds are not, and held-out rows are about names and things
that no training row of nano has.
"""

import argparse
import json
import pathlib
import sys
import zlib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "nano"))
from worlds import behave, demos, facts, reckon  # noqa: E402
from worlds.source import Source  # noqa: E402

LABELS = ("good", "bad")


def manner(r):
    q = facts.question(r, "attffjjhhwws")
    return q.ask, behave.obey(r, "exclaim", "", q), q.plain


def brief(r):
    """What is asked has a long answer, whose first sentence is short."""
    while True:
        q = facts.question(r, "attffjjhhwws")
        one = behave.obey(r, "one", "", q)
        if len(q.plain.split()) >= 14 and len(one.split()) <= 8:
            return q.ask, one, q.plain


def label(r):
    kind, feeling = demos.Task(r, "sentiment"), r.chance(0.5)
    right, wrong = LABELS if feeling else LABELS[::-1]
    return kind.item(feeling), right, wrong


def sums(r):
    """The wrong answer goes the same way to another number."""
    ask, worked, n = reckon.problem(r, r.pick(("add", "sub", "mul")), long=True)
    steps, _, _ = worked.rpartition("#### ")
    return ask, worked, f"{steps}#### {n + r.pick((-10, -2, -1, 1, 2, 10))}"


TASKS = {
    "manner": {
        "draw": manner,
        "reward": "verifier:regex,by=sentence,pattern=[!]$",
        "principle": "Every sentence ends with an exclamation mark.",
        "system": "Be excited: every sentence ends in an exclamation mark.",
        "max_tokens": 48,
    },
    "brief": {
        "draw": brief,
        "reward": "verifier:length,lo=4,hi=8,slack=4",
        "principle": "The answer is one short sentence.",
        "system": "Answer in just one sentence.",
        "max_tokens": 48,
    },
    "label": {
        "draw": label,
        "reward": "verifier:exact,column=answer",
        "principle": "The answer is good or bad, as the feeling of the question is.",
        "shots": 12,
        "max_tokens": 8,
    },
    "reckon": {
        "draw": sums,
        "reward": "verifier:number,column=number",
        "principle": "The number is right.",
        "shots": 4,
        "max_tokens": 96,
    },
}


def turn(role, text):
    return {"role": role, "content": text}


def prompt(task, name, seed):
    if "system" in task:
        return [turn("system", task["system"])]
    turns, i = [], 0
    while len(turns) < 2 * task["shots"]:
        ask, right, _ = task["draw"](Source(f"triangle/{seed}/{name}/shots/{i}"))
        i += 1
        # no label may stand in more than half of the demonstrations
        if sum(t["content"] == right for t in turns) * 2 < task["shots"]:
            turns += [turn("user", ask), turn("assistant", right)]
    return turns


def rows(task, name, split, n, seed):
    """What is asked never comes twice, in either file: a split has its own names; of brief, where the base must understand the question before it can
    be brief, its own answers instead."""
    seen, out, i = set(), [], 0
    while len(out) < n:
        held = name == "reckon" or (split == "heldout" and name != "brief")
        ask, right, wrong = task["draw"](Source(f"triangle/{seed}/{name}/{split}/{i}", held=held))
        i += 1
        if name == "brief" and (zlib.crc32(right.encode()) % 5 == 0) != (split == "heldout"):
            continue
        if ask not in seen:
            seen.add(ask)
            out.append((ask, right, wrong))
    return out


def written(path, items):
    path.write_text("".join(json.dumps(x, ensure_ascii=False) + "\n" for x in items), encoding="utf-8")


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--train", type=int, default=960)
    p.add_argument("--heldout", type=int, default=96)
    args = p.parse_args()
    for name, task in TASKS.items():
        room = args.out / name
        room.mkdir(parents=True, exist_ok=True)
        (room / "z.json").write_text(json.dumps(prompt(task, name, args.seed), ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
        train = rows(task, name, "train", args.train, args.seed)
        asked = {ask for ask, _, _ in train}
        held = [x for x in rows(task, name, "heldout", 3 * args.heldout, args.seed) if x[0] not in asked][: args.heldout]
        for split, items in (("train", train), ("heldout", held)):
            written(
                room / f"{split}.jsonl",
                (
                    {"prompt": [turn("user", ask)], "answer": right, "number": right.rpartition("#### ")[2]}
                    if name == "reckon"
                    else {"prompt": [turn("user", ask)], "answer": right}
                    for ask, right, _ in items
                ),
            )
        written(
            room / "pairs.jsonl",
            (
                {
                    "prompt": [turn("user", ask)],
                    "chosen": [turn("assistant", right)],
                    "rejected": [turn("assistant", wrong)],
                    "answer": right,
                    "number": right.rpartition("#### ")[2],
                }
                for ask, right, wrong in held
            ),
        )
        about = {k: task[k] for k in ("reward", "principle", "max_tokens")}
        (room / "task.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
