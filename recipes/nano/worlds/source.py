"""The chance behind one row, and the filling of templates.

A template is text with alternatives and slots: "[The|A] {thing} [fell|rolled] down." Alternatives may be nested and empty.
Only random.random() is used, whose sequence Python promises to keep for a seed.
"""

import functools
import random
import re
import zlib


class Pool:
    """Things to pick from, of which some are kept for measuring and never trained on. `wording`: ways to tell a behaviour."""

    def __init__(self, train, held=(), wording=False):
        self.train, self.held, self.wording = tuple(train), tuple(held), wording
        assert not set(self.train) & set(self.held)

    @classmethod
    def split(cls, things, one_in):
        """Keep one thing in so many, chosen by its spelling."""
        things = list(dict.fromkeys(things))
        held = [t for t in things if zlib.crc32(str(t).encode()) % one_in == 0]
        return cls([t for t in things if t not in set(held)], held)

    def all(self):
        return self.train + self.held


class Source:
    """Chance for one row. With `held`, pools give only what training never sees; with `told`, wordings are training's all the same; `stage`
    is that of the training that the row is for: worlds change what they give with it."""

    def __init__(self, seed, held=False, told=False, stage=1):
        self.random, self.held, self.told, self.stage = random.Random(seed).random, held, told, stage

    def below(self, n):
        return int(self.random() * n)

    def between(self, low, high):
        return low + int(self.random() * (high - low + 1))

    def chance(self, p):
        return self.random() < p

    def choices(self, things):
        if isinstance(things, Pool):
            return things.held if self.held and things.held and not (self.told and things.wording) else things.train
        return things

    def pick(self, things):
        things = self.choices(things)
        return things[int(self.random() * len(things))]

    def shuffle(self, things):
        things = list(things)
        for i in range(len(things) - 1, 0, -1):
            j = int(self.random() * (i + 1))
            things[i], things[j] = things[j], things[i]
        return things

    def some(self, things, n):
        """n different things, in random order."""
        things = self.choices(things)
        if n * 4 > len(things):
            return self.shuffle(things)[:n]
        out = {}
        while len(out) < n:
            out.setdefault(self.pick(things))
        return list(out)

    def fill(self, template, **slots):
        """One reading of a template, as it stands."""
        out = []
        _walk(_parse(template), self.random, slots, out)
        return "".join(out)

    def say(self, templates, **slots):
        """One reading of one of several templates, with its grammar put right."""
        template = templates if isinstance(templates, str) else self.pick(templates)
        return tidy(self.fill(template, **slots))


@functools.lru_cache(maxsize=None)
def _parse(template):
    """A sequence is a tuple of str, ("slot", name) and [sequence, ...] for alternatives."""
    stack, part = [[[]]], re.split(r"([\[\]|{}])", template)
    i = 0
    while i < len(part):
        s = part[i]
        if s == "{":
            stack[-1][-1].append(("slot", part[i + 1]))
            i += 2
        elif s == "[":
            stack.append([[]])
        elif s == "|" and len(stack) > 1:
            stack[-1].append([])
        elif s == "]":
            done = stack.pop()
            stack[-1][-1].append([tuple(x) for x in done])
        elif s:
            stack[-1][-1].append(s)
        i += 1
    assert len(stack) == 1, template
    return tuple(stack[0][0])


def _walk(nodes, rnd, slots, out):
    for node in nodes:
        if isinstance(node, str):
            out.append(node)
        elif isinstance(node, tuple):
            value = slots[node[1]]
            out.append(value(rnd) if callable(value) else str(value))
        else:
            _walk(node[int(rnd() * len(node))], rnd, slots, out)


_AN = re.compile(r"\b([Aa]) (?=[aeiouAEIOU])(?!(?:[Uu]ni|[Uu]se|[Uu]su|[Oo]ne\b|[Oo]nce|[Uu]kul|[Uu]ten|[Ee]u))")
_A_SILENT = re.compile(r"\b([Aa]) (?=(?:hour|honest|honou?r|heir)\w*)")
_START = re.compile(r"(^|[.!?] |\n|(?:^|\s)\")([a-z])")
_SPACE = re.compile(r" {2,}")
_BEFORE = re.compile(r" ([.,!?;:])")


def articles(text):
    """a or an."""
    return _A_SILENT.sub(r"\1n ", _AN.sub(r"\1n ", text))


def tidy(text):
    """a or an, capitals where sentences begin, single spaces."""
    text = articles(_BEFORE.sub(r"\1", _SPACE.sub(" ", text)).strip())
    return _START.sub(lambda m: m.group(1) + m.group(2).upper(), text)


_ODD = {
    "sheep": "sheep",
    "fish": "fish",
    "deer": "deer",
    "mouse": "mice",
    "goose": "geese",
    "child": "children",
    "wolf": "wolves",
    "knife": "knives",
    "shelf": "shelves",
    "loaf": "loaves",
    "leaf": "leaves",
    "scarf": "scarves",
    "foot": "feet",
    "tooth": "teeth",
    "man": "men",
    "woman": "women",
    "potato": "potatoes",
    "tomato": "tomatoes",
    "calf": "calves",
    "goldfish": "goldfish",
    "scissors": "scissors",
    "half": "halves",
    "salmon": "salmon",
    "thief": "thieves",
    "hero": "heroes",
    "bread": "bread",
    "milk": "milk",
    "ox": "oxen",
}


def plural(noun):
    """The plural of a noun or of a noun's phrase that ends in it."""
    head, space, last = noun.rpartition(" ")
    if last in _ODD:
        last = _ODD[last]
    elif re.search(r"(?:[sxz]|ch|sh)$", last):
        last += "es"
    elif re.search(r"[^aeiou]y$", last):
        last = last[:-1] + "ies"
    else:
        last += "s"
    return head + space + last


_ONES = (
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen "
    "nineteen twenty"
).split()


def in_words(n):
    return _ONES[n]


def count(n, noun):
    return f"{n} {noun if n == 1 else plural(noun)}"
