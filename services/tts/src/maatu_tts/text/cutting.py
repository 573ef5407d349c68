"""Cuts a clause into what an engine is given at once."""

import unicodedata

from maatu_runtime.clauses import LONGEST_CLAUSE_CHARS, ClauseCutter

LONGEST_TEXT_CHARS = 2_000
"""Of one Synthesize request."""
LONGEST_PIECE_CHARS = LONGEST_CLAUSE_CHARS
"""Of what an engine is given at once."""
_EARLY_CUT_CHARS = 100
"""A first clause longer than this is cut at its first comma too: an engine may make all of a sentence at once."""


def pieces(clause: str, language: str, *, early: bool) -> list[str]:
    """Cuts a clause into what engines are given at once: sentences, none longer than LONGEST_PIECE_CHARS.

    Give it what `maatu_tts.spoken.spoken` returns: words are longer than the digits they stand for, and "Doctor Rao" holds
    no full stop that could be taken for the end of a sentence.

    Args:
        clause: Cleaned text, as it is to be spoken.
        language: ISO 639 code.
        early: Let the first piece of a long clause end at a comma, so that its audio comes soon.
    """
    cutter = ClauseCutter(language, cut_first_early=early and len(clause) > _EARLY_CUT_CHARS)
    cut: list[str] = []
    for piece in [*cutter.push(clause), *cutter.flush()]:
        if cut and _ends_with_abbreviation(cut[-1]) and len(cut[-1]) + 1 + len(piece) <= LONGEST_PIECE_CHARS:
            cut[-1] += f" {piece}"
        else:
            cut.append(piece)
    return cut


def _ends_with_abbreviation(piece: str) -> bool:
    """Whether the last word is an Indic abbreviation: one syllable and a full stop, as in ಡಾ., ಎಸ್., कि. and మీ.

    Sentence cutting knows the abbreviations of Latin script; of these it takes most for sentences of one word.
    """
    if not piece.endswith("."):
        return False
    word = piece[:-1].rpartition(" ")[2].rpartition(".")[2]
    if not word or word.isascii():
        return False
    # A consonant with a virama (combining class 9) is part of the syllable before or after it.
    letters = [character for character in word if character.isalpha()]
    viramas = sum(unicodedata.combining(character) == 9 for character in word)
    return bool(viramas or len(letters) < len(word)) and len(letters) - viramas <= 1
