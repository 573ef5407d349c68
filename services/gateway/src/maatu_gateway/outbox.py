"""Events on their way to the client, in order and bounded."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass

from maatu.v1.gateway_pb2 import ConversationEvent
from maatu_gateway.timeline import Clock, TurnTimeline
from maatu_runtime.durations import from_ns

_CAPACITY = 64
"""Events that may wait for a slow client before the pipeline waits for it."""


@dataclass(frozen=True)
class _Outgoing:
    make: Callable[[], ConversationEvent]
    timeline: TurnTimeline | None


class Outbox:
    """A bounded queue of events. A full one makes its writers wait, so a slow client slows its own conversation only.

    Args:
        clock: Nanoseconds, monotonic; events carry the time since the outbox was made.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._origin_ns = clock()
        self._queue: asyncio.Queue[_Outgoing | None] = asyncio.Queue(_CAPACITY)
        self._is_closed = False

    async def put(self, event: ConversationEvent, *, audio_of: TurnTimeline | None = None) -> None:
        """Sends an event; `audio_of` is told when its audio has left."""
        await self._queue.put(_Outgoing(lambda: event, audio_of))

    async def put_made_last(self, make: Callable[[], ConversationEvent]) -> None:
        """Sends an event that is made at the moment it leaves: a report, which tells when all before it left."""
        await self._queue.put(_Outgoing(make, None))

    def close(self) -> None:
        """No more events come. Never waits: there may be no reader any more."""
        self._is_closed = True
        if self._queue.empty():
            self._queue.put_nowait(None)  # wakes a reader that waits

    async def events(self) -> AsyncGenerator[ConversationEvent]:
        """The events, each when it is its turn. An event has left when the next one is asked for."""
        while not (self._is_closed and self._queue.empty()):
            outgoing = await self._queue.get()
            if outgoing is None:
                return
            event = outgoing.make()
            event.at.CopyFrom(from_ns(self._clock() - self._origin_ns))
            yield event
            if outgoing.timeline is not None:
                outgoing.timeline.audio_left(event.audio.clause_index)
