"""Cuts text that is still being written into clauses that can be spoken.

The first clause of an answer is cut early, at a comma or before a conjunction, because a person hears silence until it is
done. Later ones end with their sentence: there is time, and whole sentences translate and sound better.
"""

import re

from maatu_runtime.sentences import sentences

FIRST_CLAUSE_WORDS = 3
"""Fewest words of a first clause that ends at a comma."""
CONJUNCTION_WORDS = 6
"""Fewest words of a first clause that ends before a conjunction."""
LONGEST_CLAUSE_CHARS = 240
"""A sentence longer than this is cut at its last comma or space: nobody speaks on one breath for longer."""

_TERMINATORS = re.compile(r"[.!?…।॥。！？؟۔\n]")
# Between numbers it may be that of a date or a list: "April 5, 2026".
_COMMA = re.compile(r"(?<!\d)[,;:،—](?=\s|$)|(?<=\d)[,;:،](?=\s+[^\s\d])|[、，；：]")
_CONJUNCTIONS = {
    "en": "and but because so which while although or when if",
    "es": "y pero porque aunque que cuando si mientras o",
    "fr": "et mais parce car donc que quand si ou",
    "de": "und aber weil denn sondern dass wenn oder",
    "pt": "e mas porque embora que quando se ou",
    "it": "e ma perché anche che quando se o",
    "hi": "और लेकिन क्योंकि कि जब या",
    "kn": "ಮತ್ತು ಆದರೆ ಏಕೆಂದರೆ ಹಾಗೂ ಅಥವಾ",
}


class ClauseCutter:
    """Turns pieces of text into clauses, each as soon as it is certain to be whole.

    Args:
        language: ISO 639 code of the text, "en".
        cut_first_early: Let the first clause end before its sentence does.
    """

    def __init__(self, language: str, *, cut_first_early: bool = True) -> None:
        self._language = language
        self._buffer = ""
        self._is_first = cut_first_early
        words = _CONJUNCTIONS.get(language, "").split()
        self._conjunction = re.compile(rf"\s(?=(?:{'|'.join(words)})\s)") if words else None

    def push(self, text: str) -> list[str]:
        """Adds the next characters of the text. Returns the clauses that became whole, without surrounding space."""
        self._buffer += text
        clauses: list[str] = []
        while (end := self._end_of_clause()) is not None:
            clause, self._buffer = self._buffer[:end].strip(), self._buffer[end:].lstrip()
            if _speakable(clause):
                clauses.append(clause)
                self._is_first = False
        return clauses

    def flush(self) -> list[str]:
        """Ends the text. Returns what is left of it as clauses."""
        clauses = self.push("\n")
        rest, self._buffer = self._buffer.strip(), ""
        return [*clauses, rest] if _speakable(rest) else clauses

    def _end_of_clause(self) -> int | None:
        """Where the first clause in the buffer ends; None while it may still go on."""
        ends = [end for end in (self._end_of_sentence(), self._early_end(), self._forced_end()) if end is not None]
        return min(ends, default=None)

    def _end_of_sentence(self) -> int | None:
        newline = self._buffer.find("\n")
        searched = self._buffer if newline < 0 else self._buffer[:newline]
        if _TERMINATORS.search(searched):
            # The last sentence may still go on ("3." may become "3.5"): it is whole only once another has begun.
            first, *others = sentences(searched, self._language)
            if others:
                return len(first)
        return newline + 1 if newline >= 0 else None

    def _early_end(self) -> int | None:
        if not self._is_first:
            return None
        for comma in _COMMA.finditer(self._buffer):
            # One more character must have come: "1," may become "1,000".
            if comma.end() < len(self._buffer) and len(self._buffer[: comma.end()].split()) >= FIRST_CLAUSE_WORDS:
                return comma.end()
        if self._conjunction is not None:
            for space in self._conjunction.finditer(self._buffer):
                if len(self._buffer[: space.start()].split()) >= CONJUNCTION_WORDS:
                    return space.end()
        return None

    def _forced_end(self) -> int | None:
        if len(self._buffer) <= LONGEST_CLAUSE_CHARS:
            return None
        head = self._buffer[:LONGEST_CLAUSE_CHARS]
        commas = [comma.end() for comma in _COMMA.finditer(head)]
        return commas[-1] if commas else (head.rfind(" ") + 1 or LONGEST_CLAUSE_CHARS)


def _speakable(clause: str) -> bool:
    return any(character.isalnum() for character in clause)
