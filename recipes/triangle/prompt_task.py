#!/usr/bin/env python3
"""A task for table.py from a prompt of one's own, for any model.

    prompt_task.py OUT --name pirate --prompt FILE --train FILE --heldout FILE --reward SPEC --principle TEXT [--max-tokens 48] [--limit 100]

writes OUT/NAME as tasks.py writes its tasks, without pairs: the prompt stands before the text of each input, the rows are those of --train and
--heldout (at most --limit of the latter), the reward is a SPEC as `trivium score --adaptation` takes it, the principle says in words what the prompt asks for.
"""

import argparse
import itertools
import json
import pathlib


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("out", type=pathlib.Path)
    for name in ("--name", "--reward", "--principle"):
        p.add_argument(name, required=True)
    for name in ("--prompt", "--train", "--heldout"):
        p.add_argument(name, required=True, type=pathlib.Path)
    p.add_argument("--max-tokens", type=int, default=48)
    p.add_argument("--limit", type=int, default=100)
    args = p.parse_args()
    room = args.out / args.name
    room.mkdir(parents=True, exist_ok=True)
    for split, path, n in (("train", args.train, None), ("heldout", args.heldout, args.limit)):
        with path.open(encoding="utf-8") as rows:
            (room / f"{split}.jsonl").write_text("".join(itertools.islice(rows, n)), encoding="utf-8")
    about = {
        "reward": args.reward,
        "principle": args.principle,
        "prompt": f"prompt:@{args.prompt.resolve()}",
        "max_tokens": args.max_tokens,
    }
    (room / "task.json").write_text(json.dumps(about, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
