#!/usr/bin/env python3
"""What trivium-nano can do, measured through the program on the held-out tasks that generate.py wrote.

    evaluate.py MODEL DATA [--limit N] [--only behave,demos,...] [--out FILE]

Every share is printed with its count and its standard error. The program is TRIVIUM (default: build/trivium).

    behave   obeyed with the system message, shown without it, for each behaviour; greedy. Names, things and values are new, wordings are
             training's, combined anew; with `wordings` they are new, too
    kl       KL(prompted, base) in nats per token, by `trivium measure`, for some of the system messages
    demos    right with 4 to 16 demonstrations, right without any: of the labels, the one with the highest log-probability; and the label
             written out to the letter, greedily
    stories  required words that occur, words of the mood, length; sampled at temperature 0.8; with --bits also bits per byte of
             the held-out stories (this part alone goes through transformers)
    reckon   right answers after ####, sampled at temperature 1: numbers as long as in training, and longer ones
    copying  words out of the context given back exactly: echoes, the nth word, a key's value; greedy
    judge    how often a right answer's log-odds of Yes stand above a wrong one's, by `trivium score`: log p("Yes.") - log p("No."), the end
             of the turn included
"""

import argparse
import concurrent.futures
import json
import math
import os
import pathlib
import re
import subprocess
import sys
import tempfile

from worlds import behave, stories

PROGRAM = os.environ.get("TRIVIUM", str(pathlib.Path(__file__).resolve().parents[2] / "build" / "trivium"))


class Model:
    def __init__(self, args):
        self.path, self.threads = str(args.model), str(args.threads)

    def run(self, command, *words, lines=False):
        done = subprocess.run(
            [PROGRAM, command, "--model", self.path, "--quiet", "--json", "--threads", self.threads, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        if done.returncode:
            sys.exit(f"trivium {command}: {done.stderr.decode().strip()}")
        return [json.loads(x) for x in done.stdout.splitlines()] if lines else json.loads(done.stdout)

    def answers(self, prompt, system="", tokens=160, temperature=0.0, samples=1, seed=0, stop=()):
        """Completions of a text, or of a conversation of one user's turn under a system message."""
        chat = isinstance(prompt, list)
        words = ["--max-tokens", tokens, "--temperature", temperature, "--samples", samples, "--seed", seed]
        if chat:
            assert len(prompt) == 1 and prompt[0]["role"] == "user"
            words.append("--chat")
            prompt = prompt[0]["content"]
        if system:
            words += ["--adaptation", "prompt:" + system]
        for s in stop:
            words += ["--stop", s]
        with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as f:  # a prompt may begin with @ or -
            f.write(prompt + "\n")
            f.flush()
            return self.run("generate", *words, "--prompt", "@" + f.name)["completions"]


def share(hits):
    n = len(hits)
    if not n:
        return {"n": 0, "share": None, "stderr": None}
    p = sum(hits) / n
    return {"n": n, "share": p, "stderr": math.sqrt(p * (1 - p) / n)}


def shown(s):
    return "-" if not s["n"] else f"{100 * s['share']:5.1f} % ± {100 * s['stderr']:.1f} ({s['n']})"


def each(pool, function, rows):
    for i, got in enumerate(pool.map(function, rows)):
        if sys.stderr.isatty():
            print(f"\r{i + 1} of {len(rows)} ", end="", file=sys.stderr)
        yield got
    if sys.stderr.isatty():
        print("\r" + " " * 30 + "\r", end="", file=sys.stderr)


def eval_behave(model, rows, pool, args, name="behave"):
    def one(row):
        ask = row["prompt"][0]["content"]
        hit = [
            behave.obeys(row["behaviour"], row["value"], model.answers(row["prompt"], system=system)[0]["text"], ask)
            for system in (row["system"], "")
        ]
        return row["behaviour"], hit

    got = list(each(pool, one, rows))
    out = {"prompted": share([h[0] for _, h in got]), "base": share([h[1] for _, h in got]), "by": {}}
    print(f"{name:28} obeyed with it {shown(out['prompted'])}, shown without it {shown(out['base'])}")
    for kind in behave.KINDS:
        with_it, without = share([h[0] for k, h in got if k == kind]), share([h[1] for k, h in got if k == kind])
        if with_it["n"]:
            out["by"][kind] = {"prompted": with_it, "base": without}
            good = with_it["share"] >= 0.9 and without["share"] <= 0.05
            print(
                f"  {kind:26} obeyed with it {shown(with_it)}, shown without it {shown(without)}{'' if good else '  <- missed'}"
            )
    return out


def eval_wordings(model, rows, pool, args):
    return eval_behave(model, rows, pool, args, "wordings")


def eval_kl(model, rows, pool, args):
    """The same held-out questions for all; a system message of each behaviour in turn."""
    values = []
    with tempfile.TemporaryDirectory() as room:
        inputs = pathlib.Path(room) / "inputs.jsonl"
        inputs.write_text("".join(json.dumps({"prompt": r["prompt"]}) + "\n" for r in rows[:24]), encoding="utf-8")
        for row in rows[: args.kl]:
            got = model.run(
                "measure", "--source", "prompt:" + row["system"], "--target", "base", "--inputs", inputs, "--candidates", 2
            )
            values.append((row["behaviour"], got["kl_base"]["mean"]))
    mean = sum(v for _, v in values) / len(values)
    error = math.sqrt(sum((v - mean) ** 2 for _, v in values) / max(1, len(values) - 1) / len(values))
    print(
        f"{'kl':28} KL(prompted, base) {mean:.3f} ± {error:.3f} nats per token ({len(values)} system messages): "
        + ", ".join(f"{k} {v:.2f}" for k, v in values)
    )
    return {"n": len(values), "mean": mean, "stderr": error, "by": values}


def likeliest(model, rows, key):
    """Of each row's labels the one with the highest log-probability behind row[key]."""
    asked = [{"prompt": row[key], "completion": " " + label} for row in rows for label in row["labels"]]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        f.write("".join(json.dumps(x) + "\n" for x in asked))
        f.flush()
        scored = model.run("score", "--adaptation", "base", "--data", f.name, "--tokens", lines=True)
    scores = iter([sum(t["score"] for t in x["tokens"] if t["text"] != "<|end|>") for x in scored if "row" in x])
    chosen = [max((next(scores), label) for label in row["labels"])[1] for row in rows]
    assert next(scores, None) is None
    return chosen


def eval_demos(model, rows, pool, args):
    def spelled(row):
        return model.answers(row["prompt"], tokens=12, stop=["\n"])[0]["text"].strip() == row["label"]

    chosen = [likeliest(model, rows, key) for key in ("prompt", "plain")]
    got = [(r, [a == r["label"], b == r["label"]]) for r, a, b in zip(rows, *chosen)]
    chance = sum(1 / len(r["labels"]) for r in rows) / len(rows)
    out = {"with": share([h[0] for _, h in got]), "without": share([h[1] for _, h in got]), "chance": chance, "by": {}}
    out["spelled"] = share(list(each(pool, spelled, rows)))
    print(f"{'demos':28} with {shown(out['with'])}, without {shown(out['without'])}, chance {100 * chance:.1f} %")
    print(f"  {'':26} written out to the letter, greedily {shown(out['spelled'])}")
    for key in ("kind", "rule", "shots"):
        for name in sorted({str(r[key]) for r, _ in got}):
            s = share([h[0] for r, h in got if str(r[key]) == name])
            out["by"][f"{key} {name}"] = s
            print(f"  {key + ' ' + name:26} with {shown(s)}")
    return out


def eval_stories(model, rows, pool, args):
    def has(text, word):
        return re.search(rf"\b{re.escape(word.lower())}\b", text.lower()) is not None

    def one(row):
        i, row = row
        return row, model.answers(row["prompt"], tokens=400, temperature=0.8, seed=i)[0]

    got = list(each(pool, one, list(enumerate(rows))))
    words = share([has(a["text"], w) for r, a in got for w in r["need"]])
    mood = {m: v["words"].split() for m, v in stories.MOODS.items()}
    coloured = share([any(has(a["text"], w) for w in mood[r["mood"]]) for r, a in got])
    reference = share([any(has(r["reference"], w) for w in mood[r["mood"]]) for r, _ in got])
    ended = share([a["finish"] == "stop" for _, a in got])
    length = sum(len(a["text"].split()) for _, a in got) / len(got)
    out = {"words": words, "mood": coloured, "mood_in_references": reference, "ended": ended, "mean_words": length}
    print(
        f"{'stories':28} required words there {shown(words)}; a word of the mood {shown(coloured)} (in the references {100 * reference['share']:.1f} %)"
    )
    print(f"  {'':26} ended by itself {shown(ended)}, {length:.0f} words on average")
    if args.bits:
        out["bits_per_byte"] = bits(args.model, rows)
        print(
            f"  {'':26} {out['bits_per_byte']['mean']:.4f} ± {out['bits_per_byte']['stderr']:.4f} bits per byte of the held-out stories, given the request"
        )
    for r, a in got[: args.show]:
        print(f"\n{r['prompt'][0]['content']}\n{a['text']}")
    return out


def bits(path, rows):
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    torch.set_num_threads(1)
    tok, net = AutoTokenizer.from_pretrained(path), AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32)
    values = []
    for r in rows:
        context = tok(tok.apply_chat_template(r["prompt"], tokenize=False, add_generation_prompt=True), add_special_tokens=False)[
            "input_ids"
        ]
        ids = torch.tensor([context + tok(r["reference"], add_special_tokens=False)["input_ids"] + [tok.eos_token_id]])
        with torch.no_grad():
            logp = net(ids).logits.log_softmax(-1)[0, :-1].gather(1, ids[0, 1:, None])[len(context) - 1 :, 0]
        values.append(-float(logp.sum()) / math.log(2) / len(r["reference"].encode()))
    mean = sum(values) / len(values)
    return {
        "n": len(values),
        "mean": mean,
        "stderr": math.sqrt(sum((v - mean) ** 2 for v in values) / max(1, len(values) - 1) / len(values)),
    }


def eval_reckon(model, rows, pool, args):
    def one(row):
        i, row = row
        hits = []
        for a in model.answers(row["prompt"], tokens=96, temperature=1.0, samples=args.samples, seed=i):
            said = re.search(r"####\s*(-?\d+)", a["text"])
            hits.append(bool(said) and int(said.group(1)) == row["answer"])
        return "longer" if row["long"] else "as trained", row["kind"], sum(hits) / len(hits)

    got = list(each(pool, one, list(enumerate(rows))))

    def mean(values):  # problems are independent, samples of one are not
        m = sum(values) / len(values)
        return {
            "n": len(values),
            "share": m,
            "stderr": math.sqrt(sum((v - m) ** 2 for v in values) / max(1, len(values) - 1) / len(values)),
        }

    out = {"samples": args.samples}
    for size in sorted({s for s, _, _ in got}):
        these = [(k, h) for s, k, h in got if s == size]
        out[size] = {
            "all": mean([h for _, h in these]),
            "by": {k: mean([h for kk, h in these if kk == k]) for k in sorted({k for k, _ in these})},
        }
        print(f"{'reckon, ' + size:28} right at temperature 1 {shown(out[size]['all'])}, {args.samples} samples each")
        for k, s in out[size]["by"].items():
            print(f"  {k:26} {shown(s)}")
    return out


def eval_copying(model, rows, pool, args):
    def one(row):
        return model.answers(row["prompt"], tokens=96)[0]["text"].strip() == row["reference"]

    out = share(list(each(pool, one, rows)))
    print(f"{'copying':28} exact {shown(out)}")
    return out


def eval_judge(model, rows, pool, args):
    def pair(row):
        """Both verdicts as answers, so that a pair's margin is the log-odds of Yes."""
        verdicts = ([{"role": "assistant", "content": v}] for v in ("Yes.", "No."))
        return json.dumps({"prompt": row["prompt"]} | dict(zip(("chosen", "rejected"), verdicts))) + "\n"

    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as f:
        f.write("".join(map(pair, rows)))
        f.flush()
        scored = model.run("score", "--adaptation", "base", "--data", f.name, lines=True)
    odds = [x["margin"] for x in scored if "row" in x]
    assert len(odds) == len(rows)
    got = [(row, o, "Yes" if o > 0 else "No") for row, o in zip(rows, odds)]

    def rank(items):
        right, wrong = ([o for r, o, _ in items if r["answer"] == x] for x in ("Yes", "No"))
        if not right or not wrong:
            return None
        # each right answer against all wrong ones; a tie is half
        parts = [sum((a > b) + 0.5 * (a == b) for b in wrong) / len(wrong) for a in right]
        other = [sum((a > b) + 0.5 * (a == b) for a in right) / len(right) for b in wrong]
        m = sum(parts) / len(parts)
        var = [sum((x - m) ** 2 for x in v) / max(1, len(v) - 1) / len(v) for v in (parts, other)]  # DeLong et al. 1988
        return {"n": len(items), "share": m, "stderr": math.sqrt(sum(var))}

    out = {"ranked": rank(got), "correct": share([w == r["answer"] for r, _, w in got]), "by": {}}
    ranked = out["ranked"] or {"n": 0}
    print(f"{'judge':28} ranked right above wrong {shown(ranked)}; Yes or No correct {shown(out['correct'])}")
    for kind in sorted({r["principle"] for r, _, _ in got}):
        s = rank([g for g in got if g[0]["principle"] == kind])
        if s:
            out["by"][kind] = s
            print(f"  {kind:26} {shown(s)}")
    return out


PARTS = {
    "behave": eval_behave,
    "wordings": eval_wordings,
    "kl": eval_kl,
    "demos": eval_demos,
    "stories": eval_stories,
    "reckon": eval_reckon,
    "judge": eval_judge,
    "copying": eval_copying,
}


def main():
    p = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    p.add_argument("model", type=pathlib.Path)
    p.add_argument("data", type=pathlib.Path, help="the folder that generate.py wrote")
    p.add_argument("--limit", type=int, help="at most so many rows of each task")
    p.add_argument("--only", default=",".join(PARTS))
    p.add_argument("--samples", type=int, default=4, help="answers to each sum (4)")
    p.add_argument("--kl", type=int, default=len(behave.KINDS), help="system messages to take the divergence of")
    p.add_argument("--show", type=int, default=3, help="stories to print")
    p.add_argument("--bits", action="store_true", help="bits per byte, with torch and transformers")
    p.add_argument("--threads", type=int, default=1, help="of each run of the program (1)")
    p.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="runs at once")
    p.add_argument("--out", type=pathlib.Path, help="write all figures as JSON")
    args = p.parse_args()
    model, out = Model(args), {}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        for name in args.only.split(","):
            path = args.data / "heldout" / f"{'behave' if name == 'kl' else name}.jsonl"
            rows = [json.loads(x) for x in path.open(encoding="utf-8")][: args.limit]
            out[name] = PARTS[name](model, rows, pool, args)
            sys.stdout.flush()
    if args.out:
        args.out.write_text(json.dumps(out, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
