"""NLLB-200 (NLLB Team, 2022, "No Language Left Behind")."""

from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import tokenizers

from maatu_translate.engine.base import Direction
from maatu_translate.engine.families.base import Encoded
from maatu_translate.engine.families.description import broken, read_description
from maatu_translate.engine.languages import flores_tags

_END = "</s>"


class Nllb:
    """The source is its language's code, the pieces and the end; the target begins with its language's code.

    So is it in the models' training, and in transformers with `legacy_behaviour=False`. The template in the models' own
    tokenizer.json puts the code last, as transformers did at first; it is not used here.

    Args:
        directory: Of a model that `maatu models convert nllb` made.

    Raises:
        ModelNotInstalled: A file is missing or damaged; names it.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / "tokenizer.json"
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the package raises nothing narrower
            raise broken(path, error) from None
        # What looks like a mark in somebody's text ("</s>", "kan_Knda") is text.
        self._tokenizer.encode_special_tokens = True
        codes: list[str] = read_description(directory, languages=list)["languages"]
        if absent := [code for code in codes if self._tokenizer.token_to_id(code) is None]:
            raise broken(path, f"it lacks the language {absent[0]}")
        self._codes = flores_tags(codes)
        self._directions = frozenset(Direction(*pair) for pair in permutations(self._codes, 2))

    @property
    def directions(self) -> frozenset[Direction]:
        """Every language into every other."""
        return self._directions

    def encode(self, text: str, direction: Direction) -> Encoded:
        """See Family.encode."""
        source = [self._codes[direction.source], *self._pieces(text), _END]
        return Encoded(source, [self._codes[direction.target]])

    def encode_target(self, text: str, direction: Direction) -> list[str]:
        """See Family.encode_target."""
        return self._pieces(text)

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        """See Family.decode. Marks are left out."""
        ids = [self._tokenizer.token_to_id(token) for token in tokens]
        # The model has a few tokens that no tokenizer knows; it learnt never to write them.
        text: str = self._tokenizer.decode([id_ for id_ in ids if id_ is not None], skip_special_tokens=True)
        return text.strip()

    def _pieces(self, text: str) -> list[str]:
        pieces: list[str] = self._tokenizer.encode(text, add_special_tokens=False).tokens
        return pieces
