"""What a prompted model is shown: a base model continues a list of translations with one more.

The examples of the embedded model are here; a model directory may bring others in `translation.json`:

    {"languages": {"en": "English", "kn": "ಕನ್ನಡ"},
     "examples": [{"en": "If it rains tomorrow,", "kn": "ನಾಳೆ ಮಳೆ ಬಂದರೆ,"}, …]}

`languages` says how each language calls itself, by tag; a direction is served where at least one example has both languages.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any

from maatu_runtime.errors import ModelNotInstalled
from maatu_translate.engine.base import Context, Direction, Sentence

FILE = "translation.json"

NAMES = {"en": "English", "es": "Español"}
"""How each language calls itself: the labels of the list."""

EXAMPLES: tuple[dict[str, str], ...] = (
    {"en": "You can leave your coat here.", "es": "Puedes dejar tu abrigo aquí."},
    {"en": "It costs 25 euros, but you can pay later.", "es": "Cuesta 25 euros, pero puedes pagar más tarde."},
    {"en": "I would rather stay at home.", "es": "Preferiría quedarme en casa."},
    {"en": "If it rains tomorrow,", "es": "Si llueve mañana,"},
    {"en": "My head hurts.", "es": "Me duele la cabeza."},
    {"en": "Take this medicine twice a day.", "es": "Tome esta medicina dos veces al día."},
)
"""Everyday sentences, and half a one that ends at a comma, because clauses of an answer are cut there.

bench/translate_prompt.py chose them out of forty. More examples cost about 1 ms a token for each 100 tokens of them, and gain
nothing. Beyond 512 tokens, Gemma's sliding window, CTranslate2 4.8 reads a prompt wrongly.
"""

BEAMS = {Direction("en", "es"): 2}
"""A second hypothesis gains three to four points of chrF into Spanish, and nothing into English, for about 6 ms a token."""


@dataclass(frozen=True)
class Prompts:
    """The prompts of one model."""

    names: Mapping[str, str]
    """How each language calls itself, by tag."""
    examples: Sequence[Mapping[str, str]]
    """Sentences that mean the same, by tag."""
    beams: Mapping[Direction, int]
    """Hypotheses to follow side by side, where more than one pays."""

    @property
    def directions(self) -> frozenset[Direction]:
        """Every direction there is an example for."""
        return frozenset(
            Direction(*pair) for example in self.examples for pair in permutations(sorted(example.keys()), 2)
        )

    def static(self, direction: Direction) -> str:
        """What stands before every sentence in a direction; its state is computed once and kept."""
        pairs = (
            Context(*(example[tag] for tag in direction)) for example in self.examples if {*direction} <= {*example}
        )
        return "".join(self._example(pair, direction) for pair in pairs)

    def question(self, sentence: Sentence) -> str:
        """What follows it: the clause before as one more example, the sentence, and the label of the translation wanted."""
        source, target = sentence.direction
        before = self._example(sentence.context, sentence.direction) if sentence.context else ""
        return f"{before}{self.names[source]}: {_one_line(sentence.text)}\n{self.names[target]}:"

    def _example(self, pair: Context, direction: Direction) -> str:
        return "".join(f"{self.names[tag]}: {_one_line(text)}\n" for tag, text in zip(direction, pair, strict=True))


def load(directory: Path) -> Prompts:
    """The prompts of a model directory: those of its `translation.json` where it has one, else the built-in ones.

    Raises:
        ModelNotInstalled: The file is damaged; says what is wrong with it.
    """
    path = directory / FILE
    if not path.exists():
        return Prompts(NAMES, EXAMPLES, BEAMS)
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ModelNotInstalled(f"{path} cannot be read: {error}") from error
    if (wrong := _wrong_with(settings)) is not None:
        raise ModelNotInstalled(f"{path}: {wrong}")
    return Prompts(settings["languages"], settings["examples"], {})


def _wrong_with(settings: Any) -> str | None:
    """Why settings are none; None where they are."""
    names = settings.get("languages") if isinstance(settings, dict) else None
    if names is None or not _is_texts(names):
        return '"languages" is not a name for each tag'
    examples = settings.get("examples")
    if not isinstance(examples, list) or not examples:
        return '"examples" is not a list of examples'
    for place, example in enumerate(examples):
        if not _is_texts(example) or len(example) < 2 or not example.keys() <= names.keys():
            return f'"examples", number {place + 1}, is not one sentence in two or more of {sorted(names)}'
    return None


def _is_texts(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(text, str) and text.strip() for text in value.values())
    )


def _one_line(text: str) -> str:
    """A line end in a text would begin the next line of the list."""
    return " ".join(text.split())
