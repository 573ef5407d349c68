"""Finds the sentences of a text. sentencex knows the abbreviations and full stops of some 300 languages. Known here: abbreviations
in Indic scripts, some that it takes for ends, numbers of lists and ordinals, and dandas where it does not count them."""

import re
import unicodedata
from collections.abc import Iterator

import sentencex

# Some languages end sentences with a danda that sentencex does not count among those that do.
_DANDA = re.compile(r"(?<=[।॥])\s+(?=\S)")
_GOES_ON = re.compile(r"(?:(?:\.\.\.|…)[\"'”’»)]*|[?!][\"'”’»)]+)\s+$")
"""Before a small letter an ellipsis ends nothing, nor does the end of a question that is quoted."""
_ORDINAL_SIGNS = "ºª°"
_ABBREVIATION = re.compile(
    r"(?<!\w)(?:[ap]\.[ \u00a0]?m|app?rox|tel|m[aá]x|m[ií]n|apt|incl|excl|etc)\.$", re.IGNORECASE
)
"""They may end a sentence too; before a small letter or a digit they do not."""
_NUMBER = re.compile(r"(?<!\S)\d{1,3}\.$")
"""Before a small letter it is the number of an item."""
_ITEM = re.compile(r"\s*[-*•]?\s*\d{1,3}\.")
"""Alone in its sentence, a number is that of what follows."""
_ORDINAL = re.compile(r"(?<![\w.,])[1-9]\d?\.$")
_ORDINALS_HAVE_STOPS = frozenset(
    ("de", "da", "nb", "nn", "no", "fi", "cs", "sk", "hu", "hr", "sr", "sl", "bs", "et", "lv", "is", "tr")
)
"""ISO 639 codes: "5." is "fifth" there, in dates before all. That a sentence ends in such a number is rarer, and costs less."""
_TITLES = {
    "es": re.compile(r"(?<!\w)(?:D|D\.?ª|Dña)\.$"),
    "fr": re.compile(r"(?<!\w)MM?\.$"),
    "ta": re.compile(r"(?<!\w)(?:திரு|திருமதி)\.$"),
}
"""A name follows them. By ISO 639 code: elsewhere a sentence may end in "D."."""
_LONGEST_END_CHARS = 12
"""Of what the patterns above look for."""


def sentences(text: str, language: str) -> Iterator[str]:
    """The sentences of a text, each with the space behind it; joined, they are the text.

    Args:
        text: Any text. Where it is still being written, the last sentence may go on, whatever it ends with.
        language: ISO 639 code.
    """
    begin, at = 0, 0
    for found in sentencex.segment(language, text):
        stripped = found.strip()
        at = text.index(stripped, at) + len(stripped)
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text) and _is_unfinished(text[begin:at], text[at], language):
            continue
        sentence, begin = text[begin:at], at
        ends = [space.end() for space in _DANDA.finditer(sentence)]
        for first, end in zip([0, *ends], [*ends, len(sentence)], strict=True):
            yield sentence[first:end]
    if begin < len(text):
        yield text[begin:]


def _is_unfinished(sentence: str, following: str, language: str) -> bool:
    """Whether what was taken for a sentence goes on with the character that follows it."""
    said = sentence.rstrip()
    if "\n" in sentence[len(said) :]:
        return False
    # Only the end is searched: a sentence may be put together of thousands.
    end, title = said[-_LONGEST_END_CHARS:], _TITLES.get(language)
    if following in _ORDINAL_SIGNS or _ends_with_indic_abbreviation(said.lstrip()) or (title and title.search(end)):
        return True
    if language in _ORDINALS_HAVE_STOPS and _ORDINAL.search(end):
        return True
    if len(said) <= _LONGEST_END_CHARS and _ITEM.fullmatch(said):
        return True
    if following.isdigit():
        return _ABBREVIATION.search(end) is not None
    goes_on = (_GOES_ON.search(sentence), _ABBREVIATION.search(end), _NUMBER.search(end))
    return following.islower() and any(goes_on)


def _ends_with_indic_abbreviation(sentence: str) -> bool:
    """Whether the last word is an Indic abbreviation: one syllable and a full stop, as in ಡಾ., ಎಸ್., कि. and మీ.

    sentencex knows the abbreviations of Latin script; of these it takes most for sentences of one word.
    """
    if not sentence.endswith("."):
        return False
    word = sentence[:-1].rpartition(" ")[2].rpartition(".")[2]
    if not word or word.isascii():
        return False
    # A consonant with a virama (combining class 9) is part of the syllable before or after it.
    letters = [character for character in word if character.isalpha()]
    viramas = sum(unicodedata.combining(character) == 9 for character in word)
    return bool(viramas or len(letters) < len(word)) and len(letters) - viramas <= 1
