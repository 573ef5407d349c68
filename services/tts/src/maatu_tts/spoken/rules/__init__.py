"""The rules of each language, in the order in which they are tried."""

from functools import lru_cache

from maatu_runtime.language import Language
from maatu_tts.spoken.rule import Rule
from maatu_tts.spoken.rules import abbreviations, addresses, dates, measures, money, numbers, telephones, times


@lru_cache(maxsize=64)
def rules_for(language: Language) -> tuple[Rule, ...]:
    """The rules of a language: those for longer constructs first."""
    parts = (addresses, abbreviations, dates, times, money, measures, telephones, numbers)
    return tuple(rule for part in parts for rule in part.rules(language))
