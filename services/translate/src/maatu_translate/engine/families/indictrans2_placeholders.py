"""Placeholders, which IndicTrans2 copies: <ID1> for an e-mail address, <ID2> for a time, and so on.

What becomes one is nearly what IndicProcessor of indictranstoolkit 1.1.1 replaces: e-mail addresses, URLs, hashtags and handles,
and numbers with something between their digits. But that replaces one find after the other in the whole text, in the order of a
Python set: which of two numbers is <ID1> differs from process to process, and a number that is part of another breaks it (for
PYTHONHASHSEED=2, "112.50" beside "12.50" becomes "1 12.50"). Here each find is replaced where it stands, and numbered in the
order of the text.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

_WORD_BEFORE = r"(?<![\w@.-])"
_LABEL = "[a-z0-9-]{1,63}"
"""Part of a domain name (RFC 1035). What is bounded cannot take long on a text made to be slow, either."""
_ENTITY = re.compile(
    rf"""
      <\s*ID\s*\d+\s*>                                                                                    # looks like one already
    | {_WORD_BEFORE}[\w.%+-]{{1,64}}@[\w-]+(?:\.[\w-]+)+                                                  # e-mail address
    | {_WORD_BEFORE}(?:https?://|ftp://|www\.)[^\s<>"।]*[^\s<>"।.,:;!?)\]'’]                              # URL
    | {_WORD_BEFORE}{_LABEL}(?:\.{_LABEL}){{0,9}}\.[a-z]{{2,63}}(?:/[^\s<>"।]*[^\s<>"।.,:;!?)\]'’])?(?!\w) # bare domain
    | (?<!\w)[@\#][^\s.,:;!?()<>"'।]+                                                                     # handle, hashtag
    | (?P<number> [+~]?\d+(?:[.,:/'+-]\d+|\ \d{{3,}})*(?:\s?%)?)                                          # number, date, time
    """,
    re.VERBOSE,
)
_SEPARATED = re.compile(r"[^\d\s]")
_LEAST_CHARACTERS = 4
"""A number shorter than this, without its full stops and colons, is left to the model; the toolkit does so too."""
_MANY_DIGITS = 6
"""A number with so many digits is a code or a telephone number, which the model must not reckon with."""
_NAME = r"(?:आ[ईइय]\s?\.?\s?ड[ीि]\s?\.?|ऐ[टड]ि|آئ?ی\s*ڈی|ꯑꯥꯏꯗꯤ|ᱟᱭᱰᱤ(?:\s*᱾)?)"
"""The letters "ID" as the models spell them in Indic scripts now and then; indictranstoolkit has the list."""
_WRITTEN = re.compile(rf"[<\[]\s*(?:ID|Id|id|{_NAME})\s*(\d+)\s*[>\]]|{_NAME}\s*(\d+)")
_MARK = re.compile(r"<ID(\d+)>")


class Wrapped(NamedTuple):
    """A text whose entities are placeholders."""

    text: str
    entities: tuple[str, ...]
    """What <ID1>, <ID2> … stand for."""


def wrap(text: str) -> Wrapped:
    """Replaces the entities of a text; one that comes twice has one number.

    Args:
        text: With the digits 0 to 9 and no others.
    """
    entities: list[str] = []

    def replace(match: re.Match[str]) -> str:
        entity = match[0]
        if match["number"] and not _is_kept_number(entity):
            return entity
        if entity not in entities:
            entities.append(entity)
        return f"<ID{entities.index(entity) + 1}>"

    return Wrapped(_ENTITY.sub(replace, text), tuple(entities))


def mark(text: str, entities: Sequence[str]) -> str:
    """What a model wrote with each placeholder in one form, however the model spelt it; those of no entity are dropped."""

    def replace(match: re.Match[str]) -> str:
        number = int(match[1] or match[2])
        if 1 <= number <= len(entities):
            return f"<ID{number}>"
        # Without brackets it may be a word, "ID 7".
        return "" if match[1] else match[0]

    return _WRITTEN.sub(replace, text)


def unwrap(text: str, entities: Sequence[str]) -> str:
    """Text with the entities in place of the placeholders that `mark` left."""
    return _MARK.sub(lambda match: entities[int(match[1]) - 1], text)


def _is_kept_number(number: str) -> bool:
    if sum(character.isdigit() for character in number) >= _MANY_DIGITS:
        return True
    written = re.sub(r"[\s.:]", "", number)
    return bool(_SEPARATED.search(number)) and len(written) >= _LEAST_CHARACTERS
