"""Cuts a clause into what an engine is given at once."""

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
    return [*cutter.push(clause), *cutter.flush()]
