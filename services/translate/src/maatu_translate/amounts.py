"""Amounts that are partly in words: "2 mil", "1.5 crore", "3 ಲಕ್ಷ". English, Spanish, Hindi and Kannada.

A translation has them right with another number beside another word ("20 lakh", "2 million") or in digits alone ("2,000").
Models take one word for another ("2 mil" for "2 million", "2 billion" for "2 billones"), which is wrong by a factor of a thousand.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from maatu_translate import spelled
from maatu_translate.behind import rewrite_behind
from maatu_translate.entities import Entity, Kind

_FACTORS = {
    r"mil|thousand|ह(?:ज\u093c?|\u095b)ार": 10**3,
    r"ಸಾವಿರ[\u0c80-\u0cff]*": 10**3,
    r"lakhs?|लाख": 10**5,
    r"ಲಕ್ಷ(?!ಣ)[\u0c80-\u0cff]*": 10**5,  # ಲಕ್ಷಣ is a sign of illness
    r"mill(?:[oó]n|ones|ions?)|मिलियन": 10**6,
    r"ಮಿಲಿಯನ್[\u0c80-\u0cff]*": 10**6,
    r"crores?|करो(?:ड\u093c?|\u095c)": 10**7,
    r"ಕೋಟಿ[\u0c80-\u0cff]*": 10**7,
    r"billions?|अरब|बिलियन": 10**9,
    r"ಬಿಲಿಯನ್[\u0c80-\u0cff]*": 10**9,
    r"trillions?|bill(?:[oó]n|ones)": 10**12,
}
"""What words multiply by. In Kannada they have endings."""
SCALE = re.compile(
    rf"(?:[ \u00a0](?:{'|'.join(_FACTORS)})(?![\w\u0900-\u0963\u0970-\u0dff])){{1,2}}(?: de(?!\w))?", re.IGNORECASE
)
"""What multiplies the number before it: "2 millones de", "1.25 ಲಕ್ಷ"."""
_WORDS = {
    "en": {3: "thousand", 5: "lakh", 6: "million", 7: "crore", 9: "billion", 12: "trillion"},
    "es": {3: "mil", 6: "millones", 9: "mil millones", 12: "billones"},
    "hi": {3: "हज़ार", 5: "लाख", 6: "मिलियन", 7: "करोड़", 9: "अरब", 12: "लाख करोड़"},
    "kn": {3: "ಸಾವಿರ", 5: "ಲಕ್ಷ", 6: "ಮಿಲಿಯನ್", 7: "ಕೋಟಿ", 9: "ಬಿಲಿಯನ್", 12: "ಲಕ್ಷ ಕೋಟಿ"},
}
"""The words for powers of ten, by ISO 639 code."""
_NUMBER = re.compile(r"(\d+(?:[.,]\d\d(?=[.,]\d))*(?:[.,'’ \u00a0\u202f]\d{3})*)(?:[.,](\d{1,2}))?")
_SAID_OTHERWISE = re.compile(
    r"[ \u00a0-]?(?:(?:k|m|mn|bn|tn|mio|grand)(?!\w)|thousand|mil|bil|tril|lakh|crore|ಸಾವಿರ|ಲಕ್ಷ|ಕೋಟಿ|ಮಿಲಿ|ಬಿಲಿ|हज|लाख|कर|अरब|मिलि|बिलि)",
    re.IGNORECASE,
)
"""What begins after a number like a word that multiplies it, if in a form that is not known here: "2-million"."""
_NO_NOUN = re.compile(r" (?:a|con|de|del|e|el|en|la|los|las|o|para|por|que|se|sin|u|y)(?!\w)| ?[^\w ]|$", re.IGNORECASE)
"""What no "de" stands before: "2 millones en total"."""


def right_in_other_words(entities: Sequence[Entity], source: str, output: str) -> dict[Entity, slice]:
    """Amounts that are partly in words in the source and have their value in the output, written in another way: "2,000" of
    "2 mil", "2 million" of "20 lakh". And where in the output they are."""
    amounts = [(number, _value(number, output)) for number in spelled.numbers_in(output)]
    as_they_stand = {(number.text, value) for number, value in amounts}
    right: dict[Entity, slice] = {}
    for entity in entities:
        value = _value(entity, source) if SCALE.match(source, entity.end) else None
        if value is None or (entity.text, value) in as_they_stand:
            continue
        places = (slice(number.start, _end(number, output)) for number, there in amounts if there == value)
        if (place := next((place for place in places if place not in right.values()), None)) is not None:
            right[entity] = place
    return right


def rescale(text: str, source: str, entities: Sequence[Entity], target: str) -> tuple[str, list[Entity]]:
    """Puts the right word behind each number that a word multiplies in the source, where the translation has another or none.

    Args:
        text: The translation, with all entities in it.
        source: The sentence.
        entities: Of the source.
        target: ISO 639 code of the language of the translation.

    Returns:
        The translation, and the numbers behind which a word was changed.
    """

    def behind(entity: Entity, text: str, at: int) -> tuple[str, int] | None:
        said = SCALE.match(source, entity.end)
        if said is None or entity.kind not in (Kind.NUMBER, Kind.CURRENCY):
            return None
        by, found = factor(said[0]), SCALE.match(text, at)
        word = _WORDS.get(target, {}).get(len(str(by)) - 1)
        if word is None or (factor(found[0]) == by if found else _SAID_OTHERWISE.match(text, at)):
            return None
        end = found.end() if found else at
        if target == "es" and word.endswith("ones"):
            word = word.replace("ones", "ón") if entity.text.strip("$€ ") == "1" else word
            word += "" if _NO_NOUN.match(text, end) else " de"
        return word, end

    return rewrite_behind(text, entities, behind)


def _value(number: Entity, text: str) -> Fraction | None:
    """The value of a number and of the words behind it that multiply it: 1,500,000 of "1,5 millones"."""
    scale = SCALE.match(text, number.end)
    digits = re.sub(r"^\D+|\D+$", "", spelled.ascii_digits(number.text))
    match = _NUMBER.fullmatch(digits) if number.kind in (Kind.NUMBER, Kind.CURRENCY) else None
    if match is None:
        return None
    value = Fraction(re.sub(r"\D", "", match[1])) + Fraction(f"0.{match[2] or 0}")
    return value * (factor(scale[0]) if scale else 1)


def _end(number: Entity, text: str) -> int:
    """Where a number ends, with the words that multiply it."""
    scale = SCALE.match(text, number.end)
    return scale.end() if scale else number.end


def values(text: str) -> set[Fraction]:
    """The values of the numbers in a text that have digits, with the words that multiply them."""
    return {value for number in spelled.numbers_in(text) if (value := _value(number, text)) is not None}


def factor(words: str) -> int:
    """What words multiply by: 10**9 for "mil millones", 1 for words that do not."""
    product = 1
    for word in words.split():
        product *= next((by for known, by in _FACTORS.items() if re.fullmatch(known, word, re.IGNORECASE)), 1)
    return product
