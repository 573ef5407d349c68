"""What a prompted model is shown: it continues a list of translations with one more.

A model's directory says what its list is like, in `translation.json`:

    {"languages": {"en": "English", "kn": "ಕನ್ನಡ"},
     "directions": [{"source": "en", "target": "kn", "beam": 2}, …],
     "examples": [{"en": "If it rains tomorrow,", "kn": "ನಾಳೆ ಮಳೆ ಬಂದರೆ,"}, …]}

`languages` says how each language calls itself, by tag: the labels of the list. A base model needs `examples`, which stand before
every sentence; one that was trained on such lists does without. `directions` are those served, and how many hypotheses each gains
by; without it every direction is served in which there is an example.
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
WIDEST_BEAM = 16


@dataclass(frozen=True)
class Prompts:
    """The prompts of one model."""

    names: Mapping[str, str]
    """How each language calls itself, by tag."""
    beams: Mapping[Direction, int]
    """The directions served, and the hypotheses that are followed side by side in each."""
    examples: Sequence[Mapping[str, str]] = ()
    """Sentences that mean the same, by tag."""

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
    """The prompts of a model directory; errors are those of `read`."""
    return read(directory / FILE)


def read(path: Path) -> Prompts:
    """The prompts that a file like `translation.json` tells.

    Raises:
        ModelNotInstalled: It is missing or damaged; says what is wrong with it.
    """
    try:
        settings = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise ModelNotInstalled(
            f"{path} is missing, which says how the model is asked: `maatu models convert prompted` writes it"
        ) from None
    except (OSError, ValueError) as error:
        raise ModelNotInstalled(f"{path} cannot be read: {error}") from error
    if (wrong := _wrong_with(settings)) is not None:
        raise ModelNotInstalled(f"{path}: {wrong}")
    examples = settings.get("examples", [])
    directions = settings.get("directions")
    if directions is None:
        shown = {Direction(*pair) for example in examples for pair in permutations(sorted(example), 2)}
        return Prompts(settings["languages"], dict.fromkeys(shown, 1), examples)
    beams = {Direction(served["source"], served["target"]): served.get("beam", 1) for served in directions}
    return Prompts(settings["languages"], beams, examples)


def _wrong_with(settings: Any) -> str | None:
    """Why settings are none; None where they are."""
    names = settings.get("languages") if isinstance(settings, dict) else None
    if names is None or not _is_texts(names):
        return '"languages" is not a name for each tag'
    examples, directions = settings.get("examples", []), settings.get("directions", [])
    if not isinstance(examples, list) or not isinstance(directions, list) or not (examples or directions):
        return 'neither "examples" nor "directions" is a list of any'
    for place, example in enumerate(examples):
        if not _is_texts(example) or len(example) < 2 or not example.keys() <= names.keys():
            return f'"examples", number {place + 1}, is not one sentence in two or more of {sorted(names)}'
    for place, served in enumerate(directions):
        if not _is_direction(served, names):
            return f'"directions", number {place + 1}, is not a "source" and another "target" of {sorted(names)}'
    return None


def _is_direction(value: Any, names: Mapping[str, str]) -> bool:
    if not isinstance(value, dict):
        return False
    source, target, beam = value.get("source"), value.get("target"), value.get("beam", 1)
    tags = [tag for tag in (source, target) if isinstance(tag, str) and tag in names]
    return len({*tags}) == 2 and isinstance(beam, int) and 1 <= beam <= WIDEST_BEAM


def _is_texts(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and bool(value)
        and all(isinstance(text, str) and text.strip() for text in value.values())
    )


def _one_line(text: str) -> str:
    """A line end in a text would begin the next line of the list."""
    return " ".join(text.split())
