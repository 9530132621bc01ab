"""Make masks.json: the ids and return_assistant_tokens_mask of transformers 5.24 for conversations under a template
with {% generation %} blocks. Run in this folder, after gen_example.py.
"""
import json
import pathlib

from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
tok = PreTrainedTokenizerFast(tokenizer_file=str(HERE / "byte/tokenizer.json"), bos_token="<s>", eos_token="</s>")
source = (HERE / "../chat/templates/qwen3_training.jinja").read_text(encoding="utf-8")


def said(*contents):
    return [{"role": "assistant" if i % 2 else "user", "content": s} for i, s in enumerate(contents)]


call = {"type": "function", "function": {"name": "cat", "arguments": {"on": "the mat"}}}
conversations = [
    said("what is the answer?", "42, the cat"),
    said("the mat é", "no", "and the cat?", "yes\nand 日本", "and?", "the dog"),
    [{"role": "system", "content": "be a dog"}] + said("the mat", "no", "and the cat?", "yes"),
    said("the cat", "<think>\nhmm\n</think>\n\nthe mat", "the dog", "no"),
    [{"role": "user", "content": "the cat"}, {"role": "assistant", "content": "", "tool_calls": [call]},
     {"role": "tool", "content": "sat"}, {"role": "assistant", "content": "it sat"}],
]
out = []
for messages in conversations:
    r = tok.apply_chat_template(messages, chat_template=source, return_dict=True, return_assistant_tokens_mask=True)
    out.append({"messages": messages, "ids": r["input_ids"], "mask": r["assistant_masks"]})
rows = ",\n".join(json.dumps(r, ensure_ascii=False) for r in out)
(HERE / "masks.json").write_text("[\n" + rows + "\n]\n", encoding="utf-8")
