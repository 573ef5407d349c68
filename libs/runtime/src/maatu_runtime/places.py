"""Places at the model: so many generations at once, the rest waits in a bounded queue, by priority."""

import asyncio
import heapq
import itertools
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from enum import IntEnum

from maatu_runtime.errors import CapacityExceeded, Quota


class Priority(IntEnum):
    """What goes first where there is more to do than places. The values are those of maatu.v1.Priority."""

    BATCH = 1
    """Nobody waits."""
    INTERACTIVE = 2
    """A person waits."""
    FIRST_CLAUSE = 3
    """A person hears silence until it is done."""


class Places:
    """A number of places and a bounded queue before them.

    Args:
        count: Holders at once.
        waiting: Longest queue; one more is refused.
        subject: What the places are for, in refusals: "agent/generations".
    """

    def __init__(self, count: int, *, waiting: int, subject: str) -> None:
        self._count = count
        self._limit = waiting
        self._subject = subject
        self._in_use = 0
        self._order = itertools.count()
        self._queue: list[tuple[int, int, asyncio.Future[None]]] = []

    @property
    def in_use(self) -> int:
        """Places taken now."""
        return self._in_use

    @property
    def count(self) -> int:
        """Places there are."""
        return self._count

    @property
    def waiting(self) -> int:
        """Requests in the queue."""
        return len(self._queue)

    @asynccontextmanager
    async def take(self, priority: Priority) -> AsyncGenerator[None]:
        """Holds a place; waits for it behind requests of the same or higher priority.

        Raises:
            CapacityExceeded: The queue is full.
        """
        if self._in_use < self._count:
            self._in_use += 1
        else:
            await self._wait(priority)
        try:
            yield
        finally:
            self._hand_on()

    async def _wait(self, priority: Priority) -> None:
        if len(self._queue) >= self._limit:
            raise CapacityExceeded(
                f"all {self._count} places are taken and {self._limit} requests wait already",
                quota=Quota(self._subject, self._count + self._limit),
            )
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        entry = (-priority, next(self._order), turn)
        heapq.heappush(self._queue, entry)
        try:
            await turn
        except asyncio.CancelledError:
            if entry in self._queue:
                self._queue.remove(entry)
                heapq.heapify(self._queue)
            elif not turn.cancelled():
                self._hand_on()  # the place came in the same moment
            raise

    def _hand_on(self) -> None:
        """Gives a place to the first in the queue, or frees it."""
        while self._queue:
            _, _, turn = heapq.heappop(self._queue)
            if not turn.done():
                turn.set_result(None)
                return
        self._in_use -= 1
