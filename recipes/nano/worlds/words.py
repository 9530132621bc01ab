"""The words of the worlds: names, invented words, things, places, and their kinds. All lists are written by hand or built here."""

import re

from .source import Pool


def _build(*parts):
    out = [""]
    for part in parts:
        out = [a + b for a in out for b in part.split(",")]
    return out


_TRIPLE = re.compile(r"(.)\1\1|(?i:nig|dick|fag)|^(?:Ass|Anus|Also$|Camel$)")
_GIRLS = (
    "Ada,Alma,Amina,Anna,Asha,Bea,Bella,Bonnie,Carla,Celia,Clara,Cora,Daisy,Dana,Delia,Dora,Edith,Elena,Elsa,Emma,Erin,Esme,Eva,"
    "Fatima,Fay,Flora,Freya,Gina,Grace,Greta,Hana,Hazel,Helen,Ida,Ines,Iris,Ivy,Jana,Jane,Joan,Julia,June,Kaya,Kira,Lara,Leila,"
    "Lena,Lily,Lina,Lola,Lucy,Luna,Mabel,Maja,Mara,Maria,Maya,Mei,Mia,Mina,Mira,Molly,Nadia,Nell,Nina,Nora,Olga,Olive,Paula,"
    "Pia,Polly,Rita,Rosa,Rose,Ruth,Sara,Selma,Sofia,Stella,Sue,Tara,Tess,Thea,Tilda,Uma,Vera,Viola,Wanda,Willa,Yara,Zara,Zoe"
)
_BOYS = (
    "Adam,Ali,Amir,Anton,Arlo,Ben,Bert,Boris,Bruno,Carl,Cyrus,Dan,David,Dylan,Eli,Emil,Eric,Ezra,Felix,Finn,Frank,Fred,Gabe,"
    "George,Gus,Hans,Hari,Harry,Henry,Hugo,Ian,Igor,Isaac,Ivan,Jack,Jacob,James,Jim,Joel,John,Jonas,Karl,Kenji,Kofi,Kurt,Lars,"
    "Leo,Liam,Louis,Luca,Luke,Marco,Mark,Matt,Max,Milo,Musa,Ned,Neil,Noah,Oleg,Omar,Oscar,Otis,Otto,Owen,Pablo,Paul,Peter,"
    "Ravi,Rex,Robin,Roger,Roy,Sam,Saul,Sean,Simon,Sven,Ted,Theo,Tim,Toby,Tom,Tony,Umar,Victor,Walter,Will,Yusuf,Zack"
)
_GIRLS_MADE = _build(
    "Al,Be,Bri,Ca,Co,Da,De,El,Fa,Fi,Ga,Ge,Ha,Ja,Ka,Ke,La,Le,Lo,Ma,Me,Mi,Na,Ni,O,Pa,Pe,Ra,Re,Ri,Sa,Se,Sha,Ta,Te,Va,Ve,Yo,Za,Ze",
    "b,d,l,ll,m,n,nn,r,rr,s,t,v,z,nd,ri,li,me,ne,re",
    "a,ana,ela,ena,etta,ia,ika,ina,ira,isa,ora,una,y,ie",
)
_BOYS_MADE = _build(
    "Al,Ba,Bar,Ben,Bo,Bra,Ca,Cor,Da,Dar,De,Do,Fa,Fer,Ga,Gar,Ha,Har,Jo,Ka,Kel,Lo,Mar,Mo,Na,Nor,O,Or,Pe,Ra,Ro,San,Ta,Tar,To,Va,Wal,Ya,Za",
    "b,d,l,m,n,r,s,t,v,w,z,nd,ll,rr,st",
    "an,ard,as,el,en,er,ian,ick,im,in,ito,o,old,on,or,us,win",
)
GIRLS = Pool.split(_GIRLS.split(",") + [n for n in _GIRLS_MADE if not _TRIPLE.search(n) and n not in _BOYS.split(",")], 12)
BOYS = Pool.split(_BOYS.split(",") + [n for n in _BOYS_MADE if not _TRIPLE.search(n) and n not in _GIRLS.split(",")], 12)
_PLAIN_GIRLS, _PLAIN_BOYS = Pool.split(_GIRLS.split(","), 12), Pool.split(_BOYS.split(","), 12)
TOWNS = Pool.split(
    _build(
        "Al,Ash,Bel,Birch,Brook,Cal,Clay,Dun,East,Elm,Fair,Fern,Gold,Green,Hart,Hazel,High,Iron,Kings,Lake,Lark,Long,Maple,Mill,"
        "Moss,New,North,Oak,Old,Pine,Red,River,Rose,Salt,Silver,South,Stone,Swan,Thorn,Wal,West,White,Wind,Winter",
        "bridge,brook,bury,by,dale,field,ford,gate,ham,haven,hill,holm,ley,market,mere,mill,moor,mouth,port,shore,stead,ton,vale,well,wick,wood",
    ),
    12,
)
_RUDE = re.compile(
    "fuck|dick|nig|fag|slut|rap|cunt|prick|bitch|shit|wank|spic|tit|cock|suck|piss|pus|dyk|gook|coon|nazi|slag|kik|pak"
)
INVENTED = Pool.split(
    [
        w
        for w in _build(
            "b,bl,br,d,dr,f,fl,g,gl,gr,k,kl,l,m,n,p,pl,pr,r,s,sk,sn,sp,st,t,tr,v,w,z",
            "a,e,i,o,u",
            "b,ck,d,ff,g,l,lm,m,mp,n,nd,nk,p,r,rb,rg,sk,sp,t,v,x,zz",
            ",,a,o,el,in",
        )
        if not _RUDE.search(w)
    ],
    10,
)


def person(r):
    """(name, she or he): half of them common names, half of them built."""
    girl = r.chance(0.5)
    plain, built = (_PLAIN_GIRLS, GIRLS) if girl else (_PLAIN_BOYS, BOYS)
    return r.pick(plain if r.chance(0.5) else built), "she" if girl else "he"


def name(r):
    return person(r)[0]


def invented(r):
    return r.pick(INVENTED)


PRONOUNS = {
    "she": {"he": "she", "him": "her", "his": "her", "himself": "herself"},
    "he": {"he": "he", "him": "him", "his": "his", "himself": "himself"},
    "it": {"he": "it", "him": "it", "his": "its", "himself": "itself"},
}


def _list(text):
    return tuple(x.strip() for x in text.replace("\n", " ").split(",") if x.strip())


COLOURS = _list(
    "red, blue, green, yellow, orange, purple, pink, brown, black, white, grey, golden, silver, violet, turquoise, crimson"
)
MATERIALS = _list("wooden, paper, glass, stone, copper, iron, tin, silver, leather, woollen, clay, silk, cotton, brass, straw")
SIZES = _list("tiny, small, little, big, large, huge, long, short, round, tall, narrow, wide")
LOOKS = _list(
    "shiny, dusty, old, new, broken, heavy, light, soft, smooth, striped, spotted, pretty, plain, strange, precious, rusty, lovely, "
    "crooked, warm, cold, clean, muddy, painted, worn, bright, simple, lucky, forgotten, beautiful, ancient"
)

# Things that can be carried, lost, found, made and given.
THINGS = Pool.split(
    _list("""
acorn, apple, apron, arrow, atlas, axe, badge, bag, ball, balloon, banner, basket, bead, bell, belt, blanket, boat, book, boot, bottle,
bow, bowl, box, bracelet, brick, broom, brush, bucket, button, cage, cake, candle, cap, card, carpet, carrot, cart, chain, chair, chest,
clock, coat, coin, comb, compass, cookie, cork, crayon, crown, cup, cushion, dish, doll, dress, drum, egg, envelope, fan, feather,
flag, flower, flute, fork, frame, glove, guitar, hammer, handkerchief, harp, hat, helmet, hook, horn, jacket, jar, jewel, jug, kettle,
key, kite, knife, ladder, lamp, lantern, leaf, lemon, letter, lid, lock, locket, magnet, map, marble, mask, medal, melon, mirror, mitten,
mug, nail, necklace, needle, net, newspaper, notebook, nut, oar, onion, orange, paddle, painting, pan, pancake, parcel, peach, pear,
pearl, pebble, pen, pencil, photo, piano, pie, pillow, pipe, plate, plum, pocket watch, postcard, pot, potato, present, puppet, puzzle,
quilt, radio, raft, rake, recipe, ribbon, ring, robe, robot, rope, rose, rug, saddle, sail, sandal, saw, scarf, seed, shawl, shell,
shield, shirt, shoe, shovel, sled, slipper, snow globe, sock, spade, spoon, spring, stamp, stick, stone, stool, suitcase, sweater,
sword, table, tambourine, teapot, telescope, tent, ticket, tile, tomato, top, torch, towel, toy, train, tray, trumpet, trunk, umbrella,
vase, violin, wagon, wallet, wand, watch, wheel, whistle, wig, window box, wreath, xylophone, yo-yo, zipper"""),
    8,
)

ANIMALS = Pool.split(
    _list("""ant, badger, bat, bear, beaver, bee, beetle, bird, bull, butterfly, camel, cat, chicken, cow, crab, crane,
cricket, crow, deer, dog, dolphin, donkey, dove, dragonfly, duck, duckling, eagle, elephant, fawn, ferret, fox, frog, giraffe, goat,
goose, hamster, hare, hedgehog, hen, heron, horse, kitten, koala, ladybird, lamb, lion, lizard, magpie, mole, monkey, moth, mouse,
otter, owl, panda, parrot, peacock, penguin, pig, pigeon, pony, puppy, rabbit, rat, raven, robin, rooster, seal, sheep, skunk, snail,
sparrow, spider, squirrel, stork, swan, tiger, toad, tortoise, turkey, turtle, whale, wolf, woodpecker, worm, zebra"""),
    9,
)

JOBS = _list(
    """actor, artist, astronomer, baker, barber, beekeeper, blacksmith, bookseller, builder, bus driver, butcher, carpenter, chef,
clerk, clockmaker, coach, cobbler, dancer, dentist, doctor, farmer, firefighter, fisher, florist, gardener, glassblower, guard, guide,
hunter, inventor, jeweller, judge, librarian, lighthouse keeper, mayor, mechanic, merchant, miller, miner, musician, nurse, painter, pilot,
plumber, poet, letter carrier, potter, sailor, scientist, sculptor, shepherd, shopkeeper, singer, soldier, tailor, teacher, vet, waiter, weaver, writer"""
)

# place: the words that set it behind "at" or "in"
PLACES = Pool(
    _list("""in the forest, in the garden, at the market, by the river, on the beach, in the old library, at the top of the hill,
in the village square, in the kitchen, in the barn, at the harbour, in the meadow, near the lighthouse, under the bridge, in the attic,
by the lake, in the orchard, at the mill, in the castle yard, behind the school, in the workshop, at the train station, in the bakery,
on the farm, in the tall grass, at the edge of the wood, beside the well, in the park, on the roof, in the cellar, at the fair,
in the narrow street, on the island, near the waterfall, in the mountains, in the valley, in the desert, in the snow,
on the old ship, in the town hall, in the museum, at the crossroads, by the pond, on the playground"""),
    _list("in the greenhouse, at the foot of the cliff, in the clock tower, by the canal"),
)
FOODS = _list(
    """apple pie, bread, butter, cheese, cherries, chocolate, corn, cucumbers, dumplings, figs, grapes, honey, ice cream, jam, lemons,
lentils, mushrooms, noodles, nuts, olives, onions, oranges, pancakes, peaches, pears, peas, plums, porridge, potatoes, pumpkin, rice, salad,
soup, strawberries, tomatoes, waffles"""
)
HOBBIES = _list(
    """painting, swimming, chess, reading, fishing, dancing, singing, gardening, cooking, running, sailing, knitting, skating, climbing,
drawing, riding, camping, juggling, poetry, puzzles, archery, tennis, football, photography, pottery, astronomy"""
)
DRINKS = _list("tea, milk, water, lemonade, cocoa, coffee, apple juice, orange juice")
