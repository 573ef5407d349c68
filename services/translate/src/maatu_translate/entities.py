"""Finds what survives a translation unchanged: numbers, times, prices, addresses, codes, and the phrases a caller names.

Each is a token: the characters of the source that must stand in the translation as they are. Of a time it is the digits and what
separates them ("7" of "7 p.m."), of an ordinal the digits; of a price also its sign. Names come through only as phrases.

All patterns have bounded repetitions, or possessive ones that no other place can begin in, so that the time is linear in the text.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from maatu_translate import wholeness


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
# ISO 31-0 sets thousands apart by spaces; scripts with digits of their own do not. The bound keeps the time linear.
_THOUSANDS = r"[0-9]{1,3}(?:[ \u00a0\u202f][0-9]{3}(?!\d)){1,6}+"
_DIGITS = rf"(?:{_THOUSANDS}|\d++)(?:[.,'’\u00a0\u202f٫٬]\d++)*+"
_NUMBER = rf"{_DIGITS}(?:[-–/:]{_DIGITS})*+{_FRACTION}?+|{_FRACTION}"
# Without it, each digit of a long number would be tried as the first.
_BEGINS = r"(?<!\d)(?<!\d[.,'’\u00a0\u202f٫٬/:–-])"
# After a number, its unit or what is taken already, it is the dash of a span: 20%-30%, 20°-25°.
_SIGN = r"(?<![\w)%‰٪°\uffff])[-+−]"
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
        # A full stop joins version numbers and H.264, not "Rs.1" or the sentences of "Vale.3 entradas".
        (Kind.CODE, r"[^\W_]+(?:[-_/][^\W_]+|(?<=\d)[.,]\d+|(?<=\b[A-Z])\.\d+)*"),
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
        (Kind.PERCENT, rf"(?:{_SIGN})?{_BEGINS}(?:{_NUMBER})[ \u00a0]?[%‰٪]"),
        (Kind.PHONE, r"(?<![\d.,/:–-])\+?\(?\d{1,5}\)?(?:[ -]\(?\d{2,5}\)?){1,6}(?!\d|[.,:/–-]\d)"),
        (Kind.NUMBER, rf"(?:{_SIGN})?(?:{_NUMBER})"),
    )
)
"""In the order in which they are looked for: what one has found, the next ones do not see."""

_TAKEN = "\uffff"  # a noncharacter: no pattern matches it
_END_PUNCTUATION = ".,;:!?…'\"’”»।॥。！？،؟"
_ORDINAL = re.compile(r"(?:st|nd|rd|th|\.?[ºª°]|er|do|ra|da|to|ta|ème|e)(?!\w)")
_UPPER_UNIT = re.compile(r"\d+(?:AM|PM|ST|ND|RD|TH|H|KM|KG|CM|MM|ML)")
_PRICE = re.compile(rf"(?:Rs|{_CURRENCY_CODES})[\d.,]+")
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


def without(text: str, entities: Sequence[Entity]) -> str:
    """A text without the tokens of entities, each as often as it is given."""
    places = zip(entities, locate(text, entities), strict=True)
    there = [Entity(entity.kind, entity.text, start) for entity, start in places if start is not None]
    return re.sub(f"{_TAKEN}+", " ", _take(text, sorted(there, key=lambda entity: entity.start)))


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
    """Letters and digits in one: AB-12, B2B, mp3, 5G; not 3rd, 5kg, 7PM, 1990s or Sub-20, which are numbers with words, nor a
    price such as USD1,000."""
    if not (any(map(str.isdigit, token)) and any(map(str.isalpha, token))) or _PRICE.fullmatch(token):
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


_WHOLE: dict[Kind, Callable[[str, int, int], bool]] = {
    Kind.PHRASE: wholeness.is_whole_phrase,
    Kind.URL: wholeness.is_whole_address,
    Kind.EMAIL: wholeness.is_whole_address,
    Kind.HANDLE: wholeness.is_whole_address,
    Kind.TAG: wholeness.is_whole_address,
    Kind.CODE: wholeness.is_whole_code,
    **dict.fromkeys(_NUMERIC, wholeness.is_whole_number),
}
