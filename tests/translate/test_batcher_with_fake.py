"""Batches in front of a model, with the fake engine: who goes with whom, who first, and what a fault costs whom."""

import asyncio
import threading
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from maatu_runtime.errors import CapacityExceeded, ModelFailed
from maatu_runtime.places import Priority
from maatu_translate.batcher import Batcher, BatchSettings
from maatu_translate.engine.base import Direction, Sentence
from maatu_translate.engine.fake import FakeEngine

INTO_ENGLISH, INTO_SPANISH = Direction("es", "en"), Direction("en", "es")
Until = Callable[[Callable[[], bool]], Awaitable[None]]
Start = Callable[..., Batcher]


class Gate:
    """Holds the engine at work, a batch at a time."""

    def __init__(self) -> None:
        self._turns = threading.Semaphore(0)

    def wait(self, cancelled: threading.Event, delay_s: float) -> bool:
        assert self._turns.acquire(timeout=20), "nobody opened the gate"
        return cancelled.is_set()

    def open(self, batches: int = 100) -> None:
        self._turns.release(batches)


@pytest.fixture
def gate() -> Gate:
    return Gate()


@pytest.fixture
def engine(gate: Gate) -> FakeEngine:
    return FakeEngine(delay_s=1, wait=gate.wait)


@pytest.fixture
async def start(engine: FakeEngine, gate: Gate) -> AsyncIterator[Start]:
    """Makes a batcher around `engine`: `start(max_batch=2)`."""
    batchers: list[Batcher] = []

    def make(**settings: Any) -> Batcher:
        batchers.append(Batcher(engine, BatchSettings(**settings)))
        return batchers[-1]

    yield make
    gate.open()
    for batcher in batchers:
        await batcher.close()


def ask(
    batcher: Batcher,
    text: str,
    priority: Priority = Priority.INTERACTIVE,
    direction: Direction = INTO_ENGLISH,
) -> "asyncio.Task[str]":
    async def translate() -> str:
        return (await batcher.translate(Sentence(text, direction), priority)).output.text

    return asyncio.create_task(translate())


def texts(engine: FakeEngine) -> list[list[str]]:
    return [[sentence.text for sentence in batch] for batch in engine.batches]


async def test_a_lone_sentence_does_not_wait_with_fake(start: Start, engine: FakeEngine, gate: Gate) -> None:
    batcher = start(wait_s=3600)
    gate.open()
    for text in ("uno", "dos"):
        assert await ask(batcher, text) == f"[en] {text}"
    assert texts(engine) == [["uno"], ["dos"]]


async def test_sentences_gather_while_the_model_works_with_fake(
    start: Start, engine: FakeEngine, gate: Gate, until: Until
) -> None:
    batcher = start()
    asked = [ask(batcher, text) for text in ("uno", "dos", "tres", "cuatro")]
    await until(lambda: batcher.waiting == 3)
    gate.open()
    assert await asyncio.gather(*asked) == ["[en] uno", "[en] dos", "[en] tres", "[en] cuatro"]
    assert texts(engine) == [["uno"], ["dos", "tres", "cuatro"]]


async def test_a_second_worker_waits_for_company_for_a_while_with_fake(
    start: Start, engine: FakeEngine, gate: Gate, until: Until
) -> None:
    batcher = start(workers=2, wait_s=0.02, max_batch=8)
    first = ask(batcher, "uno")
    await until(lambda: len(engine.batches) == 1)
    others = [ask(batcher, text) for text in ("dos", "tres")]
    await until(lambda: len(engine.batches) == 2)  # nobody else came, and the model still works on the first
    assert texts(engine) == [["uno"], ["dos", "tres"]]
    gate.open()
    await asyncio.gather(first, *others)


async def test_a_full_batch_does_not_wait_with_fake(start: Start, engine: FakeEngine, gate: Gate, until: Until) -> None:
    batcher = start(workers=2, wait_s=3600, max_batch=2)
    asked = [ask(batcher, "uno")]
    await until(lambda: len(engine.batches) == 1)
    asked += [ask(batcher, text) for text in ("dos", "tres")]
    await until(lambda: len(engine.batches) == 2)
    gate.open()
    await asyncio.gather(*asked)


async def test_batches_are_of_like_length_within_the_budget_with_fake(
    start: Start, engine: FakeEngine, gate: Gate, until: Until
) -> None:
    batcher = start(max_batch_tokens=12)
    long = "una frase de seis palabras justas"
    asked = [ask(batcher, text) for text in ("ya", "dos palabras", long, "otras dos", long + " más")]
    await until(lambda: batcher.waiting == 4)
    gate.open()
    await asyncio.gather(*asked)
    # Two, and two like it, are 2 × 2 tokens; with the six-word one they would be 3 × 6.
    assert texts(engine)[1] == ["dos palabras", "otras dos"]
    assert sorted(texts(engine)[2:]) == [[long], [long + " más"]]


async def test_a_sentence_longer_than_the_budget_goes_alone_with_fake(
    start: Start, engine: FakeEngine, gate: Gate
) -> None:
    gate.open()
    assert await ask(start(max_batch_tokens=3), "son más de tres palabras") == "[en] son más de tres palabras"


async def test_one_key_one_batch_with_fake(start: Start, engine: FakeEngine, gate: Gate, until: Until) -> None:
    batcher = start()
    asked = [ask(batcher, "ya"), ask(batcher, "uno"), ask(batcher, "two", direction=INTO_SPANISH), ask(batcher, "tres")]
    await until(lambda: batcher.waiting == 3)
    gate.open()
    await asyncio.gather(*asked)
    assert texts(engine) == [["ya"], ["uno", "tres"], ["two"]]


async def test_the_urgent_go_first_with_fake(start: Start, engine: FakeEngine, gate: Gate, until: Until) -> None:
    batcher = start(max_batch=1)
    asked = [ask(batcher, "ya")]
    for text, priority in (
        ("lote", Priority.BATCH),
        ("normal", Priority.INTERACTIVE),
        ("ahora", Priority.FIRST_CLAUSE),
    ):
        asked.append(ask(batcher, text, priority))
    await until(lambda: batcher.waiting == 3)
    gate.open()
    await asyncio.gather(*asked)
    assert texts(engine) == [["ya"], ["ahora"], ["normal"], ["lote"]]


async def test_what_breaks_on_one_sentence_costs_the_others_nothing_with_fake(
    start: Start, engine: FakeEngine, gate: Gate, until: Until
) -> None:
    engine.error, engine.fails_on = ModelFailed("broke"), "malo"
    batcher = start()
    asked = [ask(batcher, text) for text in ("ya", "bueno", "malo", "también")]
    await until(lambda: batcher.waiting == 3)
    gate.open()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert outcomes[:2] == ["[en] ya", "[en] bueno"]
    assert isinstance(outcomes[2], ModelFailed)
    assert outcomes[3] == "[en] también"
    assert batcher.running == 0


async def test_who_leaves_the_queue_is_not_translated_with_fake(
    start: Start, engine: FakeEngine, gate: Gate, until: Until
) -> None:
    batcher = start()
    first, second, third = (ask(batcher, text) for text in ("uno", "dos", "tres"))
    await until(lambda: batcher.waiting == 2)
    second.cancel()
    await until(lambda: batcher.waiting == 1)
    gate.open()
    assert await first == "[en] uno"
    assert await third == "[en] tres"
    assert texts(engine) == [["uno"], ["tres"]]


async def test_who_leaves_a_batch_stops_only_his_sentence_with_fake(
    start: Start, engine: FakeEngine, gate: Gate, until: Until
) -> None:
    batcher = start()
    asked = [ask(batcher, text) for text in ("ya", "uno", "dos")]
    await until(lambda: batcher.waiting == 2)
    gate.open(1)
    await until(lambda: len(engine.batches) == 2)
    asked[1].cancel()
    await until(asked[1].done)
    gate.open()
    assert await asked[2] == "[en] dos"
    assert engine.cancelled == ["uno"]


async def test_a_full_queue_refuses_with_fake(start: Start, engine: FakeEngine, gate: Gate, until: Until) -> None:
    batcher = start(max_waiting=1)
    batcher.check_room()
    first = ask(batcher, "uno")
    await until(lambda: len(engine.batches) == 1)
    batcher.check_room()
    second = ask(batcher, "dos")
    await until(lambda: batcher.waiting == 1)
    with pytest.raises(CapacityExceeded) as caught:
        batcher.check_room()
    assert caught.value.retry_after_s == 1.0
    gate.open()
    await asyncio.gather(first, second)
    batcher.check_room()


async def test_a_thousand_callers_of_whom_half_leave_with_fake(start: Start, engine: FakeEngine, gate: Gate) -> None:
    batcher = start(max_batch=16)
    gate.open(10_000)
    asked = [ask(batcher, f"frase {number}") for number in range(1000)]
    for number, task in enumerate(asked):
        if number % 2:
            task.cancel()
    outcomes = await asyncio.gather(*asked, return_exceptions=True)
    assert [outcome for outcome in outcomes[::2] if not isinstance(outcome, str)] == []
    assert (batcher.waiting, batcher.running) == (0, 0)
    assert max(len(batch) for batch in engine.batches) == 16
