"""Steps whose layers are compiled: nothing is left to compile when streams come, and what fails is gone without."""

import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from maatu_tts.engine.parler.loader import ParlerModel, load_model
from maatu_tts.engine.parler.runner import CompiledRunner, State
from tests.tts.parler.conftest import RUNNER_TEXTS, check_codes, warmed


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


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("variant", ["one-layer", "grouped"])
def test_nothing_is_compiled_once_streams_are_served(
    checkpoint: Callable[[str], Path], house: Any, variant: str
) -> None:
    torch._dynamo.reset()
    torch._dynamo.utils.counters.clear()
    counters = torch._dynamo.utils.counters
    model = load_model(checkpoint(variant), "cpu", "float64")
    compile_layer = partial(torch.compile, backend="eager")
    guests = house(
        model, rows=5, make_runner=lambda batch: warmed(batch, CompiledRunner(batch, compile_layer)), prefill_tokens=5
    )
    # One for a single row, one for all other numbers; the layers share them.
    assert counters["stats"]["unique_graphs"] == 2
    # Prompts in one pass, alone, in parts, and a part of one token; contexts beyond the first 64 positions.
    first = guests.say("Good morning.", 90)
    guests.step(20)
    said = [guests.say(text, 10 + 9 * number) for number, text in enumerate([*RUNNER_TEXTS, "A", "Well, then."])]
    guests.run()
    assert first.ended
    assert all(each.ended for each in said)
    assert counters["stats"]["unique_graphs"] == 2
    assert not counters["graph_break"]
