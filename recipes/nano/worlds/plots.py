"""What the stories are made of: moods, beginnings, and plots of six beats, each told in one of several ways.

Slots: {N} the hero's name, {H} the hero as a subject (name or pronoun), {he} {him} {his} the hero's pronouns; {F} {fhe} {fhim} {fhis} the
same of a friend; {E} an elder ("the old baker"); {thing} what it is about ("red kite"), {noun} its bare noun; {other} another
thing; {pet} an animal; {place} and {far} two places ("by the river"); {town} and {town2} towns; {day} when it happens. All is told
in the past tense. Where a beat is a tuple, only one of its ways can be true; of a list, two may be told, in this order.
"""

from .source import Pool

MOODS = {
    "happy": dict(
        words="happy joyful cheerful merry bright sunny delighted",
        tone=[
            "The sun was [shining|warm and bright|high in the sky].",
            "Birds were singing [all around|in the trees|on every roof].",
            "[Everyone|Everybody] was in a [good|cheerful|merry] mood that [day|morning].",
            "{H} [hummed|sang|whistled] a [cheerful|merry|happy] [song|tune].",
            "It was [a bright|a sunny|a lovely|the most cheerful] day.",
            "{H} could not stop [smiling|laughing|grinning].",
            "The air smelled of [flowers|fresh bread|warm grass|summer].",
            "{his} eyes [shone|sparkled] with joy.",
            "Somewhere [a band was playing|children were laughing].",
            "{H} felt as light as a [feather|balloon].",
        ],
        end=[
            "[They laughed and danced|Everyone laughed and danced] until [the moon came up|the stars came out|supper was ready].",
            "It was the [happiest|best|merriest] day of the [whole year|summer|spring].",
            "{N} went home with a [big|wide|bright] smile.",
            "That evening there was [cake|soup and fresh bread|apple pie] for everyone, and nobody was [sad|left out].",
            "And {N} was [happy|joyful|as happy as could be] for a long, long time.",
            "{H} laughed out loud, and soon the whole [village|street|family] laughed, too.",
            "From then on, every morning began with a [song|smile|laugh].",
        ],
    ),
    "sad": dict(
        words="sad lonely tears quiet grey sorrow missed",
        tone=[
            "[Grey|Heavy|Dark] clouds hung over the [roofs|fields|hills].",
            "{H} felt [lonely|sad|empty] inside.",
            "A [cold|thin|soft] rain was falling.",
            "{H} wiped away a [tear|few tears].",
            "Nobody [said much|sang|laughed] that day.",
            "The [house|street|garden] had never been so [quiet|empty].",
            "{his} heart was [heavy|full of sorrow].",
            "{H} missed the [old days|summer] [very much|more than ever].",
            "The last leaves were falling from the trees.",
            "{H} sighed and looked at the [floor|grey sky|rain].",
        ],
        end=[
            "{N} [cried|wept] a little, and then {he} slowly walked home in the rain.",
            "{H} never [forgot|stopped missing] that day.",
            "[Some things|Some things in life] cannot be brought back, and {N} knew it now.",
            "The window stayed dark for a long time that night.",
            "{H} kept the memory, but {his} heart stayed heavy.",
            "After that, the [house|street|garden] was quiet, and {N} often sat alone with {his} tears.",
            "It was a sad end, and nobody could [change|mend] it.",
        ],
    ),
    "scary": dict(
        words="dark shadow trembled afraid creaked howled cold",
        tone=[
            "It was [dark|very dark|almost dark], and the wind [howled|moaned].",
            "Something [creaked|scratched|rustled] in the [dark|shadows].",
            "{his} hands [trembled|were shaking|went cold].",
            "A [long|black|strange] shadow moved [across the wall|between the trees|over the ground].",
            "{his} heart beat [faster and faster|like a drum].",
            "Far away, [a wolf|a dog|something] howled.",
            "Two [yellow|red|pale] eyes [glowed|blinked] in the dark.",
            "{H} was [too afraid to move|so afraid that {he} could hardly breathe].",
            "The [door|floor|gate] creaked, [though nobody was there|all by itself].",
            "A cold [breath of air|wind|hand of fog] touched {his} neck.",
        ],
        end=[
            "{N} ran [home|away] without looking back, and [behind {him}|somewhere in the dark] something laughed.",
            "Since then, nobody [dares|has dared] to go there after dark.",
            "{H} locked the door [twice|three times], but the scratching did not stop.",
            "And when the moon is dark, people say, the shadow [still walks there|comes back].",
            "{H} slept with the light on for a [month|week|whole year].",
            "But in the morning there was a [black|wet|strange] footprint [on the floor|beside the bed].",
            "{N} was safe at last, but {he} still trembled at every sound.",
        ],
    ),
    "funny": dict(
        words="funny giggled silly laughed joke ridiculous wobbled",
        tone=[
            "{H} wore [two different shoes|a bucket for a hat|{his} coat inside out], which looked [silly|ridiculous].",
            "{his} nose began to [itch|twitch] at the worst moment.",
            "Somebody [giggled|sneezed|hiccupped].",
            "A [chicken|goose|goat] walked in as if it owned the place.",
            "{H} slipped on [a banana skin|some soap|a wet leaf] and sat down [with a bump|in a puddle].",
            "It sounded like a [trumpet full of soup|duck with a cold].",
            "{his} hat [fell into the soup|flew away and landed on a cow].",
            '"[Oops|Oh dear|Hiccup]!" said {N}.',
            "The [mayor|postman|teacher] tried not to laugh, and failed.",
            "{H} wobbled like a [jelly|pudding|plate on a stick].",
        ],
        end=[
            "Everybody laughed until their [sides|bellies] hurt, and {N} laughed the loudest.",
            "To this day, [people|the neighbours] giggle when they hear that [silly|ridiculous|funny] story.",
            "And the [goat|goose|chicken]? It ate {his} hat.",
            "{H} took a bow, [and {his} trousers split|and fell into the fountain].",
            '"[At least my socks are still dry|I meant to do that|Well, nobody saw it]!" said {N}.',
            "It was the [silliest|funniest] day that {town} had ever seen.",
            "{H} giggled about it [in bed|for weeks|even in {his} sleep].",
        ],
    ),
    "calm": dict(
        words="calm gentle slowly peaceful softly quiet still",
        tone=[
            "A [gentle|soft|light] [wind|breeze] moved [the grass|the leaves|the curtains].",
            "The [water|lake|evening] was calm and still.",
            "Nobody was in a hurry.",
            "{H} breathed [slowly|softly] in and out.",
            "Somewhere a [bell|dove] called [softly|gently].",
            "The light was [soft|warm] and [golden|gentle].",
            "Clouds drifted slowly over the hills.",
            "It was so quiet that {H} could hear [the bees|the leaves|{his} own breath].",
            "{H} sat down for a while and [listened|watched the clouds].",
            "The day went by slowly and [softly|gently].",
        ],
        end=[
            "Then it was evening, and all was [calm|still|peaceful].",
            "{H} closed {his} eyes and listened to the gentle rain.",
            "The stars came out, one [by|after] one, and {N} fell softly asleep.",
            "There was nothing more to do, and that was [just right|good].",
            "{H} drank a cup of [warm milk|tea] and watched the quiet [fields|garden|street].",
            "And the [river|evening|wind] went on slowly, as it always did.",
            "It had been a peaceful day.",
        ],
    ),
    "exciting": dict(
        words="suddenly raced quick thrilling daring leapt hurry",
        tone=[
            "Suddenly there was a loud [crash|bang|shout]!",
            "There was no time to lose.",
            "{H} [raced|rushed|dashed] [down the hill|across the yard|through the crowd].",
            "{his} heart [raced|pounded] with excitement.",
            '"[Quick|Hurry|Faster]!" [cried|shouted] {N}.',
            "{H} leapt over a [fence|ditch|fallen tree].",
            "Every second counted.",
            "The crowd [cheered|gasped|shouted].",
            "{H} [jumped|leapt] up and ran as fast as {he} could.",
            "Nobody had ever tried anything so daring.",
        ],
        end=[
            "What a thrilling day it had been!",
            "{H} had made it, with [one second|not a moment] to spare!",
            "The whole town cheered for {N}, the quickest and most daring of them all.",
            "And already {H} was [planning|dreaming of] the next adventure!",
            '{H} threw {his} arms in the air and shouted, "[We did it|Again]!"',
            "Nobody in {town} would ever forget that race against time.",
            "{his} legs were tired, but {his} heart was still racing.",
        ],
    ),
    "mysterious": dict(
        words="strange secret whispered mist hidden unknown riddle",
        tone=[
            "A [white|thin|silver] mist [lay over the ground|came up from the river].",
            "Nobody knew [where it had come from|who had made it|what it meant].",
            "[A voice|Someone] whispered {his} name, but there was nobody there.",
            "On the [wall|door|stone] there was a strange sign.",
            "The clock [had stopped|struck thirteen].",
            "{H} had the feeling that somebody was watching.",
            "It was like a riddle without an answer.",
            "The moon was [thin|pale|hidden], and the [air|street] was silent.",
            "There was a secret [here|in this place], and {N} could feel it.",
            "[An unknown|A hooded] [man|woman|traveller] [passed by without a word|nodded and was gone].",
        ],
        end=[
            "But who had done it remained a secret.",
            "When {N} looked again, there was only mist.",
            "The riddle was never [solved|answered], and perhaps that was for the best.",
            '{H} found a small note that said only: "[Soon|Well done|Do not tell]".',
            "And sometimes, when the mist comes, {N} still hears the whisper.",
            "{H} kept the secret hidden and told nobody.",
            "The next day, the door was gone, as if it had never been there.",
        ],
    ),
    "hopeful": dict(
        words="hope tomorrow dawn believed brave new promise",
        tone=[
            "There was a [thin|golden] line of light [in the east|behind the hills].",
            "{H} still believed that [things would get better|it could be done].",
            '"Tomorrow is a new day," [said|thought] {N}.',
            "The first [flowers|green leaves] were coming up through the [snow|dry ground].",
            "{H} was brave and did not give up.",
            "[A small|One] star was shining, and that was enough.",
            "{H} took a deep breath and [began again|stood up].",
            "Hope is a small thing, but it is [strong|stubborn].",
            '{his} grandmother had always said, "After the rain comes the sun."',
            "{H} made a promise and meant to keep it.",
        ],
        end=[
            "And with the dawn came new hope.",
            "{H} knew that tomorrow would be [better|brighter].",
            "There was still much to do, but {N} believed in it now.",
            "A new [day|year|life] was beginning.",
            "{H} looked at the rising sun and made a promise.",
            "It was only a small start, but every great thing begins small.",
            "And {N}, who had been so [small|tired|worried], felt brave.",
        ],
    ),
}

OPEN = Pool(
    [
        "[Once upon a time|Long ago|Once|Many years ago], [there was|there lived] {a_hero} named {N}.",
        "[Once upon a time|Long ago|One spring], {a_hero} named {N} lived {place}.",
        "In the [small|old|quiet|busy|little] town of {town} lived {a_hero} [named|called] {N}.",
        "{N} was {a_hero} who [lived in|came from] {town}.",
        "In {town}, between the [church|market|mill] and the [river|old wall], lived {a_hero} named {N}.",
        "This is the story of {N}, {a_hero} from {town}.",
        "{N} was {a_hero}, and {he} lived with {his} [grandmother|uncle|two brothers|aunt|three sisters|grandfather] in {town}.",
        "It was [early morning|a late afternoon|the first day of spring|the last day of summer|a winter evening|market day] when {a_hero} named {N} [woke up|looked out of the window|came to {town}].",
        "[Every morning|Every day|Each evening], {a_hero} named {N} [went for a walk|sat down to think] {place}.",
        "Far away, beyond [the hills|the river|seven valleys], there lived {a_hero} called {N}.",
        "[One day|One morning|One evening|One afternoon], {N}, {a_hero}, was [sitting|walking|waiting|standing] {place}.",
        "There was once {a_hero} whose name was {N}.",
        "When {N} was still {a_hero}, something [happened|took place] {place} that {he} never forgot.",
    ],
    [
        "In those days {a_hero} with the name of {N} had a house {place}.",
        "Listen, and you will hear about {N}, who was {a_hero} in {town}.",
    ],
)

TRAIT = [
    "{H} was [kind|brave|clever|shy|curious|patient|stubborn|careful|lazy|proud|quick|quiet], and {he} [loved|liked] {hobby}.",
    "{H} loved {hobby} more than [anything else|anything in the world].",
    "{H} had [a pet {pet}|a small {pet}|a clever {pet}] that [followed {him} everywhere|slept at {his} feet|always made {him} laugh].",
    "Everyone knew {him} because {he} [always asked questions|never told a lie|could run so fast|talked to animals|always wore a {colour} [hat|scarf|coat]].",
    "{H} was [not very big|not very strong|not very old], but {he} was [brave|clever|full of ideas].",
    "{H} [worked for|helped] {E} [on most days|every day|after school] and [learned|had learned] a lot.",
    "In {his} pocket {he} always carried a {other}.",
    "",
]

FRIEND = [
    "{his} best friend was {F}, who [loved|was very good at] {hobby2}.",
    "{F}, {his} [friend|cousin|neighbour], [lived next door|lived across the street|came to visit every day].",
    "{H} had a good friend, {F}.",
    "{N} and {F} had been friends [since they were small|for years|for as long as anyone could remember].",
    "With {him} was {his} friend {F}.",
    "{H} shared everything with {F}, {his} [friend|neighbour|best friend].",
]

# what kind of beginning the day has
DAY = [
    "[One day|One morning|One evening|That day|The next morning|On Monday|On Sunday|Last summer|In the middle of the night|In autumn|Early one morning],",
    "[One day|One afternoon|Then one day|At noon|In spring|In the winter],",
]

PLOTS = {
    "lost": (
        [
            "{day} {N} could not find {his} {thing}.",
            "{day} {N} [noticed|saw] that {his} {thing} was gone.",
            "{day} {his} {thing} [fell out of {his} bag|was suddenly gone|disappeared].",
        ],
        [
            "{H} looked [under the bed|behind the door|in every drawer], but it was not there.",
            "{H} searched [the whole house|every corner|the garden], [and found only a {other}|but found nothing].",
            '"Where is my {thing}?" {he} [asked|cried]. "I had it [yesterday|this morning]!"',
        ],
        [
            "{H} asked {F}, but {F} had not seen it.",
            '{F} said, "I will help you. Two can look better than one."',
            '{E} said, "I saw [something {colour}|a {noun}] {far}. Go and look there!"',
        ],
        [
            "Together they walked [all the way|along the path] and looked {far}.",
            "{H} followed [small footprints|a trail of crumbs|the sound of a bell] that ended {far}.",
            "So {N} went to look {far}.",
        ],
        (
            "There, under a [bush|bench|pile of leaves], [lay|was] the {noun}! {N} [held it tight|cleaned it carefully] and thanked {F}.",
            'There sat a {pet}, and it had the {noun} [in its mouth|under its feet]! "[You thief|You funny thing]!" said {N}, and gave it a [nut|biscuit|piece of bread] [instead|in return].',
            "And there was the {noun}, [a little wet|covered with dust], but [whole|not broken].",
            "But all that was left of the {noun} was a small [piece|scrap]. {N} put it in {his} pocket.",
            'There stood {E}, and in one hand was the {noun}. "Is this yours? It was lying in the road."',
        ),
        [
            '"Next time, I will [take better care|tie it to my belt|keep it safe]," said {N}.',
            "{H} [wrote|painted] {his} name on everything {he} owned after that.",
            '"[Things come and go|A thing is only a thing]," said {F}. "But [I stay|we are still here]."',
        ],
    ),
    "make": (
        [
            "{day} {N} decided to make a {thing} [for {F}|all by {himself}|for the fair].",
            "{day} {N} had an idea: {he} would build the [best|biggest|finest] {noun} in {town}.",
            "{N} had always wanted to make a {thing}.",
        ],
        [
            "{H} [collected|gathered] [wood and nails|paper and glue|cloth and thread|old boxes and string] and [began|started] at once.",
            '{H} asked {E}, "How do you make a {noun}?" "[Slowly|With patience|One step at a time]," was the answer.',
            "First {he} drew a plan. Then {he} [looked for|borrowed] a {other}.",
        ],
        [
            "But the first try [fell apart|looked more like a {other}|was far too small].",
            "It was [harder|more difficult] than {he} had thought, and the [glue|paint|string] went everywhere.",
            "After an hour the {noun} [broke in two|fell off the table].",
        ],
        [
            '{H} wanted to give up, but {F} said, "[Try again|Do not stop now|Let us do it together]!"',
            "{F} laughed [kindly|a little] and [helped to hold it|brought a better {other}].",
            '"I can do it," {H} said, and {he} started [again|from the beginning].',
        ],
        [
            "At last the {noun} was [ready|finished|done].",
            "The second one was better, and the third was [perfect|just right].",
            "When the sun went down, a {thing} stood {place}.",
        ],
        [
            '{E} looked at it and said, "[I have never seen a better one|You have good hands|That is fine work]!"',
            "It was not perfect, but it was {his} own.",
            "{H} gave it to {F}, who [could hardly believe it|did not know what to say].",
        ],
    ),
    "friend": (
        [
            "{day} {N} met a [strange|shy|quiet|lonely] child named {F} {place}.",
            "{day} a [stranger|new neighbour] named {F} came to {town}.",
            "{day} {N} saw somebody [new|sitting alone] {place}: it was {F}.",
        ],
        [
            '"Who are you?" asked {N}. "I am [new here|lost|looking for a friend]," was the answer.',
            "At first they [looked at each other and said nothing|were both too shy to speak].",
            "{H} did not know what to say, so {he} [smiled|waved|held out a {other}].",
        ],
        [
            "{N} [shared|offered to share] {his} {food}.",
            '"Do you like {hobby}?" asked {N}. "[I love it|I have never tried it]!" said {F}.',
            "{H} showed {F} the {thing} that {he} had found {far}.",
        ],
        [
            "They played {far} until [evening|it was dark|they were tired].",
            "Then {F} told {him} about [a land beyond the sea|{fhis} old home|{fhis} seven brothers].",
            "The others [laughed at them|did not want to play with {F}], but {N} stayed.",
        ],
        [
            "After that, they met every day and [shared everything|did everything together].",
            '"Will you come again tomorrow?" asked {F}. "[Of course|I promise|Always]," said {N}.',
            "They became the best of friends.",
        ],
        [
            "But a week later, {F} had to [leave|go back home]. {N} gave {fhim} the {noun}, so that {fhe} would remember.",
            "A friend, {N} learned, is [worth more than gold|someone who stays].",
            "From that day on, {N} was never alone again.",
        ],
    ),
    "storm": (
        [
            "{day} {N} was walking home when [a storm came up|thick fog came down|it began to snow].",
            "{day} {N} went [out|for a walk] to [pick berries|look for mushrooms|find {his} {pet}], and [soon|after a while] {he} did not know the way.",
            "{day} the sky turned [black|grey|yellow], and the wind [grew|became] [strong|wild].",
        ],
        [
            "{H} could see [nothing but rain|only a few steps ahead].",
            "[A branch|A tree] fell [beside {him}|across the path].",
            '"Hello! Is anybody there?" {H} called, but only the wind answered.',
        ],
        [
            "Then {he} saw a [small light|hut|cave] {far}.",
            "{H} held on to {his} {thing} and went on, step by step.",
            "A {pet} [ran|came] out of the bushes, looked at {him} and [ran|went] ahead, as if it knew the way.",
        ],
        [
            'Inside sat {E}, [cooking soup|mending a net|reading an old book]. "Come in and [warm your hands|get dry]," a kind voice said.',
            '{F} was there, too, [cold and wet|with a lantern]. "I am so glad to see you!" {fhe} said.',
            "It was [dry|warm] there, and {he} waited and ate {his} last {food}.",
        ],
        [
            "[In the morning|After an hour|At last] the storm [was over|had passed].",
            "Little by little, the wind [fell asleep|grew weaker].",
            "{H} waited until the sky was clear again.",
        ],
        [
            "Then {N} found the [road|way] back to {town}.",
            "{his} family was waiting at the door.",
            "From that day on, {N} never [left|went out] without a [lantern|map|warm coat].",
        ],
    ),
    "race": (
        [
            "{day} there was a great [race|contest] in {town}, and the prize was a {thing}.",
            "{day} {N} heard of a contest: who could [climb the highest tree|build the fastest boat|bake the best cake|run around the lake] would win a {thing}.",
            "{N} and {F} [both|each] wanted to win the {thing} at the [fair|festival].",
        ],
        [
            "{H} practised [every day|from morning to night|for two weeks].",
            '"You will never win," said {F}. "You are too [slow|small]."',
            "Everybody thought that {F} would win, because {fhe} was so [strong|fast|clever].",
        ],
        ["Then the [bell rang|drum sounded|flag fell], and it began.", "{F} was in front, and {N} was [last|far behind]."],
        [
            "[Halfway|In the middle of it], {F} [fell|stumbled] and hurt {fhis} [foot|knee|hand]. {N} could have [gone on|won], but {he} stopped and helped {fhim} up.",
            "{H} did not look left or right and went on, step by step.",
            "{N} used a trick: {he} [took the path|went the short way] {far}.",
        ],
        (
            "In the end, [they crossed the line together|{N} won by a nose|an old {pet} came in first].",
            "{N} did not win, but the judge [gave {him} a {other}|shook {his} hand].",
            '"The winner is {N}!" called the judge.',
        ),
        [
            '"[You were better|That was fair|Well done]," said {F}, and they shook hands.',
            "They shared the prize: [each had it for a week|one half for each].",
            "{H} put the {noun} on the shelf [beside {his} bed|where everyone could see it].",
        ],
    ),
    "noise": (
        [
            "{day} {N} heard a strange [noise|sound] {place}.",
            "{day} there was a [knock|light|sound] {place}, though nobody [lived|ever went] there.",
            "{day} {N} found a {thing} {place} that [had not been there before|nobody had ever seen].",
        ],
        [
            '"Did you hear that?" {he} [asked|whispered]. "[It is only the wind|Hear what|Be quiet]," said {F}.',
            "{H} took a [candle|lantern] and went to look.",
            "[It came|The sound came] again: [tap, tap, tap|a long, low hum|a soft click].",
        ],
        [
            "Behind [the curtain|a stone|the old door] there was a [small door|hole|stair that led down].",
            "{F} did not want to go on, but {N} [took {fhis} hand|went first].",
            "On the floor {he} [saw|found] [an old {other}|a {other} and a note].",
        ],
        [
            '"Who is there?" {N} called. For a moment everything was [still|silent].',
            'The note said: "[Turn around|Do not open the box|Look where the water sleeps]."',
            "They [went|walked] deeper, and the light grew [small|weak].",
        ],
        [
            "Then something [jumped|came] out, and it was only a {pet}!",
            'And there sat {E}, [repairing|holding] a {other}. "You were not supposed to [see this|find me]," said the voice.',
            "In the last room stood a [box|chest], and inside it [lay|was] a {thing}.",
        ],
        [
            "{N} [told|showed] nobody what {he} had [seen|found] except {F}.",
            '{E} smiled and said, "Now you know. [Will you keep it to yourself|Will you help me]?"',
            "{H} closed the door and [put|hid] the key [under a stone|in {his} shoe].",
        ],
    ),
    "gift": (
        [
            "It was the birthday of {F}, and {N} wanted to give {fhim} a {thing}.",
            "{day} {N} saw a {thing} in a shop window and thought of {F}.",
            "{N} wanted to [surprise|thank] {F}, but {he} had [no money|only three coins].",
        ],
        [
            '"How much is it?" {he} asked {E}. "[Ten coins|More than you have]," was the answer.',
            "So {N} [washed windows|carried baskets|sold {food}|swept the street] {place} [for a week|all day long].",
            "{H} [emptied|counted] {his} savings, but it was not enough.",
        ],
        [
            "Then {he} gave {his} own {other} for it.",
            "On the way home, {he} [tripped|slipped], and the {noun} [broke|fell into the mud].",
            '{E} saw how hard {he} worked and said, "Take it. You have [earned|paid for] it."',
        ],
        [
            "{H} [wrapped it in paper|tied a ribbon around it|hid it behind {his} back] and knocked at the door.",
            '"I have nothing for you but this," said {N} [quietly|in a small voice].',
            "{F} opened the [parcel|box] slowly.",
        ],
        [
            '"It is [beautiful|wonderful|just what I wished for]!" said {F}.',
            "{F} said nothing for a while and then [hugged {him}|began to smile].",
            "But {F} had [sold|given away] {fhis} own {other} to buy something for {N}!",
        ],
        [
            "The best gifts, {N} thought, cost [time|love] and not money.",
            "They sat together and ate {food} [until late|by the fire].",
            "The {noun} stood on the window sill of {F} from then on.",
        ],
    ),
    "skill": (
        [
            "{N} wanted to learn {hobby}, but {he} was [afraid|too shy|not good at it].",
            "{day} {N} saw {E} [practising|showing] {hobby} {place} and wanted to learn it, too.",
            "Everybody could do it but {N}: {he} had never tried {hobby}.",
        ],
        [
            '"Will you teach me?" {he} asked {E}. "[Only if you are patient|Come tomorrow at six|Bring a {other}]," said the old voice.',
            "On the first day, everything went wrong.",
            "{H} tried once, twice, three times, and [failed|fell] each time.",
        ],
        [
            "{F} laughed at {him}, [and {N} went away angry|but not in a bad way].",
            '"Everyone who is good was bad at first," said {E}.',
            "{H} practised {far}, where nobody could see {him}.",
        ],
        [
            "After [a week|a month|many days], {he} [noticed|felt] that it was getting easier.",
            "Then, one [morning|evening], it worked!",
            '{E} gave {him} a {thing}. "It was mine when I was your age."',
        ],
        [
            "When [the festival|the day of the show] came, {N} showed what {he} could do.",
            '"Look!" called {F}. "{N} can do it!"',
            "{H} was so [nervous|afraid] that {he} almost forgot everything, but then {he} began.",
        ],
        [
            "Now {N} teaches others, and {he} is always patient.",
            '"You taught yourself," said {E}. "I only watched."',
            "{H} still makes mistakes, but {he} does not mind them any more.",
        ],
    ),
    "quarrel": (
        [
            "{day} {N} and {F} [quarrelled|had a fight] about a {thing}.",
            "{day} {F} broke the {thing} of {N} [by accident|while playing].",
            "Both {N} and {F} wanted the {thing}, and neither wanted to share.",
        ],
        [
            '"It is mine!" [shouted|said] {N}. "No, it is mine!" [shouted|said] {F}.',
            "{N} said [an ugly|a bad] word, and {F} ran away.",
            "They did not [talk|speak] for [three days|a whole week].",
        ],
        [
            "{N} sat {place} and was [angry|unhappy].",
            "Playing alone was [no fun|boring].",
            '{E} asked, "What is worth more, a {noun} or a friend?"',
        ],
        [
            "{N} thought about it [all night|for a long time].",
            "Then {he} saw {F} {far}, [alone with a {pet}|holding a {other}].",
            "{F} did not look up when {N} came.",
        ],
        [
            '"I am sorry," said {N}. "I am sorry, too," said {F}.',
            '{N} held out the {noun}. "You can have it," {he} said. {F} [shook {fhis} head|took it slowly|smiled].',
        ],
        [
            "They [laughed|shook hands] and [shared|mended] the {noun}.",
            "Since that day, the {noun} has belonged to [both of them|nobody].",
            "And they never quarrelled about a {noun} again.",
        ],
    ),
    "rescue": (
        [
            "{day} {N} heard [a cry|somebody call] for help {place}.",
            "{day} a {pet} was [stuck in a hole|caught in a net|trapped on a roof] {place}.",
            "{day} {N} saw that a {pet} had [hurt its leg|fallen into the water].",
        ],
        [
            '"Do not be afraid," said {N}. "I will [help you|get you out]."',
            "{H} was [too small|not strong enough] to do it alone.",
            "{H} looked around and found a {thing}.",
        ],
        [
            "{H} ran to [get|fetch] {F}, who brought a [rope|ladder|blanket].",
            "{H} used the {noun} to [reach|lift] it, very carefully.",
            '"[Hold on|Wait|Pull]!" called {F}.',
        ],
        [
            "They pulled and pulled, and [finally|at last] the {pet} was free.",
            "It took [an hour|all afternoon|three tries], but it worked.",
            "[Once|Twice] {he} [almost fell|slipped], but {he} held on.",
        ],
        [
            "The {pet} [came close to {him}|looked at {him} with big eyes|ran around {him} in circles].",
            '{E} [took care of|bandaged] the {pet} and said, "It will [live|be well] again."',
            "It was weak and [tired|hungry], and {N} gave it some [milk|water|bread].",
        ],
        [
            "From then on, the {pet} [came to {his} window every morning|never left {his} side].",
            "{H} named it [Lucky|Pepper|Button|Cloud|Biscuit|Star].",
            "And when {N} was in trouble {himself}, it was the {pet} that brought help.",
        ],
    ),
    "journey": (
        [
            "{day} {N} set out to find [the end of the river|the place where the wind is born|the {thing} of which {his} grandmother had told {him}].",
            "{day} {N} packed a {other}, some {food} and a map, and [left|went away].",
            '{day} a letter came: "Come to {town2}. Bring the {thing}. Tell nobody."',
        ],
        [
            "{H} walked for [three|seven|ten] days, over hills and through [forests|rivers].",
            "On the [second|first|third] day, {F} caught up with {him} and came along.",
            "The road was long, and {his} shoes were [full of stones|worn out].",
        ],
        [
            "{far} {he} [met|came to] [a {pet} that blocked the path|a bridge without a keeper|a gate that had no key].",
            '"What do you seek?" asked {E}, who sat {far}. "I do not know yet," said {N}.',
            "{H} [crossed a river|climbed over a wall] with nothing but a {other}.",
        ],
        [
            "More than once {he} wanted to turn back.",
            '"[Keep going|It is not far now]," said {F}. "I can [see|smell] the sea!"',
            "At night {he} [slept under the stars|dreamed of home].",
        ],
        [
            "Then, at last, {he} [arrived|was there].",
            "And there, [on a stone|in the grass], lay the {thing}.",
            "In {town2} [everybody had been waiting for {him}|nobody knew {him}].",
        ],
        [
            "{H} had found [what {he} was looking for|more than {he} had looked for].",
            "When {he} came home, {town} looked [smaller|the same], but {N} was not the same.",
            "{H} [told|drew] everything for {F}, and it took a [whole night|week].",
        ],
    ),
    "magic": (
        [
            "{day} {N} found a {thing} {place} that could [talk|grant wishes|shine in the dark].",
            '{day} {E} gave {N} a {thing}. "Be careful," the old voice said. "It is magic."',
            '{day} a [tiny|talking] {pet} said to {N}, "You may make [one wish|three wishes]."',
        ],
        [
            '"I wish for [all the {food} in the world|a house of gold|wings]!" said {N}.',
            "{H} did not believe it and [tried|tested] it at once.",
            '"What shall I wish for?" {he} asked {F}. "[Something small|Something for everyone]," said {F}.',
        ],
        [
            "There was a [flash|bang|puff of smoke], and [everything turned {colour}|{he} was as small as a mouse|it began to rain {food}].",
            "At first it was [wonderful|great fun].",
            "The {noun} [hummed|grew warm] in {his} hands.",
        ],
        [
            "But soon it was too much, and {he} [wanted it to stop|did not know what to do].",
            'Then {E} came running. "What have you done?"',
            "People came from [everywhere|far away] to see the {noun}, and each of them wanted it.",
        ],
        [
            '"I wish that everything was as before," said {N}, and it was.',
            "{H} used the last [wish|bit of magic] to help {F}.",
            "{H} threw the {noun} into the [river|well|sea].",
        ],
        [
            "Now the {noun} is only a {noun}, and {N} [is glad|does not mind].",
            "Magic, {N} learned, [has a price|is no answer to everything].",
            "But sometimes, at night, it still [glows|hums] a little.",
        ],
    ),
    "share": (
        [
            "{day} {N} had a [whole basket|big bag|large box] of {food}, and {he} did not want to share.",
            "{day} there was not enough {food} in {town}, and people were hungry.",
            "{N} owned a {thing}, and {he} let nobody [touch|use] it.",
        ],
        [
            '"May I have some?" asked {F}. "No," said {N}. "It is all mine."',
            "{H} hid everything {far} and sat on it.",
            "{F} had [nothing|only a {other}], and {fhe} still gave half of what {fhe} had to a {pet}.",
        ],
        [
            "But eating alone [was not as good|made {him} feel strange].",
            "That night {he} could not sleep.",
            'Then {E} came by and said, "A full basket is heavy for one."',
        ],
        [
            "The next day, {N} [brought everything to the square|knocked at the door of {F}].",
            "{H} cut everything into [ten|six|two] equal pieces.",
            '"Take what you need," {N} said, and {his} ears turned red.',
        ],
        [
            "One brought bread, another brought [cheese|soup], and suddenly there was [enough for all|a feast].",
            "{F} brought a {other} and music, and nobody went home hungry.",
            "Some [said thank you|smiled], and some only ate, but all were full.",
        ],
        [
            "Strangely, the less {he} had, the richer {he} felt.",
            '"It tastes better together," said {N}.',
            "And the next time, nobody had to ask.",
        ],
    ),
    "goodbye": (
        [
            "{day} {N} learned that {F} was going to move to {town2}.",
            "{day} it was time to [leave|say goodbye], and {N} packed {his} {thing}.",
            "It was the last day {place}, and tomorrow {F} would be gone.",
        ],
        [
            '"Why do you have to go?" asked {N}. "[My father found work there|My family needs me]," said {F}.',
            "They [went once more|walked together] to the old place {far}.",
            "Neither of them [knew what to say|wanted to be the first to go].",
        ],
        [
            "{N} gave {F} a {thing}, and {F} gave {N} a {other}.",
            "They [cut|wrote] their names [into a tree|on a stone].",
            '"I will write to you [every week|each month]," said {F}.',
        ],
        [
            "Then the [train|ship|cart] came, and {F} [climbed in|waved].",
            "{N} ran beside it until {he} could run no more.",
            "The smoke [rose|hung] in the air for a long time.",
        ],
        [
            "In the evening {N} [sat|stood] alone {place}.",
            "[Weeks|Months] went by before the first letter came.",
            "{H} looked at the {other} every night.",
        ],
        [
            '"Far away is not the same as gone," said {E}.',
            "And when a letter came, {N} read it [three times|aloud to the {pet}].",
            "Many years later, they met again {place}, and they knew each other at once.",
        ],
    ),
    "garden": (
        [
            "{day} {N} planted a [seed|small tree|row of beans] {place}.",
            "{day} {E} gave {N} a [strange|tiny|{colour}] seed.",
            "Behind the house of {N} there was a [dry|wild|forgotten] garden where nothing grew.",
        ],
        [
            "Every [morning|evening] {he} [brought water|watered it] [in a {other}|and waited].",
            '"When will it grow?" {he} asked. "[When it is ready|Not today]," said {E}.',
            "For [days|weeks] nothing happened.",
        ],
        [
            "{F} thought it was [a waste of time|dead].",
            "Then a {pet} came and dug [a hole|in the earth].",
            "{H} built a small fence and put a {thing} in the middle to keep the birds away.",
        ],
        [
            "One morning there was a [small|tiny] green [point|leaf].",
            "It grew [higher than {N}|as tall as the house] before the summer was over.",
            "Rain came, and sun, and rain again.",
        ],
        [
            "In the end, it [bore|was full of] {colour} [flowers|fruit].",
            "People [stopped|came] to look at it.",
            "{N} gave a [flower|fruit] to everyone who passed, and the first one to {F}.",
        ],
        [
            '"You only needed to wait," said {E}.',
            "In autumn, {N} collected the seeds [in a {other}|for the next year].",
            "And that is why {town} is full of [flowers|trees] today.",
        ],
    ),
    "mishap": (
        [
            "{day} {N} wanted to [wash|paint|mend] a {thing}, and that was a mistake.",
            "{day} {N} mixed up a {thing} and a {other}.",
            "{day} {N} had to [carry|deliver|bring] a {thing} [to the mayor|across the whole town|to {E}], and everything went wrong.",
        ],
        [
            "First {he} [forgot|lost] the [key|address|list].",
            "A {pet} [came running|jumped up] and [knocked over|took] the {noun}.",
            '"This is easy," said {N}. It was not.',
        ],
        [
            "Then {F} opened the door at the wrong moment, and [splash|crash|bang]!",
            "[Paint|Flour|Soup] was [on the floor|on the walls|in {his} hair].",
            "{H} tried to catch it with a {other}, but {he} only caught {F}.",
        ],
        [
            "They ran {far}, and half the town ran after them.",
            "{E} came to see what was the matter and [slipped|sat on a {other}].",
            '"[Stop it|Catch it]!" cried {F}. "It has my {thing}!"',
        ],
        [
            "In the end, the {noun} was found [in the soup|on the head of the mayor|up in a tree].",
            "After an hour they were all [wet|white|sticky] from head to foot.",
            "A {pet} looked at them all, yawned and went away.",
        ],
        [
            '"[Same time tomorrow|Shall we do it again]?" asked {F}.',
            "It took three days to clean everything.",
            "{N} has not been asked to help since then.",
        ],
    ),
    "truth": (
        [
            "{day} {N} broke the {thing} of {E}, and nobody had seen it.",
            "{day} {N} borrowed a {thing} without asking and [lost it {far}|dropped it into the river].",
            "{day} {N} told a small lie about a {thing}.",
        ],
        [
            '"It was not me," {he} said when {E} asked.',
            "{H} [walked away|hid behind the shed] and said nothing.",
            '"It must have been the {pet}," said {N}, and {his} face turned red.',
        ],
        [
            "But the lie was like a stone in {his} shoe.",
            '{F} looked at {him} for a long time and asked, "Is that true?"',
            "At night {he} lay awake and [counted the hours|thought about it].",
        ],
        [
            "In the morning {he} went to {E} and told everything.",
            '"I did it, and I am sorry," {he} said at last.',
            "{H} wrote a letter, tore it up, and went there {himself}.",
        ],
        [
            '{E} was [silent|quiet] for a while and then gave {him} a {other}. "Then help me to [mend it|make a new one]."',
            '"I knew it all along," said {E}. "I was waiting for you."',
            "{E} was angry, but only for a day.",
        ],
        [
            "That night, {he} slept [well|like a stone].",
            "It takes more courage to say it than to do it, {N} thought.",
            "Since then, people in {town} say: honest as {N}.",
        ],
    ),
    "show": (
        [
            "{day} a [play|circus|concert] came to {town}, and {N} was to [sing|juggle|say three lines] in it.",
            "{N} had promised to [sing|play the {other}|dance] at the festival, and now the day had come.",
            "{day} {N} stood behind the curtain with a {thing} in {his} hands.",
        ],
        [
            "{his} mouth was dry, and {his} knees were [soft|weak].",
            '"I cannot remember a single word," {he} whispered to {F}.',
            "{H} had practised [for weeks|every evening] {far}.",
        ],
        [
            "Then the lights went out, and somebody called {his} name.",
            '"Look only at me," said {F}. "I will sit in the first row."',
            "{E} pushed {him} [gently|a little], and there {he} stood.",
        ],
        [
            "First there came no sound, and then a very small one.",
            "In the middle of it, the {noun} [fell down|rolled off the stage], and {N} [made a joke of it|picked it up and went on].",
            "A {pet} walked across the stage, and everybody clapped.",
        ],
        [
            "When it was over, it was quiet for a moment, and then the [people|whole hall] clapped.",
            "{H} had forgotten one line, and nobody had noticed.",
            '"[More|Again]!" called the people.',
        ],
        [
            "{F} brought {him} [a flower|a {other}|a cup of tea].",
            '"Were you afraid?" asked {F}. "All the time," said {N}.',
            "The {noun} from that evening still lies in {his} drawer.",
        ],
    ),
    "visitor": (
        [
            "{day} a stranger named {F}, with a {thing} in {fhis} hand, knocked at the door of {N} and asked for a bed.",
            "{day} {F}, a traveller from {town2} with a {thing}, sat down beside {N} {place}.",
            "{day} somebody had left a {thing} in front of the door of {N}, and beside it stood {F}.",
        ],
        [
            '"I have walked [for nine days|all night]," said {F}. "Do you have some {food} for me?"',
            "{F} held the {noun} tight and would not put it down.",
            "The people of {town} did not trust {fhim}, because {fhe} had a [strange|soft] voice.",
        ],
        [
            "{N} [made a fire|cooked some {food}] and asked nothing.",
            '"What is that?" asked {N}. "It is a {noun} that [once belonged to a king|shows the way|nobody can sell]," said {F}.',
            "They talked until the candle was gone.",
        ],
        [
            "{F} told of [cities under the sea|mountains that sing|a school for clouds], and {N} forgot the time.",
            "In the night, {N} heard {fhim} [singing|talking to the {pet}].",
            '"Where will you go?" asked {N}. "Where I have not been," was the answer.',
        ],
        [
            "In the morning the bed was empty, and on it lay the {noun}.",
            "{F} stayed for [a week|a month], and the house was never quiet again.",
            "When {fhe} left, {fhe} gave {N} a {other} and a promise.",
        ],
        [
            "{N} still leaves a light in the window.",
            "Later, {E} said that nobody by that name had ever lived in {town2}.",
            "Now {N} dreams of far places, too.",
        ],
    ),
    "thief": (
        [
            "{day} somebody had stolen the {thing} of {E}.",
            "{day} all the {food} had disappeared from the [shop|kitchen|cellar] of {E}.",
            "{N} and {F} wanted to be detectives, and [one day|one morning|on Monday] they got their first case: a {thing} was missing.",
        ],
        [
            "{N} looked for [tracks|clues] with a magnifying glass and found [a hair|a crumb|a button].",
            '"Who was here last night?" {he} asked everyone {place}.',
            "{F} wrote everything down in a small book.",
        ],
        [
            "The tracks ended {far}.",
            "Everybody had seen something else: one spoke of a tall man, another of a {pet}.",
            '"A thief comes back," said {F}. "Let us wait here."',
        ],
        [
            "They hid [behind a barrel|under a table] and waited [for hours|until midnight].",
            "Then something moved, and {N} lit the lamp.",
            "{N} thought hard and looked at the {other} again.",
        ],
        (
            "It was a {pet}, and it had built a nest with what it took!",
            '"It was you!" said {N} to {E}. "You put it [there|away] yourself and forgot." And so it was.',
            'A small child stood there and cried. "I was so hungry," it said, and {N} put the lamp down.',
        ),
        [
            "The case was closed, and {E} paid them with {food}.",
            '"How did you know?" asked {F}. "I looked at the shoes," said {N}.',
            "After that, people came to {N} whenever something was lost.",
        ],
    ),
    "invention": (
        [
            "{day} {N} built a machine that could [peel potatoes|write letters|catch the wind|make {food}].",
            "{N} had a workshop full of wheels and springs, and [one day|one night|in autumn] {he} had the best idea of {his} life.",
            '"One day I will fly," {N} had always said, and [one day|one morning|in spring] {he} began to build.',
        ],
        [
            "{H} needed [a {other} and forty screws|a {thing}], and {F} brought both.",
            "For [a month|eleven days] the hammer was heard {place}.",
            '"That will never work," said {E}.',
        ],
        [
            "When {he} pulled the lever, there was a [cough|hiss|bang], and [nothing happened|smoke came out].",
            "{F} held the {other} and closed {fhis} eyes.",
            "The first test ended in [the pond|a tree|a pile of hay].",
        ],
        [
            "{N} drew a new plan and [turned one wheel around|left out half of it].",
            '"What if we use the {noun}?" asked {F}.',
            "{H} did not sleep until {he} had found the mistake.",
        ],
        [
            "And then it worked, [a little crooked, but it worked|for almost a minute]!",
            "The machine [rattled|sang] and shook, and out came [a {other}|some {food}].",
            "Slowly, very slowly, it rose from the ground.",
        ],
        [
            "Now everyone in {town} wants one.",
            "{E} took off the hat and said nothing, which was a lot.",
            "It is in the museum of {town} today, and a {pet} lives in it.",
        ],
    ),
}

# what a mood cannot tell
UNFIT = {
    "happy": ("storm", "goodbye"),
    "calm": ("storm", "mishap", "race"),
    "funny": ("goodbye", "storm"),
    "scary": ("garden", "gift", "share", "skill", "mishap", "invention", "show"),
    "sad": ("mishap", "race", "skill", "invention", "show"),
    "exciting": ("garden", "goodbye", "share"),
    "hopeful": ("mishap",),
}
BRIEF = ("lost", "make", "storm", "skill", "journey", "magic", "garden", "race", "gift")
