"""Reads numbers as they are written: grouped, with a decimal point or comma."""

import re
from dataclasses import dataclass

from maatu_runtime.language import Language

_SPACES = "\u00a0\u202f\u2009"
_POINT_REGIONS = frozenset(["MX", "US", "PR", "GT", "HN", "NI", "PA", "SV", "DO", "PE", "419"])
_DECIMAL_COMMA = frozenset({"es", "fr", "de", "it", "pt"})
_WESTERN = re.compile(r"[1-9][0-9]{0,2}(?:[^0-9][0-9]{3})+")
_INDIAN = re.compile(r"[1-9][0-9]?(?:,[0-9]{2})+,[0-9]{3}")
_NOT_DIGITS = re.compile(r"[^0-9]")

NUMBER = rf"[0-9]{{1,18}}(?:[.,{_SPACES}][0-9]{{1,18}}){{0,9}}"
"""Pattern of anything that may be a number. What it matches is not always one: see `quantity`."""
_SPACED = r"[1-9][0-9]{0,2}(?: [0-9]{3}){1,5}(?:,[0-9]{1,18})?(?![0-9])"
_SPACED_THOUSANDS = r"[1-9][0-9]{0,2}(?: [0-9]{3}){0,4} 000(?:[.,][0-9]{1,18})?(?![0-9])"


@dataclass(frozen=True)
class Quantity:
    """A number as it was written, without its sign."""

    whole: int
    """What stands before the decimal separator."""
    fraction: str = ""
    """Digits after it, "" if there is none."""
    indian: bool = False
    """It was grouped as in 12,34,567."""

    @property
    def is_one(self) -> bool:
        """It takes the singular in every language."""
        return self.whole == 1 and not self.fraction


def number_pattern(language: Language) -> str:
    """The pattern of numbers in a language.

    French groups with spaces. Elsewhere "1 234" may be two numbers; "10 000" is one.
    """
    return rf"(?:{_SPACED if language.code == 'fr' else _SPACED_THOUSANDS}|{NUMBER})"


def has_decimal_comma(language: Language) -> bool:
    """Whether 3,5 is three and a half."""
    return language.code in _DECIMAL_COMMA and not (language.code == "es" and language.region in _POINT_REGIONS)


def quantity(written: str, language: Language) -> Quantity | None:
    """Reads a number; None where it is none, or may mean different numbers ("1.234" in French).

    Args:
        written: ASCII digits with separators.
        language: Whose separators to expect.
    """
    decimal, group = (",", ".") if has_decimal_comma(language) else (".", ",")
    if decimal in written and group in written:
        # Whatever the language: the last one, if there is one of it, begins the fraction.
        decimal, group = (".", ",") if written.rfind(".") > written.rfind(",") else (",", ".")
    elif written.count(decimal) > 1:
        decimal, group = group, decimal
    elif group in written and not _is_group(written, group, language):
        if language.code == "de" or not has_decimal_comma(language) or len(written.partition(".")[2]) == 3:
            return None
        decimal, group = group, decimal
    whole, _, fraction = written.partition(decimal)
    if _NOT_DIGITS.search(fraction) or (len(whole) > 1 and whole.startswith("0")):
        return None
    if whole.isdigit():
        return Quantity(int(whole), fraction)
    separators = set(_NOT_DIGITS.findall(whole))
    if len(separators) != 1 or not separators <= {group, " ", *_SPACES}:
        return None
    indian = _INDIAN.fullmatch(whole) is not None
    if not indian and not _WESTERN.fullmatch(whole):
        return None
    return Quantity(int(_NOT_DIGITS.sub("", whole)), fraction, indian)


def _is_group(written: str, group: str, language: Language) -> bool:
    """Whether the separator, the only kind in the number, is used as the language groups thousands."""
    if language.code == "fr":
        return written.count(group) > 1
    return _WESTERN.fullmatch(written) is not None or _INDIAN.fullmatch(written) is not None
