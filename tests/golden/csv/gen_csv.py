#!/usr/bin/env python3
"""Tables as Python's csv module reads them, with strict=True: csv.json, a list
of {text, comma, records}, where records is null for a text that it refuses.

    python3 gen_csv.py                                             Python 3.11

Files as people have them, and 300 random texts over the bytes that matter.
Empty lines, which csv.DictReader passes over, are left out.
"""
import csv
import io
import json
import random

FILES = [
    'a,b\n1,2\n', 'a,b\r\n1,2\r\n', 'a,b\r1,2\r', 'a,b\n1,2', 'a\n\n\n1\n\n2\n',
    'a,b\n"x, ""y""","two\nlines"\n', 'a,b\n"two\r\nlines",\n', ',a\n0,x\n',
    'a,b\n"",""\n', 'a,b\n , \n', 'a,b\n x," y"\n', 'a,b\nit"s,5" disk\n',
    'a,b\n"x"y,z\n', 'a,b\n"x" ,z\n', 'a,b\n"open,z\n', 'a,b\n"a""\n', '"a\n',
    '"a""b"\n', '""""\n', '""\n', '"', '""', ',', ',\n', ',,\n,\n', '\n', '',
    'a,b\n"he said \\"hi\\"",x\n', 'a;b\n1;2\n', 'a\tb\n', 'é,"ü, 漢字"\n😀,"\n"\n',
    'a,b\n"\r","\n\r"\n', 'a,b\r\r\n1,2\n', 'a,"b"\r"c",d\r',
]


def read(text, comma):
    try:
        return [r for r in csv.reader(io.StringIO(text, newline=""),
                                      delimiter=comma, strict=True) if r]
    except csv.Error:
        return None


rng = random.Random(5)
texts = [(t, ",") for t in FILES] + [(t, "\t") for t in FILES[:8]]
while len(texts) < 342:
    texts.append(("".join(rng.choices('ab "\n\r,\té', [4, 1, 1, 6, 2, 1, 5, 1, 1],
                                      k=rng.randint(1, 14))), rng.choice(",\t")))
rows = [json.dumps(dict(text=t, comma=c, records=read(t, c)), ensure_ascii=False)
        for t, c in texts]
with open("csv.json", "w") as f:
    f.write("[\n" + ",\n".join(rows) + "\n]\n")
print(len(rows), "texts,", sum(r.endswith("null}") for r in rows), "refused")
