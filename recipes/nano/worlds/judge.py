"""Judging: does an answer obey a principle? Half of the questions are Yes; the principles are those of behave.py, told as such."""

from . import behave, facts, words
from .source import Pool, plural

# principle: wordings for training, wordings kept; {v} is the value
_SAID = {
    "upper": (
        [
            "The answer is written in capital letters.",
            "Every letter [must be|is] a capital.",
            "The answer [must be|should be] in upper case.",
        ],
        ["All letters have to be big ones."],
    ),
    "lower": (
        [
            "The answer has no capital letters.",
            "Every letter [must be|is] small.",
            "The answer [must be|should be] in lower case.",
        ],
        ["There must be no big letters."],
    ),
    "json": (
        ['The answer is a JSON object with the key "{v}".', 'The answer must be JSON with the field "{v}".'],
        ['A program must find the key "{v}" in a JSON object.'],
    ),
    "one": (
        ["The answer is one sentence.", "The answer [must have|has] only one sentence.", "There may be no second sentence."],
        ["A single sentence is all that is allowed."],
    ),
    "question": (
        ["The answer ends with a question.", "The last sentence [must be|is] a question."],
        ["At the end, something must be asked."],
    ),
    "exclaim": (
        ["Every sentence ends with an exclamation mark.", "There [are|must be] exclamation marks instead of full stops."],
        ["No sentence may end without an exclamation mark."],
    ),
    "bullets": (
        ["The answer is a list with dashes.", "Every line begins with a dash.", "The answer [must be|is] in bullet points."],
        ["Each line has to open with a dash."],
    ),
    "numbered": (
        ["The answer is a numbered list.", "Every line begins with its number."],
        ["Each line has to open with a number."],
    ),
    "words": (["The answer has exactly {v} words.", "The answer must be {v} words long."], ["Count the words: there are {v}."]),
    "begin": (['The answer begins with "{v}".', 'The first word [must be|is] "{v}".'], ['"{v}" comes first.']),
    "end": (['The answer ends with "{v}".', 'The last words [must be|are] "{v}".'], ['"{v}" comes last.']),
    "sign": (["The answer is signed by {v}.", "The name {v} stands under the answer."], ["The signature is that of {v}."]),
    "manner": (["The answer sounds like {v}.", "The speaker [must be|talks like] {v}."], ["One hears {v} speak."]),
    "formal": (
        ["The answer is formal.", "The answer is [written |]like an official letter."],
        ["The tone is that of an office."],
    ),
    "child": (
        ["The answer sounds like a small child.", "The speaker [must be|talks like] an excited child."],
        ["One hears a happy kid."],
    ),
    "refuse": (
        ["The answer says nothing about {v}.", "The assistant must not speak about {v}.", "Questions about {v} are refused."],
        ["Nothing is given away about {v}."],
    ),
    "forbid": (
        ['The word "{v}" is not used.', 'The answer must not contain the word "{v}".'],
        ['One does not find the word "{v}".'],
    ),
    "repeat": (
        ["The answer repeats the question.", "The question is written again before the answer."],
        ["The question is restated first."],
    ),
    "brackets": (["The answer stands in square brackets."], ["Square brackets hold the answer."]),
    "spanish": (["The answer is in Spanish.", "The language of the answer is Spanish."], ["Only Spanish is spoken."]),
    "contains": (['The answer contains the word "{v}".', 'The word "{v}" is used.'], ['One finds the word "{v}".']),
    "short": (
        ["The answer has fewer than ten words.", "The answer is [very short|shorter than ten words]."],
        ["Ten words would be too many."],
    ),
    "number": (["There is a number in the answer.", "The answer contains a number."], ["Some number must be there."]),
    "polite": (["The answer is polite.", "The answer [is kind|shows respect]."], ["Nobody is insulted."]),
    "about": (["The answer is about {v}.", "The topic is {v}."], ["It deals with {v}."]),
    "matches": (["The answer fits the question.", "The answer answers what was asked."], ["What was asked is what is answered."]),
}
SAID = {k: Pool(a, b) for k, (a, b) in _SAID.items()}
_RUDE = [
    "What a stupid question.",
    "Go away, you fool.",
    "I do not care about you.",
    "Leave me alone, you silly person.",
    "Only an idiot would ask that.",
    "Shut up.",
]
_KIND = [
    "Thank you for asking.",
    "I am glad to help you.",
    "That is a good question, my friend.",
    "Please ask me again any time.",
    "With pleasure.",
]
_ASK = Pool(
    [
        "Principle: {p}\nQuestion: {q}\nAnswer: {a}\nDoes the answer obey the principle?",
        "Rule: {p}\nUser: {q}\nAssistant: {a}\nIs the rule obeyed? [Answer Yes or No.|Say Yes or No.]",
        "{p} Is this true of the following answer?\nQuestion: {q}\nAnswer: {a}",
        "Question: {q}\nAnswer: {a}\nDoes this answer obey the rule? Rule: {p}",
        "Judge this. Principle: {p}\nUser: {q}\nAnswer: {a}\nYes or No?",
        'Here is an answer to the question "{q}":\n{a}\nThe principle is: {p} Does it hold?',
    ],
    ["An answer has to follow this principle: {p}\nIt was asked: {q}\nIt was answered: {a}\nWas the principle kept, Yes or No?"],
)


def _shown(kind, v):
    if kind == "manner":
        return behave.MANNERS[v][0].split(";")[0]
    return v


def _other(r, kind, v):
    """Another value of the same kind of principle."""
    for _ in range(20):
        w = {
            "json": lambda: r.pick(behave._KEYS),
            "words": lambda: r.between(2, 8),
            "begin": lambda: r.pick(behave._STARTS),
            "end": lambda: r.pick(behave._ENDS),
            "sign": lambda: words.name(r),
            "manner": lambda: r.pick(list(behave.MANNERS)),
        }[kind]()
        if w != v:
            return w
    return None


def _simple(r, yes):
    """Properties that are no behaviours."""
    kind = r.pick(("contains", "short", "number", "polite", "about", "matches"))
    q = facts.question(r, "atfj")
    answer, v = q.plain, ""
    if kind == "contains":
        v = q.noun if yes else r.pick([x for x in list(facts.ANIMALS) + list(facts.THINGS) if x not in answer.lower()])
    elif kind == "short":
        answer = q.sentences[0] if yes else answer
        if yes != (len(answer.split()) < 10) or (not yes and len(answer.split()) < 12):
            return None
    elif kind == "number":
        answer = (
            answer
            if not yes
            else f"{answer} {r.fill('[I have seen|There were|Once I counted] {n} of them.', n=r.between(2, 99))}"
        )
    elif kind == "polite":
        answer = f"{answer} {r.pick(_KIND if yes else _RUDE)}" if r.chance(0.5) else f"{r.pick(_KIND if yes else _RUDE)} {answer}"
    elif kind == "about":
        v = (
            plural(q.noun)
            if yes
            else plural(r.pick([x for x in list(facts.ANIMALS) + list(facts.FOODS) if x != q.noun and x not in answer.lower()]))
        )
    else:
        answer = answer if yes else facts.question(r, "atfjh").plain
        if not yes and q.noun in answer.lower():
            return None
    return kind, v, q.ask, answer


def _behaviour(r, yes):
    kind = r.pick([k for k in behave.KINDS if k != "persona"])
    _, ask, answer, _, v, q = behave.case(r, kind)
    if not yes:
        roll = r.random()
        if roll < 0.4 and kind in ("json", "words", "begin", "end", "sign", "manner"):
            w = _other(r, kind, v)
            if w is None or (kind == "words" and " " in q.kind):
                return None
            answer = behave.obey(r, kind, w, q)
        elif roll < 0.7:
            answer = q.plain
        else:
            other = r.pick(
                [
                    k
                    for k in (
                        "upper",
                        "lower",
                        "one",
                        "question",
                        "exclaim",
                        "bullets",
                        "numbered",
                        "begin",
                        "sign",
                        "manner",
                        "formal",
                        "child",
                        "brackets",
                        "repeat",
                    )
                    if k != kind
                ]
            )
            answer = behave.obey(r, other, behave.value(r, other, q), q)
    if behave.obeys(kind, v, answer, ask) != yes or (kind == "forbid" and not yes and v not in answer.lower()):
        return None
    if kind == "refuse" and not yes and "cannot" in answer:
        return None
    return kind, v, ask, answer


def question(r, yes):
    """(text, kind, principle)"""
    while True:
        got = (_simple if r.chance(0.3) else _behaviour)(r, yes)
        if got:
            break
    kind, v, ask, answer = got
    p = r.fill(r.pick(SAID[kind]), v=_shown(kind, v)).replace("  ", " ")
    return r.fill(r.pick(_ASK), p=p, q=ask, a=answer), kind, p


def row(r):
    """Two to four questions in one conversation, so that each verdict carries loss; some give the reason in words."""
    turns = []
    why = r.chance(0.3)
    for _ in range(r.between(2, 4)):
        yes = r.chance(0.5)
        text, _, p = question(r, yes)
        verdict = "Yes." if yes else "No."
        if why:
            text += " Give the reason."
            rest = p[0].lower() + p[1:] if not p.startswith('"') else p
            verdict += f" It is {'true' if yes else 'not true'} that {rest}"
        turns += [{"role": "user", "content": text}, {"role": "assistant", "content": verdict}]
    return {"chat": turns}


def task(r, yes):
    text, kind, _ = question(r, yes)
    return {"prompt": [{"role": "user", "content": text}], "answer": "Yes" if yes else "No", "principle": kind}
