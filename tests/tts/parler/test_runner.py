"""How steps are run: eagerly, compiled, or as graphs; what fails is gone without."""

import logging
from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor

from maatu_tts.engine.base import CompileState
from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.runner import (
    CompiledRunner,
    EagerRunner,
    GraphRunner,
    State,
    capture,
)
from maatu_tts.engine.parler.sampler import SamplerSettings
from tests.tts.parler.conftest import RUNNER_TEXTS, check_codes, warmed

Load = Callable[..., ParlerModel]


def test_states_have_the_names_that_the_service_tells() -> None:
    assert {state.name: state.value for state in State} == {state.name: state.value for state in CompileState}


class CountingBatch:
    """Writes down what steps it is asked for."""

    by_lengths = False

    def __init__(self, size: CacheSize) -> None:
        self.size = size
        self.steps: list[tuple[int, int, int, bool]] = []

    def step(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        self.steps.append((rows, context, cross_context, greedy))


def test_eagerly_contexts_are_rounded_up_with_fake_batch() -> None:
    batch: Any = CountingBatch(CacheSize(4, 150, 30))
    runner = EagerRunner(batch)
    for context in (1, 64, 65, 128, 129, 150):
        runner.run(3, context, 7, greedy=True)
    assert [context for _, context, _, _ in batch.steps] == [64, 64, 128, 128, 150, 150]
    assert {(rows, cross, greedy) for rows, _, cross, greedy in batch.steps} == {(3, 7, True)}
    batch.steps.clear()
    runner.warm_up()
    assert sorted(rows for rows, *_ in batch.steps) == [1, 2, 4]
    assert runner.state is State.OFF


def test_warming_up_leaves_no_trace(load: Load, house: Any, alone: Callable[..., Any]) -> None:
    runner = check_codes(house, alone, load("endless", "float64"), EagerRunner)
    assert (runner.state, runner.detail, runner.graphs) == (State.OFF, "", 0)


def test_a_capture_that_fails_leaves_the_stream_it_was_on_with_fake_cuda(monkeypatch: pytest.MonkeyPatch) -> None:
    on = ["the service's"]

    class Capturing:
        """As torch.cuda.graph: where ending fails, what comes after it is left out."""

        def __init__(self, *_: object, stream: str, **__: object) -> None:
            self._stream = stream

        def __enter__(self) -> None:
            on.append(self._stream)

        def __exit__(self, *_: object) -> None:
            raise RuntimeError("operation failed due to a previous error during capture")

    monkeypatch.setattr(torch.cuda, "CUDAGraph", object)
    monkeypatch.setattr(torch.cuda, "graph", Capturing)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda: on[-1])
    monkeypatch.setattr(torch.cuda, "set_stream", on.append)
    capturing: Any = "the capture's"
    ran: list[str] = []
    with pytest.raises(RuntimeError, match="previous error"):
        capture(lambda: ran.append(on[-1]), stream=capturing)
    assert ran == ["the capture's"]
    assert on[-1] == "the service's"


def test_without_a_gpu_graphs_are_gone_without(
    load: Load, house: Any, alone: Callable[..., Any], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_gpu(*_: object) -> None:
        raise RuntimeError("Found no NVIDIA driver on your system.\nPlease check.")

    # So that it fails on machines that have one, too.
    monkeypatch.setattr(torch.cuda, "Stream", no_gpu)
    with caplog.at_level(logging.WARNING):
        runner = check_codes(
            house, alone, load("endless", "float64"), lambda batch: GraphRunner(batch, EagerRunner(batch))
        )
    assert (runner.state, runner.graphs) == (State.FALLBACK, 0)
    expected = "capturing CUDA graphs failed: RuntimeError: Found no NVIDIA driver on your system."
    assert runner.detail == expected
    assert f"{expected}; going on without" in caplog.text


class FakeGraph:
    """Runs the step that a graph would replay."""

    def __init__(self, batch: Batch, rows: int, context: int) -> None:
        self._arguments = (rows, context, batch.size.cross_positions)
        self._batch = batch
        self.replays = 0

    def pool(self) -> str:
        """Of memory."""
        return "a pool"

    def replay(self) -> None:
        """As a graph does: with as many rows and as long a context as it was captured for."""
        self.replays += 1
        self._batch.step(*self._arguments, greedy=False)


class FakeGraphRunner(GraphRunner):
    """Captures fakes."""

    def __init__(self, batch: Batch, otherwise: EagerRunner, fails_at: int = 0) -> None:
        super().__init__(batch, otherwise)
        self.captured: list[tuple[int, int, Any]] = []
        self.fakes: dict[tuple[int, int], FakeGraph] = {}
        self._fails_at = fails_at

    def _capture(self, rows: int, context: int, pool: Any) -> Any:
        self.captured.append((rows, context, pool))
        if len(self.captured) == self._fails_at:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        self.fakes[rows, context] = FakeGraph(self._batch, rows, context)
        return self.fakes[rows, context]


def test_the_largest_graph_is_captured_first_and_shares_its_memory_with_fake_graphs(load: Load) -> None:
    batch = Batch(load("endless"), CacheSize(5, 300, 32), SamplerSettings())
    runner = FakeGraphRunner(batch, EagerRunner(batch))
    warmed(batch, runner)
    assert [pair[:2] for pair in runner.captured] == [
        (rows, context) for rows in (5, 4, 2, 1) for context in (300, 256)
    ]
    assert [pool for _, _, pool in runner.captured] == [None, *["a pool"] * 7]
    assert (runner.state, runner.graphs, runner.detail) == (State.READY, 8, "")


def test_the_smallest_graph_that_holds_a_step_is_replayed_with_fake_graphs() -> None:
    batch: Any = CountingBatch(CacheSize(12, 700, 32))
    runner = FakeGraphRunner(batch, EagerRunner(batch))
    runner.warm_up()
    for (rows, context), rung in {
        (1, 1): (1, 256),
        (1, 256): (1, 256),
        (2, 257): (2, 512),
        (3, 512): (4, 512),
        (5, 513): (8, 700),
        (12, 700): (12, 700),
    }.items():
        before = {key: fake.replays for key, fake in runner.fakes.items()}
        runner.run(rows, context, 10, greedy=True)
        replayed = [key for key, fake in runner.fakes.items() if fake.replays > before[key]]
        assert replayed == [rung]
        assert batch.steps[-1] == (*rung, 32, False)


def test_what_no_graph_holds_is_run_otherwise_with_fake_graphs() -> None:
    batch: Any = CountingBatch(CacheSize(4, 5_000, 32))
    runner = FakeGraphRunner(batch, EagerRunner(batch))
    runner.warm_up()
    runner.run(3, 4_097, 10, greedy=True)
    assert batch.steps[-1] == (3, 4_160, 10, True)


@pytest.mark.parametrize("variant", ["endless", "cross", "grouped-rope"])
def test_rows_beyond_those_in_use_change_nothing_with_fake_graphs(
    load: Load, house: Any, alone: Callable[..., Any], variant: str
) -> None:
    model = load(variant, "float64")
    guests = house(
        model,
        rows=8,
        make_runner=lambda batch: warmed(batch, FakeGraphRunner(batch, EagerRunner(batch))),
        prefill_tokens=5,
    )
    said = [guests.say(text, frames) for text, frames in RUNNER_TEXTS.items()]
    guests.step(10)
    # Three rows in use, four or eight computed; rows that were used before and are not now, too.
    said += [guests.say(f"Number {number}", 5 + number) for number in range(5)]
    guests.run()
    late = guests.say("Good morning.", 14)
    guests.run()
    for each, (text, frames) in zip(said, RUNNER_TEXTS.items(), strict=False):
        assert each.codes == alone(model, text, frames).codes
    for number, each in enumerate(said[3:]):
        assert each.codes == alone(model, f"Number {number}", 5 + number).codes
    assert late.codes == said[0].codes
    assert guests.scheduler.runner.graphs == 4


def test_a_row_that_was_left_stands_still_with_fake_graphs(load: Load, house: Any, alone: Callable[..., Any]) -> None:
    model = load("one-layer", "float64")
    guests = house(model, rows=4, make_runner=lambda batch: warmed(batch, FakeGraphRunner(batch, EagerRunner(batch))))
    # Three that go on are run by the graph of four. Were the fourth counted on, it would run past its end of the cache.
    said = [guests.say(text, 170, min_columns=180) for text in ("Yes!", "No!", "Well.")]
    said.append(guests.say("Please tell me what I can do for you, and I will be glad to help.", 110, min_columns=180))
    guests.run()
    assert [each.stream.frames for each in said] == [170, 170, 170, 110]
    assert said[0].codes == alone(model, "Yes!", 170, min_columns=180).codes


def test_a_capture_that_fails_midway_uses_no_graph_with_fake_graphs(
    load: Load, house: Any, alone: Callable[..., Any], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        runner = check_codes(
            house,
            alone,
            load("endless", "float64"),
            lambda batch: FakeGraphRunner(batch, EagerRunner(batch), fails_at=2),
        )
    assert isinstance(runner, FakeGraphRunner)
    assert not any(fake.replays for fake in runner.fakes.values())
    assert (runner.state, runner.graphs) == (State.FALLBACK, 0)
    assert "capturing CUDA graphs failed: OutOfMemoryError: CUDA out of memory." in caplog.text


def test_graphs_of_a_step_that_was_not_compiled_say_so_with_fake_graphs(own_model: ParlerModel) -> None:
    def compile_layer(*_: object, **__: object) -> Callable[..., Tensor]:
        raise RuntimeError("no compiler")

    batch = Batch(own_model, CacheSize(2, 64, 32), SamplerSettings())
    runner = FakeGraphRunner(batch, CompiledRunner(batch, compile_layer))
    warmed(batch, runner)
    assert (runner.state, runner.graphs) == (State.FALLBACK, 2)
    assert runner.detail == "torch.compile failed: RuntimeError: no compiler"
