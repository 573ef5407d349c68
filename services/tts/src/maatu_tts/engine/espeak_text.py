"""What eSpeak NG may be given to read. Its own engine calls it, and so does Piper, for which it finds the phonemes.

eSpeak NG 1.52 writes outside of its buffers for the texts that are changed here. They end the process.
"""

import itertools
import re
from unicodedata import ucd_3_2_0

# A decimal point stays, and so does the end of a sentence: neither of them is part of an abbreviation.
_INNER_STOP = re.compile(r"\.(?![\d\s]|\Z)")
_LONGEST_ABBREVIATION = 8
"""Inner full stops at a stretch. With as many at ends of words between them, and letters of four bytes, they fill half of the
buffer."""
# Group 1: the letter or digit before it, with its vowel signs, but none of Cherokee: eSpeak NG takes those for spaces.
# What follows is no number, whose minus is read.
_HYPHEN = re.compile(
    r"([^\W_\u13a0-\u13ff][\u0300-\u036f\u0900-\u0963\u0966-\u0dff\u200c\u200d]{0,4})?-+(?=[A-Za-z]|[^\x00-\x7f\d₹€£¥])"
)


def survivable(text: str) -> str:
    """The text without what eSpeak NG does not survive; nearly all text stays as it is.

    Abbreviations such as a.b.c are copied to a buffer of 160 bytes, whatever their length (LookupDictList). So each eighth
    full stop that is followed by neither a space nor a digit becomes a comma and a space. Spaces alone are no remedy, "a .b"
    and "a.b. c.d." are one abbreviation too: only a clause ends it.

    A hyphen before a word marks the word before, also where the clause has none yet (TranslateClause): "(-नमस्ते". So one
    that follows no letter becomes a space, which is all that is heard of it.
    """
    count = itertools.count(1)
    text = _INNER_STOP.sub(lambda stop: stop[0] if next(count) % _LONGEST_ABBREVIATION else ", ", text)
    return _HYPHEN.sub(_hyphen, text)


def _hyphen(match: re.Match[str]) -> str:
    before: str = match[1] or ""
    # It takes for spaces also letters that are newer than its tables, and digits other than ASCII ones.
    word = before[:1]
    follows_word = word != "" and (word.isascii() or ucd_3_2_0.category(word).startswith("L"))
    return match[0] if follows_word else f"{before} "
