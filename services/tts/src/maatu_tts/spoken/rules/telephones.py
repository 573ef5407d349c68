"""Strings of digits that are read one by one: telephone numbers, and whatever begins with a zero or is too long to be a count."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import digits
from maatu_tts.spoken.rule import END_OF_NUMBER, Rule
from maatu_tts.spoken.words.numbers import NUMBER_WORDS

_INTERNATIONAL = re.compile(rf"\+[1-9][0-9]{{0,2}}(?:[ \-.]?\(?[0-9]{{2,5}}\)?){{2,5}}{END_OF_NUMBER}")
_NATIONAL = re.compile(
    r"(?:\([0-9]{3}\) ?[0-9]{3}[-. ][0-9]{4}|(?:1-)?[0-9]{3}-[0-9]{3}-[0-9]{4}|[6-9][0-9]{4}[ -][0-9]{5}"
    r"|0[0-9]{1,4}(?:[ -][0-9]{2,8}){1,5})"
    rf"{END_OF_NUMBER}"
)
_STRING = re.compile(rf"(?:0[0-9]{{1,39}}|[0-9]{{10,40}}){END_OF_NUMBER}")
# One number grouped with spaces, or several numbers: in French it is one, see `quantity`.
_GROUPS = re.compile(rf"(?![0-9 ]{{0,24}} 000(?![0-9]))[1-9][0-9]{{0,2}}(?: [0-9]{{3}}){{1,5}}{END_OF_NUMBER}")
_GROUPED_WITH_SPACES = frozenset({"es", "de", "it", "pt"})
_GROUP = re.compile(r"[0-9]+")


def rules(language: Language) -> list[Rule]:
    """Those of a language."""

    def one_by_one(match: re.Match[str]) -> str | None:
        groups = [digits(group, language) for group in _GROUP.findall(match[0])]
        return None if None in groups else ", ".join(filter(None, groups))

    def international(match: re.Match[str]) -> str | None:
        words = one_by_one(match)
        return f"{NUMBER_WORDS[language.code].plus} {words}" if words else None

    found = [Rule("telephone number", _NATIONAL, one_by_one), Rule("string of digits", _STRING, one_by_one)]
    if language.code in _GROUPED_WITH_SPACES:
        found.append(Rule("groups of digits, left as they are", _GROUPS, lambda match: match[0]))
    if language.code in NUMBER_WORDS:
        found.insert(0, Rule("international telephone number", _INTERNATIONAL, international))
    return found
