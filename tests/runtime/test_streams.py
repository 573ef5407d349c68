"""Pumps between gRPC, tasks and threads."""

import asyncio
import threading
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing

import pytest

from maatu_runtime.errors import DeadlineExceeded
from maatu_runtime.streams import RequestStream, stream_from_thread


async def numbers(count: int, then: Exception | None = None) -> AsyncIterator[int]:
    for number in range(count):
        yield number
    if then is not None:
        raise then


async def test_requests_come_in_order_and_end_once() -> None:
    async with RequestStream(numbers(5), capacity=2) as requests:
        assert [number async for number in requests] == [0, 1, 2, 3, 4]
        assert [number async for number in requests] == []


async def test_an_error_of_the_iterator_reaches_the_reader_after_what_came_before() -> None:
    seen = []
    async with RequestStream(numbers(2, ValueError("broken"))) as requests:
        with pytest.raises(ValueError, match="broken"):
            async for number in requests:
                seen.append(number)
    assert seen == [0, 1]


async def test_a_full_queue_stops_the_reading_and_drops_nothing() -> None:
    read = []

    async def counted() -> AsyncIterator[int]:
        async for number in numbers(50):
            read.append(number)
            yield number

    fills: list[float] = []
    async with RequestStream(counted(), capacity=5, on_fill=fills.append) as requests:
        assert await anext(requests) == 0
        for _ in range(20):
            await asyncio.sleep(0)
        assert len(read) <= 8
        assert [number async for number in requests] == list(range(1, 50))
    assert max(fills) == 1.0


async def test_silence_is_an_idle_timeout() -> None:
    async def silent() -> AsyncIterator[int]:
        await asyncio.Event().wait()
        yield 0

    async with RequestStream(silent(), idle_timeout_s=0.01) as requests:
        with pytest.raises(DeadlineExceeded) as caught:
            await anext(requests)
    assert caught.value.reason == "IDLE_TIMEOUT"


@pytest.fixture
def executor() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(1)


async def test_who_has_said_that_it_is_done_may_be_silent() -> None:
    async def requests() -> AsyncIterator[str]:
        yield "end_of_input"
        await asyncio.sleep(0.2)
        yield "playback"

    async with RequestStream(requests(), idle_timeout_s=0.05) as stream:
        assert await anext(stream) == "end_of_input"
        stream.wait_for_ever()
        assert await anext(stream) == "playback"


async def test_a_thread_streams_in_order(executor: ThreadPoolExecutor) -> None:
    def produce(emit: Callable[[int], None], cancelled: threading.Event) -> None:
        for number in range(1000):
            emit(number)

    assert [item async for item in stream_from_thread(produce, executor=executor, capacity=4)] == list(range(1000))


async def test_a_failing_thread_raises_to_the_consumer(executor: ThreadPoolExecutor) -> None:
    def produce(emit: Callable[[int], None], cancelled: threading.Event) -> None:
        emit(1)
        raise ValueError("model broke")

    items = []
    with pytest.raises(ValueError, match="model broke"):
        async for item in stream_from_thread(produce, executor=executor):
            items.append(item)
    assert items == [1]


@pytest.mark.parametrize("leave", ["break", "cancel"])
async def test_a_consumer_that_leaves_stops_the_thread_before_it_goes_on(
    executor: ThreadPoolExecutor, leave: str
) -> None:
    returned = threading.Event()

    def produce(emit: Callable[[int], None], cancelled: threading.Event) -> None:
        number = 0
        while not cancelled.is_set():
            emit(number)
            number += 1
        returned.set()

    arrived = asyncio.Event()

    async def consume() -> None:
        async with aclosing(stream_from_thread(produce, executor=executor, capacity=4)) as items:
            async for item in items:
                arrived.set()
                if leave == "break" and item == 3:
                    break

    task = asyncio.create_task(consume())
    await arrived.wait()
    if leave == "cancel":
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    else:
        await task
    assert returned.is_set()


async def test_a_consumer_cancelled_while_it_waits_for_a_busy_executor_leaves_nothing(
    executor: ThreadPoolExecutor,
) -> None:
    release = threading.Event()
    busy = executor.submit(release.wait)
    ran = []

    def produce(emit: Callable[[int], None], cancelled: threading.Event) -> None:
        ran.append(1)

    async def consume() -> None:
        async for _ in stream_from_thread(produce, executor=executor):
            pass

    task = asyncio.create_task(consume())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.sleep(0)
    release.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert busy.result(1)
    assert ran == []
