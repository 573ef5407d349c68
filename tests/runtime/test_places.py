"""The places at the model."""

import asyncio

import pytest

from maatu_runtime.errors import CapacityExceeded
from maatu_runtime.places import Places, Priority


async def _hold(places: Places, priority: Priority, name: str, order: list[str], release: asyncio.Event) -> None:
    async with places.take(priority):
        order.append(name)
        await release.wait()


async def _settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_the_queue_goes_by_priority_then_by_arrival() -> None:
    places = Places(1, waiting=4, subject="agent/generations")
    order: list[str] = []
    release = asyncio.Event()
    async with asyncio.TaskGroup() as tasks:
        for name, priority in [
            ("holder", Priority.BATCH),
            ("batch", Priority.BATCH),
            ("first", Priority.INTERACTIVE),
            ("second", Priority.INTERACTIVE),
            ("urgent", Priority.FIRST_CLAUSE),
        ]:
            tasks.create_task(_hold(places, priority, name, order, release))
        await _settle()
        assert (order, places.in_use, places.waiting) == (["holder"], 1, 4)
        release.set()
    assert order == ["holder", "urgent", "first", "second", "batch"]
    assert (places.in_use, places.waiting) == (0, 0)


async def test_a_full_queue_refuses() -> None:
    places = Places(1, waiting=0, subject="agent/generations")
    async with places.take(Priority.INTERACTIVE):
        with pytest.raises(CapacityExceeded) as caught:
            async with places.take(Priority.FIRST_CLAUSE):
                pass
    assert caught.value.retry_after_s == 1.0
    assert caught.value.quota is not None
    assert caught.value.quota.limit == 1


async def test_a_waiter_that_leaves_gives_its_place_on() -> None:
    places = Places(1, waiting=2, subject="agent/generations")
    order: list[str] = []
    release, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    holder = asyncio.create_task(_hold(places, Priority.INTERACTIVE, "holder", order, release))
    leaver = asyncio.create_task(_hold(places, Priority.INTERACTIVE, "leaver", order, at_once))
    stayer = asyncio.create_task(_hold(places, Priority.INTERACTIVE, "stayer", order, at_once))
    await _settle()
    leaver.cancel()
    release.set()
    await asyncio.gather(holder, leaver, stayer, return_exceptions=True)
    assert leaver.cancelled()
    assert order == ["holder", "stayer"]
    assert (places.in_use, places.waiting) == (0, 0)


async def test_a_waiter_cancelled_in_the_moment_its_place_comes_loses_none() -> None:
    places = Places(1, waiting=2, subject="agent/generations")
    order: list[str] = []
    release, at_once = asyncio.Event(), asyncio.Event()
    at_once.set()
    holder = asyncio.create_task(_hold(places, Priority.INTERACTIVE, "holder", order, release))
    waiter = asyncio.create_task(_hold(places, Priority.INTERACTIVE, "waiter", order, at_once))
    await _settle()
    holder.add_done_callback(lambda _: waiter.cancel())
    release.set()
    await asyncio.gather(holder, waiter, return_exceptions=True)
    async with places.take(Priority.BATCH):
        assert places.in_use == 1
    assert places.in_use == 0
