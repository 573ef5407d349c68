"""Whether what stands between two places of a text is a whole token, by the characters on both sides of it."""

import unicodedata

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


def is_whole_phrase(text: str, start: int, end: int) -> bool:
    """Whether a name that stands between two places of a text is not a part of longer words."""
    if _joined(text, start) and _script(text[start]) not in _OPEN_TO_THE_LEFT:
        return False
    if not _joined(text, end):
        return True
    return text[end].isalpha() and not text[end].isdigit() and _script(text[end]) not in _CLOSED_TO_THE_RIGHT


def _counts(character: str) -> bool:
    """Whether it is a digit or a fraction: the ½ of 1½ is no ½, nor the 1 a 1. Ideographs of numbers are words."""
    return character.isnumeric() and not character.isalpha()


def is_whole_number(text: str, start: int, end: int) -> bool:
    """Whether a number is not a part of a longer one, or of a code."""
    before, first = text[max(0, start - 2) : start], text[start]
    if _counts(first):
        if _counts(before[-1:]) or (before[-1:] in _SEPARATORS and before[:1].isdigit() and len(before) == 2):
            return False
        if before[-1:].isalpha() and _script(before[-1]) in _CLOSED_TO_THE_RIGHT:
            return False
    elif first.isalpha() and before[-1:].isalpha():
        return False
    after = text[end : end + 2]
    if _counts(text[end - 1]):
        return not (_counts(after[:1]) or (after[:1] in _SEPARATORS and after[1:].isdigit() and len(after) == 2))
    return not (text[end - 1].isalpha() and after[:1].isalpha())


def _goes_on(character: str) -> bool:
    """Whether a character beside a code or an address is part of it: a digit of any script, or a Latin letter. Endings that other
    scripts join to it are not."""
    return character.isdecimal() or (character.isalpha() and _script(character) == "LATIN")


def is_whole_code(text: str, start: int, end: int) -> bool:
    """Whether a code is not a part of a longer one, or of a handle."""
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if _goes_on(before) or before in ("_", "@", "#") or _goes_on(after[:1]):
        return False
    return not (after[:1] in ("-", "_", "/", ".", ",") and after[1:].isdigit())


def is_whole_address(text: str, start: int, end: int) -> bool:
    """Whether an address, a handle or a tag is not a part of a longer one."""
    before, after = text[max(0, start - 1) : start], text[end : end + 2]
    if _goes_on(before) or before in ("@", "_") or _goes_on(after[:1]) or after[:1] in ("@", "_"):
        return False
    return not (after[:1] in (".", "-", "/") and len(after) == 2 and after[1].isascii() and after[1].isalnum())
