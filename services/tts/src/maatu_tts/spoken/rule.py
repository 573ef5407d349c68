"""What a rule is."""

import re
from collections.abc import Callable
from dataclasses import dataclass

LETTERS = r"\w\u0300-\u036f\u064b-\u065f\u0900-\u0963\u0966-\u0dff\u1c50-\u1c7f\uabc0-\uabff\u200c\u200d"
"""Inside of a character class: what words are made of. For Python's \\w the vowel signs of Indic scripts are not."""
END_OF_WORD = rf"(?![{LETTERS}])"
"""Nothing goes on here."""
END_OF_NUMBER = rf"(?![{LETTERS}])(?![.,:/\-–'’][0-9])"
"""Neither a word goes on here nor a longer construct of digits, which would be read in part."""
BEFORE_WORD = re.compile(r"[ \u00a0\n](?=([^\W\d_]+))")
"""A space, and the word after it as group 1."""

Reader = Callable[[re.Match[str]], str | None]


@dataclass(frozen=True)
class Rule:
    """One written form."""

    name: str
    """What tests call it: "iso date"."""
    pattern: re.Pattern[str]
    """Tried where a word or a number begins. All its repetitions are bounded, so that time stays linear."""
    read: Reader
    """The words for what the pattern matched; None where it is not sure, and then nothing of the match is touched."""


def next_word(match: re.Match[str]) -> str:
    """The word after the match, "" where there is none."""
    found = BEFORE_WORD.match(match.string, match.end())
    return found[1] if found else ""


def previous_word(match: re.Match[str]) -> str:
    """The word before the match in lower case, "" where there is none."""
    words = match.string[max(0, match.start() - 24) : match.start()].split()
    return words[-1].lower() if words else ""


def full_stop(match: re.Match[str]) -> str:
    """A full stop if the one that the match ends with also ends a sentence, else ""."""
    if not match[0].endswith("."):
        return ""
    rest = match.string[match.end() : match.end() + 3]
    ends = not rest.strip() or rest.startswith("\n") or (rest[0] == " " and rest[1:].lstrip("\"'“‘¿¡")[:1].isupper())
    return "." if ends else ""


def alternatives(written: "list[str] | tuple[str, ...]") -> str:
    """A pattern for any of these, the longest first."""
    return "|".join(re.escape(one) for one in sorted(written, key=len, reverse=True))
