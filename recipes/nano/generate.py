#!/usr/bin/env python3
"""The data of trivium-nano: generated worlds, one row for each line.

    generate.py OUT [--tokens 80M | --rows N] [--seed 0] [--stories FILE]

writes OUT/train.jsonl and valid.jsonl (columns `text` and `messages`, as `trivium train` reads them), OUT/heldout/*.jsonl (tasks in names,
things, wordings and labels that training never sees; evaluate.py reads them) and OUT/manifest.json. Equal options give equal bytes, whatever
the number of jobs; the SHA-256 of each file is printed. Needs nothing but Python 3.8.
"""

import argparse
import hashlib
import heapq
import json
import multiprocessing
import pathlib
import sys

from worlds import behave, copying, demos, judge, reckon, stories
from worlds.source import Source

WORLDS = {"behave": behave, "demos": demos, "stories": stories, "reckon": reckon, "judge": judge, "copying": copying}
# Share of the tokens. Stories give the language; behaviours are many and each needs its many wordings; demonstrations, sums and verdicts
# are narrow, and carry loss on every answer of their rows.
SHARE = {"stories": 0.29, "behave": 0.28, "demos": 0.13, "reckon": 0.14, "judge": 0.08, "copying": 0.08}
# Tokens of a mean row under the tokenizer beside this file; tokenizer.py count prints them.
TOKENS = {"stories": 181, "behave": 84, "demos": 152, "reckon": 166, "judge": 206, "copying": 110}
# Behaviours are told in training's wordings, combined anew, about things and values that training never sees; `wordings` has the same in
# wordings that training never sees either.
HELD = {
    "behave": [dict(kind=k) for k in behave.KINDS],
    "wordings": [dict(kind=k) for k in behave.KINDS],
    "demos": [dict(kind=k) for k in ("sentiment", "topic", "rule")],
    "stories": [{}],
    "reckon": [dict(kind=k, long=n) for n in (False, True) for k in ("add", "sub", "mul", "two")],
    "judge": [dict(yes=True), dict(yes=False)],
    "copying": [{}],
}
HELD_ROWS = {"behave": 630, "wordings": 420, "demos": 360, "stories": 100, "reckon": 480, "judge": 600, "copying": 200}

ROLES = {"system": "<|system|>", "user": "<|user|>", "assistant": "<|assistant|>"}
END = "<|end|>"


def rendered(turns):
    """A conversation as the chat template writes it, without the BOS and the EOS that a row of text gets."""
    return END.join(ROLES[t["role"]] + t["content"] for t in turns)


def line(row):
    if "chat" in row:
        row = {"text": rendered(row["chat"])}
    return json.dumps(row, ensure_ascii=False) + "\n"


def make(job):
    seed, split, stage, specs = job
    return [(kind, line(WORLDS[kind].row(Source(f"{seed}/{split}/{kind}/{i}", stage=stage)))) for kind, i in specs]


def order(counts):
    """(kind, i) of all rows, the kinds evenly mixed."""

    def one(kind, n):
        return (((2 * i + 1) / (2 * n), kind, i) for i in range(n))

    for _, kind, i in heapq.merge(*(one(k, n) for k, n in sorted(counts.items()) if n)):
        yield kind, i


def jobs(seed, split, stage, counts):
    specs = []
    for spec in order(counts):
        specs.append(spec)
        if len(specs) == 500:
            yield seed, split, stage, specs
            specs = []
    if specs:
        yield seed, split, stage, specs


def told_stories(path):
    """Rows of a file of stories parted by <|endoftext|>."""
    for story in path.read_text(encoding="utf-8").split("<|endoftext|>"):
        text = story.strip()
        if 40 <= len(text.split()) <= 600:
            yield line({"text": text})


class File:
    """A file on its way: its hash, and what it holds of each kind."""

    def __init__(self, path, seen):
        self.path, self.seen, self.sha = path, seen, hashlib.sha256()
        self.out, self.rows, self.bytes, self.dropped = open(path, "w", encoding="utf-8", newline="\n"), {}, {}, 0

    def add(self, kind, text):
        raw = text.encode()
        key = hashlib.blake2b(raw, digest_size=8).digest()
        if key in self.seen:  # no row twice, nor in two files
            self.dropped += 1
            return
        self.seen.add(key)
        self.sha.update(raw)
        self.out.write(text)
        self.rows[kind] = self.rows.get(kind, 0) + 1
        self.bytes[kind] = self.bytes.get(kind, 0) + len(raw)

    def close(self):
        self.out.close()
        return {"rows": self.rows, "bytes": self.bytes, "dropped": self.dropped, "sha256": self.sha.hexdigest()}


def number(text):
    scale = {"K": 10**3, "M": 10**6}.get(text[-1:].upper(), 1)
    return int(float(text[:-1] if scale > 1 else text) * scale)


def shares(text):
    out = dict.fromkeys(SHARE, 0.0)
    for item in text.split(","):
        name, _, value = item.partition("=")
        if name not in out:
            raise argparse.ArgumentTypeError(f"no ability is called '{name}'; there are {', '.join(SHARE)}")
        out[name] = float(value)
    if min(out.values()) < 0 or not sum(out.values()) > 0:
        raise argparse.ArgumentTypeError("shares are not negative, and one of them is above 0")
    return {k: v / sum(out.values()) for k, v in out.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--seed", type=int, default=0)
    p.add_argument("--tokens", type=number, default=80_000_000, help="about so many tokens to train on (80M)")
    p.add_argument("--rows", type=number, help="so many rows to train on, instead")
    p.add_argument("--share", type=shares, default=SHARE, help="of the tokens, as reckon=0.4,demos=0.6; what is not named gets none")
    p.add_argument("--valid-rows", type=int, default=1000)
    p.add_argument("--held", type=float, default=1.0, help="scale of the held-out tasks")
    p.add_argument("--stage", type=int, default=1, help="rows for this stage of run.sh; from the third on more of what is learned from the context alone")
    p.add_argument("--stories", type=pathlib.Path, help="a text of stories parted by <|endoftext|>, added to the training rows")
    p.add_argument("--jobs", type=int, default=1)
    args = p.parse_args()
    (args.out / "heldout").mkdir(parents=True, exist_ok=True)

    share = args.share
    mean = sum(share[k] / TOKENS[k] for k in share)  # rows for each token
    tokens = args.rows / mean if args.rows else args.tokens
    counts = {k: int(tokens * share[k] / TOKENS[k]) for k in share}
    valid = {k: int(args.valid_rows * share[k] / TOKENS[k] / mean) for k in share}
    seen, done = set(), {}

    for name, task in HELD.items():
        f = File(args.out / "heldout" / f"{name}.jsonl", seen)
        n = max(len(task), int(HELD_ROWS[name] * args.held))
        for i in range(n):
            world = WORLDS[name if name in WORLDS else "behave"]
            r = Source(f"{args.seed}/held/{name}/{i}", held=True, told=name == "behave")
            f.add(name, line(world.task(r, **task[i % len(task)])))
        done[f"heldout/{name}.jsonl"] = f.close()
    with multiprocessing.Pool(args.jobs) if args.jobs > 1 else _Here() as pool:
        for split, rows in (("valid", valid), ("train", counts)):
            f = File(args.out / f"{split}.jsonl", seen)
            told = told_stories(args.stories) if args.stories and split == "train" else iter(())
            total, at = sum(rows.values()), 0
            for chunk in pool.imap(make, jobs(args.seed, split, args.stage, rows)):
                for kind, text in chunk:
                    f.add(kind, text)
                    at += 1
                    if at % 40 == 0:
                        for text in (next(told, None),):
                            if text:
                                f.add("told", text)
                if sys.stderr.isatty():
                    print(f"\r{split} {at} of {total} rows", end="", file=sys.stderr)
            for text in told:
                f.add("told", text)
            done[f"{split}.jsonl"] = f.close()
    if sys.stderr.isatty():
        print("\r" + " " * 40 + "\r", end="", file=sys.stderr)

    whole = hashlib.sha256("".join(f"{k} {v['sha256']}\n" for k, v in sorted(done.items())).encode()).hexdigest()
    print(f"{'file':22} {'ability':8} {'rows':>8} {'bytes':>11} {'tokens, about':>13}")
    for name, f in done.items():
        for kind in sorted(f["rows"]):
            about = f["rows"][kind] * TOKENS.get(kind, 240)
            print(f"{name:22} {kind:8} {f['rows'][kind]:8} {f['bytes'][kind]:11} {about if 'held' not in name else '':>13}")
    for name, f in done.items():
        print(f"{f['sha256']}  {name}" + (f"  ({f['dropped']} rows came twice and were dropped)" if f["dropped"] else ""))
    print(f"{whole}  all")
    manifest = {
        "seed": args.seed,
        "tokens": args.tokens,
        "rows": args.rows,
        "stories": bool(args.stories),
        "share": args.share,
        "stage": args.stage,
        "files": done,
        "sha256": whole,
    }
    (args.out / "manifest.json").write_text(json.dumps(manifest, indent=1) + "\n", encoding="utf-8")


class _Here:
    """A pool of this process alone."""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def imap(self, function, things):
        return map(function, things)


if __name__ == "__main__":
    main()
