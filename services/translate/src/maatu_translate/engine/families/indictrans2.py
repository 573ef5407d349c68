"""IndicTrans2 (Gala et al., 2023, "IndicTrans2: Towards High-Quality and Accessible Machine Translation Models for all 22 Scheduled
Indian Languages"), from English, into English, and between Indic languages."""

import re
import unicodedata
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sentencepiece

from maatu_translate.engine.base import Direction
from maatu_translate.engine.families.base import Encoded
from maatu_translate.engine.families.description import broken, read_description
from maatu_translate.engine.families.indictrans2_placeholders import mark, unwrap, wrap
from maatu_translate.engine.families.indictrans2_processor import Processor
from maatu_translate.engine.languages import flores_tags

_END = "</s>"
_MARKS = frozenset({"<s>", "<pad>", _END, "<unk>"})
_SPACE = "▁"
_SPACES = re.compile(r"\s+")


class IndicTrans2:
    """The source is the codes of both languages, the pieces and the end; the target has no mark.

    Text is prepared as the models were trained: by the toolkit's processor, with placeholders for what must not be translated.
    A source and a target have a vocabulary each, in which all Indic scripts but the Perso-Arabic, Ol Chiki and Meetei ones are
    Devanagari.

    Args:
        directory: Of a model that `maatu models convert indictrans2` made.

    Raises:
        ModelNotInstalled: A file is missing or damaged; names it.
    """

    def __init__(self, directory: Path) -> None:
        self._source_pieces = _pieces_of(directory / "model.SRC")
        self._target_pieces = _pieces_of(directory / "model.TGT")
        description = read_description(directory, sources=list, targets=list)
        sources, targets = description["sources"], description["targets"]
        self._codes = flores_tags(sorted({*sources, *targets}))
        self._directions = frozenset(
            Direction(source, target)
            for source, read in self._codes.items()
            for target, written in self._codes.items()
            if read in sources and written in targets and read != written
        )
        self._processor = Processor()

    @property
    def directions(self) -> frozenset[Direction]:
        """What this model of the three kinds translates."""
        return self._directions

    def encode(self, text: str, direction: Direction) -> Encoded:
        """See Family.encode. The notes are what the placeholders stand for."""
        wrapped = wrap(_plain(text))
        code = self._codes[direction.source]
        pieces = self._source_pieces.encode(self._processor.prepare(wrapped.text, code), out_type=str)
        return Encoded([code, self._codes[direction.target], *pieces, _END], [], wrapped.entities)

    def encode_target(self, text: str, direction: Direction) -> list[str]:
        """See Family.encode_target. With placeholders, as the model would write it."""
        prepared = self._processor.prepare(wrap(_plain(text)).text, self._codes[direction.target])
        pieces: list[str] = self._target_pieces.encode(prepared, out_type=str)
        return pieces

    def decode(self, tokens: Sequence[str], direction: Direction, notes: Any) -> str:
        """See Family.decode."""
        entities: tuple[str, ...] = notes or ()
        written = "".join(token for token in tokens if token not in _MARKS).replace(_SPACE, " ").strip()
        completed = self._processor.complete(mark(written, entities), self._codes[direction.target])
        return _SPACES.sub(" ", unwrap(completed, entities)).strip()


def _pieces_of(path: Path) -> Any:
    try:
        return sentencepiece.SentencePieceProcessor(model_file=str(path))
    except (OSError, RuntimeError) as error:
        raise broken(path, error) from None


def _plain(text: str) -> str:
    """Text with the digits 0 to 9 and plain spaces. The toolkit leaves out the Telugu zero and most Arabic digits, and makes a
    decimal point of a no-break space between digits."""
    digits = "".join(str(unicodedata.digit(c)) if c.isdecimal() else c for c in text)
    return _SPACES.sub(" ", digits)
