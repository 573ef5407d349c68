"""The rules of every language that has some, by ISO 639 code."""

from maatu_stt.engine.completeness.languages import (
    bengali,
    chinese,
    english,
    french,
    german,
    gujarati,
    hindi,
    italian,
    japanese,
    kannada,
    korean,
    malayalam,
    marathi,
    portuguese,
    punjabi,
    spanish,
    tamil,
    telugu,
)
from maatu_stt.engine.completeness.rules import Rules

RULES = {
    "bn": bengali.RULES,
    "de": german.RULES,
    "en": english.RULES,
    "es": spanish.RULES,
    "fr": french.RULES,
    "gu": gujarati.RULES,
    "hi": hindi.RULES,
    "it": italian.RULES,
    "ja": japanese.RULES,
    "kn": kannada.RULES,
    "ko": korean.RULES,
    "ml": malayalam.RULES,
    "mr": marathi.RULES,
    "pa": punjabi.RULES,
    "pt": portuguese.RULES,
    "ta": tamil.RULES,
    "te": telugu.RULES,
    "zh": chinese.RULES,
}
"""By ISO 639-1 code."""
_NONE = Rules()


def rules_of(language: str) -> Rules:
    """The rules for a BCP-47 tag or a bare code; empty ones where the language has none."""
    return RULES.get(language.replace("_", "-").partition("-")[0].lower(), _NONE)
