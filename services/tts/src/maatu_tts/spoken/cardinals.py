"""Whole numbers in words: num2words for European languages, indic-numtowords for Indic ones, our own for Kannada.

Left out are Sindhi (the library fails for most numbers, and writes Devanagari) and Manipuri (it reads 99 as 89).
"""

import re
import unicodedata
from functools import lru_cache

import indic_numtowords
import num2words

from maatu_runtime.language import Language
from maatu_tts.spoken import kannada

_EUROPEAN = frozenset({"en", "es", "fr", "de", "it", "pt"})
_INDIC = frozenset(
    {
        "as",
        "bn",
        "brx",
        "doi",
        "gu",
        "hi",
        "kok",
        "ks",
        "mai",
        "ml",
        "mr",
        "ne",
        "or",
        "pa",
        "sa",
        "sat",
        "ta",
        "te",
        "ur",
    }
)
_LARGEST_EUROPEAN = 10**15 - 1
# num2words' Indian English counts no further.
_LARGEST_INDIAN_ENGLISH = 10**10 - 1
_LARGEST_INDIC = 10**9 - 1
_CRORE = 10**7
# "Crore" before a smaller part, and at the end; only where we are sure of both.
_CRORES = {
    "hi": ("करोड़", "करोड़"),
    "mr": ("कोटी", "कोटी"),
    "bn": ("কোটি", "কোটি"),
    "as": ("কোটি", "কোটি"),
    "gu": ("કરોડ", "કરોડ"),
    "pa": ("ਕਰੋੜ", "ਕਰੋੜ"),
    "or": ("କୋଟି", "କୋଟି"),
    "ta": ("கோடியே", "கோடி"),
    "te": ("కోట్ల", "కోట్లు"),
    "ml": ("കോടി", "കോടി"),
    "ne": ("करोड", "करोड"),
    "ur": ("کروڑ", "کروڑ"),
}
# Misprints of the library (1.1.0), by word.
_REPAIRS = {
    "hi": {"छः": "छह"},
    "mr": {"हज़ार": "हजार"},
    "ta": {"ஓன்று": "ஒன்று", "ஓன்பது": "ஒன்பது"},
    "ne": {"साोह्र": "सोह्र"},
    "pa": {"ਤਹੇਹਰ": "ਤਿਹੱਤਰ", "ਪਚਹੱਤ": "ਪਚਹੱਤਰ"},
    "ur": {
        "پاںچ": "پانچ",
        "چھے": "چھ",
        "تےيس": "تئیس",
        "چھببیس": "چھبیس",
        "ستااس": "ستائیس",
        "اٹھااس": "اٹھائیس",
        "انتيس": "انتیس",
        "اكتيس": "اکتیس",
    },
}
_SPANISH_ONE = re.compile(r"\b(veinti|y )?uno(?= mil)")
LANGUAGES = _EUROPEAN | _INDIC | {"kn"}
"""ISO 639 codes of the languages whose numbers can be put into words."""


@lru_cache(maxsize=4_096)
def cardinal(value: int, language: Language, *, indian: bool = False) -> str | None:
    """A number of 0 or more in words; None where it is too large or the language is not served.

    Args:
        value: The number.
        language: In which; Indian English counts in lakhs and crores.
        indian: It was written in Indian grouping: English counts in lakhs and crores whatever its region.
    """
    code = language.code
    if code == "kn":
        return kannada.cardinal(value) if value <= kannada.LARGEST else None
    if code in _EUROPEAN:
        return _european(value, language, indian) if value <= _LARGEST_EUROPEAN else None
    return _indic(value, language) if code in _INDIC else None


def digits(written: str, language: Language) -> str | None:
    """Digits one by one, with spaces between them; None where the language is not served."""
    words = [cardinal(int(digit), language) for digit in written]
    return None if None in words else " ".join(filter(None, words))


def ordinal(value: int, language: Language) -> str | None:
    """The first, second, … where the library has it right; None elsewhere.

    That is English, French and German (ending in -e) up to 9,999; Spanish, Italian and Portuguese, in the masculine, up to 10.
    """
    if value < 1 or value > 9_999 or language.code not in _EUROPEAN:
        return None
    if language.code in ("es", "it", "pt") and value > 10:
        return None
    return _plain(num2words.num2words(value, lang=language.code, to="ordinal"))


def year(value: int, language: Language) -> str | None:
    """A year as it is spoken: "nineteen ninety-nine"; None where `cardinal` gives None."""
    if language.code in ("en", "de") and 1_100 <= value <= 2_099:
        return _plain(num2words.num2words(value, lang=language.code, to="year"))
    return cardinal(value, language)


def _european(value: int, language: Language, indian: bool) -> str:
    name = language.code
    if name == "en" and (indian or language.region == "IN") and value <= _LARGEST_INDIAN_ENGLISH:
        name = "en_IN"
    elif name == "pt" and language.region == "BR":
        name = "pt_BR"
    words = _plain(num2words.num2words(value, lang=name))
    return _SPANISH_ONE.sub(_shortened, words) if name == "es" else words


def _plain(words: str) -> str:
    # A comma would be a pause, and a place to cut.
    return words.replace(",", "")


def _shortened(one: re.Match[str]) -> str:
    return {"veinti": "veintiún", "y ": "y un"}.get(one[1], "un")


def _indic(value: int, language: Language) -> str | None:
    if value > _LARGEST_INDIC:
        crores, rest = divmod(value, _CRORE)
        if language.code not in _CRORES or crores > _LARGEST_INDIC:
            return None
        before, last = _CRORES[language.code]
        count = cardinal(crores, language)
        return f"{count} {before} {cardinal(rest, language)}" if rest else f"{count} {last}"
    # Its words are not all in normal form C; they may hold doubled spaces, and at their end a zero-width non-joiner.
    written = unicodedata.normalize("NFC", indic_numtowords.num2words(value, lang=language.code))
    words = (word.strip("\u200b\u200c") for word in written.split())
    repairs = _REPAIRS.get(language.code, {})
    return " ".join(repairs.get(word, word) for word in words)
