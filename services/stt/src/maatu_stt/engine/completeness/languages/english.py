"""English: the verb comes early, prepositions may be stranded in questions, auxiliaries may stand for a whole answer."""

from maatu_stt.engine.completeness.clauses import VerbEarly
from maatu_stt.engine.completeness.languages.english_words import (
    ADJECTIVE_ENDINGS,
    ADJECTIVES,
    ANSWERS,
    AUXILIARIES,
    BE_VERBS,
    CLOSERS,
    CLOSING_ADVERBS,
    CLOSINGS,
    COMMAND_OPENERS,
    CONJUNCTIONS,
    DEGREES,
    DETERMINERS,
    DICTATED,
    DOUBLE,
    EMBEDDERS,
    FILLERS,
    FINITE,
    IN_ON,
    INVERTED,
    INVERTED_SUBJECTS,
    NEGATED,
    NOUN_OPENERS,
    OPEN_NOUNS,
    OPEN_SUBJECTS,
    OPENERS,
    PARTICLE_VERBS,
    PREPOSITIONS,
    QUANTITIES,
    SHORT_ANSWER_OPENERS,
    STRANDED,
    SUBJECTS,
    TRANSITIVE,
)
from maatu_stt.engine.completeness.reading import Reading, phrases
from maatu_stt.engine.completeness.rules import Numbers, Rules

_AUXILIARIES = AUXILIARIES | NEGATED
_BEFORE_NOUNS = NOUN_OPENERS | ADJECTIVES | QUANTITIES
# After these an adjective waits for its noun: "my new", "for good", "want fresh".
_BEFORE_ADJECTIVES = _BEFORE_NOUNS | PREPOSITIONS | IN_ON | TRANSITIVE | CONJUNCTIONS
_clause = VerbEarly(
    finite=FINITE,
    open_words=QUANTITIES | OPEN_NOUNS | STRANDED | IN_ON,
    question_openers=OPENERS,
    lead_ins=phrases("so well and but oh okay ok yes yeah no hi hello hey please now then sorry actually um uh also"),
    subordinators=phrases("if because although unless since while until whenever after before as though once"),
    closers=CLOSERS,
    question_words=4,
)


def _goes_on(reading: Reading) -> bool:
    words, last = reading.words, reading.last
    before = words[-2] if len(words) > 1 else ""
    if reading.ends_with(INVERTED_SUBJECTS):
        return not _asks(words)
    if last in SUBJECTS:
        return before not in ("do", "am", "can", "did", "have", "will", "neither", "than", "should", "shall")
    if last in _AUXILIARIES:
        return not _answers_briefly(words)
    if last in IN_ON:
        return before not in PARTICLE_VERBS and not _asks(words)
    if last in PREPOSITIONS:
        return not (last in STRANDED and _asks(words))
    return last.endswith(("s'", "'s")) and last not in AUXILIARIES


def _answers_briefly(words: tuple[str, ...]) -> bool:
    """Whether a final auxiliary may stand for its verb: "Yes, I do", "I don't know where it is", "as soon as I can"."""
    return (
        len(words) > 2
        and words[-2] in ("i", "you", "he", "she", "it", "we", "they", "that", "this", "there")
        and (
            words[0] in SHORT_ANSWER_OPENERS
            or not {"where", "what", "who", "how", "when", "than", "as", "if"}.isdisjoint(words[-4:-2])
        )
    )


def _asks(words: tuple[str, ...]) -> bool:
    return any(word in ("what", "where", "who", "which", "how", "what's", "who's", "where's") for word in words[:3])


def _is_clause(reading: Reading) -> bool:
    words = reading.words
    if words[-1] in _AUXILIARIES or words[-1] in SUBJECTS:
        # "Yes, I do."
        return reading.is_closed and words[0] in SHORT_ANSWER_OPENERS and len(words) <= 4
    if words[-1] == "please":
        # "Can you please" is on its way to a verb; "two coffees, please" is not.
        return len(words) > 2 and words[-2] not in ("you", "me", "and", "so", "i")
    if len(words) < 3:
        return False
    if words[0] in COMMAND_OPENERS or (words[0] == "please" and len(words) > 1 and words[1] in COMMAND_OPENERS):
        least = 4 if reading.ends_with(CLOSERS) else 5
        return (
            reading.is_closed
            and len(words) >= least
            and not _is_open(words)
            and not reading.ends_with(_clause.open_words)
        )
    return not (_lacks_main_verb(words) or _embeds_open_clause(words) or _is_open(words)) and _clause(reading)


def _is_open(words: tuple[str, ...]) -> bool:
    """Whether the last word is a transitive verb, an adjective before its noun or an adverb before its verb.

    After a determiner what looks like a verb is a noun: "my order".
    """
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if last in TRANSITIVE:
        # "What do you want?" has its object at the beginning.
        return before not in _BEFORE_NOUNS and not _has_object_before(words)
    if last in ADJECTIVES:
        return before in _BEFORE_ADJECTIVES and before not in BE_VERBS
    if last.endswith(ADJECTIVE_ENDINGS):
        # "The softest", "my artificial" wait for their noun.
        return before in NOUN_OPENERS
    if last.endswith("ing") and len(last) > 5:
        return before in ("to", "and", "or", "you", "out", "just", "about", "of")
    return last.endswith("ly") and last not in CLOSING_ADVERBS


def _has_object_before(words: tuple[str, ...]) -> bool:
    """Whether a question begins with the object of its verb, as those that begin with "where" do not."""
    return len(words) > 3 and (words[0] in ("what", "which", "who") or words[:2] in (("how", "much"), ("how", "many")))


def _lacks_main_verb(words: tuple[str, ...]) -> bool:
    """Whether a question stops after its subject: "What will the weather", "When does the shop"."""
    if words[0] in ("what", "which", "whose") and words[1] not in FINITE:
        # "Which country was the", "what year did my brother": the noun makes it longer.
        return len(words) <= 5
    inverted = next((index for index, word in enumerate(words[:3]) if word in INVERTED), None)
    if inverted is not None and words[inverted + 1] in NOUN_OPENERS:
        return len(words) <= inverted + 3
    if len(words) == 4 and words[1] in BE_VERBS and words[2] in NOUN_OPENERS:
        # "Where is the station" is whole; "what is the capital", "why is the sky" mostly not.
        return words[0] not in ("where", "who", "how", "whose")
    # "Is there a pharmacy", "do I need a": a question without question word is seldom so short.
    return words[0] in INVERTED | BE_VERBS and len(words) < 5 and words[-1] not in CLOSERS


def _embeds_open_clause(words: tuple[str, ...]) -> bool:
    """Whether the last clause that a question word or a conjunction opens has no verb yet: "explain how this machine"."""
    for index in range(len(words) - 1, 0, -1):
        if words[index] in EMBEDDERS:
            inside = words[index + 1 :]
            return not any(word in FINITE or word == "to" or word.endswith(("s", "ed")) for word in inside)
    return False


RULES = Rules(
    trailing=FILLERS | DETERMINERS | CONJUNCTIONS | OPEN_SUBJECTS | DEGREES | DOUBLE,
    answers=ANSWERS,
    closings=CLOSINGS,
    goes_on=_goes_on,
    is_clause=_is_clause,
    numbers=Numbers(
        digits=phrases("zero oh one two three four five six seven eight nine double triple hyphen dash nought"),
        others=phrases(
            "ten eleven twelve thirteen fourteen fifteen sixteen seventeen eighteen nineteen twenty thirty forty",
            "fifty sixty",
            "seventy eighty ninety hundred thousand million point",
        ),
        dictated=DICTATED,
        dates=phrases("january february march april may june july august september october november december"),
    ),
)
