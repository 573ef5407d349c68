"""The parts of one stream that run beside each other, and the queue through which what they find leaves it."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from typing import Any, Generic, TypeVar

T = TypeVar("T")

_AHEAD = 64
"""Items that may wait for a slow reader; then the stream hears no further."""


class Outlet(Generic[T]):
    """Tasks that put items, and one reader of them."""

    def __init__(self) -> None:
        self._items: asyncio.Queue[T | Exception | None] = asyncio.Queue(_AHEAD)
        self._tasks: set[asyncio.Task[None]] = set()

    async def put(self, item: T) -> None:
        """Hands an item to the reader. Waits while the reader is behind."""
        await self._items.put(item)

    def spawn(self, work: Callable[[], Coroutine[Any, Any, None]]) -> "asyncio.Task[None]":
        """Runs a part of the stream beside the others; its failure reaches the reader."""

        async def run() -> None:
            try:
                await work()
            except Exception as error:
                await self._items.put(error)

        task = asyncio.create_task(run(), name="stt-stream")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def items(self, feed: Callable[[], Awaitable[None]]) -> AsyncGenerator[T, None]:
        """What is put while `feed` runs. Closing the generator cancels `feed` and all other parts.

        Raises:
            Exception: what `feed` or another part raised.
        """

        async def run() -> None:
            await feed()
            await self._items.put(None)

        self.spawn(run)
        try:
            while (item := await self._items.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)
