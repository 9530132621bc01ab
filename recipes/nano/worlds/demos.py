"""Label mappings that only the demonstrations in the context tell: sentiment, topic, and invented rules.

The label words change from context to context (real words, letters, or invented words), so that they cannot be learned by heart. Most
contexts are rows of text, in which every label after the first ones carries loss.
"""

from . import words
from .source import Pool, plural

_THING = (
    "film",
    "book",
    "meal",
    "hotel",
    "concert",
    "game",
    "song",
    "trip",
    "teacher",
    "story",
    "restaurant",
    "play",
    "party",
    "walk",
    "show",
    "lesson",
    "garden",
    "museum",
    "room",
    "service",
    "soup",
    "dress",
    "phone",
    "bicycle",
    "evening",
    "speech",
    "picture",
    "market",
    "beach",
    "train ride",
)
_GOOD = Pool(
    "gorgeous,terrific,heavenly,wonderful,great,lovely,excellent,fantastic,delightful,beautiful,superb,charming,brilliant,amazing,perfect,enjoyable,pleasant,splendid,marvellous,fine,impressive,cheerful,magical,clever,refreshing,outstanding,touching".split(
        ","
    ),
)
_BAD = Pool(
    "lousy,ghastly,dreary,terrible,awful,boring,horrible,dull,ugly,disappointing,dreadful,bad,poor,nasty,unpleasant,miserable,annoying,weak,stupid,painful,tasteless,dirty,rude,broken,cold,sloppy,lifeless".split(
        ","
    ),
)
_LIKED = [
    "I [loved|really liked|enjoyed] {it}.",
    "[We|I] would [go|do it] again [any time|tomorrow].",
    "[Everyone|My whole family] was [happy|smiling] at the end.",
    "I [laughed|smiled] all the time.",
    "It made my day.",
    "I can recommend it to everyone.",
    "It was worth every [coin|minute|penny].",
    "Thank you for this [treat|joy]!",
]
_HATED = [
    "I [hated|really disliked|could not stand] {it}.",
    "[We|I] will never [go|do it] again.",
    "[Everyone|My whole family] was [angry|bored] at the end.",
    "I [yawned|sighed] all the time.",
    "It ruined my day.",
    "I cannot recommend it to anyone.",
    "It was a waste of [money|time].",
    "I want my money back!",
]
_FEEL = Pool(
    [
        "The {t} was {a}.",
        "What a {a} {t}!",
        "The {t} was [so|really|very|truly] {a}.",
        "I [thought that the {t} was|found the {t}] {a}.",
        "This is a {a} {t}.",
        "[Yesterday|Last week] we had a {a} {t}.",
        "{N} said that the {t} was {a}.",
        "It was [the most {a}|a {a}] {t} [of the year|in town].",
    ],
    ["I must say, the {t} turned out {a}.", "A {a} {t}, if you ask me."],
)
# Few words for an item: most tokens of such a context are labels, so that what labels stand for is learned sooner.
_FEEL_SHORT = ["{a}", "{a}", "{a} {t}", "so {a}", "a {a} {t}", "really {a}!", "how {a}!", "very {a} {t}"]


def _sentiment(r, good, short=False):
    t = r.pick(_THING)
    if short:
        return r.fill(r.pick(_FEEL_SHORT), t=t, a=r.pick(_GOOD if good else _BAD))
    if r.chance(0.65):
        return r.say(_FEEL, t=t, a=r.pick(_GOOD if good else _BAD), N=words.name(r))
    return r.say(_LIKED if good else _HATED, it=f"the {t}")


_TOPIC = {
    "animals": [
        "The {animal} [slept|ran away|ate its food|drank some water|hid] {place}.",
        "[Two|Three|Five] {animals} [live|play|sleep] {place}.",
        "A {animal} has [four legs|sharp teeth|soft fur|a small nose|strong feet].",
        "{N} [feeds|watches|looks after] a {animal} every day.",
        "The young {animal} [followed its mother|learned to run|was hungry].",
    ],
    "food": [
        "{N} [cooked|ate|ordered|served] {food} [for lunch|for dinner|with salt|with butter].",
        "The {food} [tasted|smelled] [good|sweet|of lemon].",
        "We need {food} and {food2} for the [soup|salad|meal].",
        "[Add|Mix] the {food} [to the pot|with some flour].",
        "A plate of {food} stood on the table.",
    ],
    "weather": [
        "It will [rain|snow] [tomorrow|tonight|all week].",
        "The [wind|storm|fog] [grew stronger|came from the north|was over by noon].",
        "[Dark|White|Low] clouds [covered the sky|moved in from the west].",
        "The sun [shone|came out] [all day|after the rain].",
        "It was [cold and wet|hot and dry|icy|foggy] in {town}.",
        "[Thunder|Lightning|Hail] [woke {N}|came over {town}].",
    ],
    "sport": [
        "{N} [won|lost] the [race|match|game] {place}.",
        "The team of {town} [scored|trained|played] [twice|well|until dark].",
        "{N} [ran|swam|jumped] faster than [all others|{N2}].",
        "The [ball|goalkeeper|coach] [missed the goal|stood in the rain].",
        "She trained for the [match|cup|marathon] with her team.",
    ],
    "music": [
        "{N} played the [violin|piano|flute|drum|harp] {place}.",
        "The [choir|band|orchestra] of {town} [sang|played] [a waltz|an old song|all night].",
        "She wrote a [song|melody|tune] for [two voices|the guitar].",
        "The [singer|pianist] forgot the [notes|second verse].",
        "We heard a [soft|loud] [tune|song] from the [radio|stage].",
    ],
    "travel": [
        "The train to {town} leaves at [six|noon|nine].",
        "{N} [booked|missed] the [flight|ship|bus] to {town}.",
        "We [packed our bags|bought two tickets] and went to {town}.",
        "The [road|journey] from {town} to {town2} is [long|closed].",
        "The [passengers|tourists] waited at the [station|airport|harbour].",
    ],
    "school": [
        "{N} [learned to read|did the homework|wrote a test] in class.",
        "The teacher [explained|wrote] [the sum|a word] on the board.",
        "The pupils [opened their books|raised their hands].",
        "[Tomorrow|On Monday] there is an exam in [history|geography|spelling].",
        "{N} forgot the [homework|pencil case|exercise book] at home.",
    ],
    "money": [
        "The price of the {thing} [rose|fell] to [ten|forty] coins.",
        "{N} [saved|spent|borrowed] [twenty|a hundred] coins.",
        "The bank of {town} [closed|gave loans].",
        "They sold the {thing} for [a high price|half the price].",
        "{N} paid the [bill|rent|tax] [late|in cash].",
    ],
    "health": [
        "{N} had a [fever|cough|headache] [for days|all night].",
        "The doctor [gave {N} some medicine|looked at the wound].",
        "The nurse [put a bandage on|cleaned] the [knee|arm].",
        "The [hospital|clinic] of {town} needs [nurses|beds].",
        "{N} broke [an arm|a leg|a tooth] and went to the doctor.",
    ],
    "space": [
        "The [rocket|spaceship] [landed on|flew to] the [moon|red planet].",
        "[Two|Three] [planets|moons] circle the [distant|bright] star.",
        "The astronomer [found|saw] a [comet|new star].",
        "The astronauts [floated|slept] in the [station|capsule].",
        "A [comet|meteor] crossed the night sky.",
    ],
}
_NAMES = {
    "animals": "animal",
    "food": "food",
    "weather": "weather",
    "sport": "sport",
    "music": "music",
    "travel": "travel",
    "school": "school",
    "money": "money",
    "health": "health",
    "space": "space",
}


def _topic(r, topic):
    f = r.some(words.FOODS, 2)
    t = r.some(words.TOWNS, 2)
    a = r.pick(words.ANIMALS)
    return r.say(
        _TOPIC[topic],
        animal=a,
        animals=plural(a),
        place=r.pick(words.PLACES),
        N=words.name(r),
        N2=words.name(r),
        food=f[0],
        food2=f[1],
        town=t[0],
        town2=t[1],
        thing=r.pick(words.THINGS),
    )


def _thing(r, kind):
    """A bare noun of a kind."""
    pools = {
        "animal": words.ANIMALS,
        "thing": words.THINGS,
        "food": words.FOODS,
        "job": words.JOBS,
        "colour": words.COLOURS,
        "town": words.TOWNS,
        "girl": words.GIRLS,
    }
    pool = pools[kind]  # what kind a word is of can only be known of words that were read
    return r.pick(pool.train if isinstance(pool, Pool) else pool)


def _object(r, many, short=False):
    n = r.pick(words.THINGS) if r.chance(0.7) else r.pick(words.ANIMALS)
    look = r.pick(words.LOOKS + words.COLOURS) + " " if not short else ""
    if many:
        return f"{r.pick(('two', 'three', 'four', 'many', 'some', 'several'))} {look}{plural(n)}"
    return r.say(r.pick((f"a {look}{n}", f"the {look}{n}", f"one {look}{n}"))).lower()


_ASK = [
    "Did {N} see the {a} {p}?",
    "Where is the {a} of {N}?",
    "Is {N} {p}?",
    "Does {N} have a {a}?",
    "Can {N} find the {a} {p}?",
    "Why is the {a} {p}?",
]
_STATE = [
    "{N} saw the {a} {p}.",
    "The {a} of {N} is gone.",
    "{N} is {p}.",
    "{N} has a {a}.",
    "{N} can find the {a} {p}.",
    "The {a} is {p}.",
]


def _asks(r, question, short=False):
    n, a, p = words.name(r), r.pick(words.ANIMALS), r.pick(words.PLACES)
    if short:
        return r.say(["Is {N} here?", "Does {N} wait?", "Where is {N}?"] if question else ["{N} is here.", "{N} waits.", "There is {N}."], N=n)
    return r.say(_ASK if question else _STATE, N=n, a=a, p=p)


_VERBS = "walk,look,play,jump,work,paint,cook,knock,climb,laugh,wait,listen,call,shout,dance,bark,sail,fish,help,rest".split(",")


def _past(verb):
    return verb + ("d" if verb.endswith("e") else "ed")


def _tense(r, past, short=False):
    n, v, p = words.name(r), r.pick(_VERBS), r.pick(words.PLACES)
    what = _past(v) if past else f"will {v}"
    return f"{r.pick(('I', 'we', 'they'))} {what}" if short else f"{n} {what} {p}."


def _number(r, has, short=False):
    n, t, p = words.name(r), r.pick(words.THINGS), r.pick(words.PLACES)
    count = r.between(2, 99) if has else r.pick(("some", "many", "no", "all the", "his", "her"))
    return f"{count} {plural(t)}" if short else f"{n} saw {count} {plural(t)} {p}."


def _colour(r, which, short=False):
    look = r.pick(words.COLOURS[:10]) if which else r.pick(words.SIZES + words.LOOKS[:12])
    if short:
        return f"{look} {r.pick(words.THINGS)}"
    return f"{words.name(r)} {r.pick(('has', 'found', 'lost', 'wants', 'sold'))} the {look} {r.pick(words.THINGS)}."


def _size(r, big, short=False):
    return str(r.between(100, 999) if big else r.between(1, 20))


def _denied(r, yes, short=False):
    n, v, p = words.name(r), r.pick(_VERBS), r.pick(words.PLACES)
    what = f"did not {v}" if yes else f"did {v}" if r.chance(0.3) else _past(v)
    return f"{r.pick(('I', 'we', 'they'))} {what}" if short else f"{n} {what} {p}."


_RULES = {
    "question or statement": _asks,
    "one or many": _object,
    "past or future": _tense,
    "number or none": _number,
    "colour or none": _colour,
    "large or small number": _size,
    "denied or not": _denied,
}
_PAIRS = {
    "question or statement": ("question", "statement"),
    "one or many": ("many", "one"),
    "past or future": ("past", "future"),
    "number or none": ("number", "none"),
    "colour or none": ("colour", "other"),
    "large or small number": ("large", "small"),
    "denied or not": ("no", "yes"),
}
_SENTIMENT = [
    ("positive", "negative"),
    ("good", "bad"),
    ("happy", "unhappy"),
    ("like", "dislike"),
    ("praise", "blame"),
    ("plus", "minus"),
    ("thumbs up", "thumbs down"),
    ("love", "hate"),
]

FORMATS = Pool(
    [
        ("Text: {x}\nLabel: ", "{y}", "\n\n"),
        ("Input: {x}\nOutput: ", "{y}", "\n\n"),
        ("{x} -> ", "{y}", "\n"),
        ("{x} => ", "{y}", "\n"),
        ("Sentence: {x}\nClass: ", "{y}", "\n\n"),
        ("Q: {x}\nA: ", "{y}", "\n"),
        ("[{x}] ", "{y}", "\n"),
        ("{x}\nAnswer: ", "{y}", "\n\n"),
        ("Example: {x}\nGroup: ", "{y}", "\n"),
        ("{x} | ", "{y}", "\n"),
    ],
    [("Item: {x}\nTag: ", "{y}", "\n\n"), ("{x} :: ", "{y}", "\n")],
)
_HEAD = ["", "", "The labels are {l}.\n", "Choose from {l}.\n", "Each line is one of {l}.\n"]
_SYSTEM = [
    "The labels are {l}.",
    "[Answer|Reply] with {l}[.| and nothing else.]",
    "[Say|Tell] which it is: {l}.",
    "Label what you are given[.|: {l}.]",
    "[Sort|Put] each line into {l}.",
]


class Task:
    """One mapping: `classes` with their label words, and items of each class; `short` items are a few words."""

    def __init__(self, r, kind=None, short=False):
        kinds = ("sentiment", "sentiment", "topic", "rule", "rule") if r.stage >= 3 else ("sentiment", "topic", "topic", "rule")
        self.kind = kind or r.pick(kinds)
        if self.kind == "sentiment":
            self.classes, self.name, own = [True, False], "sentiment", list(r.pick(_SENTIMENT))
            self.item = lambda c: _sentiment(r, c, short)
        elif self.kind == "topic" and r.chance(0.75):
            self.classes, self.name = r.some(list(_TOPIC), r.pick((2, 2, 2, 3, 3, 4))), "topic"
            own = [_NAMES[c] for c in self.classes]
            self.item = lambda c: _topic(r, c)
        elif self.kind == "topic":
            self.classes, self.name = (
                r.some(("animal", "thing", "food", "job", "colour", "town"), r.pick((2, 2, 3, 4))),
                "kind of thing",
            )
            own = list(self.classes)
            self.item = lambda c: _thing(r, c)
        else:
            self.name = r.pick(list(_RULES))
            self.classes, own = [True, False], list(_PAIRS[self.name])
            rule = _RULES[self.name]
            self.item = lambda c: rule(r, c, short)
        roll = r.random()
        k = len(self.classes)
        if r.held or roll < 0.6:
            labels = r.some(words.INVENTED, k)
        elif roll < 0.8:
            labels = own
        else:
            labels = r.some(
                r.pick(
                    (
                        tuple("ABCDEFGH"),
                        tuple("XYZWVU"),
                        tuple("123456"),
                        ("red", "blue", "green", "yellow", "white"),
                        ("sun", "moon", "star", "cloud", "rain"),
                    )
                ),
                k,
            )
        self.label = dict(zip(self.classes, labels))

    def draw(self, r, n):
        """n pairs of item and class, every class among the first ones, in random order."""
        k = len(self.classes)
        order = r.shuffle([self.classes[i % k] for i in range(min(n, 2 * k))]) + [
            r.pick(self.classes) for _ in range(n - min(n, 2 * k))
        ]
        out, seen = [], set()
        for c in order:
            x = self.item(c)
            for _ in range(5):
                if x not in seen:
                    break
                x = self.item(c)
            seen.add(x)
            out.append((x, c))
        return out


def _listed(r, t):
    labels = r.shuffle(t.label.values())
    return " or ".join((", ".join(labels[:-1]), labels[-1]))


def _head(r, t):
    listed = _listed(r, t)
    return r.fill(r.pick(_HEAD), l=listed)


def row(r):
    short = r.stage >= 3 and r.chance(0.6)
    t = Task(r, short=short)
    n = r.between(5, 20)
    if t.name != "kind of thing" and not short and n > 14:
        n = 14
    pairs = t.draw(r, n)
    roll = r.random()
    if roll < 0.6:  # text: all labels carry loss
        before, y, gap = r.pick(FORMATS)
        return {"text": _head(r, t) + gap.join(before.replace("{x}", x) + t.label[c] for x, c in pairs)}
    if roll < 0.85:  # a conversation, each label an answer
        # without a word about labels, a question that is not understood is taken for the first of such a conversation
        turns = [{"role": "system", "content": r.fill(r.pick(_SYSTEM), l=_listed(r, t))}] if r.stage >= 4 else []
        for x, c in pairs:
            turns += [{"role": "user", "content": x}, {"role": "assistant", "content": t.label[c]}]
        return {"chat": turns}
    before, y, gap = r.pick(FORMATS)
    shown = gap.join(before.replace("{x}", x) + t.label[c] for x, c in pairs[:-1])
    x, c = pairs[-1]
    return {
        "messages": [
            {"role": "user", "content": _head(r, t) + shown + gap + before.replace("{x}", x).rstrip()},
            {"role": "assistant", "content": t.label[c]},
        ]
    }


def task(r, kind):
    """For measuring: as text, with 4 to 16 demonstrations and without any; labels are invented words, named in both."""
    t = Task(r, kind)
    n = r.pick((4, 6, 8, 12, 16))
    n = max(n, 2 * len(t.classes))
    pairs = t.draw(r, n + 1)
    before, y, gap = r.pick(FORMATS)
    x, c = pairs[-1]
    labels = list(t.label.values())
    head = f"The labels are {', '.join(labels[:-1])} or {labels[-1]}.\n"
    ask = before.replace("{x}", x).rstrip(" ")
    shown = gap.join(before.replace("{x}", a) + t.label[b] for a, b in pairs[:-1]) + gap
    return {
        "prompt": head + shown + ask,
        "plain": head + ask,
        "label": t.label[c],
        "labels": labels,
        "kind": kind,
        "rule": t.name,
        "shots": n,
    }
