"""Rewards of answers as transformers and PEFT give them, for test_reward.c.

    python gen_logratio.py        (in this folder)

torch 2.13.0, transformers 5.24.0, peft 0.21.2. The model is tests/golden/tiny/one, read in float32; lora/ is a LoRA with random values.
logratio.json: rows with the log-probabilities of each answer token under the base, the LoRA and prompts, and a judge's
log-probabilities of Yes and No; chats, and those of their answers' tokens without the end under the base, the LoRA and the first prompt.
"""
import json
import pathlib
import shutil

import torch
from peft import LoraConfig, get_peft_model
from transformers import AutoModelForCausalLM, AutoTokenizer

here = pathlib.Path(__file__).parent
tiny = here.parent / "tiny" / "one"
torch.manual_seed(11)
torch.set_num_threads(1)
tok = AutoTokenizer.from_pretrained(tiny)
base = AutoModelForCausalLM.from_pretrained(tiny, dtype=torch.float32, attn_implementation="eager").eval()

ROWS = [
    ("What is 40 + 2?", " It is 42."),
    ("Once", " upon a time"),
    ("\u00c4pfel", " sind rund, \u20ac!"),
    ("x", ""),
]
CHATS = [
    [("user", "What is 40 + 2?"), ("assistant", "It is 42.")],
    [("system", "Be kind."), ("user", "Hi"), ("assistant", "Ho"), ("user", "\u20ac?"), ("assistant", "No\n")],
    [("user", "x"), ("assistant", "")],
]
PLUS, MINUS = "Say it twice. ", "No. "
PRINCIPLE = "Be short."


def logp(model, context, answer):
    ids = torch.tensor([context + answer])
    with torch.no_grad():
        out = model(input_ids=ids).logits.double().log_softmax(-1)[0, :-1]
    return [float(x) for x in out.gather(1, ids[0, 1:, None])[len(context) - 1 :, 0]]


def text(s):
    return tok(s, add_special_tokens=False)["input_ids"]


def judged(question, answer):
    turn = [{"role": "user", "content": f"{PRINCIPLE} {question} {answer}?"}]
    context = text(tok.apply_chat_template(turn, tokenize=False, add_generation_prompt=True))
    return [sum(logp(base, context, text(word))) for word in (" Yes", " No")]  # the template writes "assistant: Yes"


rows = []
for prompt, answer in ROWS:
    y = text(answer) + [tok.eos_token_id]
    start = [tok.bos_token_id]
    rows.append({"prompt": prompt, "completion": answer, "ids": y, "base": logp(base, start + text(prompt), y),
                 "plus": logp(base, start + text(PLUS) + text(prompt), y),
                 "minus": logp(base, start + text(MINUS) + text(prompt), y), "judge": judged(prompt, answer)})
chats = []
for turns in CHATS:
    messages = [{"role": role, "content": content} for role, content in turns]
    y = text(" " + messages[-1]["content"])  # the template writes "assistant: Yes"
    prompted = [{"role": "system", "content": PLUS + ("\n\n" + messages[0]["content"] if turns[0][0] == "system" else "")}]
    prompted += messages[turns[0][0] == "system" : -1]
    contexts = [text(tok.apply_chat_template(t, tokenize=False, add_generation_prompt=True)) for t in (messages[:-1], prompted)]
    chats.append({"messages": messages, "ids": y, "base": logp(base, contexts[0], y), "plus": logp(base, contexts[1], y), "lora": contexts[0]})
config = LoraConfig(r=3, lora_alpha=6, target_modules=["q_proj", "v_proj", "down_proj"], task_type="CAUSAL_LM")
tuned = get_peft_model(base, config).eval()
with torch.no_grad():
    for name, p in tuned.named_parameters():
        if "lora_" in name:
            p.copy_(0.3 * torch.randn_like(p))
for row in rows:
    row["lora"] = logp(tuned, [tok.bos_token_id] + text(row["prompt"]), row["ids"])
for row in chats:
    row["lora"] = logp(tuned, row["lora"], row["ids"])
shutil.rmtree(here / "lora", ignore_errors=True)
tuned.save_pretrained(here / "lora")
(here / "lora" / "README.md").unlink(missing_ok=True)
config = json.loads((here / "lora" / "adapter_config.json").read_text())
config["base_model_name_or_path"] = "tiny"
(here / "lora" / "adapter_config.json").write_text(json.dumps(config, indent=1, sort_keys=True) + "\n")
out = {"plus": PLUS, "minus": MINUS, "principle": PRINCIPLE, "rows": rows, "chats": chats}
(here / "logratio.json").write_text(json.dumps(out, indent=1) + "\n")
