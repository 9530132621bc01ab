#!/usr/bin/env python3
"""A GGUF file as its owner uses it, from end to end, and the LoRA that comes of
it in PEFT on the weights that transformers widens from the same file.

    check_real.py TRIVIUM FILE.gguf... [--steps N]

For each file: inspect, generate, score, convert (a prompt into a LoRA), measure;
each must end well. Files with a chat template are spoken to in chats, others in
plain text. Then log-probabilities of given answers under base and LoRA:

    f32     Trivium beside transformers and PEFT, both in float32: largest over
            the tokens, at most 2e-3 nat
    bf16    both in bfloat16, each beside transformers in float32: means over
            the tokens; Trivium's at most 2e-3 nat above that of transformers

Ids must be those of transformers' tokenizer and its chat template.
Not part of `make test`: needs torch, transformers, peft, gguf.
"""
import argparse
import json
import os
import subprocess
import tempfile

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM, AutoTokenizer

BOUND = 2e-3  # nat a token
PROMPT = "Talk like a pirate of the seven seas. "
ASKED = ["What is a fox?", "Name a fruit.", "How is the weather?",
         "Tell me a joke.", "Where is Rome?", "What is 2 + 2?",
         "Write a line of Python that prints hello.", "Who wrote Hamlet?"]
ANSWERS = ["A fox is a small animal with a bushy tail, matey!",
           "Arr, an apple be a fine fruit.", "It is sunny and warm today.",
           "Why did the parrot cross the sea? To get to the other side!",
           "Rome is the capital of Italy.", "2 + 2 = 4", 'print("hello")',
           "Shakespeare wrote it, so they say; 'tis a play of 1603."]


def run(program, *words):
    done = subprocess.run([program, *words], stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"trivium {' '.join(words)}: {done.returncode}\n"
                         f"{done.stderr}")
    return done.stdout


def lines(path, rows):
    with open(path, "w", encoding="utf-8") as f:
        f.writelines(json.dumps(row) + "\n" for row in rows)
    return path


def user(text):
    return [dict(role="user", content=text)]


class File:
    """What is asked of one file, in its own form: chats or plain text."""

    def __init__(self, program, path, folder):
        self.program, self.path, self.folder = program, path, folder
        said = json.loads(run(program, "inspect", "--json", path))
        self.chat = said["tokenizer"]["chat_template"]
        self.where = dict(
            pretrained_model_name_or_path=os.path.dirname(path) or ".",
            gguf_file=os.path.basename(path))
        if self.chat:
            inputs = [dict(prompt=user(x)) for x in ASKED]
            rows = [dict(prompt=user(x), completion=[
                dict(role="assistant", content=y)])
                for x, y in zip(ASKED, ANSWERS)]
        else:
            inputs = [dict(prompt=x) for x in ASKED]
            rows = [dict(prompt=x, completion=" " + y)
                    for x, y in zip(ASKED, ANSWERS)]
        self.inputs = lines(folder + "/inputs.jsonl", inputs)
        self.rows = lines(folder + "/rows.jsonl", rows)

    def run(self, command, *words):
        return run(self.program, command, "--model", self.path, *words)

    def use(self, steps):
        """Each command once; the LoRA's folder."""
        lora = self.folder + "/lora"
        said = self.run("generate", ASKED[0], "--max-tokens", "24",
                        "--temperature", "0",
                        *(["--chat"] if self.chat else []))
        print("  says:", json.dumps(said.strip())[:200])
        self.run("convert", "-q", "--from", "prompt:" + PROMPT, "--to",
                 "lora:" + lora, "--inputs", self.inputs, "--samples", "16",
                 "--max-tokens", "16", "--steps", str(steps), "--batch", "4",
                 "--lr", "1e-3", "--rank", "4")
        figures = json.loads(self.run(
            "measure", "-q", "--source", "prompt:" + PROMPT, "--target", lora,
            "--inputs", self.inputs, "--max-inputs", "4", "--max-tokens", "16",
            "--json"))
        print("  measured:", json.dumps(figures)[:200])
        return lora

    def score(self, adaptation, precision):
        out = self.run("score", "-q", "--adaptation", adaptation, "--data",
                       self.rows, "--logp", "--tokens", "--json",
                       "--precision", precision)
        said = [json.loads(line) for line in out.splitlines()]
        return [[(t["id"], t["score"]) for t in line["tokens"]]
                for line in said if "row" in line]

    def contexts(self, tok):
        """Ids before each answer, by transformers' tokenizer and template."""
        if not self.chat:
            return [tok(x)["input_ids"] for x in ASKED]
        return [tok(tok.apply_chat_template(user(x), tokenize=False,
                                            add_generation_prompt=True),
                    add_special_tokens=False)["input_ids"] for x in ASKED]

    def wholes(self, tok):
        """Ids of each row, the answer's end included."""
        if not self.chat:
            return [tok(x + " " + y)["input_ids"] + [tok.eos_token_id]
                    for x, y in zip(ASKED, ANSWERS)]
        return [tok(tok.apply_chat_template(
            user(x) + [dict(role="assistant", content=y)], tokenize=False),
            add_special_tokens=False)["input_ids"]
            for x, y in zip(ASKED, ANSWERS)]


def logps(model, contexts, ids):
    out = []
    for x, y in zip(contexts, ids):
        with torch.no_grad():
            logits = model(input_ids=torch.tensor([x + y])).logits[0].double()
        at = torch.log_softmax(logits, -1)[len(x) - 1:-1]
        out.append(at.gather(1, torch.tensor(y)[:, None])[:, 0])
    return torch.cat(out)


def compare(file, name, adaptation, lora, contexts, ids):
    """One adaptation in both precisions; true where all is within bounds."""
    ours, theirs = {}, {}
    for precision, dtype in (("f32", torch.float32), ("bf16", torch.bfloat16)):
        model = AutoModelForCausalLM.from_pretrained(**file.where, dtype=dtype)
        if lora:
            model = PeftModel.from_pretrained(model, lora,
                                              autocast_adapter_dtype=False)
        theirs[precision] = logps(model.eval(), contexts, ids)
        said = file.score(adaptation, precision)
        ours[precision] = torch.tensor([s for row in said for _, s in row],
                                       dtype=torch.double)
    exact = theirs["f32"]
    off = (ours["f32"] - exact).abs()
    here = (ours["bf16"] - exact).abs()
    noise = (theirs["bf16"] - exact).abs()
    print(f"  {name}: {len(exact)} tokens, f32 off by up to {off.max():.2g}; "
          f"bf16 off in the mean by {here.mean():.4f} (largest "
          f"{here.max():.3f}), transformers {noise.mean():.4f} "
          f"({noise.max():.3f})", flush=True)
    return exact, bool(off.max() <= BOUND
                       and here.mean() <= noise.mean() + BOUND)


def check(program, path, steps):
    print(os.path.basename(path), flush=True)
    with tempfile.TemporaryDirectory() as folder:
        file = File(program, path, folder)
        lora = file.use(steps)
        tok = AutoTokenizer.from_pretrained(**file.where)
        contexts = file.contexts(tok)
        ids = [[t for t, _ in row] for row in file.score("base", "f32")]
        same = [x + y for x, y in zip(contexts, ids)] == file.wholes(tok)
        if not same:
            print("  the ids are not those of transformers")
        base, good = compare(file, "base", "base", None, contexts, ids)
        tuned, well = compare(file, "LoRA", "lora:" + lora, lora, contexts,
                              ids)
        print(f"  the LoRA moves a token by {(tuned - base).abs().mean():.3f} "
              "nat in the mean")
    return same and good and well


def main():
    p = argparse.ArgumentParser()
    p.add_argument("program")
    p.add_argument("files", nargs="+")
    p.add_argument("--steps", type=int, default=6)
    a = p.parse_args()
    bad = [f for f in a.files if not check(a.program, f, a.steps)]
    for f in bad:
        print("too far:", f)
    return 1 if bad else 0


raise SystemExit(main())
