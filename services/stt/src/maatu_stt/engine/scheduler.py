"""Shares one model between all streams: finals first, then pauses; partials only where there is room for them.

Partials have all workers but one, so that no final ever waits for a partial. A partial that would have to wait is not made:
by the time it was done, more would have been said. Requests that wait at the same time are decoded together where the
configuration allows it.
"""

import asyncio
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Generic, TypeVar

from maatu_stt.engine.base import Urgency

W = TypeVar("W")
R = TypeVar("R")


@dataclass(frozen=True)
class SchedulerSettings:
    """How many decodes run at once."""

    workers: int = 2
    """Batches at once, at least 2: one place is kept free of partials."""
    max_batch: int = 4
    """Requests in a batch at most."""
    batch_wait_s: float = 0.0
    """How long a request waits for others to share its batch while the device is busy. Alone, it never waits."""


class Job(Generic[W, R]):
    """Work that waits, runs or is done. Made by `Scheduler.start`."""

    def __init__(
        self, scheduler: "Scheduler[W, R]", work: W, urgency: Urgency, order: int, on_start: Callable[[float], None]
    ) -> None:
        self._scheduler = scheduler
        self._future: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        self.work = work
        self.urgency = urgency
        self.order = order
        self._on_start = on_start
        self._queued_at = perf_counter()

    async def result(self) -> R:
        """Waits for the work; several may wait, and one that is cancelled does not disturb the others."""
        return await asyncio.shield(self._future)

    def promote(self) -> None:
        """Makes it as urgent as a final."""
        self.urgency = Urgency.FINAL

    def cancel(self) -> None:
        """Takes it out of the queue; what runs already runs to its end, and its result is dropped."""
        self._scheduler.remove(self)
        if not self._future.cancel() and not self._future.cancelled():
            self._future.exception()  # retrieved: nobody wants to know any more

    @property
    def waited_s(self) -> float:
        """How long it has been in the queue."""
        return perf_counter() - self._queued_at

    def begin(self) -> None:
        """A worker takes it."""
        self._on_start(self.waited_s)

    def settle(self, outcome: R | BaseException) -> None:
        """Takes over what the worker made of it."""
        if self._future.cancelled():
            return
        if isinstance(outcome, BaseException):
            self._future.set_exception(outcome)
        else:
            self._future.set_result(outcome)


class Scheduler(Generic[W, R]):
    """A few worker threads and the queue in front of them. Everything but the work runs in the event loop.

    Args:
        name: Of the threads.
        run: Called in a worker thread with the works of one batch and whether they are partials; gives a result or an
            exception for each.
        settings: How many at once.
        batch_key: Works with equal keys may share a batch.
    """

    def __init__(
        self,
        name: str,
        run: Callable[[Sequence[W], bool], Sequence[R | Exception]],
        settings: SchedulerSettings | None = None,
        batch_key: Callable[[W], Hashable] = lambda work: None,
    ) -> None:
        self._settings = settings or SchedulerSettings()
        self.workers = self._settings.workers
        self.running = 0
        """Batches under way."""
        self._partials_running = 0
        self._run = run
        self._batch_key = batch_key
        self._executor = ThreadPoolExecutor(self.workers, thread_name_prefix=name)
        self._waiting: list[Job[W, R]] = []
        self._count = 0
        self._alarm: asyncio.TimerHandle | None = None

    def start(
        self, work: W, urgency: Urgency, *, on_start: Callable[[float], None] = lambda waited_s: None
    ) -> Job[W, R] | None:
        """Queues work. None for a PARTIAL that would have to wait for a worker.

        Args:
            work: For `run`.
            urgency: Its place in the queue.
            on_start: Told for how many seconds it waited, when a worker takes it.
        """
        if urgency is Urgency.PARTIAL and not self._has_room_for_partial():
            return None
        self._count += 1
        job = Job(self, work, urgency, self._count, on_start)
        self._waiting.append(job)
        self._dispatch()
        return job

    def remove(self, job: Job[W, R]) -> None:
        """Takes a job out of the queue, where it still waits."""
        if job in self._waiting:
            self._waiting.remove(job)

    async def close(self) -> None:
        """Drops what waits, and waits for what runs."""
        if self._alarm is not None:
            self._alarm.cancel()
        for job in list(self._waiting):
            job.cancel()
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)

    def _has_room_for_partial(self) -> bool:
        waiting = sum(job.urgency is Urgency.PARTIAL for job in self._waiting)
        return self._partials_may_run() and waiting < self._settings.max_batch

    def _partials_may_run(self) -> bool:
        return self._partials_running < max(self.workers - 1, 1) and self.running < self.workers

    def _dispatch(self) -> None:
        while self.running < self.workers and (batch := self._next_batch()):
            is_partial = batch[0].urgency is Urgency.PARTIAL
            self.running += 1
            self._partials_running += is_partial
            for job in batch:
                self._waiting.remove(job)
                job.begin()
            done = asyncio.get_running_loop().run_in_executor(
                self._executor, self._run, [job.work for job in batch], is_partial
            )
            done.add_done_callback(partial(self._finished, batch, is_partial))

    def _next_batch(self) -> list[Job[W, R]]:
        """The most urgent job that may run, and those that can be decoded with it; empty where nothing may run yet."""
        ready = [job for job in self._waiting if job.urgency is not Urgency.PARTIAL or self._partials_may_run()]
        if not ready:
            return []
        ready.sort(key=lambda job: (job.urgency, job.order))
        first = ready[0]
        if self._settings.max_batch == 1:
            return [first]
        key, is_partial = self._batch_key(first.work), first.urgency is Urgency.PARTIAL
        fitting = [
            job
            for job in ready[1:]
            if (job.urgency is Urgency.PARTIAL) == is_partial and self._batch_key(job.work) == key
        ]
        batch = [first, *fitting][: self._settings.max_batch]
        rest_s = self._settings.batch_wait_s - first.waited_s
        if self.running and len(batch) < self._settings.max_batch and rest_s > 0:
            self._wake_in(rest_s)
            return []
        return batch

    def _wake_in(self, seconds: float) -> None:
        if self._alarm is None or self._alarm.cancelled() or self._alarm.when() <= asyncio.get_running_loop().time():
            self._alarm = asyncio.get_running_loop().call_later(seconds, self._dispatch)

    def _finished(
        self, batch: list[Job[W, R]], is_partial: bool, done: "asyncio.Future[Sequence[R | Exception]]"
    ) -> None:
        self.running -= 1
        self._partials_running -= is_partial
        error = done.exception()
        outcomes = [error] * len(batch) if error is not None else done.result()
        for job, outcome in zip(batch, outcomes, strict=True):
            job.settle(outcome)
        self._dispatch()
