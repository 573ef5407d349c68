"""M2M-100 (Fan et al., 2020, "Beyond English-Centric Multilingual Machine Translation")."""

from collections.abc import Mapping, Sequence
from itertools import permutations
from pathlib import Path
from typing import Any

import sentencepiece

from maatu_translate.engine.base import Direction
from maatu_translate.engine.families.base import Encoded
from maatu_translate.engine.families.description import broken, read_description

_END = "</s>"
_TAGS: Mapping[str, str] = {"no": "nb", "ns": "nso"}
"""BCP-47 tags of codes that are none, or not the one in use."""


class M2M100:
    """The source is "__en__" for its language, the pieces and the end; the target begins with "__es__" for its own.

    Args:
        directory: Of a model that `maatu models convert m2m100` made.

    Raises:
        ModelNotInstalled: A file is missing or damaged; names it.
    """

    def __init__(self, directory: Path) -> None:
        path = directory / "sentencepiece.bpe.model"
        try:
            self._processor = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise broken(path, error) from None
        codes: list[str] = read_description(directory, languages=list)["languages"]
        self._marks = {_TAGS.get(code, code): f"__{code}__" for code in codes}
        self._directions = frozenset(Direction(*pair) for pair in permutations(self._marks, 2))

    @property
    def directions(self) -> frozenset[Direction]:
        """Every language into every other."""
        return self._directions

    def encode(self, text: str, direction: Direction) -> Encoded:
        """See Family.encode. A piece that the model does not have is the unknown token to CTranslate2."""
        source = [self._marks[direction.source], *self._pieces(text), _END]
        return Encoded(source, [self._marks[direction.target]])

    def encode_target(self, text: str, direction: Direction) -> list[str]:
        """See Family.encode_target."""
        return self._pieces(text)

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        """See Family.decode. Marks are left out, and the few tokens of the model that stand for nothing."""
        text: str = self._processor.decode([token for token in tokens if self._is_text(token)])
        return text.strip()

    def _is_text(self, token: str) -> bool:
        piece: int = self._processor.piece_to_id(token)
        return piece != self._processor.unk_id() and not self._processor.is_control(piece)

    def _pieces(self, text: str) -> list[str]:
        pieces: list[str] = self._processor.encode(text, out_type=str)
        return pieces
