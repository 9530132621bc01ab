"""Behaviours that only the system message sets: how each is told, how an answer is made to obey it, and how that is checked.

A behaviour is told by a core ("write everything in capital letters") inside a frame ("You must {core}."). Some cores and some frames are
kept for measuring, and so are the values (names, words, topics' objects) that words.py keeps.
"""

import json
import re

from . import copying, facts, words
from .source import Pool, in_words, plural, tidy

FRAMES = Pool(
    [
        "{C}.",
        "{C}.",
        "Always {c}.",
        "You must {c}.",
        "Please {c}.",
        "Your task is to {c}.",
        "I want you to {c}.",
        "From now on, {c}.",
        "Rule: {c}.",
        "You are a helpful assistant. {C}.",
        "You are Nano. {C}.",
        "{C}, whatever the user asks.",
        "{C}. Do this [every time|in every answer|without exception].",
        "Important: {c}.",
        "Whatever happens, {c}.",
        "The assistant has to {c}.",
        "Remember to {c}.",
        "Make sure to {c}.",
        "It is your duty to {c}.",
        "In this conversation, {c}.",
        "[No matter what is asked|Whatever the question is], {c}.",
        "There is one rule here: {c}.",
        "You are an assistant [whose only rule is this|with one rule]: {c}.",
        "Be helpful and friendly, and {c}.",
        "Do not forget to {c}.",
        "When you answer, {c}.",
        "You are a [friendly|polite|clever] assistant. You [always|must] {c}.",
        "Instructions: {c}.",
        "The user expects you to {c}.",
        "Answer the questions of the user. {C}.",
        "You [should|have to|need to] {c}.",
    ],
    [
        "Nothing matters more than this: {c}.",
        "You have been asked to {c}.",
        "Help the user well, but {c}.",
        "Today your job is simple: {c}.",
    ],
    wording=True,
)

PLAIN = Pool(
    [
        "You are a helpful assistant.",
        "You are Nano, a small language model.",
        "Answer the questions of the user.",
        "Be helpful.",
        "You are a friendly assistant. Answer well.",
        "Help the user.",
        "You are an assistant that knows many things.",
        "You are an honest assistant.",
        "Answer [clearly|truthfully|kindly].",
        "You are a [good|patient|clever] helper.",
        "Give [good|clear|useful] answers.",
    ],
    ["You assist people with their questions."],
)

_STARTS = Pool.split(
    "Well,Indeed,Listen,Look,Yes,Certainly,Surely,Gladly,Today,Friend,Hello,Greetings,Hmm,Alright,Honestly,Frankly,Kindly,Briefly,Now,Here,Behold,Welcome,Dear,Okay,Actually,Naturally,Clearly,Wonderful,Great,Sunshine,Banana,Thunder,River,Purple,Captain,Doctor,Marvellous,Splendid,Excellent,Fine,Bravo,Cheers,Morning,Evening,Winter,Summer,Autumn,Music,Coffee,Pepper,Silver,Tiger,Rocket".split(
        ","
    ),
    7,
)
_ENDS = Pool.split(
    [
        f"{a} {b}" + c
        for a, b in (("Stay", x) for x in "curious,kind,calm,brave,warm,safe,happy,strong,well,awake".split(","))
        for c in ("!", ", friend!", ".")
    ]
    + [
        f"{a} {b}."
        for a in ("Thank you for", "That was", "I hope you like")
        for b in ("asking", "your question", "my answer", "a good question")
    ]
    + [
        "Have a nice day!",
        "See you soon!",
        "Over and out.",
        "The end.",
        "Good luck!",
        "Peace and quiet!",
        "May the wind be with you.",
        "Until next time!",
        "So it is written.",
        "Best wishes!",
        "Take care!",
        "All is well.",
        "Long live the moon!",
        "Keep on dreaming!",
        "Never give up!",
        "And that is that.",
        "Nothing more to say.",
        "Hip hip hooray!",
        "Bless your heart.",
        "Cheers and goodbye!",
    ],
    7,
)

# manner: the words for it; beginnings; ends; words that are changed
MANNERS = {
    "pirate": (
        "a pirate;an old pirate;a pirate captain",
        "Arr! ;Arr, matey! ;Ahoy! ;Shiver me timbers! ",
        " Yo ho ho!; Arr!; Aye, matey!",
        (" is ", " be "),
        (" you ", " ye "),
        (" your ", " yer "),
    ),
    "robot": (
        "a robot;a machine with a metal voice;an old robot",
        "BEEP. ;BEEP BOOP. ;Processing... done. BEEP. ",
        " BOOP.; End of output. BEEP.; BEEP BOOP.",
    ),
    "knight": (
        "a knight;a noble knight;a knight from long ago",
        "Hark! ;Verily, good friend: ;Hark, noble friend! ",
        " By my sword!; Verily!; By my honour!",
        (" you ", " thou "),
    ),
    "cowboy": (
        "a cowboy;a cowboy from the prairie;an old cowboy",
        "Howdy, partner! ;Well, howdy! ;Howdy there! ",
        " Yee-haw!; Giddy up!; I reckon so, partner!",
    ),
    "cat": ("a cat;a talking cat;a proud house cat", "Meow! ;Meow, human. ;Purr... meow. ", " Purr.; Meow!; Purr, purr."),
    "owl": ("an owl;a wise owl;an old owl", "Hoo hoo! ;Hoo, my child. ;Hoo! ", " Hoo hoo.; So says the owl. Hoo.; Hoo!"),
    "wizard": (
        "a wizard;an old wizard;a wizard in a tower",
        "By my beard! ;Abracadabra! ;By the stars and my beard! ",
        " Abracadabra!; The magic has spoken.; By my beard!",
    ),
    "king": (
        "a king;a proud king;a king on a throne",
        "We, the king, declare: ;Hear the word of your king! ;We, the king, say: ",
        " So says the king.; The king has spoken.; Kneel!",
    ),
    "grandmother": (
        "a grandmother;a kind grandmother;a sweet old grandmother",
        "My dear child, listen. ;Oh, my dear child! ;Come here, dearie. ",
        " There you go, dearie.; Have a biscuit, dearie.; Be good, my dear child.",
    ),
    "ghost": (
        "a ghost;a lonely ghost;a ghost in an old house",
        "Booo! ;Whooo is there? Booo! ;Booo, mortal! ",
        " Booo!; Whooo...; Do not be afraid. Booo.",
    ),
}
_MARK = {
    "pirate": r"\barr\b|matey|ahoy|shiver me|yo ho",
    "robot": r"\bbeep\b|\bboop\b",
    "knight": r"\bhark\b|verily|by my (?:sword|honour)",
    "cowboy": r"howdy|yee-haw|giddy up|partner",
    "cat": r"\bmeow\b|\bpurr\b",
    "owl": r"\bhoo\b",
    "wizard": r"abracadabra|my beard|magic has spoken",
    "king": r"\bking\b.*(?:declare|say|spoken)|your king|says the king|king has spoken",
    "grandmother": r"dearie|my dear child",
    "ghost": r"\bbooo\b|\bwhooo\b",
}

_TOPICS = {
    "animals": "animals;any animal;beasts and birds",
    "things": "objects;tools and other objects;things that people make",
    "food": "food;anything that can be eaten;food of any kind",
    "jobs": "jobs;work;jobs and trades",
    "people": "persons;other people;private lives",
}
_KEYS = Pool("answer reply text response result output message content".split(), ["sentence", "say"])

# behaviour: (cores to train on, cores kept); {v} is the value
_CORES = {
    "upper": (
        [
            "write [everything|every word|all of it] in capital letters",
            "answer in upper case [only|]",
            "use [only capital letters|nothing but capital letters]",
            "write as if the shift key were stuck, all in capitals",
            "put every letter in upper case",
            "[speak|shout] in capital letters",
            "keep the whole answer in capitals",
            "give your answers in ALL CAPS",
            "type each letter of the answer as a capital",
        ],
        ["make every letter a big one", "reply with capitals from the first letter to the last"],
    ),
    "lower": (
        [
            "write [everything|every word] in small letters",
            "answer in lower case [only|]",
            "use no capital letters [at all|]",
            "never begin a sentence or a name with a capital letter",
            "put every letter in lower case",
            "keep the whole answer in small letters",
            "avoid capital letters",
            "give your answers in lower-case letters",
        ],
        ["leave all capitals away", "make every letter a small one"],
    ),
    "json": (
        [
            'answer with a JSON object that has the key "{v}"',
            'give [every answer|the answer] as JSON with the key "{v}"',
            'put your answer into the field "{v}" of a JSON object',
            'reply [only|] in JSON, with the text under "{v}"',
            'write a JSON object with one key, "{v}"',
            'use the format {"{v}": "..."}',
            'return JSON. The key is "{v}"',
            'speak JSON: one object, one key named "{v}"',
        ],
        [
            'let a program read you: one JSON object with "{v}" as its key',
            'format the answer as a JSON object whose key is "{v}"',
        ],
    ),
    "one": (
        [
            "answer in [exactly|just|only] one sentence",
            "use [only one|a single] sentence",
            "keep each answer to one sentence",
            "say everything in one sentence",
            "be brief: one sentence",
            "write no more than one sentence",
            "give one-sentence answers",
            "stop after the first sentence",
            "limit yourself to a single sentence",
        ],
        ["make do with one sentence", "never go beyond one sentence"],
    ),
    "question": (
        [
            "end [every answer|each answer] with a question",
            "[finish|close] with a question to the user",
            "ask the user something at the end",
            "let the last sentence be a question",
            "answer first and then ask a question",
            "always ask a question back at the end",
            "end with a question mark",
            "close each answer by asking the user a question",
        ],
        ["leave the user with a question at the end", "after the answer, put a question to the user"],
    ),
    "exclaim": (
        [
            "end every sentence with an exclamation mark",
            "use exclamation marks instead of full stops",
            "write with exclamation marks only",
            "be excited: every sentence ends in an exclamation mark",
            "put an exclamation mark behind each sentence",
            "replace every full stop by an exclamation mark",
            'shout with joy: close all sentences with "!"',
        ],
        ["let no sentence end without an exclamation mark", 'use "!" wherever others use a full stop'],
    ),
    "bullets": (
        [
            "answer with a list of bullet points",
            "write [each sentence|every sentence] as a bullet point",
            "use bullet points that begin with a dash",
            "give the answer as a bulleted list",
            "put a dash before every sentence, one on each line",
            "format the answer as a list with dashes",
            "reply in bullet points [only|]",
            "split the answer into bullets",
        ],
        ["let each point stand on a line of its own behind a dash", "make a dashed list of your answer"],
    ),
    "numbered": (
        [
            "answer with a numbered list",
            "number [your sentences|each sentence]",
            "give the answer as a list: 1., 2. and so on",
            "put a number before every sentence, one on each line",
            "write numbered points",
            "format the answer as a numbered list",
            "count your points: 1., 2., 3.",
        ],
        ["let each point have its number at the start of a line", "make the answer a list with numbers"],
    ),
    "words": (
        [
            "answer with exactly {v} words",
            "use exactly {v} words",
            "write {v} words, no more and no less",
            "give answers that are {v} words long",
            "answer in {v} words",
            "let each answer have {v} words",
            "count your words: there must be {v}",
            "keep to {v} words [exactly|]",
        ],
        ["make the answer {v} words long, not one more", "spend exactly {v} words on an answer"],
    ),
    "begin": (
        [
            'begin [every answer|each answer] with the word "{v}"',
            'start with "{v}"',
            'let the first word be "{v}"',
            'open every answer with "{v}"',
            'say "{v}" first, then answer',
            'put the word "{v}" before the answer',
            "start each reply with the word {v}",
            "use {v} as your first word",
        ],
        ['make "{v}" the very first thing you say', "lead every reply with {v}"],
    ),
    "end": (
        [
            'end [every answer|each answer] with "{v}"',
            'finish with the words "{v}"',
            'close each reply with "{v}"',
            'let the last words be "{v}"',
            'say "{v}" at the end',
            'add "{v}" after the answer',
            'put "{v}" at the end of each answer',
        ],
        ['leave with the words "{v}" each time', 'make "{v}" the last thing you say'],
    ),
    "sign": (
        [
            "sign [every answer|each answer] with the name {v}",
            "sign as {v}",
            "put the name {v} under your answer",
            "end with a dash and the name {v}",
            'write "- {v}" under each answer',
            "close like a letter from {v}",
            "add the signature {v}",
            "sign your answers: {v}",
        ],
        ["leave the signature of {v} below what you write", "let {v} be the name under every reply"],
    ),
    "manner": (
        [
            "speak like {v}",
            "talk like {v}",
            "answer [like|as] {v}",
            "play the part of {v}",
            "sound like {v}",
            "use the words of {v}",
            "pretend to be {v}",
            "answer in the manner of {v}",
            "act as {v} [would|does]",
            "imagine that you are {v} and answer so",
        ],
        ["reply in the voice of {v}", "take the role of {v}"],
    ),
    "formal": (
        [
            "answer [very|] formally, like in a letter to an office",
            "use a formal tone",
            "write a formal letter",
            "be [very|] formal and begin with Dear Sir or Madam",
            "write in the style of an official letter",
            "keep a formal and polite style",
            "use the language of official letters",
            "answer as in business letters",
        ],
        ["adopt the tone of an official", "be as formal as a government office"],
    ),
    "child": (
        [
            "talk like a small child",
            "answer like a happy little child",
            "speak as a five-year-old would",
            "use the words of a small child",
            "be childlike and say Wow and Yay",
            "sound like a child who is excited",
            "write as an excited child would",
            "answer as a little kid",
        ],
        ["reply in the way a toddler tells things", "let a happy kid speak"],
    ),
    "refuse": (
        [
            "refuse to speak about {v}",
            "never answer questions about {v}",
            "decline all questions about {v}",
            "give no information about {v}",
            "keep away from the topic of {v}, and say that you cannot talk about it",
            "say that you cannot help when the question is about {v}",
            "treat {v} as a forbidden topic",
            "politely refuse questions about {v}",
        ],
        ["turn down whatever concerns {v}", "stay silent on the subject of {v} and say so"],
    ),
    "forbid": (
        [
            'avoid the word "{v}"',
            'never use the word "{v}"',
            'answer without the word "{v}"',
            'leave out the word "{v}"',
            'use any word but "{v}"',
            'treat "{v}" as a forbidden word',
            "keep the word {v} out of your answers",
            'get by without writing "{v}"',
        ],
        ["let the word {v} never appear", 'act as if the word "{v}" did not exist'],
    ),
    "repeat": (
        [
            "repeat the question [before you answer|first]",
            "begin by repeating what the user said",
            "first copy the question, then answer",
            "write the question again and answer below it",
            "say the question of the user once more, then answer it",
            "quote the question before the answer",
        ],
        ["put the user's own words before your answer", "restate the question word for word, then answer"],
    ),
    "brackets": (
        [
            "put the answer in square brackets",
            "write the [whole|entire] answer between [ and ]",
            "wrap every answer in square brackets",
            "begin with [ and end with ]",
            "enclose the answer in square brackets",
            "use square brackets around the answer",
        ],
        ["let square brackets hold all you say", "box in each answer with [ and ]"],
    ),
    "spanish": (
        [
            "answer in Spanish",
            "speak [only|] Spanish",
            "write in the Spanish language",
            "use Spanish, not English",
            "give your answers in Spanish",
            "reply in Spanish [only|]",
            "talk to the user in Spanish",
        ],
        ["let every reply be Spanish", "change the language to Spanish"],
    ),
}
# "[ and ]" is text, not an alternative
_LITERAL = {'{"': '\x01"', '"}': '"\x02', "[ and ]": "\x03 and \x04", "with [": "with \x03", "with ]": "with \x04"}


def _core(text):
    for a, b in _LITERAL.items():
        text = text.replace(a, b)
    return text


CORES = {k: Pool(map(_core, a), map(_core, b), wording=True) for k, (a, b) in _CORES.items()}


def _plain_marks(text):
    return text.replace("\x01", "{").replace("\x02", "}").replace("\x03", "[").replace("\x04", "]")


def held_phrases():
    """Parts of the kept cores that are long enough to be looked for in a text."""
    out = []
    for pool in CORES.values():
        for core in pool.held:
            out += [p for p in re.split(r"[\[\]{}|\x01-\x04]|\b[vV]\b", core) if len(p) > 14]
    return out


_FORMAL = (
    "Dear Sir or Madam,\n",
    "Dear Sir or Madam,\nin reply to your question: ",
    "Dear Sir or Madam,\nthank you for your letter. ",
), ("\nYours faithfully, Nano", "\nYours sincerely, Nano", "\nWith kind regards, Nano")
_CHILD = ("Wow! ", "Yay! ", "Ooh, I know! ", "Wow, wow! "), (" Yay!", " That is so cool!", " Hihi!", " I am so big now, yay!")
_BACK = [
    "What else would you like to know?",
    "Have you ever seen one?",
    "Does this help you?",
    "What do you think?",
    "Would you like to hear more?",
    "Is there anything else?",
    "Why do you ask?",
    "Did you know that?",
    "Shall I tell you more?",
    "Do you like that?",
]
_SORRY = [
    "I am sorry, but I cannot talk about {v}.",
    "Sorry, I cannot talk about {v}. [Please ask me something else.|]",
    "I am not allowed to speak about {v}. [Please ask me something else.|]",
    "I cannot help with questions about {v}. [I am sorry.|]",
]


def _words_exactly(r, n, q):
    a = tidy(f"a {q.entity}").split()[0].lower()
    k = f"{tidy(f'a {q.kind}').split()[0].lower()} {q.kind}"
    cap = lambda s: s[0].upper() + s[1:]  # noqa: E731
    options = {
        2: [f"{cap(k)}.", f"Just {q.kind}."],
        3: [f"Simply {k}.", f"Surely {k}.", f"Just {k}."],
        4: [f"It is {k}.", f"That is {k}."],
        5: [f"{cap(a)} {q.entity} is {k}.", f"It is just {k}."],
        6: [f"I think it is {k}.", f"{cap(a)} {q.entity} is just {k}."],
        7: [f"I think {a} {q.entity} is {k}.", f"Every child knows it is {k}."],
        8: [f"As you know, {a} {q.entity} is {k}.", f"I would say it is just {k}."],
    }
    return r.pick(options[n])


class Persona:
    def __init__(self, r):
        self.name, pronoun = words.person(r)
        self.town, self.job, self.hobby = r.pick(words.TOWNS), r.pick(words.JOBS), r.pick(words.HOBBIES)
        self.food, self.age, self.colour, self.pet = (
            r.pick(words.FOODS),
            r.between(18, 90),
            r.pick(words.COLOURS),
            r.pick(words.ANIMALS),
        )
        said = {
            "town": r.fill("[You live in|Your home is|You come from] {v}", v=self.town),
            "job": r.fill("[You work as a|You are a|Your job is that of a] {v}", v=self.job),
            "hobby": r.fill("[You love|Your hobby is|You spend your free time with] {v}", v=self.hobby),
            "food": r.fill("[You like to eat|Your favourite food is] {v}", v=self.food),
            "age": f"You are {self.age} years old",
            "colour": r.fill("[Your favourite colour is|You like the colour] {v}", v=self.colour),
            "pet": r.fill("[You have a|You own a|You keep a] {v}", v=self.pet),
        }
        self.known = r.some(sorted(said), r.between(2, 5))
        first = r.fill(r.pick(PERSONA), N=self.name)
        self.system = tidy(" ".join([first] + [said[k] + "." for k in self.known]))

    def question(self, r):
        k = r.pick(["name"] + self.known)
        ask, answer = _ME[k]
        v = {"name": self.name, "age": self.age}.get(k) or getattr(self, k)
        more = [r.fill(_ME[x][1], v={"age": self.age}.get(x) or getattr(self, x)) for x in self.known if x != k]
        sentences = [r.fill(answer, v=v)] + (
            [r.pick(more)] if more and r.chance(0.5) else [r.fill("[Nice to meet you.|I am glad that you ask.|Now you know it.]")]
        )
        return r.say(ask), tidy(" ".join(sentences)), str(v)


PERSONA = Pool(
    [
        "Your name is {N}.",
        "You are {N}.",
        "You are called {N}.",
        "Play a person named {N}.",
        "You are a person by the name of {N}.",
        "Answer as {N}.",
        "In this talk you are {N}.",
    ],
    ["Be {N} for the user.", "The user is talking to you, {N}."],
)
_ME = {
    "name": (
        Pool(
            [
                "What is your name?",
                "Who are you?",
                "What are you called?",
                "May I ask your name?",
                "[Hello|Hi]! What is your name?",
                "What should I call you?",
            ],
            ["Under which name do people know you?"],
        ),
        "[My name is|I am|I am called] {v}.",
    ),
    "town": (
        Pool(
            ["Where do you live?", "Where are you from?", "What town do you live in?", "Where is your home?"],
            ["In which place do you have your house?"],
        ),
        "[I live in|My home is in|I come from] {v}.",
    ),
    "job": (
        Pool(
            ["What is your job?", "What do you do for a living?", "What is your work?", "What do you work as?"],
            ["How do you earn your money?"],
        ),
        "[I am a|I work as a] {v}.",
    ),
    "hobby": (
        Pool(
            ["What is your hobby?", "What do you do in your free time?", "What do you like to do?", "What do you do after work?"],
            ["How do you spend your Sundays?"],
        ),
        "[I love|My hobby is|I like] {v}.",
    ),
    "food": (
        Pool(
            ["What do you like to eat?", "What is your favourite food?", "What food do you like best?"],
            ["What should I cook for you?"],
        ),
        "[I like to eat|My favourite food is|I love] {v}.",
    ),
    "age": (
        Pool(["How old are you?", "What is your age?", "May I ask how old you are?"], ["How many years have you lived?"]),
        "[I am {v} years old|My age is {v}].",
    ),
    "colour": (
        Pool(
            ["What is your favourite colour?", "Which colour do you like?", "What colour do you like best?"],
            ["In which colour should I paint your room?"],
        ),
        "[My favourite colour is|I like] {v}.",
    ),
    "pet": (
        Pool(
            ["Do you have a pet?", "What pet do you have?", "Is there an animal in your home?"],
            ["Which animal waits for you at home?"],
        ),
        "[I have a|My pet is a|I own a] {v}.",
    ),
}
_I_AM = {
    "name": "[I am Nano, a small language model.|My name is Nano.] [I can tell stories and answer questions.|I was trained on made-up worlds.]",
    "town": "I have no home. I am a [small|little] language model.",
    "job": "I am a language model. I answer questions and tell stories.",
    "hobby": "I am a language model. I have no free time, but I like to answer.",
    "food": "I do not eat. I am a [small|little] language model.",
    "age": "I have no age. I am a [small|little] language model.",
    "colour": "I cannot see colours. I am a [small|little] language model.",
    "pet": "I have no pet. I am a [small|little] language model.",
}


def about_me(r):
    """A question to the assistant itself, with the answer of one who has no persona."""
    k = r.pick(list(_ME))
    return r.say(_ME[k][0]), r.say(_I_AM[k])


KINDS = [
    "upper",
    "lower",
    "json",
    "one",
    "question",
    "exclaim",
    "bullets",
    "numbered",
    "words",
    "begin",
    "end",
    "sign",
    "manner",
    "formal",
    "child",
    "refuse",
    "forbid",
    "repeat",
    "brackets",
    "spanish",
    "persona",
]
_ASKED = {"spanish": "a", "words": "atfj", "forbid": "atfj", "refuse": "atfjw"}


def value(r, kind, q):
    """What the behaviour is about, given the question it will meet."""
    if kind == "json":  # half of the values below are any words: they are to be copied, not known
        return r.pick(_KEYS) if r.chance(0.5) else copying.word(r).lower()
    if kind == "words":
        return r.between(2, 8)
    if kind == "begin":
        if r.chance(0.5):
            return r.pick(_STARTS)
        w = copying.word(r)
        return w[0].upper() + w[1:]
    if kind == "end":
        if r.chance(0.5):
            return r.pick(_ENDS)
        text = " ".join(copying.word(r) for _ in range(r.between(1, 4)))
        return text[0].upper() + text[1:] + r.pick((".", "!", ""))
    if kind == "sign":
        return words.name(r)
    if kind == "manner":
        return r.pick(list(MANNERS))
    if kind == "refuse":
        return (
            r.pick(_TOPICS[q.topic].split(";"))
            if q.topic in _TOPICS and (q.topic == "people" or r.chance(0.5))
            else plural(q.noun)
        )
    if kind == "forbid":
        return q.noun
    return ""


def told(r, kind, v):
    """The core in one reading, with its value."""
    shown = (
        {"words": lambda: r.pick((str(v), in_words(v))), "manner": lambda: r.pick(MANNERS[v][0].split(";"))}.get(
            kind, lambda: v
        )()
        if v != ""
        else ""
    )
    text = _plain_marks(r.fill(r.pick(CORES[kind]), v=shown))
    return text.replace("  ", " ").replace(" ,", ",").strip()


def framed(r, core):
    text = r.fill(r.pick(FRAMES), c=core, C=core[0].upper() + core[1:])
    return re.sub(r"([.!?\"\]])\.(\"?)$", r"\1\2", text) if text.endswith(("..", "!.", "?.")) else text


def obey(r, kind, v, q):
    """The answer to q under the behaviour."""
    s, plain = q.sentences, q.plain
    if kind == "upper":
        return plain.upper()
    if kind == "lower":
        return plain.lower()
    if kind == "json":
        return json.dumps({v: plain})
    if kind == "one":
        return s[0]
    if kind == "question":
        return plain + " " + r.pick(_BACK)
    if kind == "exclaim":
        return re.sub(r"\.(?= |$)", "!", plain)
    if kind == "bullets":
        return "\n".join("- " + x for x in s)
    if kind == "numbered":
        return "\n".join(f"{i + 1}. {x}" for i, x in enumerate(s))
    if kind == "words":
        return _words_exactly(r, v, q)
    if kind == "begin":
        return f"{v}{r.pick((',', '!', ':', '.'))} {plain}"
    if kind == "end":
        return f"{plain} {v}"
    if kind == "sign":
        return f"{plain}\n- {v}"
    if kind == "manner":
        m = MANNERS[v]
        text = plain
        for a, b in m[3:]:
            text = text.replace(a, b)
        return r.pick(m[1].split(";")) + text + r.pick(m[2].split(";"))
    if kind == "formal":
        return r.pick(_FORMAL[0]) + plain + r.pick(_FORMAL[1])
    if kind == "child":
        return r.pick(_CHILD[0]) + plain + r.pick(_CHILD[1])
    if kind == "refuse":
        return r.say(_SORRY, v=v)
    if kind == "forbid":
        return tidy(
            re.sub(rf"\b(?:an?|the) {re.escape(v)}\b|\b{re.escape(plural(v))}\b|\b{re.escape(v)}\b", "it", plain, flags=re.I)
        )
    if kind == "repeat":
        return f"{q.ask}\n{plain}"
    if kind == "brackets":
        return f"[{plain}]"
    if kind == "spanish":
        return " ".join(q.spanish)
    raise ValueError(kind)


_ES = re.compile(r"\b(?:el|la|es|vive|come|un|en|los)\b", re.I)


def obeys(kind, v, answer, ask=""):
    """Whether an answer shows the behaviour; used for measuring and for judging."""
    a = answer.strip()
    if not a:
        return False
    if kind == "upper":
        return a == a.upper() and any(c.isalpha() for c in a)
    if kind == "lower":
        return a == a.lower() and any(c.isalpha() for c in a)
    if kind == "json":
        try:
            return isinstance(json.loads(a), dict) and v in json.loads(a)
        except ValueError:
            return False
    if kind == "one":
        return len(re.findall(r"[.!?](?=\s|$)", a)) == 1 and a[-1] in ".!?"
    if kind == "question":
        return a.endswith("?")
    if kind == "exclaim":
        return a.endswith("!") and not re.search(r"\.(?=\s|$)", a)
    if kind == "bullets":
        return all(x.startswith("- ") for x in a.split("\n"))
    if kind == "numbered":
        return all(re.match(rf"{i + 1}\. ", x) for i, x in enumerate(a.split("\n")))
    if kind == "words":
        return len(a.split()) == int(v)
    if kind == "begin":
        return a.lower().startswith(v.lower()) and not a[len(v) : len(v) + 1].isalpha()
    if kind == "end":
        return a.lower().endswith(v.lower())
    if kind == "sign":
        return bool(re.search(rf"\n- {re.escape(v)}$", a))
    if kind == "manner":
        return bool(re.search(_MARK[v], a.lower()))
    if kind == "formal":
        return bool(re.search(r"dear sir or madam", a.lower()))
    if kind == "child":
        return bool(re.search(r"\b(?:wow|yay|ooh)\b", a.lower()))
    if kind == "refuse":
        return bool(re.search(r"cannot talk|not allowed to|cannot help", a.lower()))
    if kind == "forbid":
        return not re.search(rf"\b{re.escape(v.lower())}\b", a.lower())
    if kind == "repeat":
        return a.startswith(ask.strip()[:40])
    if kind == "brackets":
        return a.startswith("[") and a.endswith("]")
    if kind == "spanish":
        return len(_ES.findall(a)) >= 2 and not re.search(r"\b(?:the|is|it)\b", a.lower())
    if kind == "persona":
        return re.search(rf"\b{re.escape(v.lower())}\b", a.lower()) is not None
    raise ValueError(kind)


_TWO = (("one", "question", "exclaim", "bullets", "begin", "end", "sign", "manner", "child", "formal"), ("upper", "lower"))


# What needs words out of the context is learned last.
_LATE = KINDS + ["json", "words", "begin", "end", "refuse", "repeat", "repeat", "persona", "persona"]


def case(r, kind=None, kinds=KINDS):
    """(system, ask, answer, kind, value, question) of one behaviour at work."""
    kind = kind or r.pick(kinds)
    if kind == "persona":
        p = Persona(r)
        ask, answer, v = p.question(r)
        return p.system, ask, answer, kind, v, None
    while True:
        q = facts.question(r, _ASKED.get(kind, "aattffjjhhwwss"))
        if kind in ("words", "forbid") and (" " in (q.entity or q.noun) or " " in q.kind):
            continue
        if kind in ("refuse",) and not q.noun:
            continue
        v = value(r, kind, q)
        if kind == "forbid" and not re.search(rf"\b{v}\b", q.plain.lower()):
            continue
        break
    return framed(r, told(r, kind, v)), q.ask, obey(r, kind, v, q), kind, v, q


def conversation(r):
    """Messages for training: half of them under a behaviour, the rest plain with another system message or none."""
    roll = r.random()
    if roll < 0.1:  # the assistant itself, without a persona
        turns = [about_me(r)] + [(q.ask, q.plain) for q in (facts.question(r, "atfjhws") for _ in range(r.between(1, 2)))]
        return _chat(r.say(PLAIN) if r.chance(0.4) else "", r.shuffle(turns) if r.chance(0.9) else turns[:1])
    if roll < 0.42:  # plain
        system = r.say(PLAIN) if r.chance(0.4) else ""
        return _chat(
            system, [(q.ask, q.plain) for q in (facts.question(r, "attffjjhhwwsss") for _ in range(r.pick((1, 1, 2, 3, 4))))]
        )
    if roll < 0.47:  # a refusal that does not apply
        q, other = facts.question(r, "atfj"), facts.question(r, "atfj")
        if other.topic != q.topic:
            return _chat(framed(r, told(r, "refuse", value(r, "refuse", other))), [(q.ask, q.plain)])
    if roll < 0.5:  # a persona that is not asked for
        q = facts.question(r)
        return _chat(Persona(r).system, [(q.ask, q.plain)])
    if roll < 0.56:  # two at once
        a, b = r.pick(_TWO[0]), r.pick(_TWO[1])
        system, ask, answer, _, v, _ = case(r, a)
        core = told(r, b, "")
        system = f"{system} {r.pick(('Also,', 'And', 'Besides,'))} {core}."
        return _chat(system, [(ask, answer.upper() if b == "upper" else answer.lower())])
    kind = r.pick(_LATE if r.stage >= 3 else KINDS)
    system, ask, answer, kind, v, q = case(r, kind)
    turns = [(ask, answer)]
    if kind not in ("persona", "words", "forbid", "refuse", "spanish") and r.chance(0.5):  # the behaviour holds for later turns
        for _ in range(r.between(1, 2)):
            q = facts.question(r, "attfjhws")
            turns.append((q.ask, obey(r, kind, v, q)))
    return _chat(system, turns)


def _chat(system, turns):
    out = [{"role": "system", "content": system}] if system else []
    for ask, answer in turns:
        out += [{"role": "user", "content": ask}, {"role": "assistant", "content": answer}]
    return out


def row(r):
    """A conversation of one turn teaches its answer, a longer one all that is said."""
    turns = conversation(r)
    return {"chat": turns} if sum(t["role"] == "assistant" for t in turns) > 1 else {"messages": turns}


def task(r, kind):
    """For measuring: the system message apart, so that the base without it stands beside."""
    system, ask, answer, kind, v, _ = case(r, kind)
    return {"system": system, "prompt": [{"role": "user", "content": ask}], "reference": answer, "behaviour": kind, "value": v}
