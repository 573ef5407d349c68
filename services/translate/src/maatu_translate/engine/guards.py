"""Judges what a model made of a sentence, and mends what can be mended."""

import difflib
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence

_SCRIPTS = {
    "ar": "ARABIC", "bn": "BENGALI", "el": "GREEK", "fa": "ARABIC", "gu": "GUJARATI", "he": "HEBREW", "hi": "DEVANAGARI",
    "ja": "CJK", "kn": "KANNADA", "ko": "HANGUL", "ml": "MALAYALAM", "mr": "DEVANAGARI", "ne": "DEVANAGARI", "pa": "GURMUKHI",
    "ru": "CYRILLIC", "ta": "TAMIL", "te": "TELUGU", "th": "THAI", "uk": "CYRILLIC", "ur": "ARABIC", "zh": "CJK",
}  # fmt: skip
"""The script of a language, as Unicode names its letters; all others are LATIN."""

_TIMES_TOO_LONG = 3
_EXTRA_CHARS = 20
_TIMES_TOO_SHORT = 3
_LONG_CHARS = 60
"""Sources from here on cannot shrink much in translation; "¿Cuántos años tiene?" may well."""
_WORDS_THAT_MUST_CHANGE = 4
_SIMILAR_ENOUGH = 0.6
_ENDINGS = ".,;:!?…।"
_MARKS = _ENDINGS + "¿¡"


def complaint(source: str, output: str, target: str) -> str | None:
    """Why an output cannot be a translation; None where it can.

    Args:
        source: The sentence.
        output: What the model made of it.
        target: ISO 639 code of the language wanted.
    """
    if not any(character.isalnum() for character in output):
        return "the model gave nothing" if any(map(str.isalnum, source)) else None
    if len(output) > _TIMES_TOO_LONG * len(source) + _EXTRA_CHARS:
        return "the output is many times longer than the source"
    if output.casefold() == source.casefold() and len(source.split()) >= _WORDS_THAT_MUST_CHANGE:
        return "the output is the source itself"
    wanted = _SCRIPTS.get(target, "LATIN")
    # Ideographs say in one character what takes a word elsewhere.
    if wanted != "CJK" and len(source) >= _LONG_CHARS and len(output) * _TIMES_TOO_SHORT < len(source):
        return "the output is many times shorter than the source"
    scripts = Counter(unicodedata.name(letter, "?").split()[0] for letter in output if letter.isalpha())
    if scripts and scripts.most_common(1)[0][0] != wanted and wanted != "CJK":
        return f"the output is not written in {wanted.title()} letters"
    return None


def match_ending(source: str, output: str) -> str:
    """Gives an output the ending of its source: a clause that goes on must not sound as if it ended."""
    theirs, ours = source.rstrip()[-1:], output.rstrip()[-1:]
    if theirs == ours or not output:
        return output
    if theirs in ",;:" or (ours == "." and theirs not in _ENDINGS):
        return output.rstrip().rstrip(".,;:") + (theirs if theirs in ",;:" else "")
    return output


def restore_phrases(source: str, output: str, phrases: Sequence[str]) -> tuple[str, list[str]]:
    """Puts in the phrases of the source that did not come through letter by letter.

    A run of words that resembles a missing phrase is taken for its translation and replaced; where none does, the phrase
    is put at the end.

    Returns:
        The output, and the phrases that were restored.
    """
    restored = []
    wanted = [phrase for phrase in phrases if phrase.strip() and phrase in source]
    for phrase in wanted:
        if phrase not in output:
            output = _put_in(phrase, output, [other for other in wanted if other in output])
            restored.append(phrase)
    return output, restored


def _put_in(phrase: str, output: str, there: Sequence[str]) -> str:
    """Puts a phrase in without losing one of those that are there already."""
    words = list(re.finditer(r"\S+", output))
    length = len(phrase.split())
    best, mended = 0.0, output
    matcher = difflib.SequenceMatcher(None, b=phrase.casefold())
    for size in {max(1, length - 1), length, length + 1}:
        for first in range(len(words) - size + 1):
            begin, end = words[first].start(), words[first + size - 1].end()
            run = output[begin:end]
            candidate = run.strip(_MARKS)
            begin += run.index(candidate)
            matcher.set_seq1(candidate.casefold())
            enough = max(best, _SIMILAR_ENOUGH)
            if matcher.real_quick_ratio() < enough or matcher.quick_ratio() < enough:
                continue  # bounds from above, which cost a fraction of the ratio itself
            likeness = matcher.ratio()
            if likeness > best:
                replaced = output[:begin] + phrase + output[begin + len(candidate) :]
                if all(other in replaced for other in there):
                    best, mended = likeness, replaced
    if best >= _SIMILAR_ENOUGH:
        return mended
    body = output.rstrip(_ENDINGS)
    mended = f"{body} {phrase}{output[len(body) :]}"
    return mended if all(other in mended for other in there) else f"{output} {phrase}"
