"""Abbreviations that can mean but one thing."""

import re

from maatu_runtime.language import Language
from maatu_tts.spoken.rule import END_OF_WORD, Rule, alternatives, full_stop
from maatu_tts.spoken.words.letters import ABBREVIATIONS, TITLES


def rules(language: Language) -> list[Rule]:
    """Those of a language."""
    found = []
    if words := ABBREVIATIONS.get(language.code):
        pattern = re.compile(rf"(?:{alternatives(list(words))}){END_OF_WORD}")
        found.append(Rule("abbreviation", pattern, lambda match: words[match[0]] + full_stop(match)))
    if titles := TITLES.get(language.code):
        pattern = re.compile(rf"(?P<title>{alternatives(list(titles))})(?=[ \u00a0](?P<name>[^\W\d_]))")
        # A name begins with a capital in scripts that have them.
        found.append(Rule("title", pattern, lambda match: None if match["name"].islower() else titles[match["title"]]))
    return found
