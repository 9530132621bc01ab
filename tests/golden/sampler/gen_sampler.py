"""Probabilities after transformers' logits processors, for test_sampler.c.

Made with transformers 5.x and torch 2.13.0:  python gen_sampler.py > sampler.json
"""
import json

import torch
from transformers import (
    LogitsProcessorList,
    MinPLogitsWarper,
    RepetitionPenaltyLogitsProcessor,
    TemperatureLogitsWarper,
    TopKLogitsWarper,
    TopPLogitsWarper,
)

torch.manual_seed(5)
V = 12
cases = []
settings = [
    dict(),
    dict(temperature=0.7),
    dict(temperature=1.6),
    dict(top_k=4),
    dict(top_p=0.6),
    dict(min_p=0.2),
    dict(repetition_penalty=1.8),
    dict(temperature=0.8, top_k=6, top_p=0.8),
    dict(temperature=1.3, top_p=0.9, min_p=0.1, repetition_penalty=1.2),
]
for s in settings:
    logits = torch.randn(1, V) * 2
    seen = torch.tensor([[1, 3, 3, 7]])
    chain = LogitsProcessorList()
    if "repetition_penalty" in s:
        chain.append(RepetitionPenaltyLogitsProcessor(s["repetition_penalty"]))
    if "temperature" in s:
        chain.append(TemperatureLogitsWarper(s["temperature"]))
    if "top_k" in s:
        chain.append(TopKLogitsWarper(s["top_k"]))
    if "top_p" in s:
        chain.append(TopPLogitsWarper(s["top_p"]))
    if "min_p" in s:
        chain.append(MinPLogitsWarper(s["min_p"]))
    p = torch.softmax(chain(seen, logits.clone()).double(), -1)
    cases.append(
        dict(
            settings=s,
            seen=seen[0].tolist(),
            logits=[round(x, 7) for x in logits[0].tolist()],
            p=[round(x, 9) for x in p[0].tolist()],
        )
    )
print(json.dumps(cases, indent=1))
