"""Numbers and names that are being dictated: groups of digits, digit words, spelled letters, e-mail addresses.

People dictate with a pause after every group, longer than any pause inside a sentence. A number that is said as a number
("at eight", "twenty five") is no dictation.
"""

from enum import Enum, auto

from maatu_stt.engine.completeness.reading import Reading
from maatu_stt.engine.completeness.rules import Numbers

ENOUGH_DIGITS = 10
"""A telephone number of so many digits may be whole: 10 without country code in India and North America, 9 or 10 in Europe."""
_WORDS_BEFORE = 5
"""How far before the number the word may stand that tells what is dictated: "my account number is, let me see, 12"."""
# Of these some language makes words, so that they prove no spelling: "I", "a", Spanish "y", "o", "e", "u".
_LETTER_WORDS = frozenset("aeiouyàéèó")


class Dictation(Enum):
    """What the number at the end is."""

    NONE = auto()
    """There is none, or only the last word of a sentence."""
    NUMBER = auto()
    """One number, not dictated. What it counts may follow: it does not read complete."""
    UNFINISHED = auto()
    """Dictated, and too short."""
    LONG_ENOUGH = auto()
    """Dictated, and perhaps whole."""


def dictation(reading: Reading, numbers: Numbers) -> Dictation:
    """Looks for a number or a spelled name at the end of a sentence."""
    words = reading.words
    if _is_address_begun(reading.last) or _is_spelled(words):
        return Dictation.UNFINISHED
    start = len(words)
    while start and (words[start - 1] in numbers.digits or _digits_of(words[start - 1])):
        start -= 1
    group = words[start:]
    if not group:
        return Dictation.NUMBER if reading.last in numbers.others else Dictation.NONE
    before = words[max(0, start - _WORDS_BEFORE) : start]
    enough = _enough_digits(before, numbers)
    if not (enough or _is_digit_by_digit(group, before, numbers)):
        return Dictation.NUMBER
    said = sum(_digits_of(word) or 1 for word in group)
    return Dictation.LONG_ENOUGH if said >= (enough or ENOUGH_DIGITS) else Dictation.UNFINISHED


def _digits_of(word: str) -> int:
    """How many digits a word written in figures has: "555-2" has four; 0 where it is a word, a price, a time or a date."""
    figures = sum(character.isdecimal() for character in word)
    return figures if figures and all(character.isdecimal() or character in "-." for character in word) else 0


def _is_digit_by_digit(group: tuple[str, ...], before: tuple[str, ...], numbers: Numbers) -> bool:
    if before and (before[-1] in numbers.others or before[-1] in numbers.dates):
        return False
    return (
        len(group) > 1
        or "-" in group[0]
        or (len(group[0]) > 1 and _digits_of(group[0]) == len(group[0]) and group[0].startswith(("0", "+")))
        or _digits_of(group[0]) > 5
    )


def _enough_digits(before: tuple[str, ...], numbers: Numbers) -> int:
    """How many digits are enough for what is dictated; 0 where no word tells that something is."""
    for index in range(len(before) - 1, -1, -1):
        pair = " ".join(before[index : index + 2])
        enough = numbers.dictated.get(pair) or numbers.dictated.get(before[index])
        if enough:
            return enough
    return 0


def _is_spelled(words: tuple[str, ...]) -> bool:
    """Two letters or more at the end, apart or hyphenated: "J O H", "j-o-h"."""
    letters = words[-1].split("-") if words else []
    if len(letters) < 2:
        start = len(words)
        while start and len(words[start - 1]) == 1 and words[start - 1].isalpha():
            start -= 1
        letters = list(words[start:])
    # Only alphabets are spelled so: in other scripts one character may be a word.
    return (
        len(letters) > 1
        and all(len(letter) == 1 and "a" <= letter <= "z" for letter in letters)
        and not _LETTER_WORDS.issuperset(letters)
    )


def _is_address_begun(word: str) -> bool:
    """An at sign with no top-level domain after it: "john@", "john@gmail"."""
    return "@" in word and "." not in word.partition("@")[2]
