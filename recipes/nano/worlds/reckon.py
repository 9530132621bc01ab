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


def _add_steps(a, b):
    if a < 10 and b < 10:
        return f"{a} + {b} = {a + b}"
    t = b // 10 * 10
    if not t or t == b:
        return f"{a} + {b} = {a + b}"
    return f"{a} + {t} = {a + t}, {a + t} + {b - t} = {a + b}"


def _sub_steps(a, b):
    t = b // 10 * 10
    if not t or t == b:
        return f"{a} - {b} = {a - b}"
    return f"{a} - {t} = {a - t}, {a - t} - {b - t} = {a - b}"


def _mul_steps(a, b):
    if a < 10 or a % 10 == 0:
        return f"{a} * {b} = {a * b}"
    t = a // 10 * 10
    return f"{t} * {b} = {t * b}, {a - t} * {b} = {(a - t) * b}, {t * b} + {(a - t) * b} = {a * b}"


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
_DO = {"add": (_add_steps, lambda a, b: a + b), "sub": (_sub_steps, lambda a, b: a - b), "mul": (_mul_steps, lambda a, b: a * b)}


def problem(r, kind=None):
    """(question, worked answer, number)"""
    kind = kind or r.pick(("add", "add", "sub", "sub", "mul", "two", "two"))
    if kind == "two":
        text, one, two = r.pick(_TWO_STEPS)
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
            a=a,
            b=b,
            c=c,
            t=plural(thing),
            one=thing,
            other=other,
            place=r.pick(words.PLACES),
        )
        return ask, f"{_DO[one][0](a, b)}. {_DO[two][0](x, c)}. #### {y}", y
    if kind == "mul":
        a, b = (r.between(2, 12), r.between(2, 12)) if r.chance(0.6) else (r.between(11, 30), r.between(2, 9))
    else:
        top = r.pick((20, 100, 100, 500, 999))
        a, b = r.between(1, top), r.between(1, top)
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


def task(r, kind):
    ask, answer, n = problem(r, kind)
    return {"prompt": [{"role": "user", "content": ask}], "reference": answer, "answer": n, "kind": kind}
