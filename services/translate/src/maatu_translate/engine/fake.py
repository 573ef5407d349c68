"""A scripted engine for tests and benchmarks: nothing is translated."""

import threading
import time
from collections.abc import Callable

from maatu_translate.engine.base import Direction, Output


class FakeEngine:
    """Says what it is told to say, as late as it is told to.

    Args:
        answers: Translation by sentence; others get the target's code before them: "[en] hola".
        delay_s: Time for each sentence; a cancelled one ends at once.
        error: Raised instead.
        wait: Waits on the event for so many seconds; True when it was set.
    """

    name = "fake"
    directions = frozenset({Direction("es", "en"), Direction("en", "es"), Direction("en", "kn")})

    def __init__(
        self,
        answers: dict[str, Output] | None = None,
        *,
        delay_s: float = 0.0,
        error: Exception | None = None,
        wait: Callable[[threading.Event, float], bool] = threading.Event.wait,
    ) -> None:
        self.answers = answers or {}
        self.delay_s = delay_s
        self.error = error
        self.seen: list[str] = []
        """Sentences that came, in order."""
        self.cancelled: list[str] = []
        """Sentences that were cancelled while they were translated."""
        self.worked_s = 0.0
        self._wait = wait

    def load(self) -> None:
        """Nothing to load."""

    def translate(self, sentence: str, direction: Direction, cancelled: threading.Event) -> Output:
        """See Engine.translate."""
        began = time.perf_counter()
        self.seen.append(sentence)
        if self.delay_s and self._wait(cancelled, self.delay_s):
            self.cancelled.append(sentence)
        self.worked_s += time.perf_counter() - began
        if self.error is not None:
            raise self.error
        return self.answers.get(sentence, Output(f"[{direction.target}] {sentence}"))

    def close(self) -> None:
        """Nothing to release."""
