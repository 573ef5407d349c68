"""Dates: 2026-11-21, 21/11/2026, 21 Nov 2026. A date that two regions read differently is left as it is."""

import datetime
import re

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import cardinal, ordinal, year
from maatu_tts.spoken.rule import END_OF_NUMBER, Rule, alternatives, previous_word
from maatu_tts.spoken.words.calendar import DATE, ENGLISH_SHORT, FIRST, MONTH_FIRST_REGIONS, MONTHS

_ISO = re.compile(rf"(?P<year>[0-9]{{4}})-(?P<month>[0-9]{{1,2}})-(?P<day>[0-9]{{1,2}}){END_OF_NUMBER}")
_SLASHED = re.compile(
    rf"(?P<first>[0-9]{{1,2}})(?P<by>[/.\-])(?P<second>[0-9]{{1,2}})(?P=by)(?P<year>[0-9]{{4}}){END_OF_NUMBER}"
)
_EUROPEAN = frozenset({"en", "es", "fr", "de", "it", "pt"})
# These are words of other meanings too: "may 5 of us".
_DOUBTFUL = frozenset({"March", "May", "Mar"})
_GERMAN_DATIVE = frozenset(["am", "vom", "zum", "dem", "den", "seit", "bis", "ab"])


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    if language.code not in MONTHS:
        return []
    months = MONTHS[language.code].split()

    def iso(match: re.Match[str]) -> str | None:
        return _date(match, int(match["day"]), int(match["month"]), int(match["year"]), language)

    def slashed(match: re.Match[str]) -> str | None:
        first, second, in_year = int(match["first"]), int(match["second"]), int(match["year"])
        day_first = _date(match, first, second, in_year, language)
        month_first = _date(match, second, first, in_year, language)
        if language.code != "en" and language.region not in MONTH_FIRST_REGIONS:
            return day_first
        if day_first is None or month_first is None or first == second:
            return day_first or month_first
        if not language.region:
            return None
        return month_first if language.region in MONTH_FIRST_REGIONS else day_first

    found = [Rule("iso date", _ISO, iso), Rule("date in figures", _SLASHED, slashed)]
    numbers = {name: number for number, name in enumerate(months, start=1)} if language.code in _EUROPEAN else {}
    if language.code not in _EUROPEAN or language.code == "en":
        numbers |= {name: number for number, name in enumerate(ENGLISH_SHORT, start=1)} | {"Sept": 9}

    def named(match: re.Match[str]) -> str | None:
        in_year = int(match["year"]) if match["year"] else None
        return _date(match, int(match["day"]), numbers[match["month"]], in_year, language)

    def month_first(match: re.Match[str]) -> str | None:
        return None if match["month"] in _DOUBTFUL and not match["year"] else named(match)

    month = rf"(?P<month>{alternatives(list(numbers))})\.?"
    in_year = r"(?:,? (?:de |del )?(?P<year>[12][0-9]{3}))?"
    day = r"(?P<day>[0-9]{1,2})"
    day_month = re.compile(rf"{day}(?:st|nd|rd|th|er|\.|º)? (?:of |de )?{month}{in_year}{END_OF_NUMBER}")
    found.append(Rule("date with its month named", day_month, named))
    if language.code == "en":
        month_day = re.compile(rf"{month} {day}(?:st|nd|rd|th)?{in_year}{END_OF_NUMBER}")
        found.append(Rule("date that begins with its month", month_day, month_first))
    return found


def _date(match: re.Match[str], day: int, month: int, in_year: int | None, language: Language) -> str | None:
    """A date in words; None if there is no such day."""
    try:
        # 2000 had a 29 February.
        datetime.date(in_year or 2_000, month, day)
    except ValueError:
        return None
    template = DATE.get(language.code, "{day} {month} {year}")
    if in_year is None:
        template = template.removesuffix("{year}").removesuffix("de ").rstrip()
    day_words = _day(match, day, language)
    year_words = year(in_year, language) if in_year is not None else ""
    if day_words is None or year_words is None:
        return None
    return template.format(day=day_words, month=MONTHS[language.code].split()[month - 1], year=year_words)


def _day(match: re.Match[str], day: int, language: Language) -> str | None:
    if language.code == "en":
        return ordinal(day, language)
    if language.code == "de":
        words = ordinal(day, language) or ""
        before = previous_word(match)
        return words + ("n" if before in _GERMAN_DATIVE else "" if before == "der" else "r")
    if day == 1 and language.code in FIRST:
        return FIRST[language.code]
    return cardinal(day, language)
