"""Numbers as they are written, and whether Python's decimal calls them equal: for test_number.c.

    python gen_number.py        (in this folder; Python 3.10 or later, standard library alone)

number.json holds [a, b, equal] for numbers of many lengths, with thousands parted by commas, fractions, exponents and signs.
"""
import json
import pathlib
import random
from decimal import Decimal

r = random.Random(7)


def written(d):
    """One of the ways to write a decimal."""
    s = format(d, "f")
    if "." in s and r.random() < 0.4:
        s += "0" * r.randrange(1, 4)
    elif "." not in s and r.random() < 0.2:
        s += "." + "0" * r.randrange(1, 4)
    whole = s.lstrip("-").split(".")[0]
    if len(whole) > 3 and r.random() < 0.5:
        s = s.replace(whole, f"{int(whole):,}", 1)
    elif "," not in s and r.random() < 0.2:
        shift = r.randrange(-6, 7)
        s = f"{format(d.scaleb(-shift), 'f')}{r.choice('eE')}{shift:{r.choice(['+d', 'd'])}}"
    elif r.random() < 0.1:
        s = s.replace(whole, "00" + whole, 1) if len(whole) < 3 else s
    return s


def drawn():
    digits = r.choice([1, 2, 3, 4, 6, 9, 16, 17, 20, 60])
    d = Decimal(r.randrange(10**digits)).scaleb(-r.choice([0, 0, 1, 2, 5]))
    return -d if r.random() < 0.3 else d


out = []
for _ in range(400):
    a = drawn()
    b = a if r.random() < 0.5 else r.choice([a + 1, -a, a.scaleb(1), a + Decimal(1).scaleb(-5), drawn()])
    x, y = written(a), written(b)
    out.append([x, y, Decimal(x.replace(",", "")) == Decimal(y.replace(",", ""))])
lines = ",\n".join(json.dumps(x) for x in out)
pathlib.Path(__file__).with_name("number.json").write_text(f"[\n{lines}\n]\n")
