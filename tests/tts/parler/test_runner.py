"""How steps are run: eagerly, compiled, or as graphs; what fails is gone without."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from maatu_tts.engine.base import CompileState
from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, load_model
from maatu_tts.engine.parler.runner import (
    CompiledRunner,
    EagerRunner,
    GraphRunner,
    Runner,
    State,
)
from maatu_tts.engine.parler.sampler import SamplerSettings

Load = Callable[..., ParlerModel]
TEXTS = {"Good morning.": 14, "Yes!": 9, "Thank you for calling.": 20}


def warmed(batch: Batch, runner: Runner) -> Runner:
    with torch.inference_mode():
        runner.warm_up()
    return runner


def check_codes(house: Any, alone: Callable[..., Any], model: ParlerModel, make: Callable[[Batch], Runner]) -> Runner:
    """Streams that are run so have the codes that they have with the plain runner; returns the runner."""
    expected = {text: alone(model, text, frames).codes for text, frames in TEXTS.items()}
    guests = house(model, rows=3, make_runner=lambda batch: warmed(batch, make(batch)))
    said = {text: guests.say(text, frames) for text, frames in TEXTS.items()}
    guests.run()
    for text, each in said.items():
        assert each.ended
        assert each.codes == expected[text]
    runner: Runner = guests.scheduler.runner
    return runner


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
    assert sorted(rows for rows, *_ in batch.steps) == [1, 4]
    assert runner.state is State.OFF


def test_warming_up_leaves_no_trace(load: Load, house: Any, alone: Callable[..., Any]) -> None:
    runner = check_codes(house, alone, load("endless", "float64"), EagerRunner)
    assert (runner.state, runner.detail, runner.graphs) == (State.OFF, "", 0)


@pytest.fixture
def own_model(checkpoint: Callable[[str], Path]) -> ParlerModel:
    """A model that no other test has: compiling changes its layers."""
    return load_model(checkpoint("one-layer"), "cpu", "float64")


def test_a_compiler_compiles_every_layer_once_with_fake_compiler(
    own_model: ParlerModel, house: Any, alone: Callable[..., Any]
) -> None:
    compiled: list[dict[str, object]] = []
    calls: list[int] = []

    def compile_layer(forward: Callable[..., Tensor], **options: object) -> Callable[..., Tensor]:
        compiled.append(options)

        def run(*arguments: Any) -> Tensor:
            calls.append(1)
            return forward(*arguments)

        return run

    runner = check_codes(house, alone, own_model, lambda batch: CompiledRunner(batch, compile_layer))
    assert compiled == [{"dynamic": True}]
    assert len(calls) > 20
    assert (runner.state, runner.detail) == (State.READY, "")


@pytest.mark.parametrize("when", ["at once", "at the first run"])
def test_a_compiler_that_fails_is_gone_without_with_fake_compiler(
    own_model: ParlerModel, house: Any, alone: Callable[..., Any], caplog: pytest.LogCaptureFixture, when: str
) -> None:
    def compile_layer(forward: Callable[..., Tensor], **_: object) -> Callable[..., Tensor]:
        def run(*_: object) -> Tensor:
            raise RuntimeError("InvalidCxxCompiler: no C++ compiler found\n\nSet TORCH_LOGS for more.")

        return run() if when == "at once" else run  # type: ignore[return-value]

    with caplog.at_level(logging.WARNING):
        runner = check_codes(house, alone, own_model, lambda batch: CompiledRunner(batch, compile_layer))
    assert runner.state is State.FALLBACK
    assert runner.detail == "torch.compile failed: RuntimeError: InvalidCxxCompiler: no C++ compiler found"
    assert f"{runner.detail}; going on without" in caplog.text


# PyTorch's own compiler warns of its own parts.
@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_torch_compile_traces_the_layers(own_model: ParlerModel, house: Any, alone: Callable[..., Any]) -> None:
    # Traced by torch.compile and run as traced: its C++ back end takes half a minute, and a compiler that not all machines have.
    compile_layer = partial(torch.compile, backend="eager")
    guests = house(own_model, rows=1, make_runner=lambda batch: warmed(batch, CompiledRunner(batch, compile_layer)))
    said = guests.say("Yes!", 5)
    guests.run()
    runner = guests.scheduler.runner
    assert (runner.state, runner.detail) == (State.READY, "")
    assert said.codes == alone(own_model, "Yes!", 5).codes


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
    said = [guests.say(text, frames) for text, frames in TEXTS.items()]
    guests.step(10)
    # Three rows in use, four or eight computed; rows that were used before and are not now, too.
    said += [guests.say(f"Number {number}", 5 + number) for number in range(5)]
    guests.run()
    late = guests.say("Good morning.", 14)
    guests.run()
    for each, (text, frames) in zip(said, TEXTS.items(), strict=False):
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
