"""Joins a number and the noun it counts: one euro, two euros; veintiún kilómetros, veintiuna libras."""

import re
from dataclasses import dataclass

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import cardinal, digits
from maatu_tts.spoken.quantity import Quantity, has_decimal_comma
from maatu_tts.spoken.words.numbers import NUMBER_WORDS


@dataclass(frozen=True)
class Noun:
    """What is counted."""

    one: str
    """With a one: "metre"."""
    many: str = ""
    """With other numbers; "" where it is the same."""
    feminine: bool = False
    """In languages whose numbers have a gender."""
    before: str = ""
    """Words that come before the number: Kannada says "per hour 60 kilometres"."""

    def form(self, number: Quantity, language: Language) -> str:
        """The form that fits the number."""
        singular = number.is_one or (language.code in ("fr", "pt") and number.whole < 2 and number.fraction != "")
        return self.one if singular or not self.many else self.many


_MASCULINE_ONE = {"es": "un", "fr": "un", "de": "ein", "it": "un", "pt": "um", "ta": "ஒரு", "te": "ఒక", "ml": "ഒരു"}
_FEMININE_ONE = {"es": "una", "fr": "une", "de": "eine", "it": "una", "pt": "uma"}
_MILLIONS = re.compile(r"(?:mill(?:ón|ones)|mill?i(?:ons?|ard[si]?|one|oni|ardo)|milh(?:ão|ões)|bilh(?:ão|ões))$")
_OF = {"es": "de ", "fr": "de ", "it": "di ", "pt": "de "}
# How the end of a number changes before a noun.
_MASCULINE = {"es": ((re.compile(r"veintiuno$"), "veintiún"), (re.compile(r"\buno$"), "un"))}
_FEMININE = {
    "es": ((re.compile(r"uno$"), "una"), (re.compile(r"(cient|quinient)os\b(?!.* mill)"), r"\1as")),
    "fr": ((re.compile(r"\bun$"), "une"),),
    "pt": (
        (re.compile(r"\bum$"), "uma"),
        (re.compile(r"\bdois$"), "duas"),
        (re.compile(r"(duz|trez|oc|quinh)entos\b(?!.* mi?lh)"), r"\1entas"),
        (re.compile(r"centos\b(?!.* mi?lh)"), "centas"),
    ),
}
_TELUGU = (("వందలు", "వందల"), ("వేలు", "వేల"), ("లక్షలు", "లక్షల"), ("కోట్లు", "కోట్ల"), ("ఒకటి", "ఒక్క"))
# Numbers whose form depends on a noun that we do not know, by the end of their words.
_UNDECIDED = {
    "es": re.compile(r"(?:un|uno|ientos|ientos mil)$"),
    "fr": re.compile(r"\bun$"),
    "de": re.compile(r"eins$"),
    "it": re.compile(r"^uno$"),
    "pt": re.compile(r"(?:\bum|\bdois|entos|entos mil|\bum mil|\bdois mil)$"),
    "ta": re.compile(r"ஒன்று$"),
    "ml": re.compile(r"^ഒന്ന്$"),
    "te": re.compile(r"ఒకటి$"),
}


def read(number: Quantity, language: Language) -> str | None:
    """A number by itself, in words."""
    whole = cardinal(number.whole, language, indian=number.indian)
    if whole is None or not number.fraction:
        return whole
    point = NUMBER_WORDS[language.code].point if language.code in NUMBER_WORDS else ""
    if language.code == "es" and language.region and not has_decimal_comma(language):
        point = "punto"
    fraction = _fraction(number.fraction, language)
    return f"{whole} {point} {fraction}" if point and fraction else None


def counted(number: Quantity, noun: Noun, language: Language) -> str | None:
    """A number and what it counts, in words."""
    words = read(number, language)
    if words is None:
        return None
    if not number.fraction:
        words = _before_noun(number, words, noun, language)
    form = noun.form(number, language)
    if _MILLIONS.search(words):
        form = of(form, language)
    return " ".join(part for part in (noun.before, words, form) if part)


def of(noun: str, language: Language) -> str:
    """The noun after a million, which is a noun itself: "de euros", "d'euros"."""
    if language.code == "fr" and noun[0] in "aeiouyéè":
        return f"d'{noun}"
    return _OF.get(language.code, "") + noun


def before_some_noun(words: str, language: Language) -> str | None:
    """A number before a word we know nothing of; None where its form would depend on the gender of that word."""
    if language.code in _UNDECIDED and _UNDECIDED[language.code].search(words):
        return None
    return _oblique(words) if language.code == "te" else words


def _before_noun(number: Quantity, words: str, noun: Noun, language: Language) -> str:
    code = language.code
    if number.is_one:
        ones = _FEMININE_ONE if noun.feminine else _MASCULINE_ONE
        return ones.get(code, _MASCULINE_ONE.get(code, words))
    for end, form in (_FEMININE if noun.feminine else _MASCULINE).get(code, ()):
        words = end.sub(form, words)
    if code == "ta":
        return re.sub("ஒன்று$", "ஒரு", words)
    return _oblique(words) if code == "te" else words


def _oblique(words: str) -> str:
    for plain, oblique in _TELUGU:
        if words.endswith(plain):
            return words.removesuffix(plain) + oblique
    return words


def _fraction(written: str, language: Language) -> str | None:
    # Romance languages read short fractions as numbers: "trois virgule quatorze".
    if language.code in ("es", "fr", "it", "pt") and len(written) <= 2 and not written.startswith("0"):
        return cardinal(int(written), language)
    return digits(written, language)
