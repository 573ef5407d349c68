"""Judges what a model made of a sentence, and gives it the ending of its source."""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

from maatu_translate.engine.languages import script_of
from maatu_translate.entities import Entity, without

_ALSO = {
    "ja": frozenset({"HIRAGANA", "KATAKANA", "KATAKANA-HIRAGANA"}),
    "ko": frozenset({"CJK"}),
    "sr": frozenset({"LATIN", "CYRILLIC"}),
    "zh": frozenset({"BOPOMOFO"}),
}
"""Scripts that a language is written in beside its own, by ISO 639 code."""

_TIMES_TOO_LONG = 3
_EXTRA_CHARS = 20
_TIMES_TOO_SHORT = 3
_LONG_CHARS = 60
"""Sources from here on cannot shrink much in translation; "¿Cuántos años tiene?" may well."""
_WORDS_THAT_MUST_CHANGE = 3
_SHARE_THAT_MAY_STAY = 0.85
"""Of the different words of an output, names aside. Spanish and Portuguese share about half of theirs."""
_DENSE = {"CJK": 3, "HANGUL": 2, "HIRAGANA": 2, "KATAKANA": 2}
"""Letters that say more than one letter of other scripts does: about so many times."""
_LONGEST_LOOP_WORDS = 8
_ROUNDS_OF_A_WORD = 4
_ROUNDS_OF_WORDS = 3
# Without spaces: "ほんとほんとほんと…", six rounds; but one letter may be drawn out ("Nooooo"). The bounds keep the time linear.
_LOOP_WITHIN_WORDS = re.compile(r"(([^\W\d_])(?!\2)[^\s\d]{1,11}?)\1{5,}")
_SHORTEST_LOOP_CHARS = 12

_FULL_STOPS = ".।॥。۔։።"
_QUESTIONS = "?？؟"
_EXCLAMATIONS = "!！"
_COMMAS = ",،、，"
_SEMICOLONS = ";؛；"
_COLONS = ":："
_GOES_ON = _COMMAS + _SEMICOLONS + _COLONS
_CLASSES = (_FULL_STOPS, _QUESTIONS, _EXCLAMATIONS, _COMMAS, _SEMICOLONS, _COLONS, "…")
_ASCII_MARKS = {_FULL_STOPS: ".", _QUESTIONS: "?", _COMMAS: ",", _SEMICOLONS: ";", _COLONS: ":"}
_MARKS = {
    "ARABIC": {_QUESTIONS: "؟", _COMMAS: "،", _SEMICOLONS: "؛"},
    "CJK": {_FULL_STOPS: "。", _QUESTIONS: "？", _COMMAS: "，", _SEMICOLONS: "；", _COLONS: "："},
    "GREEK": {_QUESTIONS: ";", _SEMICOLONS: "·"},
}
"""Marks of a script where they are not ASCII's."""
_FULL_STOP = {
    **dict.fromkeys(("as", "awa", "bho", "bn", "brx", "doi", "hi", "hne", "mag", "mai", "ne", "or", "pa", "sa"), "।"),
    **dict.fromkeys(("ks", "sd", "ur"), "۔"),
    "hy": "։",
    "am": "።",
    "ti": "።",
}
"""Full stops of languages, by ISO 639 code."""
_COMMA = {"ja": "、"}
_CLOSERS = "\"'”’»)]」』"
_STRIPPED = "".join(_CLASSES) + _CLOSERS + "¿¡“‘«([—–-"
_DIGIT_OR_SIGN = re.compile(r"[\d@#/_]")
_OPENING = re.compile(r"[\s\"'“«(…\-–—]*")


def complaint(source: str, output: str, target: str, kept: Sequence[Entity] = ()) -> str | None:
    """Why an output cannot be a translation; None where it can.

    Addresses, codes and phrases that must come through are not judged: their letters are the same in every language. Numbers are,
    so that lengths compare.

    Args:
        source: The sentence.
        output: What the model made of it.
        target: Tag of the language wanted.
        kept: What must come through.
    """
    if not any(character.isalnum() for character in output):
        return "the model gave nothing" if any(map(str.isalnum, source)) else None
    if any(_is_rubbish(character) for character in output):
        return "the output has control characters or broken ones"
    if names := [entity for entity in kept if not entity.kind.is_numeric]:
        source, output = without(source, names), without(output, names)
    if _size(output) > _TIMES_TOO_LONG * _size(source) + _EXTRA_CHARS:
        return "the output is many times longer than the source"
    wanted = script_of(target)
    # Ideographs say in one character what takes a word elsewhere.
    if wanted != "CJK" and len(source) >= _LONG_CHARS and _size(output) * _TIMES_TOO_SHORT < len(source):
        return "the output is many times shorter than the source"
    scripts = _scripts(_without_names(source, output))
    if scripts.total() > 2 * sum(scripts[script] for script in _accepted(target, wanted)):
        return f"the output is not written in {wanted.title()} letters"
    if _is_untranslated(source, output):
        return "the output is the source itself, or part of it"
    if _repeats(output) and not _repeats(source, rounds_less=1):
        return "the output repeats itself"
    return None


def match_ending(source: str, output: str, target: str = "en") -> str:
    """Gives an output the ending of its source: a clause that goes on must not sound as if it ended, nor a question as if it
    were none.

    Args:
        source: The sentence or clause.
        output: Its translation.
        target: Tag of the language of the output, for the marks it is written with.
    """
    body = output.rstrip()
    theirs, ours = _ending(source), _ending(output)
    if not any(map(str.isalnum, body)) or theirs == ours or body[-1] in _CLOSERS:
        return output
    if theirs and theirs in _GOES_ON:
        return _without_ending(body) + _mark(theirs, target)
    if theirs == _QUESTIONS and not (ours == _SEMICOLONS and script_of(target) == "GREEK"):
        return _asked(_without_ending(body) + _mark(theirs, target), target)
    if theirs == _FULL_STOPS and ours and ours in _GOES_ON:
        return _without_ending(body) + _mark(theirs, target)
    if not theirs and ours in (_FULL_STOPS, "…"):
        return body if "." in body.rpartition(" ")[2][:-1].strip(".") else _without_ending(body)
    return output


def _is_untranslated(source: str, output: str) -> bool:
    """Whether the words of an output, but for names, codes and numbers, are words of the source."""
    first, *others = _words(output) or [""]
    # In scripts without capitals no word is known for a name.
    words = {word.casefold() for word in [first, *(word for word in others if word == word.lower())]}
    there = {word.casefold() for word in _words(source)}
    return len(words) >= _WORDS_THAT_MUST_CHANGE and len(words & there) > _SHARE_THAT_MAY_STAY * len(words)


def _words(text: str) -> list[str]:
    return [
        word
        for part in text.split()
        if (word := part.strip(_STRIPPED)) and word[0].isalpha() and not _DIGIT_OR_SIGN.search(word)
    ]


def _is_rubbish(character: str) -> bool:
    return character == "\ufffd" or (unicodedata.category(character) in ("Cc", "Cs") and not character.isspace())


def _script(letter: str) -> str:
    return unicodedata.name(letter, "?").split(" ")[0]


def _scripts(text: str) -> "Counter[str]":
    return Counter(_script(letter) for letter in text if letter.isalpha())


def _accepted(target: str, wanted: str) -> frozenset[str]:
    code, _, script = target.partition("-")
    return frozenset({wanted}) if len(script) == 4 and code == "sr" else _ALSO.get(code, frozenset()) | {wanted}


def _without_names(source: str, output: str) -> str:
    """An output without the words that are names of the source: they have a capital or a digit, and do not begin it."""
    names = {word for word in re.findall(r"[^\W_]+", source)[1:] if word[0].isupper() or any(map(str.isdigit, word))}
    return re.sub(r"[^\W_]+", lambda word: "" if word[0] in names else word[0], output)


def _size(text: str) -> int:
    if text.isascii():
        return len(text)
    return sum(_DENSE.get(_script(character), 1) if character.isalpha() else 1 for character in text)


def _repeats(text: str, rounds_less: int = 0) -> bool:
    """Whether the same words come again and again: "the the the the", "I like it. I like it. I like it."."""
    words = [word.strip(_STRIPPED) for word in text.casefold().split() if any(map(str.isalpha, word))]
    for length in range(1, _LONGEST_LOOP_WORDS + 1):
        rounds = (_ROUNDS_OF_A_WORD if length == 1 else _ROUNDS_OF_WORDS) - rounds_less
        if _longest_run(words, length) >= length * (rounds - 1):
            return True
    loop = _LOOP_WITHIN_WORDS.search(text)
    return loop is not None and len(loop[0]) >= _SHORTEST_LOOP_CHARS


def _longest_run(words: Sequence[str], length: int) -> int:
    """How many words in a row are those `length` places before them."""
    longest = run = 0
    for before, word in zip(words, words[length:], strict=False):
        run = run + 1 if word == before else 0
        longest = max(longest, run)
    return longest


def _ending(text: str) -> str:
    """The class of the mark that a text ends with, its quotation marks aside; "" where it ends with none."""
    last = text.rstrip().rstrip(_CLOSERS)
    if last.endswith("..."):
        return "…"
    return next((marks for marks in _CLASSES if last[-1:] and last[-1] in marks), "")


def _without_ending(text: str) -> str:
    return text.rstrip("".join(_CLASSES)).rstrip()


def _mark(marks: str, target: str) -> str:
    """The mark of a class as a language writes it."""
    code = target.partition("-")[0]
    if marks == _FULL_STOPS and code in _FULL_STOP:
        return _FULL_STOP[code]
    if marks == _COMMAS and code in _COMMA:
        return _COMMA[code]
    return _MARKS.get(script_of(target), {}).get(marks, _ASCII_MARKS[marks])


def _asked(question: str, target: str) -> str:
    """A question with the mark that Spanish begins one with."""
    if target.partition("-")[0] not in ("es", "ast") or "¿" in question:
        return question
    begin = _OPENING.match(question)
    at = begin.end() if begin else 0
    return f"{question[:at]}¿{question[at:]}"
