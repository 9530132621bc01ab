"""Make chat.jsonl and chat_inputs.json: what jinja2 3.1.6 prints for published chat templates and
for small expressions, each under the environment that transformers 5.24
compiles chat templates with. Run: python gen_chat.py (in this folder).

A line of chat.jsonl is an object:
  template   a file of templates/, or source: the text itself
  messages, extra   names of what chat_inputs.json holds
  add_generation_prompt, bos_token, eos_token
  output     the text, or error: true (message: of raise_exception alone)
"""
import json
import pathlib

import jinja2
from transformers.utils import chat_template_utils as ctu

assert jinja2.__version__ == "3.1.6", jinja2.__version__
HERE = pathlib.Path(__file__).parent
out = (HERE / "chat.jsonl").open("w", encoding="utf-8")


def render(source, case):
    kw = dict(extras[case["extra"]])
    kw.setdefault("tools", None)
    kw.setdefault("documents", None)
    try:
        # one compilation for each template; keyed by its text
        t = ctu._cached_compile_jinja_template(source)
        text = t.render(messages=conversations[case["messages"]],
                        add_generation_prompt=case["add_generation_prompt"],
                        bos_token=case["bos_token"],
                        eos_token=case["eos_token"], **kw)
        text.encode("utf-8")
        case["output"] = text
    except jinja2.exceptions.TemplateSyntaxError:
        case["error"] = True
    except jinja2.exceptions.TemplateRuntimeError:
        case["error"] = True
    except jinja2.exceptions.TemplateError as e:
        case["error"] = True
        case["message"] = e.message
    except Exception as e:  # what Python itself raises inside a template
        case["error"] = True
    print(json.dumps(case, ensure_ascii=False), file=out)


def user(s):
    return {"role": "user", "content": s}


def bot(s, **kw):
    return {"role": "assistant", "content": s, **kw}


def system(s):
    return {"role": "system", "content": s}


call = {"type": "function", "id": "abc123DEF",
        "function": {"name": "weather",
                     "arguments": {"city": "Zürich", "days": 3, "x": 1.5,
                                   "deep": [None, True, {"a": []}]}}}
tools = [{"type": "function", "function": {
    "name": "weather", "description": "Say \"the\" weather <b>&'",
    "parameters": {"type": "object", "properties": {
        "city": {"type": "string", "description": "ein Ort – 東京"},
        "days": {"type": "integer", "minimum": 1}}, "required": ["city"]},
    "return": {"type": "string"}}},
    {"type": "function", "function": {
        "name": "now", "description": "the time",
        "parameters": {"type": "object", "properties": {}}}}]
tool_chat = [user("Weather?"), bot("", tool_calls=[call]),
             {"role": "tool", "name": "weather", "content": "sunny \"25\"",
              "tool_call_id": "abc123DEF"}, bot("Sunny.")]
no_content = [user("Weather?"), {"role": "assistant", "tool_calls": [call]},
              {"role": "tool", "content": {"temperature": 25, "u": "°C"},
               "tool_call_id": "abc123DEF"}]
conversations = [
    [user("Hello")],
    [system("Be brief."), user("Hello")],
    [user("Hi"), bot("Hello!"), user("And?")],
    [system("  spaced \n"), user(" a\n\nb "), bot("\n c "), user("d"),
     bot("e")],
    [user("日本語 🎉 ñ é \u200d \u00a0 <|im_end|> {{ x }} 'q' \"r\"")],
    [system("系统"), user("\tTab"), bot("<think>\nhmm\n</think>\n\nfine"),
     user("more"), bot("<think>\n\n</think>\n\nlast")],
    [bot("first"), user("second")],          # wrong order
    [user("a"), user("b")],                  # two users
    [user("a"), bot("b"), system("late")],   # a system message inside
    [user("a"), {"role": "wizard", "content": "b"}],
    [{"role": "user", "content": [{"type": "text", "text": "part one "},
                                  {"type": "image"},
                                  {"type": "text", "text": " part two"}]}],
    [],
    tool_chat, no_content, tool_chat[:3],
    [user("a"), bot("", tool_calls=[call, call])],
    [user("r"), bot("x", reasoning_content="because")],
    [user("")],
    [system(""), user("")],
    [user("long " * 60), bot("answer " * 40)],
]
date = {"date_string": "26 Jul 2024"}
extras = {"date": date, "tools": {**date, "tools": tools},
          "system_tools": {**date, "tools": tools,
                           "tools_in_user_message": False},
          "no_thinking": {**date, "enable_thinking": False}}
marks = {"llama2": ("<s>", "</s>"), "mistral_v1": ("<s>", "</s>"),
         "mistral_nemo": ("<s>", "</s>"), "zephyr": ("<s>", "</s>"),
         "gemma": ("<bos>", "<eos>"), "gemma3": ("<bos>", "<eos>")}
for path in sorted((HERE / "templates").glob("*.jinja")):
    source = path.read_bytes().decode("utf-8")
    bos, eos = marks.get(path.stem, ("<|begin|>", "<|end|>"))
    for i in range(len(conversations)):
        for generate in (False, True):
            for extra in ("date", "tools", "system_tools", "no_thinking"):
                if extra == "no_thinking" and "qwen3" not in path.stem:
                    continue
                render(source, {"template": path.name, "messages": i,
                                "add_generation_prompt": generate,
                                "bos_token": bos, "eos_token": eos,
                                "extra": extra})

extras["data"] = {
    "s": "Hello, Wörld", "t": "  two  words\n", "n": 7, "f": 2.5, "z": 0,
    "neg": -3, "yes": True, "no": False, "nil": None, "l": [3, 1, 2],
    "words": ["b", "A", "c", "B"], "d": {"b": 1, "a": {"x": [1, 2]}},
    "rows": [{"k": "x", "v": 1}, {"k": "y", "v": 2}, {"k": "x", "v": 3},
             {"v": 0}],
    "e": [], "ed": {}, "long": "a-b-c-d", "html": "<a href='x'>&\"</a>",
    "lines": "one\ntwo\n\nfour", "uni": "ßµŉΣΑΣ İǆ 日本 🎉",
}
expressions = [line for line in
               (HERE / "expressions.txt").read_text(encoding="utf-8")
               .split("\n") if line and not line.startswith("##")]
blocks = (HERE / "blocks.txt").read_text(encoding="utf-8").split("\n====\n")
for source in ["[{{ %s }}]" % x for x in expressions] + blocks:
    render(source, {"source": source, "messages": 2,
                    "add_generation_prompt": True, "bos_token": "<s>",
                    "eos_token": "</s>", "extra": "data"})
out.close()
(HERE / "chat_inputs.json").write_text(
    json.dumps({"conversations": conversations, "extras": extras},
               ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
