"""A transcript as the rules read it: the words of its last sentence, and the mark it ends with."""

import unicodedata
from dataclasses import dataclass
from enum import Enum, auto

LONGEST_TEXT = 200
"""Characters at the end of a transcript that are read. No rule looks further back."""

_GOES_ON = frozenset(",;:،؛、，；：-—―…‥・")
_QUESTION = frozenset("?？؟")
_TERMINAL = frozenset(".!。．！।॥۔")
_WORD_SIGNS = frozenset("%@°")
# One translation for all of it, because it is most of the time this takes. A dash glued to words becomes a token of its own, and a
# space comes after the marks of scripts that write none. Of two spellings of one word it is chance which a model writes:
# apostrophes, Devanagari and Gurmukhi nukta, chandrabindu, joiners.
_SPELLING = str.maketrans(
    {"—": " — ", "–": "-", "’": "'", "ʼ": "'", "\u0901": "\u0902"}
    | {mark: f"{mark} " for mark in "。！？、，；："}
    | dict.fromkeys("\u093c\u0a3c\u200c\u200d")
)
# Malayalam chillu letters, before Unicode 5.1 written with a joiner.
_CHILLUS = (("ണ്\u200d", "ൺ"), ("ന്\u200d", "ൻ"), ("ര്\u200d", "ർ"), ("ല്\u200d", "ൽ"), ("ള്\u200d", "ൾ"))


class Mark(Enum):
    """What the punctuation at the end says."""

    NONE = auto()
    GOES_ON = auto()
    """Comma, colon, dash, ellipsis."""
    TERMINAL = auto()
    """Full stop, exclamation mark, danda."""
    QUESTION = auto()


@dataclass(frozen=True, slots=True)
class Reading:
    """The last sentence of a transcript."""

    words: tuple[str, ...]
    """Folded (see `fold`), without the punctuation around them; hyphens and apostrophes inside stay."""
    mark: Mark
    """After the last word."""
    commas: tuple[int, ...]
    """Indices of the words that a comma follows; never the last word."""
    opens_question: bool
    """An inverted question mark stands in it."""

    @property
    def last(self) -> str:
        """The last word, "" where there is none."""
        return self.words[-1] if self.words else ""

    @property
    def is_closed(self) -> bool:
        """Whether it ends with a full stop, an exclamation or a question mark. Models write them after cut sentences too."""
        return self.mark in (Mark.TERMINAL, Mark.QUESTION)

    def ends_with(self, phrases: frozenset[str]) -> bool:
        """Whether the last word, the last two or the last three are in the set."""
        words = self.words
        return (
            self.last in phrases
            or (len(words) > 1 and " ".join(words[-2:]) in phrases)
            or (len(words) > 2 and " ".join(words[-3:]) in phrases)
        )


def fold(text: str) -> str:
    """Makes texts that differ only in case or in equivalent spellings equal: NFC, case, apostrophes, nukta, joiners, chillus."""
    for joined, chillu in _CHILLUS:
        if joined in text:
            text = text.replace(joined, chillu)
    return unicodedata.normalize("NFC", text.casefold().translate(_SPELLING))


def phrases(text: str, *more: str) -> frozenset[str]:
    """Folded words of space-separated lists; an underscore joins the words of a phrase ("kind_of")."""
    return frozenset(fold(word).replace("_", " ") for part in (text, *more) for word in part.split())


def endings(text: str, *more: str) -> tuple[str, ...]:
    """Folded word endings of space-separated lists, for `str.endswith`."""
    return tuple(fold(ending) for part in (text, *more) for ending in part.split())


def read(text: str) -> Reading:
    """Reads the end of a transcript in any script.

    Args:
        text: Of any length; only its last LONGEST_TEXT characters count.
    """
    words: list[str] = []
    commas: list[int] = []
    mark, opens_question = Mark.NONE, False
    for token in fold(text[-LONGEST_TEXT:]).split():
        start, end = _word_bounds(token)
        if end and mark in (Mark.TERMINAL, Mark.QUESTION) and not _may_be_abbreviated(words[-1:]):
            words, commas, opens_question = [], [], False
        opens_question = opens_question or "¿" in token
        if end:
            if words and mark is Mark.GOES_ON:
                commas.append(len(words) - 1)
            words.append(token[start:end])
            mark = _mark(token[end:])
        elif mark is not Mark.GOES_ON:
            mark = _mark(token, mark)
    return Reading(tuple(words), mark if words else Mark.NONE, tuple(commas), opens_question)


def _word_bounds(token: str) -> tuple[int, int]:
    """Where the word in a token begins and ends; (0, 0) where there is none."""
    start, end = 0, len(token)
    while start < end and not _is_spelling(token[start]):
        start += 1
    while start < end and not _is_spelling(token[end - 1]):
        end -= 1
    return (start, end) if start < end else (0, 0)


def _is_spelling(character: str) -> bool:
    """Letters, digits, vowel signs (category M) and what makes a number or an address: currencies, per cent, at."""
    return (
        character.isalnum()
        or character in _WORD_SIGNS
        or unicodedata.category(character) in ("Mn", "Mc", "Me", "Nl", "No", "Sc")
    )


def _mark(tail: str, before: Mark = Mark.NONE) -> Mark:
    if ".." in tail or not _GOES_ON.isdisjoint(tail):
        return Mark.GOES_ON
    if not _QUESTION.isdisjoint(tail):
        return Mark.QUESTION
    return before if _TERMINAL.isdisjoint(tail) else Mark.TERMINAL


def _may_be_abbreviated(words: list[str]) -> bool:
    """Numbers and single letters keep their full stop inside a sentence: "5. 5. 2", "J. F. Kennedy"."""
    return any(word.isdecimal() or len(word) == 1 for word in words)
