"""Text as models were trained on it: composed, without what cannot be seen. What the caller sent goes back as it was.

The Unicode Standard: form NFC (annex 15), at most 30 combining marks in a row (annex 15, stream-safe text format), joiners where
they change what is read (annex 31, section 2.3, rules A1, A2 and B; chapter 12 for the Indic scripts), no bidirectional controls
(annex 9): the order of the characters says it all.
"""

import re
import unicodedata

_MOST_MARKS = 30
_ZWNJ = "\u200c"
_JOINERS = _ZWNJ + "\u200d"
_VIRAMA = 9
"""The combining class of viramas, which make a half letter or a cluster of the consonant before."""
_JOINER_RUN = re.compile(rf"[{_JOINERS}]+")
_SPACES = re.compile(r"[\s\u2028\u2029\u2800]+")
_VISIBLE_FORMATS = frozenset("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
"""Prepended concatenation marks: in Unicode's category of format characters, but written."""
_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn"})
_EMOJI_PARTS = frozenset({"So", "Sk"})
_ARABIC = re.compile(r"[\u0620-\u064a\u066e-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06ff\u0750-\u077f\u08a0-\u08c9\u0640]")


def normalise(text: str) -> str:
    """A text in form NFC, on one line, without surrounding space.

    Line ends, tabs and the spaces of all widths become one space. Taken out are control and format characters (soft hyphens, byte
    order marks, marks of direction), surrogates without their other half, and code points that stand for nothing. A zero-width
    joiner or non-joiner stays beside a virama, a non-joiner also between Arabic letters, a joiner also between emoji.
    Doing it twice changes nothing more.
    """
    if text.isascii() and text.isprintable():
        return " ".join(text.split())
    kept: list[str] = []
    marks = 0
    for character in _SPACES.sub(" ", text):
        if _is_dropped(character):
            continue
        marks = marks + 1 if unicodedata.combining(character) else 0
        if marks <= _MOST_MARKS:
            kept.append(character)
    joined = _JOINER_RUN.sub(_joiner, "".join(kept))
    # Composed last: what stood between a letter and its accent may be gone now.
    return " ".join(unicodedata.normalize("NFC", joined).split())


def _is_dropped(character: str) -> bool:
    if character == "\ufffd":
        return True
    return (
        unicodedata.category(character) in _DROPPED and character not in _JOINERS and character not in _VISIBLE_FORMATS
    )


def _joiner(run: re.Match[str]) -> str:
    """The first of some joiners if it stands where joiners are read, else nothing."""
    joiner = run[0][0]
    before, after = (
        run.string[run.start() - 1 : run.start()] if run.start() else "",
        run.string[run.end() : run.end() + 1],
    )
    if not before:
        return ""
    # ಕ್‌ಷ (after the virama), ರ‍್ಯ (before it).
    if _VIRAMA in (unicodedata.combining(before), unicodedata.combining(after) if after else 0):
        return joiner
    if joiner == _ZWNJ:
        return joiner if _ARABIC.match(before) and _ARABIC.match(after) else ""
    is_emoji = unicodedata.category(before) in _EMOJI_PARTS or before == "\ufe0f"
    return joiner if is_emoji and after and unicodedata.category(after) in _EMOJI_PARTS else ""
