"""From text as people and language models write it to text that can be spoken."""

import html
import re
import unicodedata

from maatu_runtime.clauses import LONGEST_CLAUSE_CHARS, ClauseCutter

LONGEST_TEXT_CHARS = 2_000
"""Of one Synthesize request."""
LONGEST_PIECE_CHARS = LONGEST_CLAUSE_CHARS
"""Of what an engine is given at once."""
_EARLY_CUT_CHARS = 100
"""A first clause longer than this is cut at its first comma too: an engine may make all of a sentence at once."""

_TAG = re.compile(r"</?[A-Za-z!?][^<>]*>")
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()\s]*\)")
_LINE_MARK = re.compile(r"^\s*(?:#{1,6}\s+|>\s?|[-*+•]\s+|```\w*)", re.MULTILINE)
_EMPHASIS = re.compile(r"(?<!\w)[*_~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}(?!\w)|`+")
# Piper reads [[…]] as phonemes.
_BRACKETS = re.compile(r"[\[\]]{2,}")
# Zero-width joiners are part of an emoji only between two of them; in Indic scripts they shape letters.
_EMOJI = r"[\U0001F000-\U0001FAFF\u2600-\u27BF\u2B00-\u2BFF\u2190-\u21FF\u2300-\u23FF\U000E0020-\U000E007F]"
_EMOJI_RUN = re.compile(rf"{_EMOJI}(?:[\uFE0E\uFE0F\u20E3]|\u200D(?={_EMOJI})|{_EMOJI})*|[\uFE0E\uFE0F\u20E3]")
_BLANKS = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Takes out what is not to be spoken: tags, Markdown, emoji, control characters. Keeps line breaks."""
    text = html.unescape(_TAG.sub(" ", text))
    text = _LINE_MARK.sub("", _LINK.sub(r"\1", text))
    text = _EMOJI_RUN.sub(" ", _BRACKETS.sub(" ", _EMPHASIS.sub("", text)))
    text = "".join(
        " " if unicodedata.category(character) in ("Cc", "Co", "Cn", "Cs") and character != "\n" else character
        for character in text
    )
    return "\n".join(line.strip() for line in _BLANKS.sub(" ", text).splitlines()).strip()


def is_speakable(text: str) -> bool:
    """Whether anything in it has a sound: a letter or a digit."""
    return any(character.isalnum() for character in text)


def pieces(clause: str, language: str, *, early: bool) -> list[str]:
    """Cuts a clause into what engines are given at once: sentences, none longer than LONGEST_PIECE_CHARS.

    Args:
        clause: Cleaned text.
        language: ISO 639 code.
        early: Let the first piece of a long clause end at a comma, so that its audio comes soon.
    """
    cutter = ClauseCutter(language, cut_first_early=early and len(clause) > _EARLY_CUT_CHARS)
    return [*cutter.push(clause), *cutter.flush()]
