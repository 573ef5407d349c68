"""Large numbers in words, "tres mil quinientos": whether a translation has them, and how a sentence reads with them in digits.

Small models take thousands for millions and years for hundreds. What they are given in digits comes through, or is put back.
text2num finds the words: English, Spanish, French, Portuguese, Italian, German, Dutch, Danish.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from text_to_num import find_numbers

from maatu_translate import amounts, spelled
from maatu_translate.engine.base import Direction
from maatu_translate.entities import Entity

_LANGUAGES = frozenset(("da", "de", "en", "es", "fr", "it", "nl", "pt"))
_LEAST = 1_001
"""Smaller ones come through."""
_TOKEN = re.compile(r"[^\W_]+(?:['’][^\W_]+)*|[^\w\s]")
_ROUND = re.compile("1(?:000)+")
"""A thousand or a million alone is often no number: "mil gracias", "thanks a million"."""
_HALF = re.compile(r" (?:and a half|y medio|y media|et demie?|e meio|e mezzo|einhalb)(?!\w)", re.IGNORECASE)
_AFTER_FIGURE = re.compile(r"\d[ \u00a0]?$")
_ARTICLE = re.compile(r"(?<!\w)an? $", re.IGNORECASE)
_MILLION = re.compile("mill?ion.*|mill[oó]n.*|milh.*|miljo.*", re.IGNORECASE)


@dataclass(frozen=True)
class _Token:
    """A word or a mark, as text2num asks for it."""

    written: str
    start: int

    @property
    def end(self) -> int:
        return self.start + len(self.written)

    def text(self) -> str:
        return self.written

    def nt_separated(self, previous: "_Token") -> bool:
        return False

    def not_a_number_part(self) -> bool:
        return False


@dataclass(frozen=True)
class _Number:
    value: int
    start: int
    end: int


def lost(source: str, output: str, direction: Direction, kept: Sequence[Entity] = ()) -> bool:
    """Whether a large number that the source has in words is not in the output, neither in words nor in digits.

    Args:
        source: The sentence.
        output: Its translation.
        direction: The languages.
        kept: The entities of the source: words that belong to a phrase are no number.
    """
    spoken, target = (tag.partition("-")[0] for tag in (direction.source, direction.target))
    if target not in _LANGUAGES or not (said := list(_large(source, spoken, kept))):
        return False
    there = {number.value for number in _numbers(output, target)} | amounts.values(output)
    folded = output.casefold()
    return any(
        number.value not in there and not any(words in folded for words in spelled.number_words(number.value, target))
        for number in said
    )


def in_digits(text: str, language: str, kept: Sequence[Entity] = ()) -> str:
    """A text with its large numbers in digits; "millones" stays a word.

    Args:
        text: Any text.
        language: BCP-47 tag.
        kept: Its entities, which stay as they are.
    """
    parts, at = [], 0
    for number in _large(text, language.partition("-")[0], kept):
        last = text[number.start : number.end].rpartition(" ")[2]
        factor = 10**6 if _MILLION.fullmatch(last) else amounts.factor(last)
        keeps_word = factor >= 10**6 and number.value % factor == 0
        parts += [text[at : number.start], f"{number.value // factor} {last}" if keeps_word else str(number.value)]
        at = number.end
    return "".join([*parts, text[at:]])


def _large(text: str, language: str, kept: Sequence[Entity]) -> Iterator[_Number]:
    for number in _numbers(text, language):
        if any(entity.start < number.end and number.start < entity.end for entity in kept):
            continue
        is_part = _AFTER_FIGURE.search(text[max(0, number.start - 2) : number.start]) or _HALF.match(text, number.end)
        if number.value >= _LEAST and not is_part and not _ROUND.fullmatch(str(number.value)):
            article = _ARTICLE.search(text[max(0, number.start - 3) : number.start]) if language == "en" else None
            yield _Number(number.value, number.start - len(article[0] if article else ""), number.end)


def _numbers(text: str, language: str) -> Iterator[_Number]:
    """The whole numbers in words; ordinals and fractions are left out."""
    if language not in _LANGUAGES:
        return
    tokens = [_Token(match[0], match.start()) for match in _TOKEN.finditer(text)]
    for found in find_numbers(tokens, language, 0.0):
        if not found.is_ordinal and found.value == int(found.value):
            yield _Number(int(found.value), tokens[found.start].start, tokens[found.end - 1].end)
