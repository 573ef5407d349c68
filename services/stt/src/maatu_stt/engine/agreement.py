"""What of a transcript will not change any more: LocalAgreement-2.

A word is committed once two decodes in a row wrote it (Liu et al. 2020, "Low-latency sequence-to-sequence speech recognition
and translation by partial hypothesis selection"; Macháček et al. 2023, "Turning Whisper into a real-time transcription
system"). Every later decode is made to begin with what is committed, so that it cannot be taken back.
"""

from collections.abc import Sequence
from dataclasses import replace

from maatu_stt.engine.base import Transcription, Word

MIN_CONFIDENCE = 0.7
"""Confidence below which a decode commits nothing: in noise two decodes in a row make the same mistake, and what is committed
cannot be mended by the final. Without this limit the word error rate of streams with tiny.en is a point higher."""


class Agreement:
    """The words of one utterance, decode by decode."""

    def __init__(self) -> None:
        self.committed: tuple[Word, ...] = ()
        """Words that stay, of those still in the window."""
        self._tail: tuple[Word, ...] = ()

    def update(self, transcription: Transcription) -> None:
        """Takes the next decode; it begins with the committed words."""
        tail = transcription.words[len(self.committed) :]
        agreed = 0
        certain = _certain(tail) if transcription.confidence >= MIN_CONFIDENCE else ()
        for word, before in zip(certain, self._tail, strict=False):
            if word.text != before.text:
                break
            agreed += 1
        # The newer words: the times are better the more audio follows.
        self.committed = transcription.words[: len(self.committed) + agreed]
        self._tail = tail[agreed:]

    def commit(self, words: tuple[Word, ...], tail: tuple[Word, ...]) -> None:
        """Commits words that no second decode agreed on; `tail` are those after them."""
        self.committed, self._tail = words, tail

    def forget(self, count: int) -> tuple[Word, ...]:
        """Lets the first `count` committed words go; returns them. Those that stay lose their times, which were those of a
        window that began with them."""
        gone = self.committed[:count]
        self.committed = tuple(replace(word, start_s=None, end_s=None) for word in self.committed[count:])
        return gone


def _certain(words: Sequence[Word]) -> Sequence[Word]:
    """The words but the last one and the punctuation around it: it may be half said."""
    last_spoken = max((index for index, word in enumerate(words) if word.is_spoken), default=0)
    while last_spoken > 0 and not words[last_spoken - 1].is_spoken:
        last_spoken -= 1
    return words[:last_spoken]
