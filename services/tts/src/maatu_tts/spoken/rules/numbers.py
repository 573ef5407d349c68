"""Plain numbers: ordinals, spans, years, integers and decimals, and numbers with an ending in Indic scripts."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken import kannada
from maatu_tts.spoken.agreement import before_some_noun, read
from maatu_tts.spoken.cardinals import ordinal, year
from maatu_tts.spoken.quantity import number_pattern, quantity
from maatu_tts.spoken.rule import END_OF_NUMBER, END_OF_WORD, Rule, next_word, previous_word
from maatu_tts.spoken.words.numbers import NUMBER_WORDS

KANNADA_SUFFIX = "ನೇ|ನೆಯ|ರಲ್ಲಿ|ರಂದು|ರಿಂದ|ರವರೆಗೆ|ರವರೆಗೂ|ರೊಳಗೆ|ರಷ್ಟು|ರಿಗೆ|ಕ್ಕೆ|ಕ್ಕೂ|ಕ್ಕಿಂತ|ರ|ನ್ನು"
"""Endings that join the stem of any Kannada number."""
_DECADE = re.compile(rf"(?P<number>(?:1[1-9]|20)[1-9]0)s{END_OF_WORD}")
_ENGLISH_ORDINAL = re.compile(rf"(?P<number>[0-9]{{1,3}}|[1-9],?[0-9]{{3}})(?P<end>st|nd|rd|th){END_OF_WORD}")
_ORDINAL = {
    "fr": re.compile(rf"(?P<number>[0-9]{{1,4}})(?P<end>er|re|ère|e|ème){END_OF_WORD}"),
    "es": re.compile(rf"(?P<number>[0-9]{{1,2}})\.?(?P<end>[ºª°]|er){END_OF_WORD}"),
    "it": re.compile(rf"(?P<number>[0-9]{{1,2}})(?P<end>[ºª°]){END_OF_WORD}"),
    "pt": re.compile(rf"(?P<number>[0-9]{{1,2}})\.?(?P<end>[ºª°]){END_OF_WORD}"),
}
# Without the words for what follows, "25%" is left whole.
_NO_SIGN = "(?![%‰°€$₹£¥])"
# "3. Mann" is the third man, or the end of one sentence and the beginning of another.
_GERMAN_ORDINAL = re.compile(r"\. ?[^\W\d_]")
_HINDI_ENDING = re.compile(rf"(?P<number>[0-9]{{1,4}})(?P<end>वां|वाँ|वीं|वें){END_OF_WORD}")
_HINDI_IRREGULAR = frozenset({0, 1, 2, 3, 4, 6})
_BENGALI_ENDING = re.compile(rf"(?P<number>[0-9]{{1,4}})(?P<end>টি|টা|জন){END_OF_WORD}")
_YEARS = re.compile(rf"(?P<number>1[1-9][0-9]{{2}}|20[0-9]{{2}}){END_OF_NUMBER}")
_BEFORE_YEAR = {
    "en": frozenset(
        {
            "in",
            "since",
            "until",
            "till",
            "from",
            "by",
            "year",
            "during",
            "before",
            "after",
            "circa",
            "of",
            "early",
            "late",
        }
    ),
    "de": frozenset(["jahr", "jahre", "jahres", "seit", "bis", "von", "ab", "anno"]),
}
# After a number these are no nouns that it counts.
_NO_NOUNS = {
    "es": frozenset(["de", "del", "a", "al", "y", "o", "e", "en", "por", "con", "para", "es", "son", "pero", "que"]),
    "fr": frozenset(["de", "du", "à", "et", "ou", "en", "par", "pour", "est", "sont", "mais", "que"]),
    "it": frozenset(["di", "del", "a", "e", "o", "in", "per", "con", "da", "è", "sono", "ma", "che"]),
    "pt": frozenset(["de", "do", "da", "a", "e", "ou", "em", "por", "com", "para", "é", "são", "mas", "que"]),
    "de": frozenset(["und", "oder", "bis", "von", "in", "mit", "auf", "ist", "sind", "aber", "zu"]),
}


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    code = language.code
    found = []
    if code == "en":
        found.append(Rule("decade", _DECADE, lambda match: _decade(match, language)))
        found.append(Rule("ordinal", _ENGLISH_ORDINAL, lambda match: _english_ordinal(match, language)))
        found.append(
            Rule(
                "number sign",
                re.compile(rf"(?:#|№ ?|No\. )(?P<number>[0-9]{{1,9}}){END_OF_NUMBER}"),
                lambda match: _numbered(match, language),
            )
        )
    elif code in _ORDINAL:
        found.append(Rule("ordinal", _ORDINAL[code], lambda match: _romance_ordinal(match, language)))
    elif code == "kn":
        pattern = re.compile(rf"(?P<number>{number_pattern(language)})-?(?P<end>{KANNADA_SUFFIX}){END_OF_WORD}")
        found.append(Rule("number with an ending", pattern, lambda match: _kannada_ending(match, language)))
    elif code == "hi":
        found.append(Rule("ordinal", _HINDI_ENDING, lambda match: _joined(match, language, _HINDI_IRREGULAR)))
    elif code == "bn":
        found.append(
            Rule("number with an ending", _BENGALI_ENDING, lambda match: _joined(match, language, frozenset()))
        )
    number = number_pattern(language)
    if code in NUMBER_WORDS:
        spans = re.compile(rf"(?P<low>{number})(?:-| ?– ?)(?P<high>{number}){END_OF_NUMBER}")
        found.append(Rule("span", spans, lambda match: span(match["low"], match["high"], language)))
    if code in _BEFORE_YEAR:
        found.append(Rule("year", _YEARS, lambda match: _year(match, language)))
    sign = "(?P<sign>[+-])?" if code in NUMBER_WORDS else "(?P<sign>)"
    found.append(
        Rule(
            "number",
            re.compile(rf"{sign}(?P<number>{number}){END_OF_NUMBER}{_NO_SIGN}"),
            lambda match: _number(match, language),
        )
    )
    return found


def span(low: str, high: str, language: Language, *, high_words: str | None = None) -> str | None:
    """ "Three to five"; None unless the first is a number below the second.

    Args:
        low: As written.
        high: As written.
        language: In which.
        high_words: The second with its unit, in words, if it has one.
    """
    first, second = quantity(low, language), quantity(high, language)
    if first is None or second is None or not (first.whole, first.fraction) < (second.whole, second.fraction):
        return None
    names = [read(one, language) for one in (first, second)]
    if high_words is None and all(len(one) == 4 and one[:2] in ("19", "20") for one in (low, high)):
        names = [year(one.whole, language) for one in (first, second)]
    if names[0] is None or names[1] is None:
        return None
    start = kannada.from_number(names[0]) if language.code == "kn" else names[0]
    return NUMBER_WORDS[language.code].span.format(start, high_words or names[1])


def _number(match: re.Match[str], language: Language) -> str | None:
    number = quantity(match["number"], language)
    words = read(number, language) if number else None
    if number is None or words is None:
        return None
    if language.code == "de" and _GERMAN_ORDINAL.match(match.string, match.end()):
        return None
    following = next_word(match)
    if following and not number.fraction and following not in _NO_NOUNS.get(language.code, ()):
        words = before_some_noun(words, language)
    if words is None or not match["sign"]:
        return words
    around = NUMBER_WORDS[language.code]
    return f"{around.minus if match['sign'] == '-' else around.plus} {words}"


def _year(match: re.Match[str], language: Language) -> str | None:
    if previous_word(match) not in _BEFORE_YEAR[language.code]:
        return None
    return year(int(match["number"]), language)


def _decade(match: re.Match[str], language: Language) -> str | None:
    words = year(int(match["number"]), language) or ""
    return words.removesuffix("y") + "ies" if words.endswith("y") else f"{words}s"


def _english_ordinal(match: re.Match[str], language: Language) -> str | None:
    value = int(match["number"].replace(",", ""))
    end = "th" if value % 100 in (11, 12, 13) else {1: "st", 2: "nd", 3: "rd"}.get(value % 10, "th")
    return ordinal(value, language) if end == match["end"] else None


def _romance_ordinal(match: re.Match[str], language: Language) -> str | None:
    value, end = int(match["number"]), match["end"]
    if language.code == "fr":
        if value == 1:
            return {"er": "premier", "re": "première", "ère": "première"}.get(end)
        return ordinal(value, language) if end in ("e", "ème") else None
    if end == "er":
        return {1: "primer", 3: "tercer"}.get(value)
    words = ordinal(value, language)
    return words[:-1] + "a" if words and end == "ª" else words if end == "º" else None


def _numbered(match: re.Match[str], language: Language) -> str | None:
    number = quantity(match["number"], language)
    words = read(number, language) if number else None
    return f"number {words}" if words else None


def _kannada_ending(match: re.Match[str], language: Language) -> str | None:
    number = quantity(match["number"], language)
    words = read(number, language) if number else None
    return kannada.with_suffix(words, match["end"]) if words else None


def _joined(match: re.Match[str], language: Language, irregular: frozenset[int]) -> str | None:
    number = quantity(match["number"], language)
    if number is None or number.whole in irregular:
        return None
    words = read(number, language)
    return words + match["end"] if words else None
