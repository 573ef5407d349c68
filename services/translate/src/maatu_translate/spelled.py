"""Numbers, times and prices as a translation may write them out: "twenty-five", "tres y media", "25 euros".

The words are num2words'. They are only looked for, never written, so a language it spells oddly costs a mend and no more.
"""

import itertools
import re
import unicodedata
from collections.abc import Sequence
from functools import lru_cache

import num2words

from maatu_translate.entities import Entity, Kind, find

_LARGEST = 9_999
"""Larger numbers are written in digits."""
_SPANS = frozenset({Kind.NUMBER, Kind.PERCENT, Kind.CURRENCY})
"""What may be a span: a date or a phone number with hyphens is none."""
_MOST_PARTS = 4
_LONGEST_JOINT_CHARS = 20
"""Of what stands between two numbers: "9 in the morning to 5"."""
_SPANISH_ENDINGS = (("iuno", "iún"), ("iuno", "iuna"), ("uno", "un"), ("uno", "una"), ("ientos", "ientas"))
_HALF_HOURS = {"en": "half past {0}", "es": "{0} y media"}
_QUARTERS = {"en": "quarter past {0}", "es": "{0} y cuarto"}
_QUARTERS_TO = {"en": "quarter to {1}", "es": "{1} menos cuarto"}
_FULL_HOURS = {"en": "{0} o'clock", "es": "{0} en punto"}

MONEY = re.compile(
    r"[ \u00a0](?:euros?|dollars?|d[óo]lar(?:es)?|pounds?|libras?|rupees?|rupias?|yen(?:es)?|pesos?|yuan(?:es)?|won"
    r"|रुपये|रुपए|ರೂಪಾಯಿ(?:ಗಳು)?|ರೂ\.?)(?!\w)",
    re.IGNORECASE,
)
"""The name of a currency after an amount."""
PERCENT = re.compile(
    r"[ \u00a0](?:per[ ]?cent|por ciento|pour cent|per cento|por cento|Prozent|प्रतिशत|ಪ್ರತಿಶತ)(?!\w)", re.IGNORECASE
)
"""The words for "percent" after a number."""
MINUS = re.compile(r"(?<!\w)(?:minus|negative|menos|moins|meno|ಮೈನಸ್|माइनस)[ \u00a0]$", re.IGNORECASE)
"""The word for a minus sign before a number."""
DATE = re.compile(
    r"(?<!\w)(?:\d{1,2}(?:st|nd|rd|th|\.?[ºª])? (?:de |of )?[^\W\d]{3,12},? (?:de |del )?\d{4}"
    r"|[^\W\d]{3,12} \d{1,2}(?:st|nd|rd|th)?,? \d{4})(?!\w)"
)
"""A date with the name of its month, as English and the Romance languages write it."""


@lru_cache(maxsize=4_096)
def number_words(value: int, language: str) -> tuple[str, ...]:
    """How a whole number is written in words, in lower case; nothing where num2words cannot tell, or it is large.

    Args:
        value: The number.
        language: ISO 639 code.
    """
    if not 0 <= value <= _LARGEST or language not in num2words.CONVERTER_CLASSES:
        return ()
    words = [_plain(num2words.num2words(value, lang=language))]
    if language == "en":
        words.append(words[0].replace("-", " "))
        words += [word.replace(" and ", " ") for word in words if " and " in word]
        if 1_100 <= value <= 2_099:
            words.append(_plain(num2words.num2words(value, lang=language, to="year")))
    elif language == "es":
        words += [words[0].replace(old, new) for old, new in _SPANISH_ENDINGS if old in words[0]]
    return tuple(dict.fromkeys(words))


@lru_cache(maxsize=1_024)
def ordinal_words(value: int, language: str) -> tuple[tuple[str, str], ...]:
    """How an ordinal is written in words, each with its ending after digits: ("tercera", ".ª"). English and Spanish only."""
    if language == "en" and 1 <= value <= _LARGEST:
        ending = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
        return ((_plain(num2words.num2words(value, lang="en", to="ordinal")), ending),)
    if language == "es" and 1 <= value <= 10:
        masculine = _plain(num2words.num2words(value, lang="es", to="ordinal"))
        short = (masculine.removesuffix("o"), ".º") if masculine.endswith("ero") else (masculine, ".º")
        return ((masculine, ".º"), (masculine.removesuffix("o") + "a", ".ª"), short)
    return ()


def time_words(hours: int, minutes: int, language: str) -> tuple[str, ...]:
    """How a time of day is said on a clock with twelve hours; nothing for languages other than English and Spanish."""
    if language not in _FULL_HOURS or hours > 24 or minutes > 59:
        return ()
    patterns = {0: _FULL_HOURS, 15: _QUARTERS, 30: _HALF_HOURS, 45: _QUARTERS_TO}
    ways = []
    for hour in {hours % 24, (hours - 1) % 12 + 1}:
        for this in _hours(hour, language):
            for following in _hours(hour % 12 + 1, language):
                if minutes in patterns:
                    ways.append(patterns[minutes][language].format(this, following))
            joint = " y " if language == "es" else " "
            ways += [f"{this}{joint}{number}" for number in number_words(minutes, language) if minutes]
    return tuple(dict.fromkeys(ways))


def _hours(hour: int, language: str) -> tuple[str, ...]:
    words = number_words(hour, language)
    return tuple(word for word in words if word.endswith("una")) or words if language == "es" else words


def numbers_in(output: str) -> list[Entity]:
    """The numbers of an output; of a span or ratio such as 12-15 also its parts."""
    numbers = []
    for entity in find(output):
        if entity.kind.is_numeric:
            numbers.append(entity)
            if entity.kind is Kind.NUMBER and entity.text[0] not in "-−+":
                parts = list(re.finditer(r"[^-–/:]+", entity.text))
                numbers += [
                    Entity(Kind.NUMBER, part[0], entity.start + part.start()) for part in parts[:20] if len(parts) > 1
                ]
    return numbers


def span(entity: Entity, numbers: Sequence[Entity], output: str) -> Entity | None:
    """Numbers in a row that are the parts of a span or ratio, as one: "9 a 5" for 9-5; None where there are none.

    Args:
        entity: Of the source.
        numbers: Of the output, in their order.
        output: The output.
    """
    parts = [Entity(Kind.NUMBER, part, 0) for part in re.findall(r"[^-–/:]*\d[^-–/:]*", entity.text)]
    if entity.kind not in _SPANS or not 2 <= len(parts) <= _MOST_PARTS:
        return None
    for begin in range(len(numbers) - len(parts) + 1):
        row = numbers[begin : begin + len(parts)]
        joints = (following.start - one.end for one, following in itertools.pairwise(row))
        is_near = all(0 < chars <= _LONGEST_JOINT_CHARS for chars in joints)
        if is_near and all({*values(part)} & {*values(number)} for part, number in zip(parts, row, strict=True)):
            start, last = row[0].start, row[-1]
            written = output[start : last.start + len(last.written)] if last.written else ""
            return Entity(last.kind, output[start : last.end], start, written)
    return None


def values(entity: Entity) -> list[str]:
    """What tells the value of a number, the surest first; entities of one value have one in common."""
    written = ascii_digits(entity.text)
    groups = re.findall(r"\d+", written)
    sign = "½" if not groups else ""
    joined = "".join(groups).lstrip("0") or sign or "0"
    values = [joined]
    if len(groups) > 1 and not groups[-1].strip("0") and len(groups[-1]) <= 2:
        values.append("".join(groups[:-1]).lstrip("0") or "0")  # 25.00 is 25
    if entity.kind is Kind.TIME:
        hours, minutes = int(groups[0]), groups[1] if len(groups) > 1 else "00"
        values.append(f"{(hours - 1) % 12 + 1}:{minutes}")
    if entity.kind is Kind.DATE:
        values.append("/".join(sorted(group.lstrip("0") for group in groups)))
    return list(dict.fromkeys(values))


def ascii_digits(text: str) -> str:
    """A text with the digits of every script as 0 to 9."""
    return "".join(str(unicodedata.decimal(character)) if character.isdecimal() else character for character in text)


def _plain(words: str) -> str:
    return words.replace(",", "").casefold()
