"""Writes numbers in the digits of the target language's script."""

import unicodedata
from collections.abc import Sequence

from maatu_translate.engine.languages import script_of
from maatu_translate.entities import Entity, Kind, find

_ZEROS = {
    "ARABIC": 0x0660,
    "BENGALI": 0x09E6,
    "DEVANAGARI": 0x0966,
    "GUJARATI": 0x0AE6,
    "GURMUKHI": 0x0A66,
    "KANNADA": 0x0CE6,
    "KHMER": 0x17E0,
    "LAO": 0x0ED0,
    "MALAYALAM": 0x0D66,
    "MEETEI": 0xABF0,
    "MONGOLIAN": 0x1810,
    "MYANMAR": 0x1040,
    "OL": 0x1C50,
    "ORIYA": 0x0B66,
    "TAMIL": 0x0BE6,
    "TELUGU": 0x0C66,
    "THAI": 0x0E50,
    "TIBETAN": 0x0F20,
}
"""The zero of each script (Unicode, chapter 22, "Decimal digits"); the digits follow it in order. All others write 0 to 9."""
_EXTENDED_ARABIC_ZERO = 0x06F0
_EXTENDED_ARABIC = frozenset(
    {"azb", "bal", "fa", "glk", "ks", "lrc", "mzn", "pa", "pnb", "ps", "sd", "skr", "ug", "ur", "uz"}
)
"""Languages in Arabic script with the digits of Persian and Urdu (CLDR, native numbering system "arabext")."""


def to_native(text: str, target: str, kept: Sequence[Entity] = ()) -> str:
    """A translation with its digits, of whatever script, in those of the target language. Separators stay as they are.

    Addresses, handles, tags, codes and kept phrases are left alone.

    Args:
        text: The translation.
        target: BCP-47 tag of its language.
        kept: The entities of the source: phrases among them are looked for in the translation.
    """
    digits = _digits(target)
    phrases = [entity.text for entity in kept if entity.kind is Kind.PHRASE]
    parts, at = [], 0
    for entity in find(text, phrases):
        if not entity.kind.is_numeric:
            parts += [_written(text[at : entity.start], digits), entity.text]
            at = entity.end
    return "".join([*parts, _written(text[at:], digits)])


def _digits(target: str) -> str:
    script = script_of(target)
    zero = _ZEROS.get(script, ord("0"))
    if script == "ARABIC" and target.partition("-")[0] in _EXTENDED_ARABIC:
        zero = _EXTENDED_ARABIC_ZERO
    return "".join(chr(zero + value) for value in range(10))


def _written(text: str, digits: str) -> str:
    return "".join(digits[unicodedata.decimal(one)] if one.isdecimal() else one for one in text)
