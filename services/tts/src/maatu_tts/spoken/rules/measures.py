"""Percentages and measures: 25%, 3.5 km, 3-5 kg, -5°C."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken import kannada
from maatu_tts.spoken.agreement import counted, read
from maatu_tts.spoken.quantity import number_pattern, quantity
from maatu_tts.spoken.rule import END_OF_WORD, Rule, alternatives
from maatu_tts.spoken.rules.numbers import KANNADA_SUFFIX, span
from maatu_tts.spoken.words.numbers import NUMBER_WORDS
from maatu_tts.spoken.words.units import NEED_SPACE, SYMBOLS, UNITS

_END = r"(?![/^²³·*])"


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    if language.code not in NUMBER_WORDS:
        return []
    words = NUMBER_WORDS[language.code]
    number = number_pattern(language)
    amount = rf"(?P<sign>-)?(?:(?P<low>{number})%?[-–])?(?P<number>{number})"
    suffix = rf"(?P<suffix>{KANNADA_SUFFIX})?" if language.code == "kn" else "(?P<suffix>)"
    percentage = re.compile(rf"{amount}[ \u00a0\u202f]?%{suffix}(?![^\W_])")

    def percent(match: re.Match[str]) -> str | None:
        last = quantity(match["number"], language)
        spelled = read(last, language) if last else None
        if spelled and match["suffix"]:
            spelled = kannada.with_suffix(spelled, match["suffix"])
        spelled = _with_low(match, spelled, language)
        return _signed(match, words.percent.format(spelled), language) if spelled else None

    found = [Rule("percentage", percentage, percent)]
    units = UNITS.get(language.code, {})
    unit_of = {symbol: unit for unit in units for symbol in SYMBOLS[unit]}
    if unit_of:
        pattern = re.compile(
            rf"{amount}(?P<gap>[ \u00a0\u202f]?)(?P<unit>{alternatives(list(unit_of))}){END_OF_WORD}{_END}"
        )

        def measure(match: re.Match[str]) -> str | None:
            unit = unit_of[match["unit"]]
            last = quantity(match["number"], language)
            if last is None or (unit in NEED_SPACE and not match["gap"]):
                return None
            spelled = counted(last, units[unit], language)
            return _signed(match, _with_low(match, spelled, language), language)

        found.append(Rule("measure", pattern, measure))
    return found


def _with_low(match: re.Match[str], high: str | None, language: Language) -> str | None:
    """The upper end of a span as it is, or the whole span."""
    if high is None or match["low"] is None:
        return high
    return span(match["low"], match["number"], language, high_words=high)


def _signed(match: re.Match[str], words: str | None, language: Language) -> str | None:
    if words is None or not match["sign"]:
        return words
    return None if match["low"] else f"{NUMBER_WORDS[language.code].minus} {words}"
