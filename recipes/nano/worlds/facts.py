"""Questions and their plain answers: what things are, what somebody was told, how something is done.

A Question carries what the behaviours need to answer in their own manner: the sentences of the plain answer (two at least), the noun
that they name, the topic, a short name of the kind of thing, and, for animals, the same in Spanish.
"""

import re

from . import stories, words
from .source import Pool, plural, tidy

# name; Spanish; look; home; food; what is said of it
_ANIMALS = """
fox|el zorro|red|forest|mice|has a bushy tail;is known to be clever
wolf|el lobo|grey|forest|meat|lives in a pack;howls at night
bear|el oso|brown|forest|fish|sleeps through the winter;loves honey
deer|el ciervo|brown|forest|grass|can run very fast;listens for every sound
squirrel|la ardilla|red|tree|nuts|hides food for the winter;can jump from tree to tree
owl|el búho|brown|tree|mice|flies without a sound;can see well in the dark
woodpecker|el pájaro carpintero|black|tree|insects|knocks on wood with its beak;has a very strong neck
sparrow|el gorrión|brown|city|seeds|lives near people;bathes in dust
pigeon|la paloma|grey|city|seeds|always finds its way home;nods when it walks
crow|el cuervo|black|field|seeds|is one of the cleverest birds;remembers faces
eagle|el águila|brown|mountain|meat|has very sharp eyes;builds its nest on a cliff
duck|el pato|brown|lake|grass|has feathers that keep water out;likes to swim in a row with its young
swan|el cisne|white|lake|grass|has a long neck;stays with one partner
goose|el ganso|white|farm|grass|warns of strangers;flies in a group
frog|la rana|green|lake|insects|can jump far;was once a tadpole
fish|el pez|silver|river|worms|breathes under water;has scales
salmon|el salmón|silver|river|fish|swims up the river;can leap over a waterfall
otter|la nutria|brown|river|fish|likes to play;sleeps on its back
beaver|el castor|brown|river|leaves|builds dams;has a flat tail
dolphin|el delfín|grey|sea|fish|is very clever;talks with whistles
whale|la ballena|blue|sea|fish|is the largest of all animals;sings long songs
seal|la foca|grey|sea|fish|can hold its breath for a long time;rests on the rocks
crab|el cangrejo|red|sea|fish|walks sideways;carries two claws
turtle|la tortuga|green|sea|grass|carries its house on its back;can become very old
penguin|el pingüino|black|ice|fish|cannot fly;swims like an arrow
camel|el camello|brown|desert|grass|can live without water for days;carries people through the sand
lizard|el lagarto|green|desert|insects|likes to lie in the sun;can lose its tail
snake|la serpiente|green|desert|mice|has no legs;smells with its tongue
lion|el león|golden|savanna|meat|sleeps for most of the day;has a loud roar
tiger|el tigre|orange|jungle|meat|has stripes;likes to swim
elephant|el elefante|grey|savanna|grass|has a long trunk;never forgets a friend
giraffe|la jirafa|yellow|savanna|leaves|has the longest neck of all;sleeps very little
zebra|la cebra|black|savanna|grass|has stripes that are never the same;lives in a herd
monkey|el mono|brown|jungle|fruit|climbs with hands and feet;likes to tease others
parrot|el loro|green|jungle|fruit|can copy voices;has a strong beak
panda|el panda|black|mountain|leaves|eats for most of the day;likes to be alone
koala|el koala|grey|tree|leaves|sleeps almost all day;smells of cough drops
goat|la cabra|white|mountain|grass|climbs the steepest rocks;eats nearly anything
sheep|la oveja|white|farm|grass|gives wool;follows the others
cow|la vaca|brown|farm|grass|gives milk;has four stomachs
horse|el caballo|brown|farm|grass|can sleep standing up;likes to run
donkey|el burro|grey|farm|grass|carries heavy loads;is more careful than stubborn
pig|el cerdo|pink|farm|corn|has a very good nose;likes mud
chicken|la gallina|brown|farm|corn|lays eggs;takes baths in dust
rooster|el gallo|red|farm|corn|crows in the morning;watches over the hens
dog|el perro|brown|house|meat|is loyal to its people;can smell what nobody sees
cat|el gato|black|house|mice|purrs when it is happy;always lands on its feet
hamster|el hámster|golden|house|seeds|keeps food in its cheeks;runs in a wheel at night
mouse|el ratón|grey|house|seeds|is very shy;can squeeze through a tiny hole
goldfish|el pez dorado|golden|house|seeds|can live for many years;never closes its eyes
rabbit|el conejo|white|field|grass|has long ears;digs tunnels
hare|la liebre|brown|field|grass|runs in zigzags;sleeps in a hollow
hedgehog|el erizo|brown|garden|insects|rolls into a ball;has thousands of spines
mole|el topo|black|garden|worms|digs long tunnels;can hardly see
snail|el caracol|brown|garden|leaves|carries its house;is very slow
bee|la abeja|yellow|garden|honey|makes honey;dances to tell the others where flowers are
butterfly|la mariposa|orange|garden|honey|was once a caterpillar;tastes with its feet
ladybird|la mariquita|red|garden|insects|has black dots;helps the gardener
spider|la araña|black|house|insects|spins a web;has eight legs
ant|la hormiga|black|forest|seeds|is very strong for its size;lives with thousands of others
bat|el murciélago|brown|cave|insects|flies at night;sleeps upside down
"""
_HOME = {
    "forest": ("in the forest", "en el bosque"),
    "tree": ("in trees", "en los árboles"),
    "city": ("in the city", "en la ciudad"),
    "field": ("in the fields", "en el campo"),
    "mountain": ("in the mountains", "en la montaña"),
    "lake": ("by the lake", "en el lago"),
    "farm": ("on the farm", "en la granja"),
    "river": ("in the river", "en el río"),
    "sea": ("in the sea", "en el mar"),
    "ice": ("on the ice", "en el hielo"),
    "desert": ("in the desert", "en el desierto"),
    "savanna": ("on the savanna", "en la sabana"),
    "jungle": ("in the jungle", "en la selva"),
    "house": ("with people", "en la casa"),
    "garden": ("in the garden", "en el jardín"),
    "cave": ("in caves", "en la cueva"),
}
_FOOD = {
    "mice": "ratones",
    "meat": "carne",
    "fish": "peces",
    "grass": "hierba",
    "nuts": "nueces",
    "insects": "insectos",
    "seeds": "semillas",
    "leaves": "hojas",
    "fruit": "fruta",
    "corn": "maíz",
    "worms": "gusanos",
    "honey": "miel",
}

# name; what it is; made of; used for; where it is found; what is said of it
_THINGS = """
hammer|tool|wood and iron|driving nails|in a workshop|is heavy at one end;must be held at the end of the handle
saw|tool|steel|cutting wood|in a workshop|has many sharp teeth;sings when it cuts
needle|tool|steel|sewing|in a sewing box|has a tiny eye for the thread;is easy to lose
ladder|tool|wood|reaching high places|in a shed|must stand on firm ground;has many rungs
shovel|tool|iron|digging|in a shed|moves earth and snow;has a long handle
knife|tool|steel|cutting|in the kitchen|must be kept sharp;should be handled with care
spoon|tool|metal|eating soup|in the kitchen|is round at one end;is one of the oldest tools
broom|tool|wood and straw|sweeping the floor|in a corner|stands on its bristles;was used by every family
scissors|tool|steel|cutting paper|on a desk|have two blades;are held with thumb and finger
kettle|pot|metal|boiling water|in the kitchen|whistles when it is ready;has a spout
cup|dish|clay|drinking|on the table|has a handle;breaks when it falls
plate|dish|clay|serving food|on the table|is flat and round;can be painted
bottle|vessel|glass|keeping drinks|on a shelf|has a narrow neck;is closed with a cork
basket|vessel|willow|carrying things|at the market|is woven by hand;is light and strong
bucket|vessel|tin|carrying water|by the well|has a round handle;can be a drum, too
box|vessel|paper|keeping things|under the bed|has a lid;can hold secrets
chair|seat|wood|sitting|at the table|has four legs;has a back to lean on
table|piece of furniture|wood|eating and working|in the kitchen|has a flat top;is where people meet
bed|piece of furniture|wood|sleeping|in a bedroom|is soft and warm;is where a third of life is spent
lamp|thing|glass and brass|giving light|on a desk|shines in the dark;needs power or oil
candle|thing|wax|giving light|on the table|melts as it burns;was used before there were lamps
lantern|thing|glass and iron|walking at night|by the door|keeps the wind from the flame;can be carried
clock|machine|brass and wood|telling the time|on the wall|has two hands;ticks all day
bicycle|machine|steel|riding to places|in the street|has two wheels;needs no fuel
train|machine|steel|travelling far|at a station|runs on rails;has many wagons
boat|vehicle|wood|crossing water|in a harbour|floats on water;can have a sail
wheel|machine part|wood|moving things|on a cart|turns around its middle;changed the world
key|tool|brass|opening locks|in a pocket|fits only one lock;is small but important
umbrella|shelter|cloth|staying dry|by the door|opens like a flower;turns over in a strong wind
tent|shelter|cloth|sleeping outside|in a meadow|is held up by poles;can be folded
bridge|building|stone|crossing a river|over a river|must carry great weight;joins two sides
lighthouse|building|stone|warning ships|on the coast|has a bright light;can be seen from far away
windmill|building|wood|grinding corn|on a hill|has four sails;uses the wind
library|building|stone|reading and lending books|in town|is full of books;is quiet inside
book|object|paper|reading|in a library|has many pages;can hold a whole world
pencil|tool|wood|writing and drawing|on a desk|can be rubbed out;gets shorter every day
map|drawing|paper|finding the way|in a bag|shows roads and rivers;is a small picture of a large place
compass|tool|brass|finding north|on a ship|has a needle that points north;was made for sailors
telescope|tool|brass and glass|looking at stars|on a roof|makes far things look near;has two lenses
mirror|object|glass|seeing oneself|on the wall|shows left as right;reflects the light
drum|instrument|wood and skin|keeping the beat|in a band|is played with sticks;is one of the oldest instruments
violin|instrument|wood|making music|in an orchestra|has four strings;is played with a bow
flute|instrument|wood|making music|in an orchestra|is played with breath;sounds like a bird
piano|instrument|wood and wire|making music|in a concert hall|has black and white keys;is very heavy
bell|instrument|brass|calling people|in a tower|can be heard from far away;has a tongue that strikes it
kite|toy|paper|playing in the wind|in a meadow|hangs on a long string;dances in the sky
ball|toy|leather|playing|on a playground|is round;bounces
doll|toy|cloth|playing|in a child's room|looks like a small person;wears small clothes
coat|piece of clothing|wool|keeping warm|in a wardrobe|has long sleeves;is worn in winter
scarf|piece of clothing|wool|keeping the neck warm|in a wardrobe|can be knitted;is long and soft
shoe|piece of clothing|leather|walking|by the door|comes in pairs;protects the foot
hat|piece of clothing|felt|keeping the head warm|on a hook|keeps off rain and sun;can say something about its owner
"""
# name; taste or look; where it grows or comes from; eaten how
_FOODS = """
apple|sweet and crisp|on trees|raw or in a pie|comes in red, green and yellow
pear|sweet and juicy|on trees|raw or cooked|is wider at the bottom
plum|sweet and dark|on trees|raw or as jam|has a stone inside
cherry|small and sweet|on trees|raw or in a cake|often hangs in pairs
lemon|very sour|on trees|in tea or in a cake|is yellow and full of juice
orange|sweet and sour|on trees|raw or as juice|has a thick skin
peach|soft and sweet|on trees|raw or in a pie|has a skin like velvet
strawberry|red and sweet|in the garden|raw or with cream|wears its seeds outside
grape|small and sweet|on vines|raw or dried|grows in bunches
melon|large and sweet|in warm fields|in slices|is mostly water
carrot|orange and crunchy|in the ground|raw or in soup|is loved by rabbits
potato|mild and filling|in the ground|boiled or baked|must be cooked
onion|sharp and strong|in the ground|fried or in soup|makes the cook cry
tomato|red and juicy|in the garden|raw or as a sauce|is really a fruit
cucumber|cool and fresh|in the garden|in a salad|is mostly water
pumpkin|big and orange|in the garden|in soup or in a pie|can be made into a lantern
mushroom|soft and earthy|in the forest|fried in butter|must be known well before it is picked
bean|small and filling|on poles|cooked in a stew|needs a night in water
pea|green and sweet|in pods|cooked or raw|rolls off the fork
cabbage|round and mild|in the fields|raw or cooked|has many leaves
nut|hard and rich|on trees|raw or roasted|must be cracked
pancake|soft and warm|from a hot pan|with honey or jam|is turned in the air
dumpling|soft and filling|from a pot of hot water|with a sauce|can hide a filling
cookie|sweet and crunchy|from the oven|with a glass of milk|is gone too soon
"""
_JOBS = """
baker|bakes bread and cakes|in a bakery|an oven|gets up very early
farmer|grows food and keeps animals|on a farm|a tractor|works with the seasons
teacher|helps others to learn|in a school|chalk and patience|knows every child by name
doctor|helps people who are ill|in a hospital|medicine|must listen well
nurse|cares for the sick|in a hospital|bandages|works by day and by night
carpenter|makes things of wood|in a workshop|a saw|measures twice and cuts once
blacksmith|shapes hot iron|in a forge|a hammer|works beside a fire
tailor|makes clothes|in a small shop|needle and thread|measures people
shoemaker|makes and mends shoes|in a small shop|leather|knows how people walk
gardener|looks after plants|in a garden|a spade|is patient
fisher|catches fish|at sea|a net|watches the weather
sailor|works on a ship|at sea|strong ropes|can tie many knots
pilot|flies planes|in the sky|a radio|checks everything twice
painter|makes pictures|in a studio|brushes|sees colours everywhere
musician|plays music|on a stage|an instrument|practises every day
singer|sings songs|on a stage|a good voice|drinks warm tea
writer|writes books|at a desk|a pen|reads a lot
librarian|looks after books|in a library|a catalogue|can find any book
judge|decides what is just|in a court|the law|hears both sides
mayor|leads a town|in the town hall|a good ear|shakes many hands
firefighter|puts out fires|in the whole town|a long hose|must be brave
builder|builds houses|at a building site|bricks|works in all weather
miner|digs for coal and ore|under the ground|a lamp|seldom sees the sun at work
shepherd|watches over sheep|in the hills|a dog|walks many miles
beekeeper|keeps bees and collects honey|near flowers|a veil|moves slowly
chef|cooks meals|in a restaurant|sharp knives|tastes everything
waiter|brings food to the guests|in a restaurant|a tray|remembers many orders
barber|cuts hair|in a small shop|scissors|hears all the news
dentist|looks after teeth|in a practice|a small mirror|has steady hands
vet|heals animals|in a practice|gentle hands|cannot ask where it hurts
astronomer|studies the stars|in an observatory|a telescope|works at night
inventor|makes new things|in a workshop|ideas|fails often and tries again
clockmaker|makes and mends clocks|in a quiet workshop|tiny tools|has sharp eyes
potter|makes bowls and cups of clay|in a pottery|a wheel|has clay on both hands
weaver|makes cloth|at a loom|yarn|knows many patterns
letter carrier|brings letters to people|in every street|a big bag|knows every dog
guard|watches over a place|at a gate|a lamp|must stay awake
actor|plays other people|in a theatre|a good memory|learns long parts
dancer|moves to music|on a stage|good shoes|practises before a mirror
scientist|finds out how things work|in a laboratory|questions|writes everything down
"""
_HOW = """
make tea|tea|boil some water;put the leaves into the pot;pour the water over them;wait for four minutes
bake bread|bread|mix flour, water, salt and yeast;let the dough rest for an hour;shape it with your hands;bake it until it is brown
plant a tree|trees|dig a hole that is wide enough;set the tree in the middle;fill the hole with earth;give it a lot of water
wash a dog|dogs|fill a tub with warm water;talk to the dog in a calm voice;use a little soap;dry it with a big towel
fall asleep|sleep|go to bed at the same time each day;make the room dark and cool;put away your work;breathe slowly
learn a song|music|listen to it many times;learn it line by line;sing it slowly at first;sing it for a friend
write a letter|letters|begin with a greeting;tell what has happened;ask how the other person is;sign it at the end
make a friend|friends|say hello and smile;ask what the other person likes;listen well;share something
clean a room|cleaning|open the window;pick up what lies on the floor;dust the shelves;sweep the floor last
build a fire|fire|look for a safe place;put small sticks in the middle;lay bigger wood around them;keep water near you
grow tomatoes|tomatoes|put the seeds in warm earth;give them much light;water them every day;tie the plants to a stick
draw a face|drawing|begin with an oval;mark the middle with a light line;add eyes, nose and mouth;draw the hair last
cook soup|soup|cut the vegetables small;fry them for a moment;add water and salt;let it boil for half an hour
save money|money|write down what you spend;put a little aside each week;wait a day before you buy something;mend what is broken
learn to swim|swimming|start where you can stand;practise breathing out in the water;kick with straight legs;go with somebody who swims well
ride a bicycle|bicycles|set the seat to the right height;look straight ahead;push off with one foot;keep on pedalling
tell a joke|jokes|keep it short;do not laugh before the end;wait a moment before the last line;choose a joke that hurts nobody
stay healthy|health|sleep enough;eat fruit and vegetables;move every day;spend time with friends
pack a bag|travel|make a list;put heavy things at the bottom;roll your clothes;keep the papers on top
remember names|names|repeat the name aloud;think of a picture for it;use it again soon;write it down in the evening
fly a kite|kites|choose a windy day;find an open field;let out the string slowly;run against the wind
make jam|jam|wash the fruit;cook it with sugar;stir it all the time;fill it into clean jars
calm down|feelings|breathe in slowly;count to ten;take a short walk;talk to someone you trust
learn a language|languages|learn a few words every day;listen to people who speak it;do not fear mistakes;read simple books
choose a book|books|look at the first page;think of what you liked before;ask a librarian;stop if it bores you
train for a race|running|run slowly at first;rest every second day;drink enough water;sleep well before the race
paint a wall|painting|cover the floor;clean the wall;start at the top;let the first coat dry
mend a sock|sewing|find a thread of the same colour;lay the sock over something round;sew lines across the hole;weave back and forth
take a photo|photos|look for good light;come close;hold the camera still;take more than one
make a snowman|snow|roll three big balls;put them on top of each other;use a carrot for the nose;give it a hat
feed birds|birds|use seeds and not bread;put the food in a high place;keep it dry;clean the feeder each week
play chess|chess|learn how the pieces move;guard your king;think about what the other one wants;look at the whole board
find north|the sky|look for the brightest group of stars;use a compass;watch where the sun is at noon;look at a map
prepare a party|parties|write the invitations;plan the food;choose some music;ask a friend to help
cut an onion|onions|use a sharp knife;cut it in half;keep the root on;breathe through your mouth
keep a diary|diaries|write a little every evening;be honest;add small drawings;keep it in a safe place
"""


def _rows(text):
    return [line.split("|") for line in text.strip().split("\n")]


ANIMALS = {r[0]: r[1:] for r in _rows(_ANIMALS)}
THINGS = {r[0]: r[1:] for r in _rows(_THINGS)}
FOODS = {r[0]: r[1:] for r in _rows(_FOODS)}
JOBS = {r[0]: r[1:] for r in _rows(_JOBS)}
HOW = {r[0]: r[1:] for r in _rows(_HOW)}


class Question:
    def __init__(self, ask, sentences, noun, topic, kind="", spanish=(), entity=""):
        self.ask, self.sentences = ask, [tidy(s) for s in sentences]
        self.noun, self.topic, self.kind, self.spanish, self.entity = noun, topic, kind, spanish, entity

    @property
    def plain(self):
        return " ".join(self.sentences)


_WHAT = Pool(
    [
        "What is a {n}?",
        "Tell me about the {n}.",
        "Tell me [something|more] about the {n}.",
        "What do you know about the {n}?",
        "Can you [explain|tell me] what a {n} is?",
        "Please describe a {n}.",
        "Describe the {n}.",
        "I would like to know what a {n} is.",
        "[Explain|Say] what a {n} is.",
        "[Hello|Hi]! What is a {n}?",
        "My [son|daughter|friend] asked me what a {n} is.",
        "I [never|have never] understood what a {n} is. [Can you help?|Tell me.]",
        "What can you tell me about {ns}?",
        "What are {ns}?",
        "Give me some facts about {ns}.",
    ],
    ["Would you kindly tell me what a {n} might be?", "Share what you know of {ns}.", "I am curious about the {n}."],
)
_WHERE_A = Pool(
    [
        "Where does a {n} live?",
        "Where do {ns} live?",
        "Do you know where a {n} lives?",
        "Where can I find a {n}?",
        "What is the home of the {n}?",
    ],
    ["In what place would I see {ns}?"],
)
_EAT_A = Pool(
    [
        "What does a {n} eat?",
        "What do {ns} eat?",
        "What should I feed a {n}?",
        "What is the food of the {n}?",
        "Do you know what {ns} like to eat?",
    ],
    ["What would a hungry {n} look for?"],
)
_USE = Pool(
    [
        "What is a {n} for?",
        "What do you do with a {n}?",
        "Why do people need a {n}?",
        "How is a {n} used?",
        "When do I need a {n}?",
    ],
    ["What good is a {n}?"],
)
_MADE = Pool(
    ["What is a {n} made of?", "From what do they make a {n}?", "Do you know what a {n} is made of?"],
    ["What does one need to make a {n}?"],
)
_TASTE = Pool(
    ["What does a {n} taste like?", "What is a {n} like?", "Have you heard of {ns}? [What are they like?|Tell me.]"],
    ["How would you describe the taste of a {n}?"],
)
_EATEN = Pool(
    ["How do people eat a {n}?", "How should I eat a {n}?", "What can I do with a {n} in the kitchen?"],
    ["What is the best way to enjoy a {n}?"],
)
_WORK = Pool(
    [
        "What does a {n} do?",
        "Where does a {n} work?",
        "What is the work of a {n}?",
        "What does a {n} need?",
        "I want to be a {n}. What will I do?",
    ],
    ["How does a {n} spend the day?"],
)
_HOWTO = Pool(
    [
        "How do I {n}?",
        "How can I {n}?",
        "Tell me how to {n}.",
        "What is the best way to {n}?",
        "I want to {n}. [How do I begin|What should I do]?",
        "Can you [explain|tell me] how to {n}?",
        "Please help me to {n}.",
        "My friend wants to {n}. What should [he|she] do?",
        "Give me some advice: how does one {n}?",
    ],
    ["I have never tried to {n} before. Any ideas?", "What would you tell someone who wants to {n}?"],
)


def _animal(r):
    n = r.pick(list(ANIMALS))
    es, look, home, food, said = ANIMALS[n]
    said = said.split(";")
    where, donde = _HOME[home]
    is_a = (
        r.fill("A {n} is a {look} animal [that|which] {s}.", n=n, look=look, s=said[0])
        if r.chance(0.5)
        else r.fill("A {n} is [an animal|an animal that lives {where}].", n=n, where=where)
    )
    lives = r.fill("It [lives|can be found|makes its home] {where}.", where=where)
    eats = r.fill("It [eats|likes to eat|feeds on|mostly eats] {food}.", food=food)
    extra = f"It {r.pick(said)}."
    spanish = [f"{es.capitalize()} es un animal.", f"Vive {donde}.", f"Come {_FOOD[food]}."]
    roll = r.random()
    ns = plural(n)
    if roll < 0.5:
        rest = r.some([x for x in (lives, eats, extra, f"It {said[1]}.") if x.split(" ", 1)[1] not in is_a], r.between(1, 3))
        rest = list(dict.fromkeys(x for x in rest if x[3:-1] not in is_a))
        if "lives" in is_a:
            rest = [x for x in rest if x != lives]
        return Question(r.say(_WHAT, n=n, ns=ns), [is_a] + (rest or [eats]), n, "animals", "animal", spanish, n)
    if roll < 0.75:
        return Question(
            r.say(_WHERE_A, n=n, ns=ns),
            [f"A {n} lives {where}."] + r.some([eats, extra], r.between(1, 2)),
            n,
            "animals",
            "animal",
            [f"{es.capitalize()} vive {donde}.", f"Come {_FOOD[food]}."],
            n,
        )
    return Question(
        r.say(_EAT_A, n=n, ns=ns),
        [r.fill("A {n} [eats|likes to eat|lives on] {food}.", n=n, food=food)] + r.some([lives, extra], r.between(1, 2)),
        n,
        "animals",
        "animal",
        [f"{es.capitalize()} come {_FOOD[food]}.", f"Vive {donde}."],
        n,
    )


def _thing(r):
    n = r.pick([x for x in THINGS if x != "scissors"])
    kind, made, use, where, said = THINGS[n]
    made_of = r.fill("It is [made of|mostly made of] {made}.", made=made)
    used = r.fill("It is [used for|good for|meant for] {use}.", use=use)
    found = r.fill("You [can find it|often find it|will see it] {where}.", where=where)
    extra = f"It {r.pick(said.split(';'))}."
    roll = r.random()
    if roll < 0.5:
        return Question(
            r.say(_WHAT, n=n, ns=plural(n)),
            [r.fill("A {n} is a {kind} [for {use}|that is used for {use}|made of {made}].", n=n, kind=kind, use=use, made=made)]
            + r.some([found, extra], r.between(1, 2)),
            n,
            "things",
            kind,
            entity=n,
        )
    if roll < 0.8:
        return Question(
            r.say(_USE, n=n),
            [r.fill("A {n} is [used for|needed for|good for] {use}.", n=n, use=use)]
            + r.some([made_of, found, extra], r.between(1, 2)),
            n,
            "things",
            kind,
            entity=n,
        )
    return Question(
        r.say(_MADE, n=n),
        [f"A {n} is made of {made}."] + r.some([used, found, extra], r.between(1, 2)),
        n,
        "things",
        kind,
        entity=n,
    )


def _food(r):
    n = r.pick(list(FOODS))
    taste, grows, eaten, said = FOODS[n]
    comes = f"It {'comes' if grows.startswith('from') else 'grows'} {grows}."
    eat = r.fill("[People eat it|It is eaten|You can eat it] {e}.", e=eaten)
    if r.chance(0.3):
        return Question(
            r.say(_EATEN, n=n),
            [f"A {n} is eaten {eaten}."] + r.some([comes, f"It is {taste}.", f"It {said}."], r.between(1, 2)),
            n,
            "food",
            "food",
            entity=n,
        )
    ask = r.say(_WHAT, n=n, ns=plural(n)) if r.chance(0.6) else r.say(_TASTE, n=n, ns=plural(n))
    return Question(
        ask, [f"A {n} is {taste}."] + r.some([comes, eat, f"It {said}."], r.between(1, 3)), n, "food", "food", entity=n
    )


def _job(r):
    n = r.pick(list(JOBS))
    does, where, need, said = JOBS[n]
    ask = r.say(_WHAT, n=n, ns=plural(n)) if r.chance(0.3) else r.say(_WORK, n=n)
    first = r.fill("A {n} [{does}|is a person who {does}|is someone who {does}].", n=n, does=does)
    if ask.startswith("Where"):
        first, where = f"A {n} works {where}.", ""
    elif "need" in ask:
        first, need = f"A {n} needs {need}.", ""
    rest = (
        [f"Such a person {does}.", r.fill("[People say that such a person|Whoever does this] {s}.", s=said)]
        if not where or not need
        else [
            f"Most of the work is done {where}.",
            f"The work needs {need}.",
            r.fill("[People say that such a person|Such a person|Whoever does this] {s}.", s=said),
        ]
    )
    return Question(ask, [first] + r.some(rest, r.between(1, 2)), n, "jobs", "job", entity=n)


def _how(r):
    n = r.pick(list(HOW))
    topic, steps = HOW[n]
    steps = steps.split(";")
    k = r.between(2, 4)
    at = sorted(r.some(range(4), k))
    order = (
        ("First,", "Then", "After that,", "At last,")
        if r.chance(0.5)
        else ("", "Then", "Next,", "Finally,") if r.chance(0.5) else ("", "", "", "")
    )
    sentences = [f"{order[i] if i < k - 1 or k < 4 else order[3]} {steps[j]}." for i, j in enumerate(at)]
    if r.chance(0.3):
        sentences = [r.fill("To {n}, you need [some time|a little patience|a plan].", n=n)] + sentences
    return Question(r.say(_HOWTO, n=n), sentences, "", topic, "advice")


_TOLD = [
    (
        "home",
        "{N} [lives in|comes from|has a house in] {v}.",
        "Where [does {N} live|is the home of {N}]?",
        "{N} lives in {v}.",
        lambda r: r.pick(words.TOWNS),
    ),
    (
        "job",
        "{N} [is a|works as a] {v}.",
        "What [is the job of {N}|does {N} do for a living|is {N}]?",
        "{N} is a {v}.",
        lambda r: r.pick(words.JOBS),
    ),
    (
        "pet",
        "{N} [has a|keeps a|owns a] {v}.",
        "[Which|What] [animal|pet] does {N} [have|keep]?",
        "{N} has a {v}.",
        lambda r: r.pick(words.COLOURS) + " " + r.pick(words.ANIMALS),
    ),
    (
        "food",
        "{N} [likes|loves|likes to eat] {v}.",
        "What does {N} like to eat?",
        "{N} likes {v}.",
        lambda r: r.pick(words.FOODS),
    ),
    (
        "hobby",
        "{N} [spends the evenings with|is very good at|loves] {v}.",
        "What is the hobby of {N}?",
        "The hobby of {N} is {v}.",
        lambda r: r.pick(words.HOBBIES),
    ),
    (
        "thing",
        "{N} [carries|has found|bought] a {v}.",
        "What [did {N} get|thing does {N} have]?",
        "{N} has a {v}.",
        lambda r: r.pick(words.LOOKS) + " " + r.pick(words.THINGS),
    ),
    ("drink", "{N} [drinks|always orders] {v}.", "What does {N} drink?", "{N} drinks {v}.", lambda r: r.pick(words.DRINKS)),
]
_YOU_SAID = Pool(
    [
        "[That is what you told me|You told me so|It says so above|That is written in your text].",
        "I [read|found] it in [what you wrote|your words|the text].",
        "The text [says so|is clear about it].",
        "This is what [I understood|the text says].",
    ]
)


def _told(r):
    people = [words.name(r) for _ in range(r.between(1, 3))]
    people = list(dict.fromkeys(people))
    facts = {(p, t[0]): t[4](r) for p in people for t in r.some(_TOLD, r.between(1, 3))}
    by = {t[0]: t for t in _TOLD}
    lines = [r.say(by[k][1], N=p, v=v) for (p, k), v in r.shuffle(facts.items())]
    (p, k), v = r.pick(list(facts.items()))
    ask = r.say(by[k][2], N=p)
    first = r.say(by[k][3], N=p, v=v)
    text = " ".join(lines)
    ask = f"{text} {ask}" if r.chance(0.7) else f"{ask} {r.pick(('Here is what I know:', 'Text:', 'Look:'))} {text}"
    return Question(ask, [first, r.say(_YOU_SAID)], p, "people", "person", entity=p)


_BRIEF = Pool(
    [
        "Tell me a [very short|tiny|short] story.",
        "[Please tell|Tell] me something about {N}.",
        "Who is {N}? [Make something up.|Invent a little story.]",
        "Can you tell a [tiny|very short] story about {N}?",
        "Give me a story of a few sentences.",
    ],
    ["I have half a minute. Entertain me with {N}."],
)


def _brief(r):
    while True:
        s = stories.Story(r, brief=True)
        sentences = re.findall(r"\S[^.!?]*[.!?]", s.text)
        if len(sentences) > 3 and s.text[-1] in ".!" and not re.search(r"[\"?;]|\.\.", s.text):
            return Question(r.say(_BRIEF, N=s.name), sentences, "", "stories", "story")


def question(r, kinds="attfjhw"):
    """a animals, t things, f food, j jobs, h how to, w what was told, s a tiny story."""
    return {"a": _animal, "t": _thing, "f": _food, "j": _job, "h": _how, "w": _told, "s": _brief}[r.pick(kinds)](r)
