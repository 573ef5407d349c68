"""Times of day: 14:30, 2:30 pm, and in India 2.30 pm."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken.agreement import Noun, counted
from maatu_tts.spoken.cardinals import cardinal
from maatu_tts.spoken.quantity import Quantity
from maatu_tts.spoken.rule import END_OF_NUMBER, Reader, Rule, full_stop
from maatu_tts.spoken.words.clock import CLOCKS, HOUR_WORDS, TIMES_OF_DAY, Clock
from maatu_tts.spoken.words.numbers import NUMBER_WORDS

# A point is usual in India. Where no word says that it is a time, it is a decimal.
_TIME = r"(?P<h>[01]?[0-9]|2[0-3])(?P<separator>[:.])(?P<m>[0-5][0-9])"
_HALF = r"(?P<half>[ap]m|[AP]M|[ap]\.m\.|[AP]\.M\.)"
_ENGLISH = re.compile(rf"{_TIME}(?: ?{_HALF})?{END_OF_NUMBER}")
_ENGLISH_HOUR = re.compile(rf"(?P<h>1[0-2]|0?[1-9]) ?{_HALF}{END_OF_NUMBER}")
_ENGLISH_SPAN = re.compile(
    rf"{_TIME} ?[-–] ?(?P<h2>[01]?[0-9]|2[0-3])(?P=separator)(?P<m2>[0-5][0-9])(?: ?{_HALF})?{END_OF_NUMBER}"
)
_FRENCH = re.compile(rf"(?P<h>[01]?[0-9]|2[0-3]) ?h ?(?P<m>[0-5][0-9])?{END_OF_NUMBER}")
_HOURS = {
    "es": Noun("", feminine=True),
    "it": Noun("", feminine=True),
    "pt": Noun("", feminine=True),
    "fr": Noun("heure", "heures", feminine=True),
}


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    if language.code == "en":
        return [
            Rule("span of time", _ENGLISH_SPAN, _english_span),
            Rule("time", _ENGLISH, _english_time),
            Rule("full hour", _ENGLISH_HOUR, lambda match: _english(match["h"], "00", match["half"], match)),
        ]
    found = []
    for clock in CLOCKS.get(language.code, ()):
        after = rf"[ \u00a0]?{re.escape(clock.after)}" if clock.after else ""
        name = f"time with {clock.after}" if clock.after else "time"
        found.append(Rule(name, re.compile(rf"{_TIME}{after}{END_OF_NUMBER}"), _reader(clock, language)))
    if language.code == "fr":
        found.append(Rule("time with h", _FRENCH, _reader(CLOCKS["fr"][0], language)))
    return found


def _reader(clock: Clock, language: Language) -> Reader:
    def read(match: re.Match[str]) -> str | None:
        rest = match.string[match.end() : match.end() + 12].lstrip()
        if rest.startswith(HOUR_WORDS.get(language.code, ())):
            return None
        if "." in match[0] and not _is_time(match, clock, language):
            return None
        hours = counted(Quantity(int(match["h"])), _HOURS.get(language.code, Noun("")), language)
        minutes = int(match["m"] or 0)
        template = clock.minutes if minutes else clock.sharp
        words = template.format(h=hours, m=cardinal(minutes, language))
        return words or None

    return read


def _is_time(match: re.Match[str], clock: Clock, language: Language) -> bool:
    """Whether a word says that a number with a point is a time: "o'clock" after it, or a time of day before it."""
    if not clock.is_ending:
        return clock.after != ""
    before = match.string[max(0, match.start() - 24) : match.start()]
    return any(word in before for word in TIMES_OF_DAY.get(language.code, ()))


_EN = Language("en")


def _english(hour: str, minute: str, half: str | None, match: re.Match[str]) -> str | None:
    h, m = int(hour), int(minute)
    if half and not 1 <= h <= 12:
        return None
    words = [cardinal(h, _EN) or ""]
    if m:
        words += ["oh"] * (m < 10) + [cardinal(m, _EN) or ""]
    elif not half:
        words.append("o'clock" if 1 <= h <= 12 else "hundred")
    if half:
        words.append(half.replace(".", "").upper())
    return " ".join(words) + full_stop(match)


def _english_time(match: re.Match[str]) -> str | None:
    if match["separator"] == "." and not match["half"]:
        return None
    return _english(match["h"], match["m"], match["half"], match)


def _english_span(match: re.Match[str]) -> str | None:
    half = match["half"]
    if match["separator"] == "." and not half:
        return None
    first = _english(match["h"], match["m"], half, match)
    second = _english(match["h2"], match["m2"], half, match)
    if first is None or second is None:
        return None
    if half:
        first = first.removesuffix(".").removesuffix(half.replace(".", "").upper()).rstrip()
    return NUMBER_WORDS["en"].span.format(first, second)
