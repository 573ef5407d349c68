"""Turns written forms into words before an engine sees them: "₹1,25,000" into "one lakh twenty-five thousand rupees".

Which engines need it: Parler-TTS speaks what it was trained on, and digits are hardly in it: without this it makes numbers
up. eSpeak NG and Piper (which has eSpeak NG read for it) read bare numbers in the voice's language, but not Indian grouping,
currencies, dates and times: they gain from it too.

How it works: the text is walked once. Where a word or a number begins, the rules of the language are tried in order; the first
whose pattern matches and whose reader is sure replaces what it matched. If none is, the whole run up to the next space stays
as it was written: half of a construct is never read, and no digit is lost but those of a web address behind its host.
A rule that a language has no words for is left out, and a language whose numbers no library knows is not touched at all:
the engines that speak those read digits by themselves.

    rules/       one file per kind of written form: patterns and readers
    words/       what is said in each language, one file per concern
    cardinals    numbers in words, by library; kannada has our own
    quantity     what number the digits and separators mean in a language
    agreement    number and noun: veintiuna libras, deux millions d'euros
"""

import re
import unicodedata

from maatu_runtime.language import Language
from maatu_tts.spoken.cardinals import LANGUAGES
from maatu_tts.spoken.quantity import has_decimal_comma
from maatu_tts.spoken.rule import LETTERS
from maatu_tts.spoken.rules import rules_for
from maatu_tts.spoken.words.numbers import DIGITS

__all__ = ["spoken"]

# Where a rule may begin: at a digit that continues no other number, at a sign before one, at the beginning of a word.
_SIGNED = r"""(?<![^\s(\[{"'“‘=])[+\-](?=[0-9₹$€£¥])"""
_BEGINNING = re.compile(
    rf"(?<![{LETTERS}])(?:(?P<number>(?<![0-9][.,:/\-–'’])(?:[0-9]|{_SIGNED}|[₹₨$€£¥￥#№](?= ?[0-9])"
    r"|\((?=[0-9]{3}\) ?[0-9]{3}[-. ][0-9]{4})))|(?P<word>[^\W\d_]))"
)
_NO_WHOLE = re.compile(r"(?<![\w.])\.(?=\d{1,18}(?!\d|\.\d))")
"""The point of ".5", which would be read as five."""
_UNREAD_NUMBER = re.compile(r"\S*")
_UNREAD_WORD = re.compile(rf"[{LETTERS}]*")


def spoken(text: str, language: Language) -> str:
    """The text with numbers, amounts, dates, times, measures, addresses and abbreviations in words.

    Digits of all scripts are read alike. The rest of the text stays as it is, in Unicode's normal form C.

    Args:
        text: Cleaned text.
        language: Of the voice; its region decides between 21/11 and 11/21, lakhs and hundred thousands.
    """
    text = unicodedata.normalize("NFC", text)
    if language.code not in LANGUAGES:
        return text
    text = _NO_WHOLE.sub("0," if has_decimal_comma(language) else "0.", text)
    plain = text.translate(DIGITS)
    rules = rules_for(language)
    parts: list[str] = []
    position = copied = 0
    while (beginning := _BEGINNING.search(plain, position)) is not None:
        start = beginning.start()
        for rule in rules:
            match = rule.pattern.match(plain, start)
            if match is not None and (words := rule.read(match)) is not None:
                parts += text[copied:start], words
                position = copied = match.end()
                break
        else:
            unread = (_UNREAD_NUMBER if beginning["number"] else _UNREAD_WORD).match(plain, start)
            position = max(start + 1, unread.end() if unread else 0)
    return unicodedata.normalize("NFC", "".join([*parts, text[copied:]]))
