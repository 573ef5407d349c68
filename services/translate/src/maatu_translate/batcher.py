"""Batches the sentences of all callers in front of one model.

A sentence that comes while the model has nothing to do is translated at once, alone. While it works, others gather; a worker
that becomes free takes the most urgent of them and those that fit it: of the same `batch_key`, of like length, within the
budgets. What costs is the longest sentence of a batch, so short ones are not put beside long ones.
"""

import asyncio
import threading
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter

from maatu_runtime.errors import CapacityExceeded, Quota
from maatu_runtime.places import Priority
from maatu_translate import metrics
from maatu_translate.engine.base import Engine, Output, Sentence


@dataclass(frozen=True)
class BatchSettings:
    """How sentences are put together."""

    workers: int = 1
    """Batches at once."""
    max_batch: int = 32
    """Sentences in a batch at most."""
    max_batch_tokens: int = 1024
    """Longest sentence times number of sentences at most; a longer sentence goes alone."""
    wait_s: float = 0.005
    """How long a sentence waits for company while another batch runs. Where nothing runs, it never waits."""
    max_waiting: int = 64
    """Sentences that may wait; a request that comes later is refused."""


@dataclass(frozen=True)
class Translated:
    """What became of a sentence."""

    output: Output
    compute_s: float
    """Time the model worked on its batch."""


class _Job:
    """A sentence that waits or is being translated."""

    def __init__(self, sentence: Sentence, key: Hashable, length: int, priority: Priority, order: int) -> None:
        self.sentence = sentence
        self.key = key
        self.length = max(length, 1)
        self.priority = priority
        self.order = order
        self.cancelled = threading.Event()
        self.done: asyncio.Future[Translated] = asyncio.get_running_loop().create_future()
        self.queued_at = perf_counter()

    def settle(self, outcome: Output | Exception, compute_s: float) -> None:
        """Tells the caller, unless there is none any more."""
        if self.done.cancelled():
            return
        if isinstance(outcome, Exception):
            self.done.set_exception(outcome)
        else:
            self.done.set_result(Translated(outcome, compute_s))


class Batcher:
    """Worker threads around one engine and the queue in front of them. Everything but the engine runs in the event loop.

    Args:
        engine: What translates.
        settings: How sentences are put together.
    """

    def __init__(self, engine: Engine, settings: BatchSettings) -> None:
        self.engine = engine
        self.running = 0
        """Batches under way."""
        self.workers = settings.workers
        self._settings = settings
        self._executor = ThreadPoolExecutor(settings.workers, thread_name_prefix="translate")
        self._waiting: list[_Job] = []
        self._count = 0
        self._alarm: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Sentences in the queue."""
        return len(self._waiting)

    async def load(self) -> None:
        """Loads the engine's model.

        Raises:
            ModelNotInstalled, ConfigurationError: As the engine does.
        """
        await asyncio.get_running_loop().run_in_executor(self._executor, self.engine.load)

    async def close(self) -> None:
        """Waits for what runs, and releases the model."""
        if self._alarm is not None:
            self._alarm.cancel()
        await asyncio.to_thread(self._executor.shutdown)
        self.engine.close()

    def check_room(self) -> None:
        """Makes sure that a request may come in.

        Raises:
            CapacityExceeded: Too many sentences wait already.
        """
        limit = self._settings.max_waiting
        if self.running >= self._settings.workers and len(self._waiting) >= limit:
            raise CapacityExceeded(
                f"{self._settings.workers} batches are being translated and {limit} sentences wait already",
                quota=Quota("translate/sentences", self._settings.workers + limit),
            )

    async def translate(self, sentence: Sentence, priority: Priority) -> Translated:
        """Translates a sentence, with others where there are others. A caller that is cancelled leaves the queue, or stops
        the engine's work on this sentence; the others of its batch go on.

        Raises:
            ModelFailed: The model broke on this sentence.
        """
        self._count += 1
        engine = self.engine
        job = _Job(sentence, engine.batch_key(sentence), engine.length(sentence), priority, self._count)
        self._waiting.append(job)
        self._dispatch()
        try:
            return await job.done
        finally:
            job.cancelled.set()
            if job in self._waiting:
                self._waiting.remove(job)

    def _dispatch(self) -> None:
        while self.running < self._settings.workers and (batch := self._next_batch()):
            self.running += 1
            for job in batch:
                self._waiting.remove(job)
            metrics.BATCH_SENTENCES.labels(self.engine.name).observe(len(batch))
            work = asyncio.get_running_loop().run_in_executor(
                self._executor, _run, self.engine, [job.sentence for job in batch], [job.cancelled for job in batch]
            )
            work.add_done_callback(partial(self._finished, batch))

    def _next_batch(self) -> list[_Job]:
        """The most urgent sentence and those that fit it; empty where there is none, or company is to be waited for."""
        if not self._waiting:
            return []
        first = min(self._waiting, key=lambda job: (-job.priority, job.order))
        fitting = [job for job in self._waiting if job is not first and job.key == first.key]
        fitting.sort(key=lambda job: (-job.priority, abs(job.length - first.length), job.order))
        batch, longest = [first], first.length
        for job in fitting:
            length = max(longest, job.length)
            if len(batch) < self._settings.max_batch and length * (len(batch) + 1) <= self._settings.max_batch_tokens:
                batch.append(job)
                longest = length
        is_full = len(batch) == self._settings.max_batch or len(batch) <= len(fitting)
        rest_s = self._settings.wait_s - (perf_counter() - first.queued_at)
        if self.running and not is_full and rest_s > 0:
            self._wake_in(rest_s)
            return []
        return batch

    def _wake_in(self, seconds: float) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
        self._alarm = asyncio.get_running_loop().call_later(seconds, self._dispatch)

    def _finished(self, batch: list[_Job], work: "asyncio.Future[tuple[list[Output | Exception], float]]") -> None:
        self.running -= 1
        outcomes, compute_s = work.result()
        for job, outcome in zip(batch, outcomes, strict=True):
            job.settle(outcome, compute_s)
        self._dispatch()


def _run(
    engine: Engine, sentences: Sequence[Sentence], cancelled: Sequence[threading.Event]
) -> tuple[list[Output | Exception], float]:
    """Translates a batch in a worker thread. One that fails is tried again sentence by sentence, so that what breaks on one
    costs nobody else anything. Returns an outcome for each, and the seconds it took."""
    began = perf_counter()
    outcomes: list[Output | Exception] = []
    try:
        outcomes += engine.translate(sentences, cancelled)
    except Exception as error:
        if len(sentences) == 1:
            outcomes.append(error)
        else:
            for sentence, event in zip(sentences, cancelled, strict=True):
                outcomes += _run(engine, [sentence], [event])[0]
    return outcomes, perf_counter() - began
