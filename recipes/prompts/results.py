#!/usr/bin/env python3
"""The table of prompt -> params on the results page.

    results.py MODEL INPUTS OUT [--seeds N] [--methods distill,sft] [-- OPTION...]

MODEL is the folder of tinystories-instruct-3m-chat, INPUTS the folder that make_inputs.py wrote. For each prompt beside this
file and each method: `trivium convert` with its defaults (and OPTIONs), `trivium measure` on held-out inputs, one row.
"""
import argparse
import json
import math
import os
import pathlib
import statistics
import subprocess
import sys

here = pathlib.Path(__file__).parent
trivium = os.environ.get("TRIVIUM", str(here.parent.parent / "build" / "trivium"))
prompts = {"dragon": "stories", "pirate": "chats", "rain": "stories"}


def run(*words):
    return json.loads(subprocess.run([trivium, *map(str, words), "--json", "--quiet"], check=True, stdout=subprocess.PIPE).stdout)


def one(args, name, method, seed):
    inputs, prompt = args.inputs / prompts[name], f"prompt:@{here / name}.txt"
    out = args.out / f"{name}-{method}-{seed}"
    made = run("convert", "--model", args.model, "--from", prompt, "--to", f"lora:{out}", "--inputs", f"{inputs}.train.jsonl",
               "--method", method, "--seed", seed, "--replace", *args.options)
    got = run("measure", "--model", args.model, "--source", prompt, "--target", out, "--inputs", f"{inputs}.heldout.jsonl")
    return made, got


def shown(value, digits):
    """A figure that too few inputs leave open is null in the report."""
    return "?" if value is None else f"{value:.{digits}f}"


def main():
    p = argparse.ArgumentParser()
    p.add_argument("model")
    p.add_argument("inputs", type=pathlib.Path)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--seeds", type=int, default=1)
    p.add_argument("--methods", default="distill,sft")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args = p.parse_args(words[:end])
    args.options = words[end + 1:]
    args.out.mkdir(parents=True, exist_ok=True)
    print("| prompt | method | seed | KL(prompted, base) | KL(prompted, LoRA) | gap closed | top-1 | tau | drift | seconds |")
    print("|---|---|---|---|---|---|---|---|---|---|")
    closed = {}
    for method in args.methods.split(","):
        for name in prompts:
            for seed in range(args.seeds):
                made, got = one(args, name, method, seed)
                f = {k: v["mean"] for k, v in got.items() if isinstance(v, dict) and "mean" in v}
                closed.setdefault(method, []).append(f["gap_closed"])
                print(f"| {name} | {method} | {seed} | {f['kl_base']:.3f} | {f['kl_forward']:.4f} | {shown(f['gap_closed'], 3)} ± "
                      f"{shown(got['gap_closed']['stderr'], 3)} | {f['top1_agreement']:.3f} | {shown(f['rank_tau'], 2)} | {f['drift']:.3f} | "
                      f"{made['seconds']:.0f} |", flush=True)
    for method, values in closed.items():
        values = [value for value in values if value is not None] or [math.nan]
        print(f"\n{method}: {statistics.mean(values):.3f} of the gap closed on average, {min(values):.3f} at least.")


if __name__ == "__main__":
    main()
