"""Marian, the models of OPUS-MT (Tiedemann & Thottingal, 2020, "OPUS-MT: Building open translation services for the World")."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece

from maatu_translate.engine.base import Direction
from maatu_translate.engine.families.base import Encoded
from maatu_translate.engine.families.description import broken, read_description

_END, _UNKNOWN = "</s>", "<unk>"
_MARKS = {_END, _UNKNOWN, "<pad>"}


class Marian:
    """The source is the token of the target language, where the model writes several, the pieces and the end.

    Source and target have a SentencePiece model each, with or without a common vocabulary. The models were trained on text with
    the punctuation as Moses normalises it; the tokenizer of transformers 5 leaves that out, and so does this class.

    Args:
        directory: Of a model that `maatu models convert marian` made.

    Raises:
        ModelNotInstalled: A file is missing or damaged; names it.
    """

    def __init__(self, directory: Path) -> None:
        description = read_description(directory, sources=list, targets=dict)
        self._targets: dict[str, str | None] = description["targets"]
        self._directions = frozenset(
            Direction(source, target)
            for source in description["sources"]
            for target in self._targets
            if source != target
        )
        self._source_pieces = _pieces(directory / "source.spm")
        self._target_pieces = _pieces(directory / "target.spm")
        shared = directory / "shared_vocabulary.json"
        names = (
            ["shared_vocabulary.json"] * 2 if shared.is_file() else ["source_vocabulary.json", "target_vocabulary.json"]
        )
        self._source_vocabulary, self._target_vocabulary = (_vocabulary(directory / name) for name in names)
        absent = [token for token in self._targets.values() if token and token not in self._source_vocabulary]
        if absent:
            raise broken(directory / names[0], f"it lacks {absent[0]}")

    @property
    def directions(self) -> frozenset[Direction]:
        """Every language that it reads into every one that it writes."""
        return self._directions

    def encode(self, text: str, direction: Direction) -> Encoded:
        """See Family.encode. What looks like a mark in the text, ">>es<<" or "</s>", is text."""
        asked = self._targets[direction.target]
        tokens = _known(self._source_pieces, self._source_vocabulary, text)
        return Encoded([*([asked] if asked else []), *tokens, _END], [])

    def encode_target(self, text: str, direction: Direction) -> list[str]:
        """See Family.encode_target."""
        return _known(self._target_pieces, self._target_vocabulary, text)

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        """See Family.decode. Marks are left out."""
        text: str = self._target_pieces.decode_pieces([token for token in tokens if token not in _MARKS])
        return text.replace("▁", " ").strip()


def _pieces(path: Path) -> Any:
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise broken(path, error) from None


def _vocabulary(path: Path) -> frozenset[str]:
    try:
        tokens = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise broken(path, error) from None
    if not isinstance(tokens, list):
        raise broken(path, "it is no list of tokens")
    return frozenset(map(str, tokens))


def _known(pieces: Any, vocabulary: frozenset[str], text: str) -> list[str]:
    """The SentencePiece models have pieces that the vocabulary lacks: they are unknown."""
    return [
        piece if piece in vocabulary and piece not in _MARKS else _UNKNOWN
        for piece in pieces.encode(text, out_type=str)
    ]
