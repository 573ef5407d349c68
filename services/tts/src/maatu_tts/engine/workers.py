"""Threads that utterances take turns on, by priority; admission of streams.

A model call is blocking and takes 2 to 200 ms. Each utterance is one turn: whoever speaks ten sentences queues ten times, so
no stream waits for more than the utterances that are running now.
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
"""What a producing function calls, from its thread, with each piece of audio."""


class Workers:
    """A few threads and a queue before them, ordered by priority, then by arrival.

    The queue is bounded by admission: an admitted stream has one utterance in it at most.

    Args:
        name: Name of the engine, for threads and errors.
        threads: Utterances worked on at once.
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
        self._waiting: list[tuple[int, int, asyncio.Future[None]]] = []

    @property
    def in_use(self) -> int:
        """Threads at work."""
        return self.threads - self._free

    @property
    def queue_depth(self) -> int:
        """Utterances that wait for a thread."""
        return sum(not place.done() for _, _, place in self._waiting)

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
        self, produce: Callable[[Emit], None], *, priority: Priority, stop: Callable[[], None]
    ) -> AsyncGenerator[EngineAudio, None]:
        """Yields what `produce` emits from a thread.

        The thread never waits for the consumer: what it emits waits in memory, which the length of an utterance bounds.

        Args:
            produce: Runs in a thread; calls its argument with each piece of audio.
            priority: What goes first.
            stop: Makes `produce` return soon; called when the consumer leaves, from the event loop, perhaps before `produce`
                began.

        Raises:
            Exception: What `produce` raised.
        """
        ready: asyncio.Queue[EngineAudio | None] = asyncio.Queue()
        turn = asyncio.create_task(self._turn(produce, priority, stop, ready), name=f"tts-{self._name}-turn")
        try:
            while (audio := await ready.get()) is not None:
                yield audio
            await turn
        finally:
            turn.cancel()
            await asyncio.gather(turn, return_exceptions=True)

    async def close(self) -> None:
        """Ends the threads."""
        await asyncio.to_thread(self._executor.shutdown)

    async def _turn(
        self,
        produce: Callable[[Emit], None],
        priority: Priority,
        stop: Callable[[], None],
        ready: "asyncio.Queue[EngineAudio | None]",
    ) -> None:
        loop = asyncio.get_running_loop()

        def work() -> None:
            since = self._clock()

            def emit(samples: Samples) -> None:
                nonlocal since
                now = self._clock()
                loop.call_soon_threadsafe(ready.put_nowait, EngineAudio(samples, now - since))
                since = now

            produce(emit)

        try:
            await self._take_place(priority)
            try:
                await _finished(loop.run_in_executor(self._executor, work), stop)
            finally:
                self._give_place()
        finally:
            ready.put_nowait(None)

    async def _take_place(self, priority: Priority) -> None:
        if self._free:
            self._free -= 1
            return
        place = asyncio.get_running_loop().create_future()
        heapq.heappush(self._waiting, (-priority, next(self._tickets), place))
        try:
            await place
        except asyncio.CancelledError:
            # The place may have been given in the moment the waiter left.
            if place.done() and not place.cancelled():
                self._give_place()
            raise

    def _give_place(self) -> None:
        while self._waiting:
            _, _, place = heapq.heappop(self._waiting)
            if not place.done():
                place.set_result(None)
                return
        self._free += 1


async def _finished(work: "asyncio.Future[None]", stop: Callable[[], None]) -> None:
    """Waits for the thread to return, also when the waiter is cancelled: then it is told to stop first."""
    try:
        await asyncio.shield(work)
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
