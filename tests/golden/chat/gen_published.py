"""Make published.json: what transformers 5.24 (jinja2 3.1.6) lays out with the published templates under
$TRIVIUM_ASSETS/templates, which are not part of the project. Run: python gen_published.py (in this folder).

For each template and conversation one hash: of the texts with and without a generation prompt under all extras,
each behind the byte "=", and "!" where transformers fails. strftime_now() is replaced by its format, since its
text changes from day to day.
"""
import hashlib
import json
import os
import pathlib

import jinja2
from transformers.utils import chat_template_utils as ctu

assert jinja2.__version__ == "3.1.6", jinja2.__version__
HERE = pathlib.Path(__file__).parent
ASSETS = pathlib.Path(os.environ.get("TRIVIUM_ASSETS", HERE / "../../../../shared/assets"))


def user(s): return {"role":"user","content":s}
def bot(s,**k): return {"role":"assistant","content":s,**k}
def system(s): return {"role":"system","content":s}
call={"type":"function","id":"abc123DEF","function":{"name":"weather","arguments":{"city":"Zürich","days":3,"x":1.5,"deep":[None,True,{"a":[]}]}}}
call2={"type":"function","id":"abc123DEG","function":{"name":"now","arguments":"{\"tz\": \"CET\"}"}}
call3={"type":"function","id":"abc123DEG","function":{"name":"now","arguments":{}}}
tools=[{"type":"function","function":{"name":"weather","description":"Say \"the\" weather <b>&'","parameters":{"type":"object","properties":{"city":{"type":"string","description":"ein Ort – 東京"},"unit":{"type":["string","null"],"enum":["C","F"],"default":"C"},"days":{"type":"integer","minimum":1},"list":{"type":"array","items":{"type":"number"}},"o":{"type":"object","properties":{"k":{"type":"string"}}}},"required":["city"]},"return":{"type":"string"}}},{"type":"function","function":{"name":"now","description":"the time","parameters":{"type":"object","properties":{}}}}]
tool=lambda s,**k:{"role":"tool","name":"weather","content":s,"tool_call_id":"abc123DEF",**k}
convs=[
 [user("Hello")],[system("Be brief."),user("Hello")],[user("Hi"),bot("Hello!"),user("And?")],
 [system("  spaced \n"),user(" a\n\nb "),bot("\n c "),user("d"),bot("e")],
 [user("日本語 🎉 <|im_end|> {{ x }} 'q' \"r\"")],
 [system("系统"),user("\tTab"),bot("<think>\nhmm\n</think>\n\nfine"),user("more"),bot("<think>\n\n</think>\n\nlast")],
 [bot("first"),user("second")],[user("a"),user("b")],[user("a"),bot("b"),system("late")],
 [user("a"),{"role":"wizard","content":"b"}],
 [{"role":"user","content":[{"type":"text","text":"part one "},{"type":"image"},{"type":"text","text":" part two"}]}],
 [user("Weather?"),bot("",tool_calls=[call]),tool("sunny \"25\""),bot("Sunny.")],
 [user("Weather?"),bot("",tool_calls=[call]),tool("sunny \"25\"")],
 [user("Weather?"),bot("let me",tool_calls=[call]),tool("x"),user("and?"),bot("ok",reasoning_content="hm")],
 [user("Weather?"),{"role":"assistant","tool_calls":[call]},{"role":"tool","content":{"temperature":25,"u":"°C"},"tool_call_id":"abc123DEF"}],
 [user("Weather?"),bot(None,tool_calls=[call]),tool("12")],
 [user("a"),bot("",tool_calls=[call,call3]),tool("1"),tool("2",tool_call_id="abc123DEG"),bot("done")],
 [user("a"),bot("",tool_calls=[call2]),tool("1")],
 [user("a"),bot("",tool_calls=[]),user("b")],
 [user("r"),bot("x",reasoning_content="because")],[user("r"),bot("x",reasoning="because"),user("y")],
 [user("r"),bot("x",thinking="because\nso")],
 [user("")],[system(""),user("")],[user("a"),bot("b",tool_calls=None),user("c")],
 [system("/no_think be"),user("a"),bot("b")],[{"role":"developer","content":"dev"},user("a")],
 [system("s"),{"role":"developer","content":"dev"},user("a"),bot("b")],
 [user("a"),bot("",tool_calls=[call]),{"role":"tool","content":""},bot("f"),user("g"),bot("h",reasoning_content="i",tool_calls=[call3])],
]
extras=[{},{"tools":tools},{"enable_thinking":False},{"enable_thinking":True,"tools":tools},{"tools":[]},{"documents":[{"title":"t","text":"x"},{"title":"u","text":"y"}]},
 {"reasoning_effort":"high","model_identity":"You are X.","builtin_tools":["browser","python"]},{"tools":tools,"date_string":"26 Jul 2024","tools_in_user_message":False},{"xml_tools":["a"],"custom_instructions":"ci","python_tools":["b"]}]


def laid_out(source, messages, extra, generate):
    kw = dict(extra)
    tools, documents = kw.pop("tools", None), kw.pop("documents", None)
    try:
        text, _ = ctu.render_jinja_template(
            [ctu._normalize_chat_messages(messages)], tools=tools, documents=documents, chat_template=source,
            add_generation_prompt=generate, bos_token="<|begin|>", eos_token="<|end|>", **kw)
    except Exception:
        return b"!"
    return b"=" + text[0].encode("utf-8")


templates = {}
for path in sorted((ASSETS / "templates").glob("*.jinja")):
    source = path.read_bytes().decode("utf-8").replace("strftime_now(", "(")
    templates[path.name] = " ".join(
        hashlib.sha256(b"".join(laid_out(source, messages, extra, generate)
                                for extra in extras for generate in (False, True))).hexdigest()[:8]
        for messages in convs)
(HERE / "published.json").write_text(
    json.dumps({"conversations": convs, "extras": extras, "templates": templates}, ensure_ascii=False, indent=0)
    + "\n", encoding="utf-8")
