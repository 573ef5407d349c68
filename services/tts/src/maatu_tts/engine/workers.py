"""Threads that utterances take turns on, by priority; admission of streams.

A model call is blocking and takes 2 to 50 ms. An utterance is made in steps, each of them a turn on a thread: after each it
queues again. Of the same priority, the utterance with the fewest steps behind it goes first: its audio is the least far ahead
of playback, and at its first step somebody hears nothing yet. So nobody waits for another's whole utterance.
"""

import asyncio
import heapq
import itertools
import time
from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from maatu_runtime.audio import Samples
from maatu_runtime.errors import CapacityExceeded, Quota
from maatu_runtime.places import Priority
from maatu_tts.engine.base import EngineAudio

Emit = Callable[[Samples], None]
"""What a step calls, from its thread, with each piece of audio."""
Step = Callable[[Emit], bool]
"""Makes the next piece of an utterance, on whatever thread is free; returns whether another step is needed."""


class Workers:
    """A few threads and a queue before them, ordered by priority, then by steps done, then by arrival.

    The queue is bounded by admission: an admitted stream has one utterance in it at most.

    Args:
        name: Name of the engine, for threads and errors.
        threads: Steps worked on at once.
        streams: Streams admitted at once.
        clock: Seconds, monotonic.
    """

    def __init__(
        self, name: str, *, threads: int, streams: int, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.threads = threads
        self._name = name
        self._streams = streams
        self._admitted = 0
        self._clock = clock
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix=f"tts-{name}")
        self._free = threads
        self._tickets = itertools.count()
        self._waiting: list[tuple[int, int, int, asyncio.Future[None]]] = []

    @property
    def in_use(self) -> int:
        """Threads at work."""
        return self.threads - self._free

    @property
    def queue_depth(self) -> int:
        """Utterances that wait for a thread."""
        return sum(not place.done() for *_, place in self._waiting)

    @contextmanager
    def admit(self) -> Iterator[None]:
        """A place for one stream.

        Raises:
            CapacityExceeded: All places are taken.
        """
        if self._admitted >= self._streams:
            raise CapacityExceeded(
                f"the engine {self._name} speaks {self._streams} texts at once and all places are taken",
                quota=Quota(f"tts/{self._name}", self._streams),
            )
        self._admitted += 1
        try:
            yield
        finally:
            self._admitted -= 1

    async def run(
        self, step: Step, *, priority: Priority, stop: Callable[[], None]
    ) -> AsyncGenerator[EngineAudio, None]:
        """Yields what an utterance's steps emit.

        The threads never wait for the consumer: what they emit waits in memory, which the length of an utterance bounds.

        Args:
            step: Called on a thread, again and again, until it returns False.
            priority: What goes first.
            stop: Makes a running step return soon; called when the consumer leaves while a step runs, from the event loop,
                perhaps in the moment before the step begins.

        Raises:
            Exception: What a step raised.
        """
        ready: asyncio.Queue[EngineAudio | None] = asyncio.Queue()
        utterance = asyncio.create_task(self._utter(step, priority, stop, ready), name=f"tts-{self._name}-utterance")
        try:
            while (audio := await ready.get()) is not None:
                yield audio
            await utterance
        finally:
            utterance.cancel()
            await asyncio.gather(utterance, return_exceptions=True)

    async def close(self) -> None:
        """Ends the threads."""
        await asyncio.to_thread(self._executor.shutdown)

    async def _utter(
        self, step: Step, priority: Priority, stop: Callable[[], None], ready: "asyncio.Queue[EngineAudio | None]"
    ) -> None:
        loop = asyncio.get_running_loop()

        def work() -> bool:
            since = self._clock()

            def emit(samples: Samples) -> None:
                nonlocal since
                now = self._clock()
                loop.call_soon_threadsafe(ready.put_nowait, EngineAudio(samples, now - since))
                since = now

            return step(emit)

        place = self._queue_up(priority, 0)
        try:
            for done in itertools.count(1):
                await self._take(place)
                goes_on = False
                try:
                    goes_on = await _finished(loop.run_in_executor(self._executor, work), stop)
                finally:
                    if goes_on:
                        # Before the place is free: only those who are ahead in the queue take it.
                        place = self._queue_up(priority, done)
                    self._free += 1
                    self._hand_out()
                if not goes_on:
                    break
        finally:
            ready.put_nowait(None)

    def _queue_up(self, priority: Priority, steps_done: int) -> "asyncio.Future[None]":
        place: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-priority, steps_done, next(self._tickets), place))
        return place

    async def _take(self, place: "asyncio.Future[None]") -> None:
        self._hand_out()
        try:
            await place
        except asyncio.CancelledError:
            # The place may have been given in the moment the waiter left.
            if not place.cancelled():
                self._free += 1
                self._hand_out()
            raise

    def _hand_out(self) -> None:
        while self._free and self._waiting:
            *_, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                self._free -= 1


async def _finished(work: "asyncio.Future[bool]", stop: Callable[[], None]) -> bool:
    """Waits for the thread to return, also when the waiter is cancelled: then it is told to stop first."""
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        stop()
        while not work.done():
            try:
                await asyncio.wait([work])
            except asyncio.CancelledError:
                continue
        if not work.cancelled():
            work.exception()
        raise
