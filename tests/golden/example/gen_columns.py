"""Rows with the columns that tools give a conversation, and what transformers renders for them: for test_data_columns.c.

columns.json holds {row, template, context}: the row as a file has it, a template of ../chat/templates, and the text of
apply_chat_template() for the turns before the answer, with a generation prompt. Needs transformers 5.24. Run in
this folder.
"""
import json
import pathlib

from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
tok = PreTrainedTokenizerFast(tokenizer_file=str(HERE / "byte" / "tokenizer.json"), bos_token="<s>", eos_token="</s>")
tools = [{"type": "function", "function": {
    "name": "weather", "description": "the weather of a city",
    "parameters": {"type": "object", "properties": {"city": {"type": "string", "description": "a city"}}, "required": ["city"]}}}]


def turn(role, content):
    return {"role": role, "content": content}


talk = [turn("user", "Is it warm in Rome?"), turn("assistant", "Yes, 25 degrees.")]
sharegpt = [{"from": "human", "value": "Is it warm in Rome?"}, {"from": "gpt", "value": "Yes, 25 degrees."}]
before = [turn("user", "Hi"), turn("assistant", "Hello!"), turn("user", "Who are you?"), turn("assistant", "A model.")]
pairs = [["Hi", "Hello!"], ["Who are you?", "A model."]]
brief = turn("system", "Be brief.")
# row, its turns, its tools, its variables
ROWS = [
    ({"messages": talk, "tools": tools}, talk, tools, {}),
    ({"messages": talk, "tools": json.dumps(tools)}, talk, tools, {}),
    ({"messages": talk, "tools": ""}, talk, None, {}),
    ({"messages": talk, "functions": [tools[0]["function"]]}, talk, tools, {}),
    ({"messages": talk, "functions": json.dumps([tools[0]["function"]])}, talk, tools, {}),
    ({"messages": talk, "chat_template_kwargs": {"enable_thinking": False}}, talk, None, {"enable_thinking": False}),
    ({"messages": talk, "chat_template_kwargs": '{"enable_thinking": true}'}, talk, None, {"enable_thinking": True}),
    ({"messages": talk, "tools": tools, "chat_template_kwargs": {"tools_in_user_message": False, "date_string": "1 May 2025"}}, talk, tools,
     {"tools_in_user_message": False, "date_string": "1 May 2025"}),
    ({"conversations": sharegpt, "system": "Be brief."}, [brief] + talk, None, {}),
    ({"conversations": sharegpt, "system": "Be brief.", "tools": json.dumps(tools)}, [brief] + talk, tools, {}),
    ({"conversations": sharegpt, "system": ""}, talk, None, {}),
    ({"conversations": [{"from": "system", "value": "Be brief."}] + sharegpt, "system": "Be brief."}, [brief] + talk, None, {}),
    ({"instruction": "Is it warm in Rome?", "input": "", "output": "Yes, 25 degrees.", "system": "Be brief.", "history": pairs},
     [brief] + before + talk, None, {}),
    ({"instruction": "Is it warm in Rome?", "output": "Yes, 25 degrees.", "history": pairs}, before + talk, None, {}),
    ({"prompt": "Is it warm in Rome?", "response": "Yes, 25 degrees.", "system": "Be brief."}, [brief] + talk, None, {}),
    ({"prompt": talk[:1], "completion": talk[1:], "system": "Be brief.", "history": []}, [brief] + talk, None, {}),
    ({"prompt": talk[0], "completion": talk[1], "history": pairs}, before + talk, None, {}),
    ({"question": "Is it warm in Rome?", "answer": "Yes, 25 degrees.", "system": "Be brief."}, [brief] + talk, None, {}),
    ({"input": "Is it warm in Rome?", "output": "Yes, 25 degrees.", "system": "Be brief."}, [brief] + talk, None, {}),
]
out = []
for path in ("qwen3", "llama3_1", "qwen2_5"):
    tok.chat_template = (HERE.parent / "chat" / "templates" / f"{path}.jinja").read_text(encoding="utf-8")
    for row, turns, given, variables in ROWS:
        if path == "llama3_1" and "date_string" not in variables:
            variables = {**variables, "date_string": "26 Jul 2024"}
            row = {**row, "chat_template_kwargs": variables}
        context = tok.apply_chat_template(turns[:-1], tools=given, tokenize=False, add_generation_prompt=True, **variables)
        out.append({"row": row, "template": f"{path}.jinja", "context": context})
(HERE / "columns.json").write_text("[\n" + ",\n".join(json.dumps(x) for x in out) + "\n]\n", encoding="utf-8")
print(len(out))
