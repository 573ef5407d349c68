"""Whose turn it is on the decoder."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest

from maatu_stt.engine.base import Urgency
from maatu_stt.engine.scheduler import Scheduler

Until = Callable[[Callable[[], bool]], Awaitable[None]]


@pytest.fixture
async def scheduler() -> AsyncIterator[Scheduler]:
    scheduler = Scheduler("test", 1)
    yield scheduler
    await scheduler.close()


async def test_finals_overtake_pauses_and_each_keeps_its_order(scheduler: Scheduler) -> None:
    release = threading.Event()
    done: list[str] = []
    first = scheduler.start(release.wait, Urgency.FINAL)
    jobs = [
        scheduler.start(lambda name=name: done.append(name), urgency)  # type: ignore[misc]
        for name, urgency in [
            ("pause 1", Urgency.PAUSE),
            ("final 1", Urgency.FINAL),
            ("pause 2", Urgency.PAUSE),
            ("final 2", Urgency.FINAL),
        ]
    ]
    release.set()
    for job in [first, *jobs]:
        assert job is not None
        await job.result()
    assert done == ["final 1", "final 2", "pause 1", "pause 2"]


async def test_a_pause_that_became_an_endpoint_overtakes_other_pauses(scheduler: Scheduler) -> None:
    release = threading.Event()
    done: list[str] = []
    scheduler.start(release.wait, Urgency.FINAL)
    other = scheduler.start(lambda: done.append("other"), Urgency.PAUSE)
    mine = scheduler.start(lambda: done.append("mine"), Urgency.PAUSE)
    assert other is not None
    assert mine is not None
    mine.promote()
    release.set()
    await other.result()
    assert done == ["mine", "other"]


async def test_a_partial_never_waits(scheduler: Scheduler) -> None:
    release = threading.Event()
    busy = scheduler.start(release.wait, Urgency.FINAL)
    assert busy is not None
    assert scheduler.start(lambda: None, Urgency.PARTIAL) is None
    release.set()
    await busy.result()
    partial = scheduler.start(lambda: "text", Urgency.PARTIAL)
    assert partial is not None
    assert await partial.result() == "text"


async def test_a_cancelled_job_that_waits_is_never_run(scheduler: Scheduler) -> None:
    release = threading.Event()
    done: list[str] = []
    busy = scheduler.start(release.wait, Urgency.FINAL)
    waiting = scheduler.start(lambda: done.append("ran"), Urgency.PAUSE)
    assert busy is not None
    assert waiting is not None
    waiting.cancel()
    release.set()
    await busy.result()
    last = scheduler.start(lambda: done.append("last"), Urgency.FINAL)
    assert last is not None
    await last.result()
    assert done == ["last"]


async def test_a_cancelled_job_that_runs_frees_its_worker_when_it_is_done(scheduler: Scheduler, until: Until) -> None:
    release = threading.Event()
    job = scheduler.start(release.wait, Urgency.FINAL)
    assert job is not None
    job.cancel()
    assert scheduler.running == 1
    release.set()
    await until(lambda: scheduler.running == 0)


async def test_whoever_stops_waiting_does_not_take_the_result_from_others(scheduler: Scheduler) -> None:
    release = threading.Event()
    job = scheduler.start(lambda: release.wait(5.0), Urgency.PAUSE)
    assert job is not None
    leaving, staying = asyncio.create_task(job.result()), asyncio.create_task(job.result())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    release.set()
    assert await staying is True


async def test_a_failure_reaches_who_waits_and_the_next_job_runs(scheduler: Scheduler) -> None:
    def fail() -> None:
        raise ValueError("broken")

    broken, fine = scheduler.start(fail, Urgency.FINAL), scheduler.start(lambda: 7, Urgency.FINAL)
    assert broken is not None
    assert fine is not None
    with pytest.raises(ValueError, match="broken"):
        await broken.result()
    assert await fine.result() == 7
