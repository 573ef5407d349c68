"""MADLAD-400 (Kudugunta et al., 2023, "MADLAD-400: A Multilingual And Document-Level Large Audited Dataset")."""

import re
from collections.abc import Sequence
from itertools import permutations
from pathlib import Path
from typing import Any, Protocol

import sentencepiece
import tokenizers

from maatu_translate.engine.base import Direction
from maatu_translate.engine.families.base import Encoded
from maatu_translate.engine.families.description import broken, read_description

_END = "</s>"
_MARK = re.compile(r"<(?:/?s|pad|unk|2\w*|extra_id_\d+|unused_\d+)>")
_READ_AS_MARK = re.compile(r"<(?=(?:/?s|pad|unk|2\w*|extra_id_\d+|unused_\d+)>)")


class Madlad:
    """The source is the token that asks for the target language, such as "<2es>", the text and the end.

    SentencePiece puts a space before all text, so "▁" precedes that token with spiece.model, as it did when the models were
    trained. With a tokenizer.json of transformers 5 it does not.

    Args:
        directory: Of a model that `maatu models convert madlad` made.

    Raises:
        ModelNotInstalled: A file is missing or damaged; names it.
    """

    def __init__(self, directory: Path) -> None:
        self._targets: dict[str, str] = read_description(directory, targets=dict)["targets"]
        path = directory / "spiece.model"
        tokenizer_json = directory / "tokenizer.json"
        self._pieces: _Pieces
        if tokenizer_json.is_file():
            path = tokenizer_json
            self._pieces = _TokenizerJson(path)
        else:
            self._pieces = _SentencePiece(path)
        if absent := [token for token in self._targets.values() if not self._pieces.has(token)]:
            raise broken(path, f"it lacks {absent[0]}")
        self._begin = {token: self._pieces.encode(token)[:-1] for token in self._targets.values()}
        self._directions = frozenset(Direction(*pair) for pair in permutations(self._targets, 2))

    @property
    def directions(self) -> frozenset[Direction]:
        """Every language into every other."""
        return self._directions

    def encode(self, text: str, direction: Direction) -> Encoded:
        """See Family.encode."""
        asked = self._targets[direction.target]
        return Encoded([*self._begin[asked], asked, *self._text(text), _END], [])

    def encode_target(self, text: str, direction: Direction) -> list[str]:
        """See Family.encode_target."""
        return self._text(text)

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        """See Family.decode. Marks are left out."""
        return self._pieces.decode([token for token in tokens if not _MARK.fullmatch(token)]).strip()

    def _text(self, text: str) -> list[str]:
        # The tokenizers take "<2fr>" and "</s>" for marks wherever they stand: a space makes them text.
        return self._pieces.encode(_READ_AS_MARK.sub("< ", text))


class _Pieces(Protocol):
    """A tokenizer, without the marks that templates add."""

    def has(self, token: str) -> bool: ...

    def encode(self, text: str) -> list[str]: ...

    def decode(self, tokens: list[str]) -> str: ...


class _SentencePiece:
    """spiece.model: what the models were trained with."""

    def __init__(self, path: Path) -> None:
        try:
            self._processor: Any = sentencepiece.SentencePieceProcessor(model_file=str(path))
        except (OSError, RuntimeError) as error:
            raise broken(path, error) from None

    def has(self, token: str) -> bool:
        return bool(self._processor.id_to_piece(self._processor.piece_to_id(token)) == token)

    def encode(self, text: str) -> list[str]:
        return [self._processor.id_to_piece(id_) for id_ in self._processor.encode(text)]

    def decode(self, tokens: list[str]) -> str:
        text: str = self._processor.decode_pieces(tokens)
        return text


class _TokenizerJson:
    """tokenizer.json: what a fine-tune has that added languages, or was saved by transformers 5."""

    def __init__(self, path: Path) -> None:
        try:
            self._tokenizer = tokenizers.Tokenizer.from_file(str(path))
        except Exception as error:  # the package raises nothing narrower
            raise broken(path, error) from None

    def has(self, token: str) -> bool:
        return self._tokenizer.token_to_id(token) is not None

    def encode(self, text: str) -> list[str]:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        return [str(self._tokenizer.id_to_token(id_)) for id_ in ids]

    def decode(self, tokens: list[str]) -> str:
        ids = [self._tokenizer.token_to_id(token) for token in tokens]
        text: str = self._tokenizer.decode([id_ for id_ in ids if id_ is not None], skip_special_tokens=True)
        return text
