"""The words of free sentences, by what they do in one. Verbs are written in their plain form and their past."""


def _listed(text: str) -> tuple[str, ...]:
    return tuple(text.split())


THINGS = _listed(
    """apple basket bell blanket boat book bottle box bread bridge brush bucket button camera candle carpet chair
    cheese clock coat cup curtain desk dinner dish door drum engine fence flag flower fork garden gate glass glove
    guitar hammer hat jacket jar kettle key kitchen knife ladder lamp leaf lemon letter map mirror mug needle
    newspaper orange page paint paper pen pencil phone piano picture pie pillow pipe plate pocket potato present
    radio ring rope salad sandwich shelf shirt shoe shovel soup spoon stamp stone stove sugar table tea ticket tool
    towel toy umbrella vase violin wheel whistle window"""
)
PEOPLE = _listed(
    """actor artist aunt baby baker boy brother captain child cousin dancer daughter doctor driver farmer father
    fisherman friend gardener girl guest judge king lady lawyer manager mother neighbour nurse painter pilot poet
    queen sailor sister soldier son student teacher uncle visitor waiter witness woman writer"""
)
ANIMALS = _listed("bear bird cat chicken cow dog donkey duck fox frog goat goose horse mouse rabbit sheep wolf")
PLACES = _listed(
    """airport bakery bank barn beach castle church cinema city corner farm field forest harbour hill hospital hotel
    house island lake library market mountain museum office park path river road room school shop station street
    theatre tower town valley village wood yard"""
)
QUALITIES = _listed(
    """angry beautiful big black blue brave bright brown careful cheap clean clever cold curious dark dirty dry dusty
    early empty famous fast foolish friendly gentle golden good grey happy heavy honest huge hungry large lazy little
    lonely long loud lucky narrow new nice noisy old pale patient polite poor pretty proud purple quiet red rich
    round rusty sad shy silent silver simple slow small soft strange strong sweet tall tired tiny ugly warm wet white
    wide wild wise yellow young"""
)
# Verbs that take somebody or something, and verbs that do not: (plain form, past).
DOING = (
    *(("admire", "admired"), ("ask", "asked"), ("borrow", "borrowed"), ("break", "broke"), ("bring", "brought")),
    *(("build", "built"), ("buy", "bought"), ("call", "called"), ("carry", "carried"), ("catch", "caught")),
    *(("choose", "chose"), ("clean", "cleaned"), ("count", "counted"), ("cover", "covered"), ("draw", "drew")),
    *(("drop", "dropped"), ("enjoy", "enjoyed"), ("fetch", "fetched"), ("find", "found"), ("fix", "fixed")),
    *(("follow", "followed"), ("forget", "forgot"), ("give up", "gave up"), ("guard", "guarded"), ("hate", "hated")),
    *(("help", "helped"), ("hide", "hid"), ("hold", "held"), ("keep", "kept"), ("leave", "left"), ("lift", "lifted")),
    *(("like", "liked"), ("look for", "looked for"), ("lose", "lost"), ("love", "loved"), ("move", "moved")),
    *(("need", "needed"), ("notice", "noticed"), ("paint", "painted"), ("photograph", "photographed")),
    *(("pick up", "picked up"), ("pull", "pulled"), ("push", "pushed"), ("remember", "remembered"), ("see", "saw")),
    *(("sell", "sold"), ("send", "sent"), ("shake", "shook"), ("show", "showed"), ("steal", "stole")),
    *(("take", "took"), ("teach", "taught"), ("throw", "threw"), ("touch", "touched"), ("trust", "trusted")),
    *(("understand", "understood"), ("visit", "visited"), ("wash", "washed"), ("watch", "watched")),
)
BEING = (
    *(("arrive", "arrived"), ("begin", "began"), ("breathe", "breathed"), ("climb", "climbed"), ("cough", "coughed")),
    *(("cry", "cried"), ("dance", "danced"), ("dream", "dreamed"), ("fall", "fell"), ("fight", "fought")),
    *(("jump", "jumped"), ("laugh", "laughed"), ("listen", "listened"), ("play", "played"), ("rest", "rested")),
    *(("run", "ran"), ("shout", "shouted"), ("sing", "sang"), ("sit", "sat"), ("sleep", "slept"), ("smile", "smiled")),
    *(("speak", "spoke"), ("stand", "stood"), ("stop", "stopped"), ("swim", "swam"), ("talk", "talked")),
    *(
        ("travel", "travelled"),
        ("vanish", "vanished"),
        ("wait", "waited"),
        ("walk", "walked"),
        ("whisper", "whispered"),
    ),
    *(("work", "worked"), ("worry", "worried"), ("yawn", "yawned")),
)
MANNERS = _listed(
    """again alone badly bravely calmly carefully cheerfully easily gladly happily loudly often politely quickly
    quietly sadly slowly softly suddenly together twice well"""
)
TIMES = (
    *("after lunch", "all day", "at midnight", "at noon", "before breakfast", "during the winter", "every week"),
    *("for an hour", "in the morning", "last night", "on Monday", "on Thursday", "one evening", "this afternoon"),
    *("three years ago", "today", "two months ago", "until Friday", "yesterday"),
)
WHERE = ("above", "across", "around", "at", "behind", "beside", "by", "from", "in", "inside", "near", "outside", "to")
WHOSE = ("her", "his", "my", "our", "that", "the", "the", "the", "their", "this", "your")
SUBJECTS = ("everybody", "he", "I", "nobody", "she", "somebody", "they", "we", "you")
WILLING = ("can", "could", "may", "might", "must", "should", "will", "would")
JOINING = ("and", "because", "before", "but", "so", "until", "when", "while")
