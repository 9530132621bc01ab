"""What transformers makes of a user's words, with a system prompt and without: for test_plain_prompts.c.

plain.json holds {template, system, row, text, ids}: the row as a file has it, "nano" for the template of models/nano or a file of
../chat/templates, a system prompt or null, and apply_chat_template() of the turns before the answer, with a generation prompt. A template
that refuses the role has the system prompt before the user's words, a blank line between; ids begin with the BOS that the tokenizer adds
to any text, where the template puts none. Needs transformers 5.24. Run in this folder.
"""
import json
import pathlib

from transformers import AutoTokenizer

HERE = pathlib.Path(__file__).parent
tok = AutoTokenizer.from_pretrained(HERE.parents[2] / "models" / "nano")
own = tok.chat_template


def user(words):
    return [{"role": "user", "content": words}]


talk = [*user("Hi"), {"role": "assistant", "content": "Hello!"}, *user(" Who are\nyou? ")]
answer = [{"role": "assistant", "content": "A model."}]
# row, its turns before the answer
ROWS = [
    ({"prompt": "Once upon a time"}, user("Once upon a time")),
    ({"prompt": "Is 17 prime?", "completion": "Yes."}, user("Is 17 prime?")),
    ({"prompt": ""}, user("")),
    ({"prompt": "  two\n\nlines \u00e9 <|im_end|>"}, user("  two\n\nlines \u00e9 <|im_end|>")),
    ({"question": "What is 6 * 7?", "answer": "42"}, user("What is 6 * 7?")),
    ({"instruction": "Turn it around.", "input": "abc", "output": "cba"}, user("Turn it around.\n\nabc")),
    ({"instruction": "Say hello.", "input": "", "output": "Hello."}, user("Say hello.")),
    ({"conversations": [{"from": "human", "value": "Hi"}, {"from": "gpt", "value": "Hello!"}]}, user("Hi")),
    ({"messages": talk + answer}, talk),
    ({"prompt": talk, "completion": answer}, talk),
]
out = []
for template in ("nano", "qwen2_5.jinja", "gemma.jinja"):
    tok.chat_template = own if template == "nano" else (HERE.parent / "chat" / "templates" / template).read_text(encoding="utf-8")
    for system in (None, "Answer in one word."):
        for row, turns in ROWS:
            if not system:
                given = turns
            elif template == "gemma.jinja":
                given = user(f"{system}\n\n{turns[0]['content']}") + turns[1:]
            else:
                given = [{"role": "system", "content": system}] + turns
            kw = {"add_generation_prompt": True}
            text = tok.apply_chat_template(given, tokenize=False, **kw)
            ids = tok.apply_chat_template(given, return_dict=False, **kw)
            if ids[0] != tok.bos_token_id:  # the tokenizer's own BOS
                ids = [tok.bos_token_id] + ids
            out.append({"template": template, "system": system, "row": row, "text": text, "ids": ids})
(HERE / "plain.json").write_text("[\n" + ",\n".join(json.dumps(x) for x in out) + "\n]\n", encoding="utf-8")
print(len(out))
