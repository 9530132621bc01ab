"""Reports of triangles that nobody ran, for the tests of their page.

    triangle_reports.py DIR    writes DIR/NAME.json

full: three tasks and seeds, every arrow; nodes that failed, were cut, wait;
figures that are null. one: one task and seed. hostile: text that would be a
part of the page, or widen it. empty: a plan of nothing.
"""
import json
import math
import random
import sys

FORMS = ["params", "prompt", "reward"]
KIND = {"params": "lora", "prompt": "prefix", "reward": "ratio"}
EDGES = {  # what an edge keeps, its seconds, and by which methods
    ("prompt", "params"): [("distill", "lora", 0.94, 580), ("solve", "lora", 0.71, 110)],
    ("params", "prompt"): [("prefix", "prefix", 0.88, 340), ("soft", "soft", 0.63, 420),
                           ("text", "messages", 0.31, 900)],
    ("params", "reward"): [("ratio", "ratio", 0.995, 0.4), ("head", "head", 0.87, 75)],
    ("prompt", "reward"): [("contrast", "contrast", 0.93, 0.3), ("judge", "judge", 0.61, 0.2)],
    ("reward", "params"): [("grpo", "lora", 0.52, 1300), ("dpo", "lora", 0.36, 700)],
    ("reward", "prompt"): [("evolve", "messages", 0.08, 1500)],
}
TASKS = [("manner", "Every sentence of an answer ends in an exclamation mark."),
         ("sentiment", "Is a sentence of a film review positive or negative?"),
         ("reckon", "A sum of two numbers below 100, and the answer alone.")]
PATHS = [["prompt", "params", "prompt"], ["params", "prompt", "params"],
         ["reward", "params", "reward"], ["params", "reward", "params"],
         ["prompt", "params", "reward"], ["prompt", "reward", "params"],
         ["params", "prompt", "reward"], ["prompt", "params", "reward", "params"],
         ["params", "prompt", "params", "prompt"],
         ["prompt", "params", "prompt", "params"],
         ["prompt", "params", "prompt", "params", "prompt"]]
NONE = {"mean": None, "stderr": None, "n": 0, "low": None, "high": None}


def figure(mean, stderr, n=96):
    return {"mean": mean, "stderr": stderr, "n": n, "low": mean - 1.96 * stderr,
            "high": mean + 1.96 * stderr}


def name_of(a, b, kept):
    if b == "reward":
        return "pairs ordered alike", 0.5 + kept / 2
    return ("reward gained" if a == "reward" else "gap closed"), kept


def curve(r, name, first, last):
    steps = list(range(1, 121))
    return {"name": name, "unit": "nats per token" if name == "loss" else "reward",
            "steps": steps, "values": [
                last + (first - last) * math.exp(-s / 25) + r.gauss(0, abs(first - last) / 20)
                for s in steps]}


def example(said):
    source, target = said + " Isn't it fine!", said + " It is!"
    at = len(said.encode()) + 1
    return {"input": "What do you know of foxes?", "base": said + " It is fine.",
            "source": source, "target": target,
            "marks": [[at, at + 2, -3.2], [at + 3, at + 6, 1.4]]}


def node(r, task, seed, path, steps, kept, seconds, chosen, parent, role):
    here = "%s/%d/" % (task, seed)
    id_ = here + path[0] + "".join("+%s-%s" % s for s in steps)
    kept = max(-0.4, kept + r.gauss(0, 0.02))
    name, shown = name_of(path[0], path[-1], kept)
    base, gain = 0.12, 0.8 * max(kept, 0)
    out = {
        "id": id_, "task": task, "seed": seed, "role": role, "parent": parent,
        "root": here + path[0], "path": path, "length": len(path) - 1,
        "form": path[-1], "kind": steps[-1][1] if steps else KIND[path[0]],
        "method": steps[-1][0] if steps else None, "chosen": chosen,
        "status": "done", "sentence": None, "folder": id_,
        "command": "trivium convert --model models/nano --from %s --to lora:out/%s"
                   % (parent or path[0], id_),
        "cost": {"seconds": seconds * r.uniform(0.9, 1.1), "processor_seconds": 1.9 * seconds,
                 "tokens_read": 90 * seconds, "tokens_drawn": 40 * seconds,
                 "flop": 3e9 * seconds, "peak_bytes": 3e8, "artefact_bytes": 7e5,
                 "added_seconds_per_token": 0.0004 if path[-1] == "prompt" else 0.00001,
                 "added_bytes_per_token": 0, "whole_seconds": seconds * (len(path) - 1),
                 "measure_seconds": 12},
        "fidelity": {"name": name, "of_root": figure(shown, 0.015),
                     "of_parent": figure(shown, 0.012)},
        "kl_base": figure(0.4 + (2.2 * kept if path[0] == "reward" else 0.05), 0.03),
        "kl_forward": figure(0.4 * (1 - kept), 0.01), "rank_tau": figure(0.8 * kept, 0.04),
        "top1_agreement": figure(0.7 + 0.3 * max(kept, 0), 0.01),
        "drift": figure(0.05 + 0.1 * (1 - kept), 0.01), "drift_source": figure(0.04, 0.01),
        "reward": {"base": figure(base, 0.02), "source": figure(0.92, 0.02),
                   "target": figure(base + gain, 0.03)},
        "second_reward": {"base": figure(0.5, 0.02), "source": figure(0.5, 0.02),
                          "target": figure(0.5 - 0.3 * (path[0] == "reward"), 0.02)},
        "metric": {"heldout": {"base": figure(base, 0.02), "source": figure(0.9, 0.02),
                               "target": figure(base + gain, 0.03)},
                   "unseen": {"base": figure(base, 0.02), "source": figure(0.88, 0.02),
                              "target": figure(base + 0.9 * gain, 0.03)}},
        "pairs": {"base": figure(0.55, 0.03), "source": NONE,
                  "target": figure(0.55 + 0.4 * max(kept, 0), 0.03)},
        "answer_tokens": {"base": figure(22.0, 1), "source": figure(21.0, 1),
                          "target": figure(21.0, 1)},
        "trouble": [], "curves": [], "examples": []}
    if path[0] == "reward" and path[-1] == "params" and role == "edge":
        out["trouble"] = ["the reward rose from 0.12 to %.2f and the second reward fell from "
                          "0.50 to 0.20: the reward is likely hacked" % (base + gain)]
        out["answer_tokens"]["target"] = figure(5.6, 0.3)
        out["curves"] = [curve(r, "loss", 1.2, 0.4), curve(r, "reward", 0.1, base + gain)]
    elif role == "edge" and steps[-1][0] in ("distill", "prefix", "head"):
        out["curves"] = [curve(r, "loss", 0.5, 0.02)]
    if role == "edge":
        out["examples"] = [example("A fox is small and quick, and likes the wood."),
                           example("Foxes live in dens.")]
    return out


def unmade(n, status, why):
    for key in ("fidelity", "kl_base", "kl_forward", "rank_tau", "top1_agreement", "drift",
                "drift_source", "reward", "second_reward", "metric", "pairs",
                "answer_tokens", "cost", "folder"):
        n[key] = None
    n.update(status=status, sentence=why, trouble=[], curves=[], examples=[])


def nodes_of(r, task, seed):
    out = []
    for form in FORMS:
        out.append(node(r, task, seed, [form], [], 1.0, 200, True, None, "source"))
    for (a, b), methods in EDGES.items():
        for i, (method, kind, kept, seconds) in enumerate(methods):
            out.append(node(r, task, seed, [a, b], [(method, kind)], kept, seconds, i == 0,
                            "%s/%d/%s" % (task, seed, a), "edge"))
    for path in PATHS:
        steps, kept, seconds = [], 1.0, 0
        for a, b in zip(path, path[1:]):
            method, kind, k, s = EDGES[a, b][0]
            steps, kept, seconds = steps + [(method, kind)], kept * k, seconds + s
        parent = "%s/%d/%s%s" % (task, seed, path[0],
                                 "".join("+%s-%s" % s for s in steps[:-1]))
        out.append(node(r, task, seed, path, steps, kept, seconds, True, parent,
                        "round trip" if path[0] == path[-1] else "chain"))
    return out


def report(tasks, seeds):
    r = random.Random(7)
    nodes = [n for t, _ in tasks for s in range(seeds) for n in nodes_of(r, t, s)]
    return {
        "format": 1, "version": "0.1.0",
        "command": "trivium triangle --model models/nano --seeds %d " % seeds +
                   " ".join("--task tasks/" + t for t, _ in tasks) + " --budget 1h",
        "model": {"name": "nano", "path": "models/nano", "family": "llama",
                  "parameters": 12294080, "layers": 9, "width": 320, "context": 1024},
        "budget": {"seconds": 3600, "planned_seconds": 3900, "used_seconds": 3412,
                   "cut": ["`grpo` takes 20 steps of 60", "chains of length 4 run on seed 0"]},
        "seeds": list(range(seeds)),
        "tasks": [{"name": t, "says": says, "layout": "chat", "max_tokens": 48,
                   "reward": "verifier:regex,by=sentence,pattern=[!]$",
                   "second_reward": "verifier:length,lo=8,hi=40", "principle": says,
                   "metric": {"kind": "reward", "spec": "verifier:regex"},
                   "rows": {"train": 960, "heldout": 96, "unseen": 48, "pairs": 96},
                   "sources": {"prompt": {"kind": "messages", "spec": "messages:p.json",
                                          "words": "Speak loudly!"},
                               "params": {"kind": "lora", "spec": "lora:x",
                                          "how": "distill of the prompt"},
                               "reward": {"kind": "verifier", "spec": "verifier:regex"}}}
                  for t, says in tasks],
        "nodes": nodes, "floors": []}


def full():
    out = report(TASKS, 3)
    for n in out["nodes"]:
        if n["task"] == "reckon" and n["path"][:2] == ["reward", "prompt"] and n["length"] == 1:
            unmade(n, "failed", "the reward is 0 of each of 2140 answers: it cannot tell them "
                                "apart")
        elif n["task"] == "sentiment" and n["length"] == 4 and n["seed"] > 0:
            unmade(n, "cut", "no time is left for it under 1h")
        elif n["method"] == "text" and n["seed"] == 2:
            unmade(n, "waiting", None)
    return out


def hostile():
    out = report(TASKS[:2], 2)
    evil = "</script></title></style><script>alert(1)</script> <img src=http://x/y.png> " \
           "\u202eabc\u2066 \x1b[31m <b>&amp; " + "0" * 200
    out["command"], out["model"]["name"] = evil, evil
    out["budget"]["cut"] = [evil]
    out["tasks"][1].update(name=evil, says=evil)
    for i, n in enumerate(out["nodes"]):
        if n["task"] != "manner":
            n["task"] = evil
        n["trouble"] = [evil] if i % 7 == 0 else []
        for e in n["examples"]:
            e.update(input=evil, target=evil, marks=[[0, 5, 1.0], [3, 900000, -2.0], [-4, 2, 0.5],
                                                     [6, 9, None], "no mark"])
        for c in n["curves"]:
            c["name"] = evil
        if i % 5 == 1:
            unmade(n, "failed", evil)
        if i % 11 == 2:
            n["kind"] = n["method"] = evil
    return out


def main():
    empty = report(TASKS[:1], 1)
    empty.update(nodes=[])
    for name, what in [("full", full()), ("one", report(TASKS[:1], 1)), ("hostile", hostile()),
                       ("empty", empty)]:
        with open("%s/%s.json" % (sys.argv[1], name), "w") as f:
            json.dump(what, f)


main()
