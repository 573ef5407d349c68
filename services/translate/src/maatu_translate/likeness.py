"""Finds the words of an output that resemble a name, a code or an address which did not come through letter by letter."""

import difflib
import re

REGION_CHARS = 400
"""A name is looked for so far around the place where it should be: a hundred names in 20,000 characters take a second."""
_SIMILAR_ENOUGH = 0.6
_SIMILAR_WITHOUT_CAPITAL = 0.8
"""A word in small letters is hardly a name: "viven" is not "Sven", but "ikea" is "Ikea"."""
_GAIN_OF_A_WORD = 0.1
"""So much more alike must a phrase of one word more be than the best so far, or "a ventas@example" stands for an address."""
_MARKS = '.,;:!?…।॥。！？،؟¿¡«»"“”()'
_WORD = re.compile(r"\S+")


def most_alike(phrase: str, text: str, taken: bytearray, center: int) -> tuple[int, int] | None:
    """Where the words begin and end that are most like a phrase (Ratcliff and Obershelp's ratio, as in difflib).

    Args:
        phrase: What is looked for; one that begins with a capital letter is a name.
        text: Where.
        taken: For each character of the text: 1 where it must not be touched.
        center: About where it should be in the text.

    Returns:
        First character, and the one after the last; None where nothing is alike enough.
    """
    first_char = text.rfind(" ", 0, max(0, center - REGION_CHARS)) + 1
    words = [word.span() for word in _WORD.finditer(text, first_char, max(0, center) + REGION_CHARS)]
    length = len(phrase.split())
    best, where = 0.0, None
    matcher = difflib.SequenceMatcher(None, b=phrase.casefold())
    for size in sorted({length, max(1, length - 1), length + 1}, key=lambda size: (size > length, -size)):
        for first in range(len(words) - size + 1):
            begin, end = _stripped(text, words[first][0], words[first + size - 1][1])
            if begin == end or any(taken[begin:end]):
                continue
            enough = best + _GAIN_OF_A_WORD if size > length and best else best
            is_lower = phrase[0].isupper() and text[begin].islower()
            enough = max(enough, _SIMILAR_WITHOUT_CAPITAL if is_lower else _SIMILAR_ENOUGH)
            if 2 * min(end - begin, len(phrase)) < enough * (end - begin + len(phrase)):
                continue
            matcher.set_seq1(text[begin:end].casefold())
            # Bounds from above, which cost a fraction of the ratio itself.
            if matcher.quick_ratio() >= enough and (likeness := matcher.ratio()) >= enough and likeness > best:
                best, where = likeness, (begin, end)
    return where


def _stripped(text: str, begin: int, end: int) -> tuple[int, int]:
    while begin < end and text[begin] in _MARKS:
        begin += 1
    while begin < end and text[end - 1] in _MARKS:
        end -= 1
    return begin, end
