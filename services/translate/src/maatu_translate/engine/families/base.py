"""What a family of sequence-to-sequence models is: how its models read and write text."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from maatu_translate.engine.base import Direction


@dataclass(frozen=True)
class Encoded:
    """A sentence as a model reads it."""

    source: list[str]
    """Tokens for the encoder, the end of the sentence and language marks included."""
    prefix: list[str]
    """Tokens that the decoder is made to begin with; `decode` gets what follows them. Empty where the family has none."""
    notes: Any = None
    """What `decode` needs to know of the source: placeholders, say."""


class Family(Protocol):
    """Tokens of one model. Made of the model's directory; used from several threads at once."""

    @property
    def directions(self) -> frozenset[Direction]:
        """What the model translates."""
        ...

    def encode(self, text: str, direction: Direction) -> Encoded:
        """Text of the source language into tokens, prepared as the model was trained."""
        ...

    def encode_target(self, text: str, direction: Direction) -> list[str]:
        """Text of the target language into the tokens the model would write it with, without marks. For context: the decoder is
        made to begin with the translation of the clause before."""
        ...

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        """Tokens that the decoder wrote after its prefix into text of the target language, without surrounding space."""
        ...
