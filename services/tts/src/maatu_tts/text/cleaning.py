"""From text as people and language models write it to text that can be spoken.

Every pattern here stops at the next character that could open another match, so that the time is linear in the text.
"""

import html
import re
import unicodedata

_COMMENT = re.compile(r"<!--(?:(?!<!--|-->).)*-->", re.DOTALL)
_PROGRAM = re.compile(r"<(script|style)\b[^<>]*>(?:(?!</?(?:script|style)).)*</\1\s*>", re.DOTALL | re.IGNORECASE)
_AUTOLINK = re.compile(r"<((?:https?://|mailto:)[^\s<>]+|[^\s<>@]+@[^\s<>@]+)>")
_ATTRIBUTE = r"""\s+[\w:.-]+\s*=\s*(?:"[^"<>]*"|'[^'<>]*'|[^\s"'<>=]+)"""
# Attributes need their "=": the text "x<y and y>z" is no tag.
_TAG = re.compile(rf"</?[A-Za-z][\w:.-]*(?:{_ATTRIBUTE})*\s*/?>|<[!?][^<>]*>")
# Longer references than these name no character.
_CHARACTER_REFERENCE = re.compile(r"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[A-Za-z][A-Za-z0-9]{1,31});")
_LINK = re.compile(r"""!?\[([^\[\]]*)\]\((?:[^()\s]|\([^()\s]*\))*(?:[ \t]+["'][^"'\n]*["'])?\)""")
_FOOTNOTE = re.compile(r"\[\^[^\[\]\s]{1,40}\]:?")
_LINE_MARK = re.compile(
    r"^[^\S\n]*(?:#{1,6}[^\S\n]+|(?:>[^\S\n]?)+|[-*+•][^\S\n]+(?:\[[ xX]\][^\S\n])?|(?:```|~~~)[\w+-]*)", re.MULTILINE
)
# Group 1: a character that was escaped, and therefore marks nothing.
_EMPHASIS = re.compile(r"\\([\\`*_{}\[\]()#+\-.!~|<>])|(?<!\w)[*_~]{1,3}(?=\S)|(?<=\S)[*_~]{1,3}(?!\w)|`+")
# Piper reads [[…]] as phonemes.
_BRACKETS = re.compile(r"[\[\]]{2,}")
# Zero-width joiners are part of an emoji only between two of them; in Indic scripts they shape letters.
_EMOJI = (
    r"[\U0001F000-\U0001FAFF\u203C\u2049\u2190-\u21FF\u2300-\u23FF\u25A0-\u27BF\u2934\u2935\u2B00-\u2BFF"
    r"\u3030\u303D\u3297\u3299\U000E0020-\U000E007F]"
)
_EMOJI_RUN = re.compile(rf"{_EMOJI}(?:[\uFE0E\uFE0F\u20E3]|\u200D(?={_EMOJI})|{_EMOJI})*|[\uFE0E\uFE0F\u20E3]")
_BLANKS = re.compile(r"[^\S\n]+")
_LINE_BREAKS = re.compile(r"\r\n?|[\v\f\u0085\u2028\u2029]")
_RULE = frozenset("|:-=*_ \t")
_JOINERS = ("\u200c", "\u200d")
_NOTHING_TO_SAY = ("Cc", "Co", "Cn", "Cs")


def clean(text: str) -> str:
    """Takes out what is not to be spoken: tags, Markdown, emoji, control characters. Keeps line breaks and joiners."""
    text = unicodedata.normalize("NFC", _LINE_BREAKS.sub("\n", text))
    text = _PROGRAM.sub(" ", _COMMENT.sub(" ", text))
    text = _TAG.sub(" ", _AUTOLINK.sub(r"\1", text))
    text = _CHARACTER_REFERENCE.sub(lambda reference: html.unescape(reference[0]), text)
    text = "\n".join(_without_table(line) for line in text.split("\n"))
    text = _LINE_MARK.sub("", _FOOTNOTE.sub("", _LINK.sub(r"\1", text)))
    text = _EMPHASIS.sub(lambda mark: mark[1] or "", text)
    text = "".join(map(_heard, _EMOJI_RUN.sub(" ", text)))
    # Last: what stood between two brackets may be gone now.
    text = _BRACKETS.sub(" ", text)
    return "\n".join(line.strip() for line in _BLANKS.sub(" ", text).split("\n")).strip()


def is_speakable(text: str) -> bool:
    """Whether anything in it has a sound: a letter or a digit."""
    return any(character.isalnum() for character in text)


def _without_table(line: str) -> str:
    """A row of a Markdown table as a list of its cells; the line under its head, and any other ruled line, as nothing."""
    stripped = line.strip()
    if len(stripped) >= 3 and _RULE.issuperset(stripped):
        return ""
    if stripped.startswith("|") and stripped.count("|") > 1:
        return ", ".join(cell.strip() for cell in stripped.split("|") if cell.strip())
    return line


def _heard(character: str) -> str:
    """The character itself, a space for one that separates, nothing for one that only formats."""
    category = unicodedata.category(character)
    if category == "Cf" and character not in _JOINERS:
        return ""
    if character == "\ufffd" or (category in _NOTHING_TO_SAY and character != "\n"):
        return " "
    return character
