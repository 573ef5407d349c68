"""A scripted engine for tests and benchmarks: nothing is translated."""

import threading
import time
from collections.abc import Callable, Hashable, Sequence

from maatu_translate.engine.base import Direction, Output, Sentence


class FakeEngine:
    """Says what it is told to say, as late as it is told to.

    Args:
        answers: Translation by sentence; others get the target's code before them: "[en] hola".
        delay_s: Time for each batch; one whose first sentence is cancelled ends at once.
        error: Raised instead.
        fails_on: A sentence on which only the error is raised, in whatever batch; empty: on all.
        wait: Waits on the event for so many seconds; True when it was set.
        name: Name of the model.
        directions: What it translates.
    """

    def __init__(
        self,
        answers: dict[str, Output] | None = None,
        *,
        delay_s: float = 0.0,
        error: Exception | None = None,
        fails_on: str = "",
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
        name: str = "fake",
        directions: Sequence[tuple[str, str]] = (("es", "en"), ("en", "es"), ("en", "kn")),
    ) -> None:
        self.name = name
        self.directions = frozenset(Direction(*pair) for pair in directions)
        self.answers = answers or {}
        self.delay_s = delay_s
        self.error = error
        self.fails_on = fails_on
        self.batches: list[list[Sentence]] = []
        """What came, in order."""
        self.cancelled: list[str] = []
        """Sentences that were cancelled while they were translated."""
        self.worked_s = 0.0
        self._wait = wait

    @property
    def seen(self) -> list[str]:
        """The texts that came, in order."""
        return [sentence.text for batch in self.batches for sentence in batch]

    def load(self) -> None:
        """Nothing to load."""

    def batch_key(self, sentence: Sentence) -> Hashable:
        """Sentences of one direction share a batch."""
        return sentence.direction

    def length(self, sentence: Sentence) -> int:
        """Its words."""
        return len(sentence.text.split())

    def translate(self, sentences: Sequence[Sentence], cancelled: Sequence[threading.Event]) -> list[Output]:
        """See Engine.translate."""
        began = time.perf_counter()
        self.batches.append(list(sentences))
        if self.delay_s:
            self._wait(cancelled[0], self.delay_s)
        self.cancelled += [s.text for s, event in zip(sentences, cancelled, strict=True) if event.is_set()]
        self.worked_s += time.perf_counter() - began
        if self.error is not None and self.fails_on in ("", *(sentence.text for sentence in sentences)):
            raise self.error
        return [
            self.answers.get(sentence.text, Output(f"[{sentence.direction.target}] {sentence.text}"))
            for sentence in sentences
        ]

    def close(self) -> None:
        """Nothing to release."""
