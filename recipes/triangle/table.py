#!/usr/bin/env python3
"""All six edges of the triangle, method by method, on one model: convert, measure, one row each.

    table.py MODEL TASKS OUT [--seeds 3] [--tasks manner,brief,label,reckon] [--only REGEX] [--table FILE] [--plot FILE] [-- OPTION...]

TASKS is the folder that tasks.py wrote, or prompt_task.py for a prompt of one's own. A run that is in OUT/runs with the same options is not made again, so this may be stopped and called
again; --only takes the runs whose "task/edge/method" matches. The table is Markdown: the mean over seeds and, behind the sign, half of the range
between them; the KL is that of the source where a gap is closed, of the result where a reward is earned. --plot draws it as SVG. OPTIONs go to every conversion. The program is TRIVIUM (default: build/trivium).
"""

import argparse
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import time
from html import escape

here = pathlib.Path(__file__).resolve().parent
TRIVIUM = os.environ.get("TRIVIUM", str(here.parents[1] / "build" / "trivium"))

# What a conversion starts from: the task's prompt, its reward, or the LoRA that stands for its parameters.
Z, R, D = "prompt", "reward", "params"
SHORT = ["--samples", "1024", "--steps", "300"]  # nano learns these tasks in so much; the defaults are three times that
HALF = ["--samples", "1024", "--steps", "150"]
TEXT = ["--restarts", "1", "--steps", "12"]  # of searches over text
# What tasks need beside. Where the base hardly ever earns the reward, answers are drawn more freely or more of them; pairs that teach much are
# those that lie apart; the likelihood of what was chosen keeps long answers together.
MORE = {
    ("manner", "dpo"): ["--temperature", "1.6", "--beta", "0.02"],
    ("manner", "bon"): ["--temperature", "1.6"],
    ("manner", "tilt"): ["--temperature", "1.6", "--beta", "0.02"],
    ("label", "dpo"): ["--temperature", "1.6"],
    ("label", "bon"): ["--temperature", "1.6"],
    ("label", "tilt"): ["--temperature", "1.6"],
    ("label", "prefix"): ["--steps", "900"],
    ("label", "head"): ["--temperature", "2", "--samples", "4096"],
    ("brief", "dpo"): "--group 16 --samples 15360 --pairing best --labels hard --margin 0.5 --sft-weight 3 --lr 5e-4 --steps 600".split(),
    ("brief", "grpo"): ["--beta", "0.05"],
    ("brief", "bon"): ["--group", "16", "--samples", "15360"],
    ("reckon", "dpo"): ["--sft-weight", "1"],
    ("reckon", "grpo"): ["--steps", "150"],
    ("reckon", "bon"): ["--group", "16", "--samples", "7680", "--steps", "300"],
}
# What is asked of a task, where that is not all: "edge/method" matches.
WANTED = {"brief": r"^reward -> params/(dpo|grpo|bon)"}

# (edge, method, from, to, options, how it is measured)
#   gap     how much of the gap between the base and the source is closed
#   reward  what the task's reward was and became, and the distance from the base
#   pairs   how often the right answer of two is above the wrong one
RUNS = [
    ("prompt -> params", "distill", Z, "lora", ["--method", "distill", *SHORT], "gap"),
    ("prompt -> params", "distill, defaults", Z, "lora", ["--method", "distill"], "gap"),
    ("prompt -> params", "sft", Z, "lora", ["--method", "sft", *SHORT], "gap"),
    ("prompt -> params", "features", Z, "lora", ["--method", "features", *SHORT], "gap"),
    ("prompt -> params", "solve", Z, "lora", ["--method", "solve"], "gap"),
    ("prompt -> params", "distill, half", Z, "lora", ["--method", "distill", *HALF], "gap"),
    ("prompt -> params", "solve, distill, half", Z, "lora", ["--method", "distill", "--init", "solve", *HALF], "gap"),
    ("reward -> params", "dpo", R, "lora", ["--method", "dpo"], "reward"),
    ("reward -> params", "grpo", R, "lora", ["--method", "grpo", "--steps", "60"], "reward"),
    ("reward -> params", "bon", R, "lora", ["--method", "bon"], "reward"),
    ("reward -> params", "tilt", R, "lora", ["--method", "tilt"], "reward"),
    ("reward -> params", "ppo", R, "lora", ["--method", "ppo", "--steps", "60"], "reward"),
    ("params -> reward", "ratio", D, "ratio", [], "pairs"),
    ("params -> reward", "head", D, "head", [], "pairs"),
    ("params -> prompt", "prefix", D, "prefix", SHORT, "gap"),
    ("params -> prompt", "soft", D, "soft", SHORT, "gap"),
    ("params -> prompt", "text", D, "messages", ["--method", "text", *TEXT], "gap"),
    ("params -> prompt", "demos", D, "demos", [], "gap"),
    ("prompt -> reward", "contrast", Z, "contrast", [], "pairs"),
    ("prompt -> reward", "judge", "principle", "judge", [], "pairs"),
    ("prompt -> reward", "head", Z, "head", [], "pairs"),
    ("reward -> prompt", "evolve", R, "messages", ["--method", "evolve", "--rounds", "6"], "reward"),
    ("reward -> prompt", "text", R, "messages", ["--method", "text", *TEXT], "reward"),
    ("reward -> prompt", "demos", R, "demos", ["--method", "demos"], "reward"),
    ("reward -> prompt", "soft", R, "soft", ["--method", "grpo", "--steps", "60"], "reward"),
    ("params -> reward -> params", "ratio, distill", D, "lora", ["--via", "ratio", "--method", "distill", *SHORT], "gap"),
    ("prompt -> reward -> params", "contrast, distill", Z, "lora", ["--via", "contrast", "--method", "distill", *SHORT], "gap"),
    ("prompt -> params -> prompt", "distill, prefix", Z, "prefix", ["--via", "lora", *SHORT], "gap"),
]


class Failed(Exception):
    pass


def run(*words):
    done = subprocess.run([TRIVIUM, *map(str, words)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise Failed(done.stderr.decode(errors="replace").strip().splitlines()[-1])
    return done.stdout


def told(*words):
    return json.loads(run(*words, "--json", "--quiet"))


class Task:
    def __init__(self, args, name, seed):
        self.name, self.seed, self.args = name, seed, args
        self.room = args.given / name
        self.about = json.loads((self.room / "task.json").read_text(encoding="utf-8"))
        self.params = ("reward -> params", "grpo") if name == "reckon" else ("prompt -> params", "distill")

    def out(self, edge, method):
        return self.args.out / "made" / f"{self.name}-{edge}-{method}-{self.seed}".replace(" -> ", "-").replace(", ", "-")

    def source(self, what):
        return {
            Z: self.about.get("prompt", f"messages:{self.room / 'z.json'}"),
            R: self.about["reward"],
            D: str(self.out(*self.params)),
            "principle": "prompt:" + self.about["principle"],
        }[what]

    def options(self, method, options):
        return options + MORE.get((self.name, method), []) + self.args.options

    def convert(self, edge, method, what, form, options):
        long = self.about["max_tokens"]
        if form == "messages" and "prompt" in self.about:  # of a model without a chat template
            form = "text"
        words = ["--from", self.source(what), "--to", f"{form}:{self.out(edge, method)}", "--replace", "--seed", self.seed]
        if form not in ("ratio", "contrast", "judge"):
            words += ["--inputs", self.room / "train.jsonl", "--max-tokens", long]
        return told("convert", "--model", self.args.model, *words, *options)

    def measure(self, source, target):
        return told(
            "measure", "--model", self.args.model, "--source", source, "--target", target, "--task", self.about["reward"],
            "--inputs", self.room / "heldout.jsonl", "--max-tokens", self.about["max_tokens"], "--seed", self.seed,
        )  # fmt: skip

    def pairs(self, adaptation):
        """The share of held-out pairs whose right answer is above; every margin, to the last bit. Not every task has such pairs."""
        if not (self.room / "pairs.jsonl").exists():
            return {"accuracy": None}, []
        lines = run(
            "score", "--model", self.args.model, "--adaptation", adaptation, "--data", self.room / "pairs.jsonl", "--json", "-q"
        )
        rows = [json.loads(x) for x in lines.splitlines()]
        return rows[-1]["summary"], [x["margin"] for x in rows if "row" in x]


def mean(figure):
    return figure["mean"] if isinstance(figure, dict) else None


def figures(task, edge, method, what, how):
    out, source = str(task.out(edge, method)), task.source(what)
    got = {}
    if how == "gap":
        m = task.measure(source, out)
        got |= {"gap": mean(m["gap_closed"]), "tau": mean(m["rank_tau"]), "drift": mean(m["drift"]), "kl": mean(m["kl_base"])}
        got |= {"bytes": m["cost"]["artefact_bytes"]} | {k: mean(v) for k, v in m["task"].items()}
    elif how == "reward":
        m, other = task.measure(out, "base"), task.measure(source, out)
        got |= {"kl": mean(m["kl_base"]), "base": mean(m["task"]["base"]), "target": mean(m["task"]["source"])}
        got |= {"tau": mean(other["rank_tau"]), "drift": mean(other["drift"]), "bytes": other["cost"]["artefact_bytes"]}
    else:
        total, margins = task.pairs(out)
        got["pairs"] = mean(total["accuracy"])
        if what in (D, Z):
            m = task.measure(source, out)
            got |= {"tau": mean(m["rank_tau"]), "agree": mean(m["pair_accuracy"]), "bytes": m["cost"]["artefact_bytes"]}
        if method == "ratio" and got["pairs"] is not None:
            got["same bits"] = margins == task.pairs(source)[1]
    return got


def make(args, task, edge, method, what, form, options, how):
    path = args.out / "runs" / f"{task.out(edge, method).name}.json"
    options = task.options(method, options)
    if path.exists():
        row = json.loads(path.read_text())
        if row.get("options") == options:
            return row
    began = time.time()
    row = {"task": task.name, "edge": edge, "method": method, "seed": task.seed, "how": how, "options": options}
    try:
        cost = task.convert(edge, method, what, form, options)
        row |= {k: cost.get(k) for k in ("seconds", "tokens", "steps", "samples")}
        row |= figures(task, edge, method, what, how)
    except Failed as e:
        row["failed"] = str(e)
    print(f"{time.time() - began:6.1f} s  {path.stem}: " + said(row), file=sys.stderr, flush=True)
    if "failed" not in row:
        path.write_text(json.dumps(row, indent=1) + "\n")
    return row


def said(row):
    if "failed" in row:
        return "FAILED: " + row["failed"]
    keys = ("gap", "pairs", "agree", "base", "target", "source", "kl", "tau", "drift", "seconds")
    return ", ".join(f"{k} {row[k]:.3f}" for k in keys if row.get(k) is not None)


def spread(rows, key, digits=2):
    values = [r[key] for r in rows if r.get(key) is not None]
    if not values:
        return "-"
    text = f"{statistics.mean(values):.{digits}f}"
    half = (max(values) - min(values)) / 2
    return text if len(values) == 1 else f"{text} ± {half:.{digits}f}"


def result(rows):
    """The figure that an edge is about, by how it was measured."""
    how = rows[0]["how"]
    if how == "reward":
        return f"reward {spread(rows, 'base')} to {spread(rows, 'target')}"
    if how == "gap":
        return "gap closed " + spread(rows, "gap", 3)
    if rows[0].get("pairs") is None:
        return "drawn pairs as the source " + spread(rows, "agree", 3)
    text = "pairs right " + spread(rows, "pairs", 3)
    if "same bits" in rows[0]:
        return text + (", scores equal to the bit" if all(r["same bits"] for r in rows) else ", SCORES DIFFER")
    return text + (f", drawn ones as the source {spread(rows, 'agree', 3)}" if "agree" in rows[0] else "")


def grouped(rows):
    out = {}
    for r in rows:
        if "failed" not in r:
            out.setdefault((r["task"], r["edge"], r["method"]), []).append(r)
    return out


def table(rows):
    lines = [
        "| task | edge | method | result | tau | KL to the base | drift | seconds | tokens | bytes | seeds |",
        "|---|---|---|---|---|---|---|---|---|---|---|",
    ]
    for (task, edge, method), of in grouped(rows).items():
        tokens = statistics.mean(r["tokens"] or 0 for r in of)
        size = statistics.mean(r.get("bytes") or 0 for r in of)
        cells = [task, edge, f"`{method}`", result(of), spread(of, "tau"), spread(of, "kl"), spread(of, "drift"), spread(of, "seconds", 0)]
        cells += [f"{tokens / 1e3:,.0f}k", f"{size / 1e3:,.0f}k" if size >= 1e3 else f"{size:.0f}", str(len(of))]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def plot(rows):
    """Bars from 0 to 1: the gap closed, the pairs right, or the reward; a mark where the base stands."""
    width, left, bar, line = 800, 330, 360, 20
    out, y = [], 10
    for name in dict.fromkeys(r["task"] for r in rows):
        y += 22
        out.append(f'<text x="0" y="{y}" class="t">{escape(name)}</text>')
        for (task, edge, method), of in grouped(rows).items():
            if task != name:
                continue
            y += line
            key = {"gap": "gap", "reward": "target", "pairs": "pairs" if of[0].get("pairs") is not None else "agree"}[of[0]["how"]]
            values = [min(1, max(0, r[key])) for r in of if r.get(key) is not None]
            if not values:
                continue
            x = [left + bar * v for v in (statistics.mean(values), min(values), max(values))]
            out.append(f'<text x="{left - 8}" y="{y}" class="n">{escape(edge)}: {escape(method)}</text>')
            out.append(f'<rect x="{left}" y="{y - 10}" width="{x[0] - left:.1f}" height="12" class="{of[0]["how"]}"/>')
            out.append(f'<path d="M{x[1]:.1f} {y - 4}H{x[2]:.1f}" class="e"/>')
            if key == "target" and of[0].get("base") is not None:
                at = left + bar * min(1, max(0, statistics.mean(r["base"] for r in of)))
                out.append(f'<path d="M{at:.1f} {y - 12}v16" class="b"/>')
            out.append(f'<text x="{left + bar + 8}" y="{y}">{spread(of, key)}</text>')
        y += 8
    style = (
        "text{font:12px sans-serif;fill:#1b1e23}.n{text-anchor:end}.t{font-weight:bold}.gap{fill:#3b6ea8}.reward{fill:#4c9a6a}"
        ".pairs{fill:#b0803a}.e{stroke:#1b1e23;stroke-width:2}.b{stroke:#a03123;stroke-width:2}"
    )
    key = "blue: gap closed; green: the reward (red mark: the base's); brown: pairs ranked right; the dark line is the range over seeds"
    out.append(f'<text x="0" y="{y + 18}">{key}</text>')
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {y + 30}"><style>{style}</style>'
        f'<rect width="{width}" height="{y + 30}" fill="#fdfdfb"/>' + "\n".join(out) + "</svg>\n"
    )


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model")
    p.add_argument("given", type=pathlib.Path)
    p.add_argument("out", type=pathlib.Path)
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--tasks", default="manner,brief,label,reckon")
    p.add_argument("--only", default="")
    p.add_argument("--table", type=pathlib.Path)
    p.add_argument("--plot", type=pathlib.Path)
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args = p.parse_args(words[:end])
    args.options = words[end + 1 :]
    for sub in ("runs", "made"):
        (args.out / sub).mkdir(parents=True, exist_ok=True)
    rows = []
    for seed in range(args.seeds):
        for name in args.tasks.split(","):
            task = Task(args, name, seed)
            wanted = [r for r in RUNS if re.search(args.only, f"{name}/{r[0]}/{r[1]}")]
            wanted = [r for r in wanted if re.search(WANTED.get(name, ""), f"{r[0]}/{r[1]}")]
            # the parameters that other edges start from come first
            wanted.sort(key=lambda r: (r[0], r[1]) != task.params)
            rows += [make(args, task, *r) for r in wanted]
    order = {(r[0], r[1]): i for i, r in enumerate(RUNS)}
    names = args.tasks.split(",")
    rows.sort(key=lambda r: (names.index(r["task"]), order[(r["edge"], r["method"])], r["seed"]))
    if args.table:
        args.table.write_text(table(rows))
    else:
        print(table(rows))
    if args.plot:
        args.plot.write_text(plot(rows))


if __name__ == "__main__":
    main()
