"""The scheduler's thread: work comes in from other threads, and a step that fails is not the end of it."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch

from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.runner import EagerRunner
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Piece, Request
from maatu_tts.engine.parler.thread import SchedulerThread, Ticket

Load = Callable[..., ParlerModel]
WAIT_S = 30.0


class GatedRunner(EagerRunner):
    """Runs a step when it is let, and fails when it is told to."""

    def __init__(self, batch: Batch) -> None:
        super().__init__(batch)
        self.gate = threading.Semaphore(0)
        self.arrived = threading.Semaphore(0)
        self.fails = False

    def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        self.arrived.release()
        assert self.gate.acquire(timeout=WAIT_S)
        if self.fails:
            self.fails = False
            raise ZeroDivisionError("a defect")
        super().run(rows, context, cross_context, greedy=greedy)

    def open(self) -> None:
        """Lets all steps run from now on."""
        self.gate.release(10_000)


class Talk:
    """A thread with a scheduler of two rows, and what its listeners are told."""

    def __init__(self, model: ParlerModel) -> None:
        self.model = model
        self.voice = model.describe("A voice.")
        self.scheduler = Scheduler(model, CacheSize(2, 96, 64), make_runner=GatedRunner)
        self.runner = self.scheduler.runner
        assert isinstance(self.runner, GatedRunner)
        self.thread = SchedulerThread(self.scheduler)

    def say(self, text: str, frames: int = 8) -> tuple[Ticket, "queue.Queue[Piece | Exception | None]"]:
        """Has a text spoken."""
        told: queue.Queue[Piece | Exception | None] = queue.Queue()
        sampling = Sampling(frames, temperature=0.0)
        request = Request(self.model.prompt_ids(text), self.voice, sampling, ChunkPlan(2, 8))
        return self.thread.add(request, told.put), told


@pytest.fixture
def talk(load: Load) -> Iterator[Talk]:
    """Ended whatever happens."""
    talk = Talk(load("one-layer", "float64"))
    yield talk
    assert isinstance(talk.runner, GatedRunner)
    talk.runner.open()
    talk.thread.close()


def last(told: "queue.Queue[Piece | Exception | None]") -> Exception | None:
    """What the listener was told after all pieces."""
    while isinstance(each := told.get(timeout=WAIT_S), Piece):
        pass
    return each


def test_streams_from_several_threads_are_spoken(talk: Talk, alone: Callable[..., Any]) -> None:
    assert isinstance(talk.runner, GatedRunner)
    talk.runner.open()
    texts = ["Good morning.", "Yes!", "Thank you.", "Well, no."]
    said: dict[str, Any] = {}
    threads = [threading.Thread(target=lambda text=text: said.update({text: talk.say(text)})) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for text, (ticket, told) in said.items():
        assert last(told) is None
        assert ticket.stream.codes.tolist() == alone(talk.model, text, 8, voice="A voice.").codes


def test_cancelled_before_the_next_step_wherever_it_is(talk: Talk) -> None:
    assert isinstance(talk.runner, GatedRunner)
    running, heard = talk.say("Good morning.", 60)
    assert talk.runner.arrived.acquire(timeout=WAIT_S)
    # It is in a step: what is asked now is done after it.
    other, unheard = talk.say("Yes!")
    talk.thread.cancel(other)
    talk.thread.cancel(running)
    third, told = talk.say("Thank you.")
    talk.runner.gate.release()
    assert talk.runner.arrived.acquire(timeout=WAIT_S)
    assert talk.scheduler.rows_in_use == 1
    assert third.stream is not None
    assert third.stream.row == 0
    talk.runner.open()
    assert last(told) is None
    assert heard.empty()
    assert unheard.empty()


def test_a_step_that_fails_ends_its_streams_and_the_thread_goes_on(
    talk: Talk, alone: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    assert isinstance(talk.runner, GatedRunner)
    tolds = [talk.say(text)[1] for text in ("Good morning.", "Yes!", "Thank you.")]
    assert talk.runner.arrived.acquire(timeout=WAIT_S)
    with caplog.at_level(logging.ERROR):
        talk.runner.fails = True
        talk.runner.gate.release()
        errors = [told.get(timeout=WAIT_S) for told in tolds[:1]]
    assert [type(error) for error in errors] == [ZeroDivisionError]
    assert "a step failed" in caplog.text
    talk.runner.open()
    ticket, told = talk.say("Well, no.")
    assert last(told) is None
    assert ticket.stream is not None
    assert ticket.stream.codes.tolist() == alone(talk.model, "Well, no.", 8, voice="A voice.").codes
    # Each of the others either failed with it or had not come in yet, and was spoken.
    assert all(isinstance(last(each), ZeroDivisionError | None) for each in tolds[1:])


@pytest.mark.parametrize("broken", [["move"], ["move", "release"]])
def test_a_cancel_that_fails_ends_the_streams_and_the_thread_goes_on(
    talk: Talk, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, broken: list[str]
) -> None:
    def fail(*_: object) -> None:
        raise torch.OutOfMemoryError("the device is full")

    assert isinstance(talk.runner, GatedRunner)
    (leaving, unheard), (_, heard), (_, waiting) = [talk.say(text, 60) for text in ("Yes!", "No!", "Thank you.")]
    for _ in range(2):
        # In the second step both rows are taken.
        assert talk.runner.arrived.acquire(timeout=WAIT_S)
        talk.runner.gate.release()
    assert talk.runner.arrived.acquire(timeout=WAIT_S)
    for name in broken:
        monkeypatch.setattr(talk.scheduler.batch, name, fail)
    talk.thread.cancel(leaving)
    talk.runner.open()
    assert [type(last(told)) for told in (heard, waiting)] == [torch.OutOfMemoryError] * 2
    assert unheard.empty()
    # While it goes on failing, everybody is told; and afterwards everybody is served.
    if "release" in broken:
        assert isinstance(last(talk.say("Still?")[1]), torch.OutOfMemoryError)
    monkeypatch.undo()
    ticket, told = talk.say("Well, no.")
    assert last(told) is None
    assert ticket.stream is not None
    assert ticket.stream.codes.tolist() == alone(talk.model, "Well, no.", 8, voice="A voice.").codes


def test_who_cannot_be_taken_in_is_told(talk: Talk, monkeypatch: pytest.MonkeyPatch) -> None:
    assert isinstance(talk.runner, GatedRunner)
    talk.runner.open()

    def fail(*_: object) -> None:
        raise ZeroDivisionError("a defect")

    monkeypatch.setattr(talk.scheduler, "add", fail)
    assert isinstance(last(talk.say("Yes!")[1]), ZeroDivisionError)
    monkeypatch.undo()
    assert last(talk.say("Yes!")[1]) is None


def test_closing_ends_the_thread_with_work_left(load: Load) -> None:
    before = set(threading.enumerate())
    talk = Talk(load("one-layer", "float64"))
    assert isinstance(talk.runner, GatedRunner)
    assert [thread.name for thread in set(threading.enumerate()) - before] == ["tts-parler"]
    _, told = talk.say("Good morning.", 60)
    assert talk.runner.arrived.acquire(timeout=WAIT_S)
    closing = threading.Thread(target=talk.thread.close)
    closing.start()
    talk.runner.open()
    closing.join(WAIT_S)
    assert not closing.is_alive()
    assert set(threading.enumerate()) <= before
    assert told.empty()
