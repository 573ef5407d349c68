"""What the rules of one language consist of. Each language has a module in `languages` that fills this in."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from maatu_stt.engine.completeness.reading import Reading


def never(_: Reading) -> bool:
    """The rule of a language that has none of the kind."""
    return False


@dataclass(frozen=True, kw_only=True)
class Numbers:
    """How numbers are dictated in a language."""

    digits: frozenset[str] = frozenset()
    """The words for 0 to 9, and what is said between them: "double", "hyphen"."""
    others: frozenset[str] = frozenset()
    """Words of larger numbers: after them a digit word belongs to a number, not to a dictation ("twenty five")."""
    dictated: Mapping[str, int] = field(default_factory=dict)
    """Words, or pairs of words, before a number that is dictated digit by digit, with the digits that are surely enough."""
    dates: frozenset[str] = frozenset()
    """Months: the two numbers after one are a date."""


@dataclass(frozen=True, kw_only=True)
class Rules:
    """The rules of one language. Words are folded; sets hold phrases of up to three words."""

    trailing: frozenset[str] = frozenset()
    """No utterance ends with these: conjunctions, articles, prepositions, possessives, auxiliaries, fillers."""
    answers: frozenset[str] = frozenset()
    """Whole sentences that are complete however short: "yes", "thank you", "I do"."""
    closings: frozenset[str] = frozenset()
    """After these nothing follows, if something precedes: "please", "thanks"."""
    goes_on: Callable[[Reading], bool] = never
    """Other signs that it goes on: converbs, an open verb bracket."""
    is_clause: Callable[[Reading], bool] = never
    """Whether it is a whole clause. Asked last."""
    numbers: Numbers = Numbers()
