"""bench_torch.py -- the work of bench_engine.c by PyTorch, transformers, PEFT.

    bench_torch.py train|score|sample DIR --precision bf16|f32 --threads N

The same files, the same tokens a step, one process a task, one line of JSON.
It is written as someone who wants speed would write it: scaled-dot-product
attention, inference mode, a key-value cache, tensors kept over the steps.
Checked with torch 2.13, transformers 5.24, peft 0.21.
"""
import argparse
import json
import os
import resource
import statistics
import time
import warnings

os.environ.setdefault("HF_HUB_OFFLINE", "1")
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
warnings.filterwarnings("ignore")

import torch
import torch.nn.functional as F
from transformers import AutoModelForCausalLM

T, SCORE_ROWS, SAMPLE_ROWS, PROMPT, NEW, RANK, STEPS = 512, 4, 32, 32, 64, 16, 12


def status_mib(field):
    with open("/proc/self/status") as f:
        for line in f:
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    return 0.0


def cpu_seconds():
    u = resource.getrusage(resource.RUSAGE_SELF)
    return u.ru_utime + u.ru_stime


def train(model, vocab, gen, adapter):
    from peft import LoraConfig, get_peft_model

    config = LoraConfig(r=RANK, lora_alpha=2 * RANK, lora_dropout=0.0,
                        target_modules="all-linear", task_type="CAUSAL_LM")
    model = get_peft_model(model, config,
                           autocast_adapter_dtype=adapter == "f32")
    model.train()
    model.config.use_cache = False
    learned = [p for p in model.parameters() if p.requires_grad]
    adam = torch.optim.AdamW(learned, lr=1e-4, weight_decay=0.01)
    ids = torch.randint(1, vocab, (1, T), generator=gen)

    def step():
        adam.zero_grad(set_to_none=True)
        loss = model(input_ids=ids, labels=ids).loss
        loss.backward()
        adam.step()
        return loss.item()

    return step, T


def score(model, vocab, gen, rows_at_once):
    model.eval()
    ids = torch.randint(1, vocab, (SCORE_ROWS, T), generator=gen)

    def step():
        loss = 0.0
        with torch.inference_mode():
            for part in ids.split(rows_at_once):
                logits = model(input_ids=part, use_cache=False).logits[:, :-1]
                nll = F.cross_entropy(logits.flatten(0, 1).float(),
                                      part[:, 1:].flatten(), reduction="none")
                loss += nll.sum().item() / (SCORE_ROWS * (T - 1))
        return loss

    return step, SCORE_ROWS * T


def sample(model, vocab, gen):
    model.eval()
    ids = torch.randint(1, vocab, (SAMPLE_ROWS, PROMPT), generator=gen)
    mask = torch.ones_like(ids)
    model.generation_config.eos_token_id = None
    model.generation_config.pad_token_id = 0

    def step():
        with torch.inference_mode():
            out = model.generate(input_ids=ids, attention_mask=mask,
                                 max_new_tokens=NEW, do_sample=True,
                                 temperature=1.0, top_k=0, top_p=1.0,
                                 use_cache=True)
        assert out.shape[1] == PROMPT + NEW
        return 0.0

    return step, SAMPLE_ROWS * NEW


def main():
    p = argparse.ArgumentParser()
    p.add_argument("task", choices=["train", "score", "sample"])
    p.add_argument("dir")
    p.add_argument("--precision", choices=["f32", "bf16"], default="f32")
    p.add_argument("--threads", type=int, default=0)
    p.add_argument("--seconds", type=float, default=8)
    # The type of the LoRA pairs beside bf16 weights: PEFT's default is f32.
    p.add_argument("--adapter", choices=["f32", "bf16"], default=None)
    p.add_argument("--rows-at-once", type=int, default=1)
    a = p.parse_args()

    if a.threads:
        torch.set_num_threads(a.threads)
    torch.manual_seed(0)
    gen = torch.Generator().manual_seed(11)
    imported = status_mib("VmHWM:")
    model = AutoModelForCausalLM.from_pretrained(
        a.dir, dtype=torch.float32 if a.precision == "f32" else torch.bfloat16,
        attn_implementation="sdpa")
    vocab = model.config.vocab_size
    if a.task == "train":
        step, tokens = train(model, vocab, gen, a.adapter or "f32")
    elif a.task == "score":
        step, tokens = score(model, vocab, gen, a.rows_at_once)
    else:
        step, tokens = sample(model, vocab, gen)

    step()
    step()
    times, cpu, began = [], cpu_seconds(), time.perf_counter()
    loss = 0.0
    while len(times) < STEPS and (len(times) < 3 or
                                  time.perf_counter() - began < a.seconds):
        start = time.perf_counter()
        loss = step()
        times.append(time.perf_counter() - start)
    cpu = (cpu_seconds() - cpu) / len(times)
    times.sort()
    n, median = len(times), statistics.median(times)
    print(json.dumps({
        "side": "torch", "task": a.task, "precision": a.precision + ("*" if a.adapter == "bf16" else ""),
        "torch": torch.__version__, "threads": torch.get_num_threads(),
        "tokens_per_s": round(tokens / median, 1),
        "spread": round((times[3 * n // 4] - times[n // 4]) / median, 3),
        "cpu_us_per_token": round(1e6 * cpu / tokens, 1),
        "peak_mib": round(status_mib("VmHWM:"), 1),
        "imported_mib": round(imported, 1), "steps": n,
        "loss": round(loss, 5)}))


if __name__ == "__main__":
    main()
