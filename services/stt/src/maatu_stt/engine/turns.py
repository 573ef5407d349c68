"""Asks an audio model at pauses whether the turn is over, beside the decoding and for all streams."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from time import perf_counter
from typing import Protocol

import numpy as np

from maatu_runtime.audio.samples import Samples
from maatu_stt import metrics
from maatu_stt.engine.smart_turn import HEARD, SmartTurn

_MOST_WAITING = 4
"""Pauses that may be asked about at once. An answer that waited longer than the usual silence lasts comes too late."""


class TurnDetector(Protocol):
    """Judges turns by their sound. Shared by all streams."""

    heard: int
    """How many of the latest samples it listens to."""

    async def warm_up(self) -> None:
        """Loads the model and asks it once."""

    def ask(self, samples: Samples) -> "asyncio.Future[float] | None":
        """How likely the turn that sounds like this is over, 0 to 1. None: too busy to say so in time.

        Args:
            samples: The turn up to its pause, the silence included; at SAMPLE_RATE_HZ.
        """

    async def close(self) -> None:
        """Waits for what runs and frees the model."""


class SmartTurnDetector:
    """Implements `TurnDetector` with smart-turn, on one thread.

    Args:
        name: Of the model.
        resolve: Directory of a model by its name; raises ModelNotInstalled.
    """

    heard = HEARD

    def __init__(self, name: str, resolve: Callable[[str], Path]) -> None:
        self._name = name
        self._resolve = resolve
        self._model: SmartTurn | None = None
        self._executor = ThreadPoolExecutor(1, thread_name_prefix="turns")
        self._waiting = 0

    async def warm_up(self) -> None:
        """Loads the model and asks it once.

        Raises:
            ModelNotInstalled: it is missing.
            ConfigurationError: the file does not load.
        """
        directory, loop = self._resolve(self._name), asyncio.get_running_loop()
        model = await loop.run_in_executor(self._executor, SmartTurn, directory)
        await loop.run_in_executor(self._executor, model.probability, np.zeros(0, np.float32))
        self._model = model

    def ask(self, samples: Samples) -> "asyncio.Future[float] | None":
        """Answers within 30 ms or so where nobody else asks."""
        if self._model is None or self._waiting >= _MOST_WAITING:
            return None
        self._waiting += 1
        answer = asyncio.get_running_loop().run_in_executor(self._executor, self._probability, self._model, samples)
        answer.add_done_callback(self._answered)
        return answer

    async def close(self) -> None:
        """Waits for what runs and frees the model."""
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)
        self._model = None

    def _answered(self, answer: "asyncio.Future[float]") -> None:
        self._waiting -= 1

    @staticmethod
    def _probability(model: SmartTurn, samples: Samples) -> float:
        began = perf_counter()
        probability = model.probability(samples)
        metrics.TURN_SECONDS.observe(perf_counter() - began)
        return probability
