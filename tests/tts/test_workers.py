"""Threads that utterances take turns on."""

import asyncio
import threading
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest

from maatu_runtime.errors import CapacityExceeded
from maatu_runtime.places import Priority
from maatu_tts.engine.workers import Emit, Workers


def nothing() -> None:
    """Stops nothing."""


class Blocker:
    """A step that emits once and then holds its thread until released or stopped."""

    def __init__(self, *, goes_on: bool = False) -> None:
        self.release = threading.Event()
        self.was_stopped = False
        self.calls = 0
        self._goes_on = goes_on

    def __call__(self, emit: Emit) -> bool:
        self.calls += 1
        emit(np.zeros(10, np.float32))
        assert self.release.wait(10)
        return self._goes_on

    def stop(self) -> None:
        self.was_stopped = True
        self.release.set()


async def drain(workers: Workers, name: str, order: list[str], priority: Priority, steps: int = 1) -> None:
    """Runs an utterance of so many steps; each writes the name into `order`."""
    left = steps

    def step(emit: Emit) -> bool:
        nonlocal left
        order.append(name)
        left -= 1
        return left > 0

    async for _ in workers.run(step, priority=priority, stop=nothing):
        pass


async def test_audio_comes_in_order_with_the_time_it_took() -> None:
    ticks = iter(range(100))
    workers = Workers("test", threads=1, streams=4, clock=lambda: float(next(ticks)))

    values = iter(range(6))

    def step(emit: Emit) -> bool:
        for value in (next(values), next(values)):
            emit(np.full(3, value, np.float32))
        return value < 5

    audio = [audio async for audio in workers.run(step, priority=Priority.INTERACTIVE, stop=nothing)]
    assert [part.samples[0] for part in audio] == [0, 1, 2, 3, 4, 5]
    assert [part.compute_s for part in audio] == [1.0] * 6
    await workers.close()


async def test_first_clauses_go_first_and_equals_in_order_of_arrival(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    blocker = Blocker()
    order: list[str] = []
    async with aclosing(workers.run(blocker, priority=Priority.BATCH, stop=blocker.stop)) as blocking:
        await anext(blocking)
        waiting = []
        for name, priority in [
            ("batch", Priority.BATCH),
            ("a", Priority.INTERACTIVE),
            ("b", Priority.INTERACTIVE),
            ("first", Priority.FIRST_CLAUSE),
        ]:
            waiting.append(asyncio.create_task(drain(workers, name, order, priority)))
            await asyncio.sleep(0)
        await until(lambda: workers.queue_depth == 4)
        blocker.release.set()
        await asyncio.gather(*waiting)
    assert order == ["first", "a", "b", "batch"]
    assert workers.in_use == 0
    await workers.close()


async def hold(workers: Workers) -> tuple[Any, Blocker]:
    """Occupies a thread until the blocker is released."""
    blocker = Blocker()
    blocking = workers.run(blocker, priority=Priority.BATCH, stop=blocker.stop)
    await anext(blocking)
    return blocking, blocker


async def test_utterances_take_turns_step_by_step(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    blocking, blocker = await hold(workers)
    order: list[str] = []
    talk = [
        asyncio.create_task(drain(workers, name, order, Priority.INTERACTIVE, steps))
        for name, steps in (("a", 3), ("b", 1), ("c", 4))
    ]
    await until(lambda: workers.queue_depth == 3)
    blocker.release.set()
    await asyncio.gather(*talk)
    assert order == ["a", "b", "c", "a", "c", "a", "c", "c"]
    await blocking.aclose()
    await workers.close()


async def test_a_newcomer_goes_before_the_later_steps_of_others(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    order: list[str] = []
    joined: list[asyncio.Task[None]] = []
    loop = asyncio.get_running_loop()
    queued = threading.Event()

    async def join() -> None:
        joined.append(asyncio.create_task(drain(workers, "new", order, Priority.INTERACTIVE)))
        await until(lambda: workers.queue_depth == 2)
        queued.set()

    def step(emit: Emit) -> bool:
        order.append("old")
        if len(order) == 4:  # both old ones have two steps behind or before them
            asyncio.run_coroutine_threadsafe(join(), loop)
            assert queued.wait(10)
        return len(order) < 6

    async def old() -> None:
        async for _ in workers.run(step, priority=Priority.INTERACTIVE, stop=nothing):
            pass

    await asyncio.gather(old(), old())
    await asyncio.gather(*joined)
    assert order[:5] == ["old", "old", "old", "old", "new"]
    await workers.close()


async def test_between_its_steps_nobody_of_lower_priority_passes(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    blocking, blocker = await hold(workers)
    order: list[str] = []
    talk = [
        asyncio.create_task(drain(workers, name, order, priority, 3))
        for name, priority in (("batch", Priority.BATCH), ("first", Priority.FIRST_CLAUSE))
    ]
    await until(lambda: workers.queue_depth == 2)
    blocker.release.set()
    await asyncio.gather(*talk)
    assert order == ["first"] * 3 + ["batch"] * 3
    await blocking.aclose()
    await workers.close()


async def test_who_leaves_takes_no_further_step() -> None:
    workers = Workers("test", threads=1, streams=8)
    blocker = Blocker(goes_on=True)
    utterance = workers.run(blocker, priority=Priority.INTERACTIVE, stop=blocker.stop)
    await anext(utterance)
    await utterance.aclose()
    assert (blocker.calls, workers.in_use, workers.queue_depth) == (1, 0, 0)
    await workers.close()


async def test_who_leaves_between_two_steps_is_forgotten(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    order: list[str] = []
    leaver = asyncio.create_task(drain(workers, "leaver", order, Priority.BATCH, 1_000_000))
    await until(lambda: len(order) > 0)
    blocker = Blocker()
    blocking = workers.run(blocker, priority=Priority.FIRST_CLAUSE, stop=blocker.stop)
    await anext(blocking)  # the leaver waits for its next step
    steps = len(order)
    assert workers.queue_depth == 1
    leaver.cancel()
    await asyncio.gather(leaver, return_exceptions=True)
    blocker.release.set()
    await blocking.aclose()
    assert (len(order), workers.in_use, workers.queue_depth) == (steps, 0, 0)
    await workers.close()


async def test_who_leaves_while_working_frees_the_thread() -> None:
    workers = Workers("test", threads=1, streams=8)
    blocker = Blocker()
    order: list[str] = []
    turn = workers.run(blocker, priority=Priority.INTERACTIVE, stop=blocker.stop)
    await anext(turn)
    assert workers.in_use == 1
    await turn.aclose()
    assert blocker.was_stopped
    assert workers.in_use == 0
    await drain(workers, "next", order, Priority.INTERACTIVE)
    assert order == ["next"]
    await workers.close()


async def test_who_leaves_while_waiting_is_forgotten(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    blocker = Blocker()
    order: list[str] = []
    async with aclosing(workers.run(blocker, priority=Priority.INTERACTIVE, stop=blocker.stop)) as blocking:
        await anext(blocking)
        leaver = asyncio.create_task(drain(workers, "leaver", order, Priority.FIRST_CLAUSE))
        stayer = asyncio.create_task(drain(workers, "stayer", order, Priority.INTERACTIVE))
        await until(lambda: workers.queue_depth == 2)
        leaver.cancel()
        await asyncio.gather(leaver, return_exceptions=True)
        assert workers.queue_depth == 1
        blocker.release.set()
        await stayer
    assert order == ["stayer"]
    assert workers.in_use == 0
    await workers.close()


async def test_a_place_given_in_the_moment_its_waiter_leaves_is_passed_on(until: Any) -> None:
    workers = Workers("test", threads=1, streams=8)
    blocker = Blocker()
    order: list[str] = []
    blocking = workers.run(blocker, priority=Priority.INTERACTIVE, stop=blocker.stop)
    await anext(blocking)
    leavers = [asyncio.create_task(drain(workers, f"leaver {i}", order, Priority.INTERACTIVE)) for i in range(20)]
    await until(lambda: workers.queue_depth == 20)
    closing = asyncio.create_task(blocking.aclose())
    for leaver in leavers:
        await asyncio.sleep(0)
        leaver.cancel()
    await asyncio.gather(closing, *leavers, return_exceptions=True)
    assert workers.in_use == 0
    assert workers.queue_depth == 0
    await drain(workers, "next", order, Priority.INTERACTIVE)
    assert order[-1] == "next"
    await workers.close()


async def test_what_the_thread_raises_reaches_the_consumer_and_the_thread_is_free() -> None:
    workers = Workers("test", threads=1, streams=8)

    def step(emit: Emit) -> bool:
        emit(np.zeros(1, np.float32))
        raise ZeroDivisionError

    turn = workers.run(step, priority=Priority.INTERACTIVE, stop=nothing)
    assert len((await anext(turn)).samples) == 1
    with pytest.raises(ZeroDivisionError):
        await anext(turn)
    assert workers.in_use == 0
    await workers.close()


async def test_a_slow_consumer_holds_no_thread() -> None:
    workers = Workers("test", threads=1, streams=8)
    order: list[str] = []

    def step(emit: Emit) -> bool:
        for _ in range(1_000):
            emit(np.zeros(1, np.float32))
        return False

    async with aclosing(workers.run(step, priority=Priority.INTERACTIVE, stop=nothing)) as slow:
        await anext(slow)
        await drain(workers, "next", order, Priority.INTERACTIVE)
        assert order == ["next"]
        assert len([audio async for audio in slow]) == 999
    await workers.close()


async def test_one_stream_more_than_there_are_places_is_refused() -> None:
    workers = Workers("test", threads=1, streams=2)
    with workers.admit():
        with workers.admit(), pytest.raises(CapacityExceeded) as caught, workers.admit():
            pytest.fail("admitted")
        assert caught.value.quota is not None
        assert (caught.value.quota.limit, caught.value.retry_after_s) == (2, 1.0)
        with workers.admit():
            pass
    await workers.close()
