"""Cuts a text into sentences. sentencex knows the abbreviations and full stops of some 300 languages; abbreviations in Indic
scripts are known here."""

import re
from collections.abc import Iterator

import sentencex

from maatu_runtime.clauses import ends_with_abbreviation

LONGEST_PIECE_CHARS = 400
"""A sentence longer than this is cut: a small model drops most of it without a sign, and it keeps a worker for seconds."""

_BREAK = re.compile(r"\s+")
# Some languages end sentences with a danda that sentencex does not count among those that do.
_DANDA = re.compile(r"(?<=[।॥])\s+(?=\S)")
# Before a small letter an ellipsis ends nothing.
_GOES_ON = re.compile(r"(?:\.\.\.|…)[\"'”’»)]*\s+$")


def cut_into_sentences(text: str, language: str) -> list[str]:
    """Cuts a text into sentences with the space around them; joined, they are the text.

    A sentence of more than LONGEST_PIECE_CHARS is cut further, after a comma or a space where it has one. A piece without a
    letter or digit goes with the one before it, or with the next where it is the first.

    Args:
        text: Any text.
        language: ISO 639 code.
    """
    pieces: list[str] = []
    for sentence in _sentences(text, language):
        for piece in _cut_long(sentence):
            if pieces and not (says_something(piece) and says_something(pieces[-1])):
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return pieces


def says_something(piece: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(map(str.isalnum, piece))


def _sentences(text: str, language: str) -> Iterator[str]:
    """The sentences of a text, each with the space behind it."""
    begin, at = 0, 0
    for found in sentencex.segment(language, text):
        stripped = found.strip()
        at = text.index(stripped, at) + len(stripped)
        while at < len(text) and text[at].isspace():
            at += 1
        if at < len(text) and _is_unfinished(text[begin:at], text[at]):
            continue
        sentence, begin = text[begin:at], at
        ends = [space.end() for space in _DANDA.finditer(sentence)]
        for first, end in zip([0, *ends], [*ends, len(sentence)], strict=True):
            yield sentence[first:end]
    if begin < len(text):
        yield text[begin:]


def _is_unfinished(sentence: str, following: str) -> bool:
    """Whether what was taken for a sentence goes on with the character that follows it."""
    if "\n" in sentence[len(sentence.rstrip()) :]:
        return False
    return ends_with_abbreviation(sentence.strip()) or (following.islower() and _GOES_ON.search(sentence) is not None)


def _cut_long(sentence: str) -> Iterator[str]:
    """The pieces of a sentence, each short enough; none of an empty one."""
    begin, end_of_words = 0, len(sentence.rstrip())
    while end_of_words - begin > LONGEST_PIECE_CHARS:
        # Only the second half is searched, so that a comma at the very start makes no stub.
        longest = begin + LONGEST_PIECE_CHARS
        ends = [found.end() for found in _BREAK.finditer(sentence, begin + LONGEST_PIECE_CHARS // 2, longest)]
        commas = [end for end in ends if not sentence[begin:end].rstrip()[-1:].isalnum()]
        end = (commas or ends or [longest])[-1]
        yield sentence[begin:end]
        begin = end
    if begin < len(sentence):
        yield sentence[begin:]
