"""Make random.json: random expressions over None, false, 0, undefined names and empty things, with what jinja2 3.1.6
prints in the environment of transformers 5.24, or null where it fails. Run: python gen_random.py (in this folder).

Left out are texts that show an object's address, and slices of constants: jinja2 works these out while it compiles, and
then what cannot be sliced is undefined there, though an error everywhere else.
"""
import json
import pathlib
import random
import re

import jinja2
from transformers.utils import chat_template_utils as ctu

assert jinja2.__version__ == "3.1.6", jinja2.__version__
rnd = random.Random(10)
data={"s":"Hello, Wörld","n":7,"z":0,"f":2.5,"zf":0.0,"neg":-3,"yes":True,"no":False,"nil":None,"l":[3,1,2],
"words":["b","A","c","B"],"d":{"b":1,"a":{"x":[1,2]}},"rows":[{"k":"x","v":1},{"k":"y","v":0},{"k":"x","v":None},{"v":False}],
"e":[],"ed":{},"es":"","mix":[0,None,"",False,1,"a",[],{}],"holes":[1,None,2]}
vals=list(data)+["none","false","true","0","''","[]","{}","missing","d.nothing","rows[9]","(1,2)","()","range(3)","range(0)","[none]","[0]","'ab'","namespace()","d.items()","ed.keys()"]
lazy=["select","reject","select('defined')","select('none')","reject('none')","select('string')","reject('undefined')","select('equalto',1)","select('in',[1,2])",
"selectattr('k')","rejectattr('k')","selectattr('v')","rejectattr('v','none')","selectattr('k','equalto','x')","selectattr('v','defined')","selectattr('v','gt',0)",
"map('upper')","map('string')","map(attribute='k')","map(attribute='k',default='?')","map(attribute='v',default=0)","map('default','?')","map('default','?',true)","map('length')","map('first')","map('int')","map('trim')","map('list')","map('tojson')","map('abs')","select('odd')","reject('even')","map(attribute=0)","map(attribute='a.x')","map('attr','k')","unique","unique(attribute='k')","batch(2)","batch(2,'-')","slice(2)","slice(2,'-')","reverse","items"]
eager=["list","join(',')","join","join(',',attribute='k')","join(', ', 'v')","first","last","length","count","sum","sum(attribute='v')","sum(start=10)","min","max","sort","sort(reverse=true)","sort(attribute='k')","default('d')","default('d',true)","default","d('x',boolean=false)","string","int","float","int(5)","int(default=9)","float(1.5)","abs","round","round(1)","upper","lower","title","capitalize","trim","trim('H')","replace('l','L')","replace('l','L',1)","center(9)","indent","indent(2,true)","tojson","tojson(indent=1)","dictsort","dictsort(by='value')","wordcount","escape","safe","e","random|string|length","groupby('k')","attr('k')","attr('upper')","pprint","truncate(5)","wordwrap(4)","urlencode","filesizeformat","striptags","xmlattr","list|tojson","items|list","map('int')|sum","unique|list|length","join|length","forceescape","max(attribute='v')","min(attribute='k')","list|first","list|last","format(1)","select|list|join('-')"]
tests=["defined","undefined","none","true","false","boolean","string","number","integer","float","mapping","sequence","iterable","callable","odd","even","lower","upper","in [1,0,none]","in ''","in missing","eq 0","eq none","ne false","equalto 1","lt 1","gt 0","ge none","sameas none","sameas false","divisibleby 2","escaped","filter","test","not none","not defined"]
ops=["~","+","-","*","/","//","%","==","!=","<",">","<=",">=","in","not in","and","or","**"]
def v(dep=0):
    r=rnd.random()
    if dep>2 or r<0.6: return rnd.choice(vals)
    if r<0.75: return "("+ex(dep+1)+")"
    if r<0.8: return "["+v(3)+", "+v(3)+"]"
    if r<0.85: return v(3)+"["+rnd.choice(["0","-1","'k'","'a'","none","1:","::-1",":1","n","missing","'x'"])+"]"
    if r<0.93: return "("+v(3)+")"+rnd.choice([".k",".a",".b",".x",".upper()",".items()",".get('a')",".get('q')",".get('q',0)",".keys()|list",".strip()",".split(',')",".nothing",".nothing.more",".index(1)",".count(1)",".values()|list",".startswith('H')",".format(1)",".lstrip()"])
    return "not "+v(3)
def ex(dep=0):
    x=v(dep); r=rnd.random()
    if r<0.62:
        for _ in range(rnd.choice([0,0,1,1,2])): x+="|"+rnd.choice(lazy)
        x+="|"+rnd.choice(eager)
        if rnd.random()<.2: x+="|"+rnd.choice(eager)
        return x
    if r<0.78: return x+" is "+rnd.choice(tests)
    if r<0.92: return x+" "+rnd.choice(ops)+" "+v(dep+1)
    if r<0.96: return x+" if "+v(dep+1)+(" else "+v(dep+1) if rnd.random()<.6 else "")
    return x


LEFT_OUT = re.compile(r"random|groupby|pprint|striptags|urlencode|truncate|wordwrap|filesizeformat|xmlattr|[\w}\])'][\[][^\]]*:")
ADDRESS = re.compile(r"(?i)0x|generator|g><e|e,n,|gen\n")


def line(x):
    kind = rnd.random()
    if kind < 0.85:
        return "[{{ %s }}]" % x
    if kind < 0.95:
        return "{%% for x in %s %%}<{{ x }}>{%% else %%}E{%% endfor %%}" % x
    return "{%% if %s %%}T{%% else %%}F{%% endif %%}" % x


cases = {}
while len(cases) < 400:
    source = line(ex())
    if len(source) > 90 or LEFT_OUT.search(source) or ".keys()" in source:
        continue
    try:
        text = ctu._cached_compile_jinja_template(source).render(messages=[], **json.loads(json.dumps(data)))
        plain = re.search(r"wordcount|length|count|replace|join|upper|lower|title|trim|capitalize|center|escape|e$", source)
        if ADDRESS.search(text) or (plain and re.search("select|reject|map|batch|slice|items|unique|reverse", source)):
            continue
    except Exception:
        text = None
        if sum(v is None for v in cases.values()) > 150:
            continue
    cases[source] = text
out = pathlib.Path(__file__).parent / "random.json"
rows = ",\n".join(json.dumps([k, v], ensure_ascii=False) for k, v in cases.items())
out.write_text('{"data": %s,\n"cases": [\n%s\n]}\n' % (json.dumps(data, ensure_ascii=False), rows), encoding="utf-8")
