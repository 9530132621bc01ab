"""Stories with a mood and required words, told from a plot; and the ways in which one is asked for."""

import re

from . import words
from .plots import BRIEF, DAY, FRIEND, MOODS, OPEN, PLOTS, TRAIT, UNFIT
from .source import Pool, articles

_DULL = set(
    "that this with from they them their there then were have been very what when which would could into some only said upon once while after about".split()
)


class Story:
    """One story: its text, its mood, and the words that can be asked for. A brief one has a beginning, what happened, and an end."""

    def __init__(self, r, mood=None, brief=False):
        self.mood = mood or r.pick(list(MOODS))
        m = MOODS[self.mood]
        self.plot = r.pick([x for x in (BRIEF if brief else PLOTS) if x not in UNFIT.get(self.mood, ())])
        self.name, pronoun = words.person(r)
        friend, fpronoun = words.person(r)
        while friend == self.name:
            friend, fpronoun = words.person(r)
        if fpronoun == pronoun and r.chance(0.7):  # clearer pronouns
            fpronoun = "she" if pronoun == "he" else "he"
            friend = r.pick(words.GIRLS if fpronoun == "she" else words.BOYS)
        p, f = words.PRONOUNS[pronoun], words.PRONOUNS[fpronoun]
        noun, other = r.some(words.THINGS, 2)
        look = r.pick(r.pick((words.COLOURS, words.MATERIALS, words.SIZES, words.LOOKS, words.LOOKS)))
        place, far = r.some(words.PLACES, 2)
        town, town2 = r.some(words.TOWNS, 2)
        job = r.pick(words.JOBS)
        hobby, hobby2 = r.some(words.HOBBIES, 2)
        pet = r.pick(words.ANIMALS)
        roll = r.random()
        if roll < 0.2:
            hero = f"{r.pick(('young', 'small', 'clever', 'little', 'brave', 'grey', 'shy', 'old'))} {r.pick(words.ANIMALS)}"
        elif roll < 0.45:
            hero = (
                f"{r.pick(('young', 'poor', 'old', 'kind', 'tired', 'clever', 'lonely', 'busy', 'famous'))} {r.pick(words.JOBS)}"
            )
        else:
            hero = f"{r.pick(('little', 'young', 'small', 'curious', 'quiet', 'brave', 'clever', 'shy', 'cheerful'))} {'girl' if pronoun == 'she' else 'boy'}"
        slots = dict(
            N=self.name,
            he=p["he"],
            him=p["him"],
            his=p["his"],
            himself=p["himself"],
            F=friend,
            fhe=f["he"],
            fhim=f["him"],
            fhis=f["his"],
            E=f"the old {job}",
            thing=f"{look} {noun}",
            noun=noun,
            other=other,
            pet=pet,
            place=place,
            far=far,
            town=town,
            town2=town2,
            food=r.pick(words.FOODS),
            hobby=hobby,
            hobby2=hobby2,
            colour=r.pick(words.COLOURS),
            a_hero=f"a {hero}",
            day="",
            H=lambda rnd: self.name if rnd() < 0.3 else p["he"],
        )
        size = 0 if brief else r.random()  # short ones leave beats out
        said = []

        def add(template, **more):
            text = r.say(template, **{**slots, **more})
            if text and text not in said:
                said.append(text)

        paragraphs = []
        used = r.shuffle(m["tone"])
        add(OPEN)
        if self.plot not in ("friend", "visitor") and not brief:  # there they meet
            add(FRIEND)
        if size > 0.25:
            add(TRAIT)
        if size > 0.7:
            add(TRAIT)
        if not brief and r.chance(0.8):
            add(used.pop())
        paragraphs.append(said)
        said = []
        beats = PLOTS[self.plot]
        if brief:
            alone = [
                [
                    b
                    for b in beat
                    if not re.search("{(?:F|f?h[ei]s?m?|E)}", b.replace("{he}", "").replace("{his}", "").replace("{him}", ""))
                ]
                for beat in (beats[0], beats[-2])
            ]
            beats = [b for b in alone if b]
        for i, beat in enumerate(beats):
            if size < 0.3 and i == 1 and r.chance(0.5):
                continue
            n = 2 if i and not isinstance(beat, tuple) and r.chance(size - 0.2) else 1  # a tuple: only one of them can be true
            told = set(r.some(beat, n))
            for line in beat:  # in the order in which they are written
                if line in told:
                    add(line, day=r.fill(r.pick(DAY)))
            if used and r.chance(0.15 + 0.2 * size):
                add(used.pop())
            if i in (2, 4) and r.chance(0.5):
                paragraphs.append(said)
                said = []
        add(m["end"])
        if size > 0.6 and r.chance(0.4):
            add(m["end"])
        paragraphs.append(said)
        gap = "\n" if r.chance(0.6) else " "
        self.text = gap.join(" ".join(x) for x in paragraphs if x)
        # a quarter of the words that may be asked for are names and places, the rest things, animals and the like
        low = self.text.lower()
        asked = [
            noun,
            other,
            pet,
            look,
            slots["colour"],
            slots["food"].split()[-1],
            hobby,
            job.split()[-1],
            place.split()[-1],
            far.split()[-1],
        ]
        asked += [w for w in m["words"].split() if r.chance(0.3)] + r.some(
            sorted(set(re.findall(r"\b[a-z]{4,9}\b", self.text)) - _DULL), 3
        )
        self.words = [w for w in dict.fromkeys(asked) if re.search(rf"\b{re.escape(w.lower())}\b", low)]


ASK = Pool(
    [
        "[Write|Tell me|Tell] a {mood} story [with|that has|that uses] the words {list}.",
        "[Please write|Can you write|Could you write] a {mood} story. [Use|It must contain|Include] these words: {list}.",
        "[I would like|I want|Give me] a {mood} story with {list} in it.",
        "Mood: {mood}. Words: {list}. Write the story.",
        "Write a [short|little] story that is {mood} and has {list} in it.",
        "Make up a {mood} [tale|story] and use {list}.",
        "A {mood} story, please, with the words {list}.",
        "[Think of|Invent] a {mood} story in which {list} appear.",
        "Story wanted! It should be {mood} and contain {list}.",
        "Words to use: {list}. Mood of the story: {mood}.",
    ],
    ["Let me hear a tale. It has to be {mood}, and I want to find {list} in it.", "Compose something {mood} around {list}."],
)
ASK_MOOD = Pool(
    [
        "[Write|Tell me|Tell] a {mood} story.",
        "[Please|Can you] tell a {mood} [tale|story].",
        "A {mood} story, please.",
        "Mood: {mood}. Write a story.",
        "I want to read a {mood} story [tonight|now|before bed].",
    ],
    ["Let me hear something {mood}."],
)
ASK_WHO = Pool(
    [
        "[Write|Tell me] a {mood} story about {who}.",
        "Tell a {mood} story about {who} with the words {list}.",
        "I want a {mood} story about {who}. It must contain {list}.",
    ],
    ["Let {who} be in a {mood} tale."],
)
CONTINUE = Pool(
    [
        "Continue this story in a {mood} way: {start}",
        "Here is how a story begins: {start} [Tell|Write] the rest, and make it {mood}.",
        "{start} [What happens next|How does it go on]? Keep it {mood}.",
    ],
    ["Finish the tale, and let it be {mood}: {start}"],
)


def listed(r, items):
    items = [f'"{x}"' for x in items] if r.chance(0.2) else list(items)
    if len(items) == 1:
        return items[0]
    return ", ".join(items) if r.chance(0.4) else ", ".join(items[:-1]) + " and " + items[-1]


def request(r, s):
    """(what the user asks, the answer, required words)"""
    roll = r.random()
    if roll < 0.15:
        cut = [m.end() for m in re.finditer(r"[.!?] ", s.text)][:3]
        if cut:
            at = cut[r.below(len(cut))]
            return articles(r.fill(r.pick(CONTINUE), mood=s.mood, start=s.text[:at].strip())), s.text[at:].strip(), []
    if roll < 0.25:
        return r.say(ASK_MOOD, mood=s.mood), s.text, []
    need = r.some(s.words, r.between(1, min(4, len(s.words))))
    if roll < 0.4:
        template = r.pick(ASK_WHO)
        return r.say(template, mood=s.mood, who=s.name, list=listed(r, need)), s.text, need if "{list}" in template else []
    return r.say(ASK, mood=s.mood, list=listed(r, need)), s.text, need


def row(r):
    """For training: plain stories, and conversations that ask for one."""
    s = Story(r)
    if r.chance(0.1 if r.stage >= 3 else 0.45):
        return {"text": s.text}
    ask, answer, _ = request(r, s)
    return {"messages": [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]}


def task(r):
    """For measuring: a request with two or three words, and the words that the mood's stories use."""
    s = Story(r)
    need = r.some(s.words[:8], r.between(1, 3))
    ask = r.say(ASK, mood=s.mood, list=listed(r, need))
    return {"prompt": [{"role": "user", "content": ask}], "reference": s.text, "mood": s.mood, "need": need}
