"""Decides whether a transcript reads complete. See the package for what that is used for and how well it does."""

from enum import Enum

from maatu_stt.engine.completeness.dictation import Dictation, dictation
from maatu_stt.engine.completeness.languages import rules_of
from maatu_stt.engine.completeness.reading import Mark, read


class Completeness(Enum):
    """Whether a person is done, as far as their words tell."""

    COMPLETE = "complete"
    """They read as a whole utterance: the endpoint may come sooner."""
    UNCERTAIN = "uncertain"
    """They don't tell."""
    CONTINUES = "continues"
    """They plainly go on: the endpoint should wait."""


def completeness(text: str, language: str) -> Completeness:
    """Judges a transcript by its last sentence.

    Args:
        text: What was understood up to a pause.
        language: BCP-47 tag or bare code: "kn-IN", "kn". Of languages without rules only what shows in any script counts:
            punctuation that goes on, digits and letters being dictated.
    """
    reading = read(text)
    if not reading.words:
        return Completeness.UNCERTAIN
    if reading.mark is Mark.GOES_ON:
        return Completeness.CONTINUES
    rules = rules_of(language)
    number = dictation(reading, rules.numbers)
    if number is Dictation.UNFINISHED:
        return Completeness.CONTINUES
    if number is Dictation.LONG_ENOUGH:
        return Completeness.UNCERTAIN
    if " ".join(reading.words) in rules.answers:
        return Completeness.COMPLETE
    if reading.ends_with(rules.trailing) or rules.goes_on(reading):
        return Completeness.CONTINUES
    if number is Dictation.NUMBER:
        return Completeness.UNCERTAIN
    if len(reading.words) > 1 and reading.ends_with(rules.closings):
        return Completeness.COMPLETE
    return Completeness.COMPLETE if rules.is_clause(reading) else Completeness.UNCERTAIN
