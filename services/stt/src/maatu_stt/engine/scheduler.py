"""Shares one model between all streams: finals first, then pauses; partials only where there is nothing else to do."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from time import perf_counter
from typing import Generic, TypeVar

from maatu_stt.engine.base import Urgency

T = TypeVar("T")


class Job(Generic[T]):
    """Work that waits, runs or is done. Made by `Scheduler.start`."""

    def __init__(
        self,
        scheduler: "Scheduler",
        work: Callable[[], T],
        urgency: Urgency,
        order: int,
        on_start: Callable[[float], None],
    ) -> None:
        self._scheduler = scheduler
        self._future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.work = work
        self.urgency = urgency
        self.order = order
        self._on_start = on_start
        self._queued_at = perf_counter()

    async def result(self) -> T:
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

    def begin(self) -> None:
        """A worker takes it."""
        self._on_start(perf_counter() - self._queued_at)

    def settle(self, done: "asyncio.Future[T]") -> None:
        """Takes over the outcome of the worker."""
        error = done.exception()
        if self._future.cancelled():
            return
        if error is not None:
            self._future.set_exception(error)
        else:
            self._future.set_result(done.result())


class Scheduler:
    """A few worker threads and the queue in front of them. Everything but the work runs in the event loop.

    Args:
        name: Of the threads.
        workers: Jobs at once.
    """

    def __init__(self, name: str, workers: int) -> None:
        self.workers = workers
        self.running = 0
        """Jobs under way."""
        self._executor = ThreadPoolExecutor(workers, thread_name_prefix=name)
        self._waiting: list[Job[object]] = []
        self._count = 0

    def start(
        self, work: Callable[[], T], urgency: Urgency, *, on_start: Callable[[float], None] = lambda waited_s: None
    ) -> Job[T] | None:
        """Queues work. None for a PARTIAL while all workers are busy.

        Args:
            work: Called in a worker thread.
            urgency: Its place in the queue.
            on_start: Told for how many seconds it waited, when a worker takes it.
        """
        if urgency is Urgency.PARTIAL and self.running >= self.workers:
            return None
        self._count += 1
        job = Job(self, work, urgency, self._count, on_start)
        self._waiting.append(job)  # type: ignore[arg-type]
        self._dispatch()
        return job

    def remove(self, job: Job[T]) -> None:
        """Takes a job out of the queue, where it still waits."""
        if job in self._waiting:
            self._waiting.remove(job)  # type: ignore[arg-type]

    async def close(self) -> None:
        """Drops what waits, and waits for what runs."""
        for job in list(self._waiting):
            job.cancel()
        await asyncio.get_running_loop().run_in_executor(None, self._executor.shutdown)

    def _dispatch(self) -> None:
        while self._waiting and self.running < self.workers:
            job = min(self._waiting, key=lambda waiting: (waiting.urgency, waiting.order))
            self._waiting.remove(job)
            self.running += 1
            job.begin()
            done = asyncio.get_running_loop().run_in_executor(self._executor, job.work)
            done.add_done_callback(lambda done, job=job: self._finished(job, done))  # type: ignore[misc]

    def _finished(self, job: Job[T], done: "asyncio.Future[T]") -> None:
        self.running -= 1
        job.settle(done)
        self._dispatch()
