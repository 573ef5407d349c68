"""Streams between gRPC, tasks and threads.

Half-closing a gRPC stream, cancelling it and losing the connection all end a handler's `async for` alike
(grpc/grpc#36193), and a timeout around the iterator itself ends the stream. So requests are pumped into a bounded queue by
a task of their own, and everyone waits on the queue.
"""

import asyncio
import threading
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import Executor
from types import TracebackType
from typing import Any, Generic, Self, TypeVar

import structlog

from maatu_runtime.errors import DeadlineExceeded

T = TypeVar("T")
log = structlog.get_logger()

WARNING_FILL = 0.8
"""Fill of a request queue from which the log warns."""


class _End:
    """Marks the end of a queue."""


_END = _End()


class RequestStream(Generic[T]):
    """The requests of a stream, read ahead into a bounded queue.

    A full queue stops the reading, which stops the sender through HTTP/2 flow control; nothing is dropped.

        async with RequestStream(request_iterator, capacity=50, idle_timeout_s=30) as requests:
            async for request in requests: ...

    Args:
        iterator: What gRPC hands to the handler.
        capacity: Messages read ahead at most.
        idle_timeout_s: Longest wait for a message; None waits for ever.
        on_fill: Told how full the queue is, 0 to 1, when a message is put in. At 80 % the log warns, once a stream.
    """

    def __init__(
        self,
        iterator: AsyncIterator[T],
        *,
        capacity: int = 64,
        idle_timeout_s: float | None = None,
        on_fill: Callable[[float], None] | None = None,
    ) -> None:
        self._iterator = iterator
        self._queue: asyncio.Queue[T | _End | BaseException] = asyncio.Queue(capacity)
        self._idle_timeout_s = idle_timeout_s
        self._on_fill = on_fill
        self._pump: asyncio.Task[None] | None = None
        self._ended = False

    async def __aenter__(self) -> Self:
        self._pump = asyncio.create_task(self._run(), name="request-pump")
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._pump is not None
        self._pump.cancel()
        await asyncio.gather(self._pump, return_exceptions=True)

    def wait_for_ever(self) -> None:
        """From the next wait on, no silence of the client is too long: it has said that it has nothing more to say."""
        self._idle_timeout_s = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> T:
        """The next request.

        Raises:
            StopAsyncIteration: the client half-closed the stream.
            DeadlineExceeded: with reason IDLE_TIMEOUT, nothing came for too long.
            asyncio.CancelledError: the client cancelled or was lost.
        """
        if self._ended:
            raise StopAsyncIteration
        try:
            async with asyncio.timeout(self._idle_timeout_s):
                item = await self._queue.get()
        except TimeoutError:
            raise DeadlineExceeded(
                f"nothing came for {self._idle_timeout_s:g} s: send audio, text or end_of_input", reason="IDLE_TIMEOUT"
            ) from None
        if isinstance(item, _End):
            self._ended = True
            # A lost or cancelled call ends the iterator too; its cancellation arrives with the next turn of the loop.
            await asyncio.sleep(0)
            raise StopAsyncIteration
        if isinstance(item, BaseException):
            self._ended = True
            raise item
        return item

    async def _run(self) -> None:
        has_warned = False
        try:
            async for message in self._iterator:
                await self._queue.put(message)
                fill = self._queue.qsize() / self._queue.maxsize
                if self._on_fill is not None:
                    self._on_fill(fill)
                if fill >= WARNING_FILL and not has_warned:
                    has_warned = True
                    log.warning("request_queue_filling", fill=round(fill, 2), capacity=self._queue.maxsize)
        except Exception as error:
            await self._queue.put(error)
        else:
            await self._queue.put(_END)


async def stream_from_thread(
    produce: Callable[[Callable[[T], None], threading.Event], None], *, executor: Executor, capacity: int = 64
) -> AsyncGenerator[T]:
    """Yields what blocking code emits from a thread, in order.

    When the consumer leaves (breaks off, or is cancelled), `cancelled` is set and the thread is waited for, so that no
    work is left behind. Close it with `contextlib.aclosing` where the consumer may leave early.

    Args:
        produce: Called as produce(emit, cancelled) in the executor; calls emit(item) for each item, and returns soon once
            cancelled.is_set(). emit blocks while `capacity` items wait.
        executor: Where it runs.
        capacity: Items that may wait for the consumer.

    Raises:
        Exception: whatever produce raised.
    """
    loop = asyncio.get_running_loop()
    queue: asyncio.Queue[T | _End] = asyncio.Queue()
    free = threading.Semaphore(capacity)
    cancelled = threading.Event()

    def emit(item: T) -> None:
        while not free.acquire(timeout=0.1):
            if cancelled.is_set():
                return
        if not cancelled.is_set():
            loop.call_soon_threadsafe(queue.put_nowait, item)

    def run() -> None:
        try:
            if not cancelled.is_set():
                produce(emit, cancelled)
        finally:
            loop.call_soon_threadsafe(queue.put_nowait, _END)

    done = loop.run_in_executor(executor, run)
    try:
        while not isinstance(item := await queue.get(), _End):
            free.release()
            yield item
        await done
    finally:
        cancelled.set()
        await settle(done)


async def settle(future: "asyncio.Future[Any]") -> None:
    """Waits until the thread returned, even when the waiting task is cancelled meanwhile; then lets the cancellation through."""
    interrupted = False
    while not future.done():
        try:
            await asyncio.wait([future])
        except asyncio.CancelledError:
            interrupted = True
    if not future.cancelled():
        future.exception()  # retrieved: a consumer that left does not want it
    if interrupted:
        raise asyncio.CancelledError
