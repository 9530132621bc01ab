"""Numbers of JSON, and how Python prints them: for test_answer_value.c.

    python gen_printed.py        (in this folder; Python 3.10 or later, standard library alone)

printed.json holds [the number in JSON, its printed forms, forms of its neighbours]. A form is kept where it reads back as the same
number: as a float, or exactly where the number is an integer or a percentage.
"""
import json
import math
import pathlib
import random
from decimal import Decimal

r = random.Random(11)


def of_float(x):
    forms = {repr(x), str(x), format(x), json.dumps(x), f"{x:,}", f"{x:_}", f"{x:+}", f"{x:.17g}", f"{x:.20e}", f"{x:.30f}", f"{x:E}", f"{x:g}",
             f"{x:.2f}", "$" + f"{x:,}" if x >= 0 else "-$" + f"{-x:,}", repr(x).replace("-", "\u2212")}
    exact = Decimal(repr(x))
    percent = {f"{exact * 100:f}%", f"{x:.1%}"}
    keep = [f for f in forms if float(f.replace(",", "").replace("_", "").replace("$", "").replace("\u2212", "-")) == x]
    return sorted(keep + [f for f in percent if Decimal(f[:-1]) / 100 == exact and abs(exact.as_tuple().exponent) < 25])


def of_int(n):
    return sorted({str(n), repr(n), json.dumps(n), f"{n:,}", f"{n:_}", f"{n:+}", f"{n}.0", f"{n:,}".replace(",", "\u202f"), f"{n:,}".replace(",", "{,}"),
                   str(n).replace("-", "\u2212")})


floats = [0.1, 19.99, 2.3, 0.5, 1e-7, 1e16, 1.5e300, 5e-324, 1e23, 100.0, -0.25, 3.0e-5, 123456789.125, 0.30000000000000004]
for _ in range(60):
    floats.append(r.choice([round(r.uniform(-1000, 1000), r.randrange(1, 5)), r.uniform(-1, 1) * 10.0 ** r.randrange(-20, 21), r.random()]))
ints = [0, 7, -12, 1000, 1234567, 2**53 + 1, 2**63 - 1, -2**63, 2**63, -2**63 - 1, 2**64, 10**25]
ints += [r.getrandbits(b) * r.choice([1, -1]) for b in (8, 20, 40, 62, 65, 70, 100, 200, 400)]
out = []
for x in floats:
    other = [math.nextafter(x, math.inf), x + 1 if x + 1 != x else x * 2]
    out.append([json.dumps(x), of_float(x), [repr(o) for o in other]])
for n in ints:
    out.append([json.dumps(n), of_int(n), [str(n + 1), str(n - 1), str(10 * n + 1)]])
lines = ",\n".join(json.dumps(x) for x in out)
pathlib.Path(__file__).with_name("printed.json").write_text(f"[\n{lines}\n]\n")
