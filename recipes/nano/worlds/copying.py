"""Copying from the context: saying again what was said, finding a value by its key. The skill under keys, first words and required words
of the other worlds, taught on words that may be anything."""

from . import words
from .source import Pool

_SAY = Pool(
    [
        "Say this: {w}",
        "Repeat: {w}",
        "Say again: {w}",
        "Copy this line: {w}",
        'Write "{w}".',
        "Echo {w}",
        "What did I say? I said: {w}",
    ],
    ["Give this back to me: {w}"],
)
_NTH = Pool(
    ["Which word is the {n}? {w}", "What is the {n} word of: {w}", "{w}. Name the {n} of these.", "Here are words: {w}. Give me the {n}."],
    ["Of {w}, which one is the {n}?"],
)
_KEY = Pool(
    ["{w}. What is {k}?", "{w}. Tell me the value of {k}.", "Look up {k}: {w}", "These are pairs: {w}. What belongs to {k}?"],
    ["{w}. And {k}?"],
)
_JSON = Pool(
    ['Put {v} under the key "{k}" in JSON.', 'Write JSON with "{k}": {v}.', 'A JSON object, key "{k}", value {v}, please.'],
    ['Let a JSON object say that "{k}" is {v}.'],
)
_FRAME = Pool(
    ['Begin with "{a}" and go on with "{b}".', 'Say "{a}" first and "{b}" after it.', 'First "{a}", then "{b}".'],
    ['Let "{b}" follow "{a}".'],
)


def word(r):
    """Any word at all."""
    kind = r.below(7)
    if kind < 2:
        return words.invented(r)
    if kind == 2:
        return words.name(r)
    if kind == 3:
        return r.pick(words.TOWNS)
    if kind == 4:
        return r.pick(words.THINGS if r.chance(0.5) else words.ANIMALS)
    if kind == 5:
        return r.pick(words.LOOKS + words.COLOURS + words.MATERIALS)
    return str(r.between(0, 999)) if r.chance(0.3) else words.invented(r)


def distinct(r, n):
    out = {}
    while len(out) < n:
        out.setdefault(word(r))
    return list(out)


def case(r):
    """(what is asked, the answer)"""
    roll = r.random()
    if roll < 0.35:
        w = " ".join(word(r) for _ in range(r.between(1, 8)))
        return r.fill(r.pick(_SAY), w=w), w
    if roll < 0.5:
        some = distinct(r, r.between(3, 6))
        i = r.below(len(some))
        n = "last" if i == len(some) - 1 and r.chance(0.5) else ("first", "second", "third", "fourth", "fifth", "sixth")[i]
        return r.fill(r.pick(_NTH), n=n, w=", ".join(some)), some[i]
    if roll < 0.75:
        n = r.between(2, 6)
        some = distinct(r, 2 * n)
        sep = r.pick((" is ", ": ", " = ", " -> "))
        i = r.below(n)
        return r.fill(r.pick(_KEY), k=some[i], w=", ".join(some[j] + sep + some[n + j] for j in range(n))), some[n + i]
    if roll < 0.87:
        k, v = word(r).lower(), word(r)
        return r.fill(r.pick(_JSON), k=k, v=v), f'{{"{k}": "{v}"}}'
    a, b = word(r), " ".join(word(r) for _ in range(r.between(1, 3)))
    return r.fill(r.pick(_FRAME), a=a, b=b), f"{a} {b}"


def row(r):
    """Several cases, each answer with loss; or one list of words over and over, in a text."""
    if r.chance(0.2):
        some = distinct(r, r.between(3, 9))
        gap = r.pick((" ", ", ", "\n", " - "))
        return {"text": gap.join(some * r.between(2, 5))}
    turns = []
    for _ in range(r.between(2, 6)):
        ask, answer = case(r)
        turns += [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
    return {"chat": turns}


def task(r):
    ask, answer = case(r)
    return {"prompt": [{"role": "user", "content": ask}], "reference": answer}
