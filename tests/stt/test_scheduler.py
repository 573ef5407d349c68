"""Whose turn it is on the decoder."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Hashable, Sequence
from typing import Any

import pytest

from maatu_stt.engine.base import Urgency
from maatu_stt.engine.scheduler import Scheduler, SchedulerSettings

Work = Callable[[], Any]
Calls = Scheduler[Work, Any]
Until = Callable[[Callable[[], bool]], Awaitable[None]]


def call(works: Sequence[Work], are_partials: bool) -> list[Any]:
    """Works are functions here."""
    return [outcome(work) for work in works]


def outcome(work: Work) -> Any:
    try:
        return work()
    except ValueError as error:
        return error


@pytest.fixture
async def scheduler() -> AsyncIterator[Calls]:
    """Of one worker."""
    scheduler: Calls = Scheduler("test", call, SchedulerSettings(workers=1))
    yield scheduler
    await scheduler.close()


async def test_finals_overtake_pauses_and_each_keeps_its_order(scheduler: Calls) -> None:
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


async def test_a_pause_that_became_an_endpoint_overtakes_other_pauses(scheduler: Calls) -> None:
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


async def test_a_partial_never_waits(scheduler: Calls) -> None:
    release = threading.Event()
    busy = scheduler.start(release.wait, Urgency.FINAL)
    assert busy is not None
    assert scheduler.start(lambda: None, Urgency.PARTIAL) is None
    release.set()
    await busy.result()
    partial = scheduler.start(lambda: "text", Urgency.PARTIAL)
    assert partial is not None
    assert await partial.result() == "text"


async def test_a_cancelled_job_that_waits_is_never_run(scheduler: Calls) -> None:
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


async def test_a_cancelled_job_that_runs_frees_its_worker_when_it_is_done(scheduler: Calls, until: Until) -> None:
    release = threading.Event()
    job = scheduler.start(release.wait, Urgency.FINAL)
    assert job is not None
    job.cancel()
    assert scheduler.running == 1
    release.set()
    await until(lambda: scheduler.running == 0)


async def test_whoever_stops_waiting_does_not_take_the_result_from_others(scheduler: Calls) -> None:
    release = threading.Event()
    job = scheduler.start(lambda: release.wait(5.0), Urgency.PAUSE)
    assert job is not None
    leaving, staying = asyncio.create_task(job.result()), asyncio.create_task(job.result())
    await asyncio.sleep(0)
    leaving.cancel()
    await asyncio.wait([leaving])
    release.set()
    assert await staying is True


async def test_a_failure_reaches_who_waits_and_the_next_job_runs(scheduler: Calls) -> None:
    def fail() -> None:
        raise ValueError("broken")

    broken, fine = scheduler.start(fail, Urgency.FINAL), scheduler.start(lambda: 7, Urgency.FINAL)
    assert broken is not None
    assert fine is not None
    with pytest.raises(ValueError, match="broken"):
        await broken.result()
    assert await fine.result() == 7


async def test_partials_leave_a_worker_to_finals() -> None:
    scheduler: Calls = Scheduler("test", call, SchedulerSettings(workers=2))
    release = threading.Event()
    partial = scheduler.start(release.wait, Urgency.PARTIAL)
    assert partial is not None
    assert scheduler.running == 1
    assert scheduler.start(lambda: None, Urgency.PARTIAL) is None
    final = scheduler.start(lambda: "at once", Urgency.FINAL)
    assert final is not None
    assert await final.result() == "at once"
    release.set()
    await partial.result()
    await scheduler.close()


class Batches:
    """A scheduler that notes its batches; works are strings, and those that begin alike may share one."""

    def __init__(self, **settings: Any) -> None:
        self.seen: list[tuple[str, ...]] = []
        self.release = threading.Event()
        self.scheduler = Scheduler("test", self.run, SchedulerSettings(**settings), self.key)

    def key(self, work: str) -> Hashable:
        return work[0]

    def run(self, works: Sequence[str], are_partials: bool) -> list[str | Exception]:
        self.seen.append(tuple(works))
        if works[0] == "gate":
            self.release.wait()
        return [ValueError(work) if work.endswith("!") else work.upper() for work in works]

    async def results(self, *asked: tuple[str, Urgency]) -> list[Any]:
        """Queues all of it while a worker is busy with the gate, then lets it through."""
        gate = self.scheduler.start("gate", Urgency.FINAL)
        jobs = [self.scheduler.start(work, urgency) for work, urgency in asked]
        self.release.set()
        assert gate is not None
        results = [await asyncio.gather(job.result(), return_exceptions=True) for job in jobs if job is not None]
        await self.scheduler.close()
        return [result for (result,) in results]


async def test_what_waits_and_fits_is_done_in_one_batch() -> None:
    batches = Batches(workers=1, max_batch=3)
    works = [(work, Urgency.PAUSE) for work in ("a1", "b1", "a2", "a3", "a4")]
    assert await batches.results(*works) == ["A1", "B1", "A2", "A3", "A4"]
    assert batches.seen == [("gate",), ("a1", "a2", "a3"), ("b1",), ("a4",)]


async def test_each_of_a_batch_gets_its_own_outcome() -> None:
    batches = Batches(workers=1, max_batch=3)
    fine, broken, also_fine = await batches.results(*[(work, Urgency.FINAL) for work in ("a1", "a2!", "a3")])
    assert (fine, str(broken), also_fine) == ("A1", "a2!", "A3")
    assert batches.seen == [("gate",), ("a1", "a2!", "a3")]


async def test_a_partial_never_shares_a_batch_with_a_final() -> None:
    batches = Batches(workers=3, max_batch=3, batch_wait_s=0.01)
    await batches.results(
        ("a1", Urgency.PARTIAL), ("a2", Urgency.PAUSE), ("a3", Urgency.PARTIAL), ("a4", Urgency.FINAL)
    )
    assert sorted(batches.seen) == [("a1", "a3"), ("a4", "a2"), ("gate",)]


async def test_alone_nothing_waits_for_company() -> None:
    batches = Batches(workers=2, max_batch=8, batch_wait_s=3_600.0)
    job = batches.scheduler.start("a", Urgency.FINAL)
    assert job is not None
    assert await job.result() == "A"
    await batches.scheduler.close()


async def test_a_run_that_breaks_reaches_all_of_its_batch() -> None:
    def broken(works: Sequence[str], are_partials: bool) -> list[str]:
        raise ZeroDivisionError

    scheduler = Scheduler("test", broken, SchedulerSettings(workers=1))
    job = scheduler.start("a", Urgency.FINAL)
    assert job is not None
    with pytest.raises(ZeroDivisionError):
        await job.result()
    assert scheduler.running == 0
    await scheduler.close()
