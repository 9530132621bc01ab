"""Reward models made by transformers and PEFT, and what they say.

    python gen_heads.py        (in this folder)

torch 2.13.0, transformers 5.24.0, peft 0.21.2, safetensors 0.8.0.

For gpt2 and llama of ../models: `whole`, sequence classification with one label (weights of the base, rounded to bfloat16,
and a random score); `adapter`, a LoRA of task SEQ_CLS with its score on the base; `golden.json`, in float64 with eager
attention: scores of rows under both, and ten training losses of each; `golden.safetensors`: the gradients of the summed
Bradley-Terry loss of all pairs in the adapter. The padding of gpt2's whole is 0, that of llama's null.
`tiny` is such a folder for ../tiny/one, with its tokenizer; its scores are in tiny.json.
Training begins as Trivium does: the adapter's A and B as they lie there, score 0 (for `whole`, all weights of the base,
score 0): AdamW, rate 1e-3, decay 0.01, clipping at norm 1, constant rate, centring 0.01.
"""
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from safetensors.torch import save_file
from transformers import (AutoModelForSequenceClassification, AutoTokenizer)
from transformers.models.gpt2 import modeling_gpt2
from transformers.models.llama import modeling_llama

torch.set_num_threads(1)
HERE = pathlib.Path(__file__).parent
PAD = {"gpt2": 0, "llama": None}
CENTRE = 0.01


class Torch64:
    """torch, where what the models force into float32 (norms, softmax) stays float64."""

    float32 = torch.float64

    def __getattr__(self, name):
        return getattr(torch, name)


for module in (modeling_gpt2, modeling_llama):
    module.torch = Torch64()


def grid(x):
    return torch.round(x.to(torch.bfloat16).to(torch.float64) * 4096) / 4096


def open_model(where, pad, dtype=torch.float64):
    model = AutoModelForSequenceClassification.from_pretrained(
        where, num_labels=1, pad_token_id=pad, dtype=dtype, attn_implementation="eager")
    return model.to(dtype).eval()


def score(model, rows):
    return torch.stack([model(input_ids=torch.tensor([ids])).logits[0, 0] for ids in rows])


ROWS = [[5, 6, 7], [1], [9, 8, 7, 6, 5, 4, 3, 2], [9, 8, 7, 20, 2], [9, 8, 30, 2, 0, 0], [11, 0, 12, 0], [0, 0],
        list(range(3, 40))]
PAIRS = [([5, 6, 7, 21, 22, 2], [5, 6, 7, 31, 2]), ([5, 6, 8, 23, 2], [5, 6, 8, 32, 33, 34]), ([9, 40, 2], [9, 41, 2]),
         ([1, 2, 3, 50, 51, 52, 53], [1, 2, 3, 60])]


def losses_of(model):
    chosen = score(model, [p[0] for p in PAIRS])
    rejected = score(model, [p[1] for p in PAIRS])
    return -torch.nn.functional.logsigmoid(chosen - rejected) + CENTRE * (chosen + rejected) ** 2


def train(model):
    weights = [p for p in model.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(weights, lr=1e-3, weight_decay=0.01)
    out = []
    for _ in range(10):
        optimiser.zero_grad()
        loss = losses_of(model).mean()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
        out.append(loss.item())
    return out


def f32(x):
    return x.detach().to(torch.float32).contiguous().clone()


def name_of(parameter):
    return parameter.replace(".default", "").replace(".modules_to_save", "")


def write(family):
    gen = torch.Generator().manual_seed(7)
    base = HERE.parent / "models" / family
    where = HERE / family
    shutil.rmtree(where, ignore_errors=True)
    gold = {"rows": ROWS, "pairs": PAIRS}

    model = open_model(base, PAD[family])
    model.score.weight.data = grid(0.5 * torch.randn(model.score.weight.shape, generator=gen, dtype=torch.float64))
    for p in model.parameters():
        p.data = grid(p.data)
    gold["whole"] = score(model, ROWS).tolist()
    model.to(torch.bfloat16).save_pretrained(where / "whole")

    model = open_model(base, None)
    peft = get_peft_model(model, LoraConfig(r=3, lora_alpha=6, target_modules="all-linear", lora_dropout=0.0,
                                            fan_in_fan_out=family == "gpt2", task_type="SEQ_CLS"))
    peft.double().eval()
    for name, p in sorted(peft.named_parameters()):
        if p.requires_grad:
            std = 0.3 if "lora_A" in name else 0.1 if "lora_B" in name else 0.5
            p.data = grid(std * torch.randn(p.shape, generator=gen, dtype=torch.float64))
    gold["adapter"] = score(peft, ROWS).tolist()
    losses_of(peft).sum().backward()
    grads = {name_of(n): f32(p.grad) for n, p in peft.named_parameters() if p.requires_grad}
    gold["loss"] = losses_of(peft).sum().item()
    stored = {n: p.detach().clone() for n, p in peft.named_parameters()}
    for p in peft.parameters():
        p.data = p.data.float()
    peft.peft_config["default"].base_model_name_or_path = family
    peft.save_pretrained(where / "adapter")
    (where / "adapter" / "README.md").unlink()
    config = where / "adapter" / "adapter_config.json"
    saved = json.loads(config.read_text())
    for key in ("target_modules", "modules_to_save"):
        saved[key] = sorted({n.rsplit(".", 1)[-1] for n in saved[key]})
    config.write_text(json.dumps(saved, indent=2, sort_keys=True))
    save_file(grads, where / "golden.safetensors", metadata={"format": "pt"})

    again = PeftModel.from_pretrained(open_model(base, None), where / "adapter", is_trainable=True).double().eval()
    drift = (score(again, ROWS) - torch.tensor(gold["adapter"], dtype=torch.float64)).abs().max().item()
    assert drift < 1e-12, drift
    with torch.no_grad():
        for n, p in again.named_parameters():
            if n.endswith("score.modules_to_save.default.weight"):
                p.zero_()
    gold["adapter_losses"] = train(again)
    whole = open_model(base, None)
    whole.score.weight.data.zero_()
    gold["full_losses"] = train(whole)
    (where / "golden.json").write_text(json.dumps(gold, indent=1))
    print(family, gold["whole"][:4], gold["adapter"][:4], gold["adapter_losses"], gold["full_losses"])


def write_tiny():
    base = HERE.parent / "tiny" / "one"
    where = HERE / "tiny"
    shutil.rmtree(where, ignore_errors=True)
    gen = torch.Generator().manual_seed(8)
    model = open_model(base, None)
    model.score.weight.data = grid(0.5 * torch.randn(model.score.weight.shape, generator=gen, dtype=torch.float64))
    tokenizer = AutoTokenizer.from_pretrained(base)
    texts = [("Say it. ", "Yes"), ("Say it. ", "No!"), ("2+2=", "4")]
    scores = [score(model, [tokenizer(x + y, add_special_tokens=True).input_ids + [tokenizer.eos_token_id]])[0].item()
              for x, y in texts]
    model.to(torch.bfloat16).save_pretrained(where)
    for name in ("tokenizer.json", "tokenizer_config.json"):
        shutil.copy(base / name, where / name)
    (HERE / "tiny.json").write_text(json.dumps(
        [{"prompt": x, "completion": y, "score": s} for (x, y), s in zip(texts, scores)], indent=1))
    print(scores)


write("gpt2")
write("llama")
write_tiny()
