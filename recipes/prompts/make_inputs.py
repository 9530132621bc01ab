#!/usr/bin/env python3
"""Inputs for the results page: the beginnings of real stories and chats.

    make_inputs.py ASSETS OUT

writes OUT/stories.train.jsonl and .heldout.jsonl (the first eight words of a story, from separate files of the data set) and
OUT/chats.train.jsonl and .heldout.jsonl (a user's line and "Bot:", the file's first four fifths and its last fifth). Each
row is {"prompt": ...}. Equal prompts are written once, and none is in both sets.
"""
import json
import pathlib
import sys


def stories(path):
    for story in path.read_text(encoding="utf-8").split("<|endoftext|>"):
        words = story.split()
        if len(words) >= 40:
            yield " ".join(words[:8])


def chats(path):
    for line in path.read_text(encoding="utf-8").splitlines():
        if line.startswith("User: ") and 20 <= len(line) <= 160:
            yield line + "\nBot:"


def write(path, prompts, apart_from=()):
    seen = dict.fromkeys(p for p in prompts if p not in set(apart_from))
    path.write_text("".join(json.dumps({"prompt": p}) + "\n" for p in seen), encoding="utf-8")
    print(f"{path}: {len(seen)} inputs")
    return seen


def main():
    assets, out = map(pathlib.Path, sys.argv[1:3])
    out.mkdir(parents=True, exist_ok=True)
    data = assets / "data"
    train = write(out / "stories.train.jsonl", list(stories(data / "tinystories/train.txt")))
    write(out / "stories.heldout.jsonl", list(stories(data / "tinystories/heldout.txt")), train)
    lines = list(chats(data / "soda-tinystoriesinstruct-chat/chat_val.txt"))
    cut = len(lines) * 4 // 5
    train = write(out / "chats.train.jsonl", lines[:cut])
    write(out / "chats.heldout.jsonl", lines[cut:], train)


if __name__ == "__main__":
    main()
