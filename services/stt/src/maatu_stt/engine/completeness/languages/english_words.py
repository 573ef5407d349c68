"""English word lists: what cannot end an utterance, what can, and why each group is what it is."""

from maatu_stt.engine.completeness.reading import endings, phrases

FILLERS = phrases("um uh uhm umm er erm eh hmm mm i_mean you_know_like sort_of kind_of let_me_see let's_see")

# Nothing ends with an article, a possessive or a determiner that has no use as a pronoun.
DETERMINERS = phrases("a an the my your our their its every whose such_a what_a mr mrs ms dr")

# Conjunctions and subordinators. "so" ends answers ("I think so"), "that" is a pronoun too: they are below, in pairs.
CONJUNCTIONS = phrases(
    "and or but nor because cause 'cause if when whenever while although unless until till whether than as since",
    "whereas which who whom where's so_that and_so but_so okay_so ok_so and_then or_maybe in_case even_though",
    "as_if",
    "think_that know_that said_that say_that believe_that sure_that hope_that is_that was_that tell_me_that",
    "such_as",
)

# Prepositions that are not also adverbs ("come over", "turn it off").
PREPOSITIONS = phrases(
    "of into onto upon at from with by for to toward towards between among during against except per via beside",
    "besides",
    "despite regarding concerning including within without about under underneath near behind beyond across along",
)
# In these uses a preposition does end an utterance: "what is it for", "where are you from", "come in", "what's going on".
STRANDED = phrases("of at from with by for to about on in like under near behind across along without")
PARTICLE_VERBS = phrases(
    "come go log sign check move turn put keep hold carry try switch going it them that this later now lean bring",
    "get",
)
IN_ON = phrases("in on")

# Auxiliaries need their verb, "be" its complement. What they end all the same is in ANSWERS and _answers_briefly.
AUXILIARIES = phrases(
    "am is are was were be been being do does did has had have will would can could should shall may might must",
    "gonna wanna gotta going_to have_to has_to got_to used_to want_to would_like 'd_like i'd_like",
    "i'm i've i'll i'd you're you've you'll you'd he's he'll she's she'll it's it'll we're we've we'll we'd",
    "they're they've",
    "they'll they'd that's there's what's who's how's here's let's that'll there'll",
)
NEGATED = phrases(
    "don't doesn't didn't isn't aren't wasn't weren't won't wouldn't can't couldn't shouldn't haven't hasn't",
    "hadn't cannot",
)
# Subjects of verbs to come. "you" and "it" are objects too, so that they count only after an auxiliary or a conjunction.
SUBJECTS = phrases("i he she we they")
OPEN_SUBJECTS = phrases(
    "can_you could_you would_you will_you do_you did_you have_you should_you if_you that_you when_you",
    "what_you because_you and_you_can does_it did_it will_it if_it that_it because_it when_it and_it but_it",
    "is_there are_there there_is there_are",
)
# After a question word these are whole: "where is it", "what are you".
INVERTED_SUBJECTS = phrases("is_it is_this is_that are_you were_you was_it is_he is_she are_they are_we am_i")
DEGREES = phrases(
    "very really quite too_many so_many_more more_than less_than at_least a_few not",
)
# Verbs that ask for a second object after the first: "give me", "let me".
DOUBLE = phrases(
    "give_me give_us let_me let_us tell_me_the show_me_the send_me get_me bring_me make_me buy_me lend_me",
)

ANSWERS = phrases(
    "yes no yeah yep yup nope okay ok sure right alright exactly correct absolutely definitely certainly perfect",
    "great fine",
    "good cool nice wonderful thanks hello hi goodbye bye stop cancel continue repeat help sorry never_mind",
    "thank_you thank_you_very_much thank_you_so_much thanks_a_lot of_course not_really not_yet not_now not_at_all i_see",
    "i_think_so i_hope_so i_guess_so i_don't_know i_don't_think_so i'm_done i'm_sure",
    "i'm_fine i_agree i_understand that's_it that's_all that's_right that's_fine that's_correct that's_great",
    "that's_good",
    "go_ahead go_on come_in come_on hold_on wait_a_minute just_a_moment one_moment hang_on shut_up stop_it never",
    "who_is_it who_is_that what_is_it what_is_that what_is_this what's_that what's_this what's_up what_time_is_it",
    "what's_the_time how_are_you how_about_you and_you what_about_you where_are_you who_are_you how_much_is_it",
    "how_come why_not since_when says_who good_morning good_afternoon good_evening good_night see_you",
    "see_you_later see_you_tomorrow take_care you're_welcome excuse_me me_too so_do_i neither_do_i same_here",
    "no_problem",
    "no_way no_thanks no_thank_you yes_please yes_thank_you yes_i_do yes_i_am yes_it_is no_i_don't no_i'm_not",
    "no_it_isn't",
    "are_you_there are_you_sure can_you_hear_me is_that_right is_it_true what_do_you_mean what_happened",
    "say_that_again",
)
SHORT_ANSWER_OPENERS = phrases("yes yeah yep no nope sure maybe")

# Closing formulas: nothing follows them.
CLOSINGS = phrases(
    "thanks thank_you you_very_much you_so_much goodbye bye thanks_a_lot right_now no_thanks",
)

FINITE = (
    AUXILIARIES
    | NEGATED
    | phrases(
        "need needs needed want wants wanted like likes liked know knows knew think thinks thought go goes went get",
        "gets got",
        "make makes made take takes took see sees saw come comes came say says said tell told work works worked live",
        "lives lived",
        "feel feels felt look looks looked seem seems seemed hope wish mean means meant love loves loved hate prefer",
        "remember",
        "forgot forget understand believe guess use uses used try tried call called ask asked play played start starts",
        "started",
        "stop stops stopped open opens opened close closes closed leave leaves left arrive arrives arrived buy bought",
        "pay paid",
        "cost costs eat ate drink drank sleep slept sit sat stand stood run runs ran walk walked drive drives drove",
        "read write",
        "wrote send sent bring brought give gave gives keep keeps kept let put find found lost lose meet met speak",
        "spoke talk",
        "talked hear heard listen watch watched wait waited happen happened happens become became begin began turn",
        "turned move",
        "moved show showed help helped learn learned study studied teach taught book booked order ordered change",
        "changed cancel",
        "contain contains include includes belong belongs hurt hurts rain rained snowed barks sounds smells tastes",
        "takes",
        "ain't he'd she'd who've y'all enjoy enjoyed spend spent finish finished please remind explain check set",
        "switch add",
        "remove save delete pick drop cut wash clean cook bake fix repair build break broke broken visit visited",
        "stayed stay",
    )
)
# Commands begin with their verb; these are what people ask a machine or one another for.
COMMAND_OPENERS = phrases(
    "tell show give turn play set open close call send remind explain find make take put bring let stop start add",
    "cancel",
    "book order check read write repeat help get go come wait switch change remove delete save buy pick look",
    "listen don't",
)

TRANSITIVE = phrases(
    "want need like have get make take give tell buy find bring put use think say mean show send change book order",
    "cancel",
    "add remove set prefer choose try read write keep hold let wish suggest recommend remind wants needs likes",
    "makes takes",
    "gives tells buys finds brings says means shows uses thinks wanted needed liked made took gave told got said",
    "brought",
    "getting making taking giving telling buying finding bringing putting using looking trying wondering saying",
    "meaning",
    "wanting needing having thinking_about thought bought found meant sent asked contains includes contain include",
    "check",
    "explain open visit describe mention mentioned require requires enjoy love loves hate hates lost hope hoping",
    "planning call called ask feel feels seem seems become became look looks sound sounds went going go visited",
    "discuss",
)
# Adjectives that stand before their noun more often than at the end. After a determiner they are open: "my new".
ADJECTIVES = phrases(
    "big small little new old good great long short high low young large whole main last next other own different",
    "local public",
    "national international social real nice bad important beautiful eldest oldest youngest nearest closest better",
    "worst total",
    "recent possible special certain specific particular general human personal financial medical political",
    "natural modern",
    "single double extra free full final half english french german spanish american british red blue green black",
    "white hot cold",
    "fresh early late current worse same",
)
# Quantities and question words, which are open after anything.
QUANTITIES = phrases(
    "first second third few many several each both various only another any some more most less all every these",
    "those no one two",
    "three four five six seven eight nine ten eleven twelve fifteen twenty thirty forty fifty hundred thousand",
    "million this which",
    "what how where why when",
)
# Nouns that nearly always get a complement, and things said while the sentence is being planned.
OPEN_NOUNS = phrases(
    "end kind type sort number couple piece list name date price rest part side front middle cup glass bottle bit",
    "lot amount",
    "way reason fact idea question thing guy before after since one",
    "well so then just also maybe perhaps actually basically probably even still always usually sometimes often",
    "never only",
    "already almost especially particularly exactly about around over up out off down through because like please",
    "okay too",
    "you her his yes no tell_me show_me help_me ask_me to_me make_it this",
)
CLOSERS = phrases(
    "today tomorrow yesterday tonight now again here there anymore either yet morning afternoon evening night week",
    "month",
    "year weekend please soon later together anyway ago monday tuesday wednesday thursday friday saturday sunday",
    "instead",
    "o'clock dollars euros percent home away everyone everybody anyone",
    "nobody",
)
OPENERS = phrases(
    "what what's where where's when when's who who's whose why why's how how's which is are am was were do does",
    "did can could",
    "will would should shall have has had may might isn't aren't don't doesn't didn't can't couldn't won't",
    "wouldn't haven't",
)
DICTATED = {
    **dict.fromkeys(("pin", "pin code", "pin is"), 4),
    **dict.fromkeys(("otp", "passcode", "zip", "zip code", "postal code", "verification code", "the code"), 6),
    **dict.fromkeys(
        (
            *(
                "phone number",
                "telephone number",
                "mobile number",
                "cell number",
                "my number",
                "your number",
                "his number",
            ),
            *("her number", "the number", "number is", "phone is", "account number", "card number", "order number"),
            *("reference number", "tracking number", "customer number", "serial number", "policy number", "id number"),
            *("security number", "passport number", "booking number", "confirmation number", "account is", "dial"),
        ),
        10,
    ),
}

ADJECTIVE_ENDINGS = endings("est al ive ous ful ic able ible ary ish ian ese less ant ent")
CLOSING_ADVERBS = phrases(
    "slowly quickly clearly loudly quietly carefully properly correctly early family july daily weekly monthly",
    "italy reply",
    "immediately recently separately completely perfectly nicely badly easily differently personally directly",
    "lovely friendly",
    "lonely assembly jelly belly supply",
)
BE_VERBS = phrases(
    "am is are was were be been being i'm you're he's she's it's we're they're that's feel look isn't aren't"
)
# Questions that these open need a main verb after their subject, and these open a subject.
INVERTED = phrases("will would can could should do does did have has had shall")
NOUN_OPENERS = DETERMINERS | phrases("this that these those his her")
EMBEDDERS = phrases("how what where who why because if when which while")
