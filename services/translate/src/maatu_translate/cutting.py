"""Cuts a text into what a model is given at once: its sentences, none too long, and what stands around them."""

import re
from collections.abc import Iterator

from maatu_runtime.sentences import sentences

LONGEST_PIECE_CHARS = 400
"""A sentence longer than this is cut: a small model drops most of it without a sign, and it keeps a worker for seconds."""

_BREAK = re.compile(r"\s+")
# Without the digits in circles, which say something.
_EMOJI = r"[\u2300-\u23ff\u2600-\u2775\u2794-\u27bf\u2b00-\u2bff\U0001f000-\U0001f0ff\U0001f10d-\U0001faff]"
# An ellipsis and the first of other marks belong to the sentence.
_AROUND_SENTENCE = re.compile(rf"(?:\s|{_EMOJI}\ufe0f?+\u200d?+|(?<=[!?！？؟])[!?！？؟]|(?<=\.\.\.)\.)++")

_ITEM = re.compile(r"(?:[-–*•]\s+(?:\d{1,3}[.)]\s+)?|\d{1,3}[.)]\s+)(?=[^\w\s]*[^\W\d])")
"""The mark and number of an item in a list."""


def cut_into_sentences(text: str, language: str) -> list[str]:
    """Cuts a text into sentences with the space around them; joined, they are the text.

    A sentence of more than LONGEST_PIECE_CHARS is cut further, after a comma or a space where it has one. A piece without a
    letter or digit goes with the one before it, or with the next where it is the first, unless both are too long together.

    Args:
        text: Any text.
        language: ISO 639 code.
    """
    pieces: list[str] = []
    for sentence in sentences(text, language):
        for piece in _cut_long(sentence):
            is_stub = pieces and not (says_something(piece) and says_something(pieces[-1]))
            if is_stub and len((pieces[-1] + piece).strip()) <= LONGEST_PIECE_CHARS:
                pieces[-1] += piece
            else:
                pieces.append(piece)
    return pieces


def says_something(piece: str) -> bool:
    """Whether there is a letter or a digit in it."""
    return any(map(str.isalnum, piece))


def set_apart(piece: str) -> tuple[str, str, str]:
    """What stands before a sentence, the sentence, and what follows it: space, emoji, the number of an item ("1. "), and at its end
    repeated marks ("!!!!"). Of these a model makes anything or nothing, for seconds where they are many; joined to the translation,
    they stay as they are."""
    begin, end = 0, len(piece)
    for pattern in (_AROUND_SENTENCE, _ITEM):
        if first := pattern.match(piece, begin):
            begin = first.end()
    for found in _AROUND_SENTENCE.finditer(piece, begin):
        if found.end() == len(piece):
            end = found.start()
    return piece[:begin], piece[begin:end], piece[end:]


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
