"""Cuts a text into sentences. sentencex knows the abbreviations and full stops of some 300 languages; abbreviations in Indic
scripts are known here, and some of Spanish and English that it takes for ends."""

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
_ORDINAL_SIGNS = "ºª°"
_ABBREVIATION = re.compile(r"(?<!\w)(?:[ap]\.[ \u00a0]?m|app?rox|tel|m[aá]x|m[ií]n|apt)\.$", re.IGNORECASE)
"""They may end a sentence too; before a small letter or a digit they do not."""
_TITLES = {"es": re.compile(r"(?<!\w)(?:D|D\.?ª|Dña)\.$")}
"""A name follows them. By ISO 639 code: elsewhere a sentence may end in "D."."""
_ABBREVIATION_CHARS = 12
# Without the digits in circles, which say something.
_EMOJI = r"[\u2300-\u23ff\u2600-\u2775\u2794-\u27bf\u2b00-\u2bff\U0001f000-\U0001f0ff\U0001f10d-\U0001faff]"
# An ellipsis and the first of other marks belong to the sentence.
_AROUND_SENTENCE = re.compile(rf"(?:\s|{_EMOJI}\ufe0f?+\u200d?+|(?<=[!?！？؟])[!?！？؟]|(?<=\.\.\.)\.)++")


def cut_into_sentences(text: str, language: str) -> list[str]:
    """Cuts a text into sentences with the space around them; joined, they are the text.

    A sentence of more than LONGEST_PIECE_CHARS is cut further, after a comma or a space where it has one. A piece without a
    letter or digit goes with the one before it, or with the next where it is the first, unless both are too long together.

    Args:
        text: Any text.
        language: ISO 639 code.
    """
    pieces: list[str] = []
    for sentence in _sentences(text, language):
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
    """What stands before a sentence, the sentence, and what follows it: space, emoji, and at its end repeated marks ("!!!!"). Of
    these a model makes anything, for seconds where they are many; joined to the translation, they stay as they are."""
    first = _AROUND_SENTENCE.match(piece)
    begin, end = first.end() if first else 0, len(piece)
    for found in _AROUND_SENTENCE.finditer(piece, begin):
        if found.end() == len(piece):
            end = found.start()
    return piece[:begin], piece[begin:end], piece[end:]


def _sentences(text: str, language: str) -> Iterator[str]:
    """The sentences of a text, each with the space behind it."""
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
    end, title = said[-_ABBREVIATION_CHARS:], _TITLES.get(language)
    if following in _ORDINAL_SIGNS or ends_with_abbreviation(said.lstrip()) or (title and title.search(end)):
        return True
    if following.isdigit():
        return _ABBREVIATION.search(end) is not None
    return following.islower() and bool(_GOES_ON.search(sentence) or _ABBREVIATION.search(end))


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
