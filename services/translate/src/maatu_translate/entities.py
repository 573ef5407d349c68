"""Finds what survives a translation unchanged: numbers, times, prices, addresses, codes, and the phrases a caller names.

Each is a token: the characters of the source that must stand in the translation as they are. Of a time it is the digits and what
separates them ("7" of "7 p.m."), of an ordinal the digits; of a price also its sign. Names come through only as phrases.

All patterns have bounded repetitions, or possessive ones that no other place can begin in, so that the time is linear in the text.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum


class Kind(Enum):
    """What an entity is."""

    PHRASE = "phrase"
    URL = "url"
    EMAIL = "email"
    HANDLE = "handle"
    TAG = "tag"
    CODE = "code"
    DATE = "date"
    TIME = "time"
    CURRENCY = "currency"
    PERCENT = "percent"
    PHONE = "phone"
    NUMBER = "number"

    @property
    def is_numeric(self) -> bool:
        """Whether it has a value that can be written in other ways."""
        return self in _NUMERIC


_NUMERIC = frozenset({Kind.DATE, Kind.TIME, Kind.CURRENCY, Kind.PERCENT, Kind.PHONE, Kind.NUMBER})


@dataclass(frozen=True)
class Entity:
    """Something in a text that survives its translation."""

    kind: Kind
    text: str
    """The token: what must stand in the translation, character by character."""
    start: int
    """Where the token begins in the text."""
    written: str = ""
    """The whole expression where it is more than the token: "7 p.m.", "3rd"; else empty."""

    @property
    def end(self) -> int:
        """Where the token ends."""
        return self.start + len(self.text)


_FRACTION = "[¼-¾⅐-⅞]"
_DIGITS = r"\d++(?:[.,'’\u00a0\u202f٫٬]\d++)*+"
_NUMBER = rf"{_DIGITS}(?:[-–/]{_DIGITS})*+{_FRACTION}?+|{_FRACTION}"
# Without it, each digit of a long number would be tried as the first.
_BEGINS = r"(?<!\d)(?<!\d[.,'’\u00a0\u202f٫٬/–-])"
_CURRENCY_CODES = "AED|ARS|AUD|BRL|CAD|CHF|CLP|CNY|COP|EUR|GBP|INR|JPY|KRW|MXN|NPR|PEN|PKR|USD|UYU"
# U+20A0 to U+20CF is Unicode's block "Currency Symbols".
_CURRENCY_SIGN = r"[$¢£¤¥৳฿\u20a0-\u20cf]"
_BEFORE_PRICE = (
    rf"(?:(?:US|R|C|A|S|MX){_CURRENCY_SIGN}|{_CURRENCY_SIGN}|(?<![^\W\d])(?:Rs\.?|{_CURRENCY_CODES})|ರೂ\.?|रु\.?)"
)
_MERIDIEM = r"[ \u00a0]?[ap]\.?[ \u00a0]?m(?!\w)\.?"
_TOP_LEVEL = "com|org|net|edu|gov|info|io|dev|app|in|es|mx|ar|co|uk|eu|de|fr|it|pt|br|example"

_PATTERNS: tuple[tuple[Kind, re.Pattern[str]], ...] = tuple(
    (kind, re.compile(pattern, re.IGNORECASE if kind in (Kind.URL, Kind.TIME) else 0))
    for kind, pattern in (
        (Kind.URL, r"(?<!\w)(?:https?|ftp)://[^\s<>\"“”«»\uffff]+|(?<![\w.@])www\.[^\s<>\"“”«»\uffff]+"),
        (Kind.EMAIL, r"(?<![\w.+%-])[\w.+%-]{1,64}@[\w-]{1,63}(?:\.[\w-]{1,63}){1,5}"),
        (
            Kind.URL,
            rf"(?<![\w.@-])[a-z0-9-]{{1,63}}(?:\.[a-z0-9-]{{1,63}}){{0,3}}\.(?-i:{_TOP_LEVEL})(?![\w-]|\.\w)(?:/[^\s<>\"\uffff]*)?",
        ),
        (Kind.HANDLE, r"(?<![\w@])@\w{1,64}(?:\.\w{1,64}){0,3}"),
        (Kind.TAG, r"(?<![\w#&])#(?=\w{0,100}[^\W\d])[\w\u0900-\u0dff\u200c\u200d]{1,100}"),
        (Kind.CODE, r"[^\W_]+(?:[-_/][^\W_]+|\.\d+)*"),
        (Kind.DATE, r"(?<![\d.,/:–-])\d{1,4}([/.-])\d{1,2}\1\d{1,4}(?![\d/:]|[.,–-]\d)"),
        (
            Kind.TIME,
            (
                rf"(?<![\d.,:/])(?P<token>\d{{1,2}}(?::\d{{2}}){{1,2}})(?!:?\d)(?:{_MERIDIEM})?"
                rf"|(?<![\d.,:/])(?P<spoken>\d{{1,2}}(?:[.]\d{{2}})?)(?:{_MERIDIEM})"
                r"|(?<![\d.,:/])(?P<hours>\d{1,2}(?:[.]\d{2}(?=[ \u00a0]?(?:hrs?|hs?|horas|uhr)(?!\w))|h\d{2}(?!\w)))"
            ),
        ),
        (
            Kind.CURRENCY,
            (
                rf"{_BEFORE_PRICE}[ \u00a0]?[-−]?(?:{_NUMBER})"
                rf"|{_BEGINS}(?:{_NUMBER})[ \u00a0]?(?:{_CURRENCY_SIGN}(?!\d)|(?:{_CURRENCY_CODES})(?!\w))"
            ),
        ),
        (Kind.PERCENT, rf"(?:(?<![\w)])[-+−])?{_BEGINS}(?:{_NUMBER})[ \u00a0]?[%‰٪]"),
        (Kind.PHONE, r"(?<![\d.,/:–-])\+?\(?\d{1,5}\)?(?:[ -]\(?\d{2,5}\)?){1,6}(?!\d|[.,:/–-]\d)"),
        (Kind.NUMBER, rf"(?:(?<![\w)])[-+−])?(?:{_NUMBER})"),
    )
)
"""In the order in which they are looked for: what one has found, the next ones do not see."""

_TAKEN = "\uffff"  # a noncharacter: no pattern matches it
_END_PUNCTUATION = ".,;:!?…'\"’”»।॥。！？،؟"
_ORDINAL = re.compile(r"(?:st|nd|rd|th|\.?[ºª°]|er|do|ra|da|to|ta|ème|e)(?!\w)")
_UPPER_UNIT = re.compile(r"\d+(?:AM|PM|ST|ND|RD|TH|H|KM|KG|CM|MM|ML)")
_LOWER_SUFFIX = re.compile(r"\d+[^\W\d_]*")


def find(text: str, phrases: Sequence[str] = ()) -> list[Entity]:
    """The entities of a text in their order; none overlaps another.

    Args:
        text: In form NFC.
        phrases: What else is to be kept, letter by letter, wherever it stands as a whole word or words. Longer ones go first.
    """
    found: list[Entity] = []
    left = text
    for phrase in sorted({phrase.strip() for phrase in phrases}, key=lambda one: (-len(one), one)):
        if phrase and _TAKEN not in phrase:
            places = [Entity(Kind.PHRASE, phrase, start) for start in occurrences(Kind.PHRASE, phrase, left)]
            left = _take(left, places)
            found += places
    for kind, pattern in _PATTERNS:
        places = [entity for match in pattern.finditer(left) if (entity := _entity(kind, match, text)) is not None]
        left = _take(left, places)
        found += places
    return sorted(found, key=lambda entity: entity.start)


def locate(text: str, entities: Sequence[Entity]) -> list[int | None]:
    """Where each entity's token begins in another text; None for what is not there as a whole token, or not as often.

    Longer tokens go first, so that the 3 of "3 apples" is not taken for found in "B-3".
    """
    wanted: dict[tuple[str, Kind], list[int]] = defaultdict(list)
    for index, entity in enumerate(entities):
        wanted[entity.text, entity.kind].append(index)
    places: list[int | None] = [None] * len(entities)
    for (token, kind), indices in sorted(wanted.items(), key=lambda item: -len(item[0][0])):
        starts: list[int] = []
        for index, start in zip(indices, occurrences(kind, token, text), strict=False):
            places[index] = start
            starts.append(start)
        text = _take(text, [Entity(kind, token, start) for start in starts])
    return places


def occurrences(kind: Kind, token: str, text: str) -> Iterator[int]:
    """Where a token stands in a text as a whole; occurrences do not overlap."""
    is_whole = _WHOLE[kind]
    start = text.find(token)
    while start >= 0:
        whole = is_whole(text, start, start + len(token))
        if whole:
            yield start
        start = text.find(token, start + (len(token) if whole else 1))


def _take(text: str, places: Sequence[Entity]) -> str:
    if not places:
        return text
    parts, at = [], 0
    for place in places:
        parts += [text[at : place.start], _TAKEN * len(place.text)]
        at = place.end
    return "".join([*parts, text[at:]])


def _entity(kind: Kind, match: re.Match[str], text: str) -> Entity | None:
    """What a match is; None where a second look says that it is nothing."""
    start, token = match.start(), match[0]
    written = ""
    if kind is Kind.URL:
        token = _without_end_punctuation(token)
    elif kind is Kind.EMAIL:
        token = token.rstrip("-_")
    elif kind is Kind.TIME:
        written = token
        token = next(group for group in match.group("token", "spoken", "hours") if group)
    elif kind is Kind.NUMBER and (ordinal := _ORDINAL.match(text, match.end())):
        written = token + ordinal[0]
    if (kind is Kind.CODE and not _is_code(token)) or (kind is Kind.PHONE and not _is_phone(token)):
        return None
    if not _WHOLE[kind](text, start, start + len(token)):
        return None
    return Entity(kind, token, start, "" if written == token else written)


def _without_end_punctuation(address: str) -> str:
    """An address without the punctuation of the sentence around it; a parenthesis that it opens it also closes."""
    end = len(address)
    opened, closed = address.count("("), address.count(")")
    while end and (address[end - 1] in _END_PUNCTUATION or (address[end - 1] in ")]" and closed > opened)):
        closed -= address[end - 1] == ")"
        end -= 1
    return address[:end]


def _is_code(token: str) -> bool:
    """Letters and digits in one: AB-12, B2B, mp3, 5G; not 3rd, 5kg, 7PM, 1990s or Sub-20, which are numbers with words."""
    if not (any(map(str.isdigit, token)) and any(map(str.isalpha, token))):
        return False
    parts = re.split("[-_/]", token)
    if any(_UPPER_UNIT.fullmatch(part) for part in parts):
        return False
    if all(character.isupper() for character in token if character.isalpha()):
        return True
    return len(parts) == 1 and token.isascii() and token[0].isalpha() and not _LOWER_SUFFIX.fullmatch(token)


def _is_phone(token: str) -> bool:
    """Seven digits or more in groups; 1914-1918 is none, nor are a year and a number beside it."""
    digits = sum(map(str.isdigit, token))
    groups = re.split("[ -]", token)
    if not 7 <= digits <= 15:
        return False
    return token.startswith(("+", "(")) or len(groups) >= 3 or ("-" in token and len(groups[0]) != 4) or digits >= 9


_SEPARATORS = ".,:/'’٫٬"
_OPEN_TO_THE_LEFT = frozenset(
    {"ARABIC", "HEBREW", "CJK", "HIRAGANA", "KATAKANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
)
"""Scripts in which something may stand right before a name: they have no spaces, or join small words."""
_CLOSED_TO_THE_RIGHT = frozenset({"LATIN", "GREEK", "CYRILLIC", "ARMENIAN", "GEORGIAN", "ARABIC", "HEBREW"})
"""Scripts in which a name is followed by no letters of its own word; elsewhere endings join it, or there are no spaces."""


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split(" ")[0]


def _in_word(character: str) -> bool:
    return character.isalnum() or unicodedata.category(character) in ("Mn", "Mc")


def _joined(text: str, at: int) -> bool:
    """Whether the characters on both sides of a place belong to one word, as far as names go."""
    if at <= 0 or at >= len(text):
        return False
    before, after = text[at - 1], text[at]
    if not (_in_word(before) and _in_word(after)):
        return False
    if not after.isalnum():
        return True  # a vowel sign or accent of the letter before it
    if before.isdigit() or after.isdigit():
        return before.isdigit() == after.isdigit() or "LATIN" in (_script(before), _script(after))
    return before.isalnum() and _script(before) == _script(after)


def _is_whole_phrase(text: str, start: int, end: int) -> bool:
    if _joined(text, start) and _script(text[start]) not in _OPEN_TO_THE_LEFT:
        return False
    if not _joined(text, end):
        return True
    return text[end].isalpha() and not text[end].isdigit() and _script(text[end]) not in _CLOSED_TO_THE_RIGHT


def _is_whole_number(text: str, start: int, end: int) -> bool:
    before, first = text[max(0, start - 2) : start], text[start]
    if first.isdigit():
        if before[-1:].isdigit() or (before[-1:] in _SEPARATORS and before[:1].isdigit() and len(before) == 2):
            return False
        if before[-1:].isalpha() and _script(before[-1]) in _CLOSED_TO_THE_RIGHT:
            return False
    elif first.isalpha() and before[-1:].isalpha():
        return False
    after = text[end : end + 2]
    if text[end - 1].isdigit():
        return not (after[:1].isdigit() or (after[:1] in _SEPARATORS and after[1:].isdigit() and len(after) == 2))
    return not (text[end - 1].isalpha() and after[:1].isalpha())


def _is_whole_code(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if (before.isalnum() and _script(before) in ("LATIN", "DIGIT")) or before in ("_", "@", "#"):
        return False
    if after[:1].isalnum() and _script(after[0]) in ("LATIN", "DIGIT"):
        return False
    return not (after[:1] in ("-", "_", "/", ".") and after[1:].isdigit())


def _is_whole_address(text: str, start: int, end: int) -> bool:
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if (before.isalnum() and _script(before) in ("LATIN", "DIGIT")) or before in ("@", "_") or after[:1] in ("@", "_"):
        return False
    if after[:1].isalnum() and _script(after[0]) in ("LATIN", "DIGIT"):
        return False
    return not (after[:1] in (".", "-", "/") and len(after) == 2 and after[1].isascii() and after[1].isalnum())


_WHOLE: dict[Kind, Callable[[str, int, int], bool]] = {
    Kind.PHRASE: _is_whole_phrase,
    Kind.URL: _is_whole_address,
    Kind.EMAIL: _is_whole_address,
    Kind.HANDLE: _is_whole_address,
    Kind.TAG: _is_whole_address,
    Kind.CODE: _is_whole_code,
    **dict.fromkeys(_NUMERIC, _is_whole_number),
}
