"""Sums with written steps and the answer after ####: addition, subtraction, small products, word problems in two steps."""

from . import words
from .source import Pool, plural

_ASK = {
    "add": Pool(
        [
            "What is {a} + {b}?",
            "{a} + {b} = ?",
            "Add {a} and {b}.",
            "How much is {a} plus {b}?",
            "Calculate {a} + {b}.",
            "What is the sum of {a} and {b}?",
        ],
        ["Please work out {a} plus {b}."],
    ),
    "sub": Pool(
        [
            "What is {a} - {b}?",
            "{a} - {b} = ?",
            "Subtract {b} from {a}.",
            "How much is {a} minus {b}?",
            "Calculate {a} - {b}.",
            "What is left when you take {b} from {a}?",
        ],
        ["Please work out {a} minus {b}."],
    ),
    "mul": Pool(
        [
            "What is {a} * {b}?",
            "{a} * {b} = ?",
            "Multiply {a} by {b}.",
            "How much is {a} times {b}?",
            "Calculate {a} * {b}.",
            "What is the product of {a} and {b}?",
        ],
        ["Please work out {a} times {b}."],
    ),
}


def _digits(*numbers):
    """The numbers' digits from the right, column by column."""
    n = max(len(str(x)) for x in numbers)
    return [[x // 10**i % 10 for x in numbers] for i in range(n)]


def _add_steps(a, b):
    """From the right, column by column, with what is carried."""
    if a < 10 and b < 10:
        return f"{a} + {b} = {a + b}"
    out, carry = [], 0
    for x, y in _digits(a, b):
        total = x + y + carry
        out.append(f"{x} + {y}" + (f" + {carry}" if carry else "") + f" = {total}")
        carry = total // 10
    return ", ".join(out)


def _sub_steps(a, b):
    """Likewise, with what is borrowed."""
    if a < 10 and b < 10:
        return f"{a} - {b} = {a - b}"
    out, borrowed = [], 0
    for x, y in _digits(a, b):
        left = x - y - borrowed
        ten = left < 0
        out.append((f"1{x}" if ten else f"{x}") + f" - {y}" + (f" - {borrowed}" if borrowed else "") + f" = {left + 10 * ten}")
        borrowed = int(ten)
    return ", ".join(out)


def _mul_steps(a, b):
    """Columns of the longer number times the other."""
    if a < 10 or b > 9:
        return f"{a} * {b} = {a * b}"
    out, carry = [], 0
    for (x,) in _digits(a):
        total = x * b + carry
        out.append(f"{x} * {b}" + (f" + {carry}" if carry else "") + f" = {total}")
        carry = total // 10
    return ", ".join(out)


_TWO_STEPS = Pool(
    [
        ("{N} has {a} {t}. {F} gives {him} {b} more, and then {he} loses {c}. How many {t} does {N} have now?", "add", "sub"),
        ("There are {a} {t} {place}. {N} brings {b} more, and {F} takes {c} away. How many {t} are there?", "add", "sub"),
        ("{N} had {a} {t} and gave {b} of them to {F}. Then {he} found {c}. How many {t} does {N} have?", "sub", "add"),
        ("{N} buys {b} bags with {a} {t} each and already had {c} {t}. How many {t} does {N} have?", "mul", "add"),
        ("There are {b} boxes with {a} {t} each {place}. {N} takes {c} {t} out. How many {t} are left?", "mul", "sub"),
        ("{N} sells {a} {t} on Monday, {b} on Tuesday and {c} on Wednesday. How many {t} does {he} sell in all?", "add", "add"),
        ("{N} wants {a} {t}. {he} has {b}, and {F} gives {him} {c}. How many {t} are still missing?", "sub", "sub"),
        (
            "A {one} costs {a} coins. {N} buys {b} of them and a {other} for {c} coins. How many coins does {he} pay?",
            "mul",
            "add",
        ),
    ],
    [
        (
            "In the shop of {N} there were {a} {t}. {he} sold {b} and got {c} new ones. How many {t} are in the shop?",
            "sub",
            "add",
        ),
        ("{N} picked {a} {t} and {F} picked {b}. They gave {c} away. How many {t} were left?", "add", "sub"),
    ],
)
_TWO_LATER = [
    ("{N} has {a} {t}. {F} has {b} more than {N} and gives {c} away. How many {t} does {F} have?", "add", "sub"),
    ("[On the table|In the box|In the basket] there are {a} {t}. {N} puts {b} more [there|in]. Then {F} takes {c}. How many {t} are left?", "add", "sub"),
    ("{N} [found|bought|made] {a} {t} and {F} [found|bought|made] {b}. They [lost|sold|broke] {c} of them. How many {t} do they have [now|left]?", "add", "sub"),
    ("{N} and {F} have {a} and {b} {t}. Together they [sell|give away] {c}. How many {t} do they keep?", "add", "sub"),
    ("[A shop|{N}] had {a} {t}, got {b} new ones and sold {c}. How many {t} are there [now|at the end]?", "add", "sub"),
    ("At first there were {a} {t} {place}. {b} were sold, and {c} new ones came. How many {t} are there now?", "sub", "add"),
    ("[There were|We counted] {a} {t} {place}. {N} took {b} away and brought {c} back. How many {t} are there?", "sub", "add"),
    ("{N} [sold|lost|gave away] {b} of {his} {a} {t} and then got {c} new ones. How many {t} does {he} have [now|in the end]?", "sub", "add"),
    ("Out of {a} {t}, {b} [broke|were lost] and {c} were mended. How many {t} are good?", "sub", "add"),
    ("{N} had {a} {t}. {he} gave {b} to {F} and {c} to a friend. How many {t} [were left|does {he} have left|did {he} keep]?", "sub", "sub"),
    ("There are {a} {t} {place}. {N} takes {b} and {F} takes {c}. How many [stay there|are left]?", "sub", "sub"),
    ("A shop has {a} {t}. It sells {b} in the morning and {c} in the afternoon. How many {t} are left [in the shop|in the evening]?", "sub", "sub"),
    ("{N} [carries|makes|picks] {a} {t} in the morning, {b} at noon and {c} in the evening. How many {t} is that [in all|together]?", "add", "add"),
    ("In one box there are {a} {t}, in another {b}, and {N} has {c}. How many {t} are there [together|in all]?", "add", "add"),
    ("{N} has {a} {t}, {F} has {b}, and {c} are {place}. How many {t} are there in all?", "add", "add"),
    ("{N} [gets|earns|saves] {a} coins every day for {b} days and [then|at last] {c} coins more. How many coins does {he} have?", "mul", "add"),
    ("There are {b} rows of {a} {t} and {c} more {place}. How many {t} are there [in all|together]?", "mul", "add"),
    ("{N} fills {b} bags with {a} {t} each and gives {c} {t} to {F}. How many {t} does {he} keep?", "mul", "sub"),
    ("{b} friends bring {a} {t} each. {c} of the {t} are broken. How many are whole?", "mul", "sub"),
    ("A {one} costs {a} coins. {N} buys {b} of them and gets {c} coins back. How many coins does {he} pay [in the end|in all]?", "mul", "sub"),
]  # fmt: skip
_DO = {"add": (_add_steps, lambda a, b: a + b), "sub": (_sub_steps, lambda a, b: a - b), "mul": (_mul_steps, lambda a, b: a * b)}


def problem(r, kind=None, long=False):
    """(question, worked answer, number); long: sums of four digits, products of two"""
    kind = kind or r.pick(("add", "add", "sub", "sub", "mul", "two", "two"))
    if kind == "two":
        text, one, two = r.pick(_TWO_LATER if r.stage >= 3 and r.chance(0.7) else _TWO_STEPS)
        while True:
            a, b, c = r.between(10, 99), r.between(2, 60), r.between(2, 40)
            if one == "mul":
                a, b = r.between(2, 12), r.between(2, 9)
            x = _DO[one][1](a, b)
            y = _DO[two][1](x, c)
            if x > 1 and 0 <= y < 200:
                break
        thing, other = r.some(words.THINGS, 2)
        name, p = words.person(r)
        friend = words.name(r)
        while friend == name:
            friend = words.name(r)
        ask = r.say(
            text,
            N=name,
            F=friend,
            he=words.PRONOUNS[p]["he"],
            him=words.PRONOUNS[p]["him"],
            his=words.PRONOUNS[p]["his"],
            a=a,
            b=b,
            c=c,
            t=plural(thing),
            one=thing,
            other=other,
            place=r.pick(words.PLACES),
        )
        return ask, f"{_DO[one][0](a, b)}. {_DO[two][0](x, c)}. #### {y}", y
    if kind == "mul" and long:
        a, b = r.between(11, 99), r.between(2, 9)
    elif kind == "mul":
        a, b = (r.between(2, 12), r.between(2, 12)) if r.chance(0.6) else (r.between(11, 30), r.between(2, 9))
    else:
        top = r.pick((20, 100, 500, 999, 9999) if r.stage >= 3 else (20, 100, 100, 500, 999))
        a, b = (r.between(1000, 9999), r.between(1000, 9999)) if long else (r.between(1, top), r.between(1, top))
        if kind == "sub" and a < b:
            a, b = b, a
    steps, value = _DO[kind]
    return r.fill(r.pick(_ASK[kind]), a=a, b=b), f"{steps(a, b)}. #### {value(a, b)}", value(a, b)


def row(r):
    """One to five problems; where there are several, each answer carries loss."""
    n = r.pick((1, 3, 4, 5))
    turns = []
    for _ in range(n):
        ask, answer, _ = problem(r)
        turns += [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
    return {"messages": turns} if n == 1 else {"chat": turns}


def task(r, kind, long):
    ask, answer, n = problem(r, kind, long)
    return {"prompt": [{"role": "user", "content": ask}], "reference": answer, "answer": n, "kind": kind, "long": long}
