"""When memory runs out fewer rows are used, and nobody loses what was decoded."""

import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from maatu_tts.engine.parler import speaker as speaker_module
from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.codec import Codec
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.runner import EagerRunner
from maatu_tts.engine.parler.windows import Samples, Window, decode

Load = Callable[..., ParlerModel]
TEXTS = ["Good morning.", "When does the next train leave?", "Thank you for calling.", "Yes!", "And you?", "Well, no."]


class ShortRunner(EagerRunner):
    """Has memory for so many rows, and none at some of its steps.

    Args:
        batch: Whose step it runs.
        most: Rows that it holds.
        fails_at: Numbers of its runs, from 1.
    """

    def __init__(self, batch: Batch, most: int = 100, fails_at: Sequence[int] = ()) -> None:
        super().__init__(batch)
        self._most = most
        self.fails_at = fails_at
        self.runs = 0

    def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        self.runs += 1
        if rows > self._most or self.runs in self.fails_at:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
        super().run(rows, context, cross_context, greedy=greedy)


def short(most: int = 100, fails_at: Sequence[int] = ()) -> Callable[[Batch], ShortRunner]:
    return lambda batch: ShortRunner(batch, most, fails_at)


def say_all(guests: Any, frames: Sequence[int], **fields: Any) -> list[Any]:
    return [
        guests.say(text, count, seed=index, **fields)
        for index, (text, count) in enumerate(zip(TEXTS, frames, strict=False))
    ]


def check(said: list[Any], alone: Callable[..., Any], model: ParlerModel, frames: Sequence[int], **fields: Any) -> None:
    """All heard to the end what they would have alone."""
    for index, (each, text, count) in enumerate(zip(said, TEXTS, frames, strict=False)):
        expected = alone(model, text, count, seed=index, **fields)
        assert each.ended, text
        assert each.codes == expected.codes, text
        assert np.abs(each.waveform - expected.waveform).max() <= 1e-5


@pytest.mark.parametrize(("variant", "temperature"), [("endless", 0.0), ("ending", 1.0), ("cross", 0.0)])
def test_half_of_the_rows_go_on_and_the_others_later_with_fake_runner(
    load: Load,
    house: Any,
    alone: Callable[..., Any],
    caplog: pytest.LogCaptureFixture,
    variant: str,
    temperature: float,
) -> None:
    model = load(variant, "float64")
    frames = [30, 24, 18, 35, 20, 11]
    guests = house(model, rows=6, make_runner=short(fails_at=[5]), prefill_tokens=5)
    said = say_all(guests, frames, temperature=temperature)
    with caplog.at_level(logging.WARNING):
        guests.run()
    assert guests.scheduler.limit == 3
    assert "out of memory with 6 streams; at most 3 at once from now on" in caplog.text
    check(said, alone, model, frames, temperature=temperature)


def test_as_many_rows_stay_as_fit_with_fake_runner(load: Load, house: Any, alone: Callable[..., Any]) -> None:
    model = load("endless", "float64")
    frames = [12] * 6
    guests = house(model, rows=6, make_runner=short(most=1))
    said = say_all(guests, frames)
    guests.run()
    assert guests.scheduler.limit == 1
    check(said, alone, model, frames)


def test_a_row_lost_again_on_its_way_back_with_fake_runner(load: Load, house: Any, alone: Callable[..., Any]) -> None:
    model = load("ending", "float64")
    guests = house(model, rows=3, make_runner=short(), prefill_tokens=3)
    runner = guests.scheduler.runner
    said = [guests.say(text, frames, min_columns=60) for text, frames in zip(TEXTS, [50, 60], strict=False)]
    said.append(guests.say(TEXTS[3], 40))
    lost = said[2].stream

    def lose_when(moment: Callable[[], bool]) -> None:
        while not moment():
            guests.step()
        runner.fails_at = [runner.runs + 1]
        guests.step()
        assert lost.row is None
        assert not lost.ended

    # Its first codebook has ended and the others have not: that must not be forgotten.
    lose_when(lambda: lost.frames_to_come < 9)
    assert guests.scheduler.limit == 1
    columns = len(lost.columns)
    # There are two rows again, as if others had been there when memory ran out.
    guests.scheduler.limit = 2
    lose_when(lambda: lost.row is not None and lost.prefilled > 0 and not lost.decoding)
    assert len(lost.columns) == columns
    guests.run()
    assert said[2].ended
    assert lost.frames < 40
    assert said[2].codes == alone(model, TEXTS[3], 40).codes
    for each, text, frames in zip(said, TEXTS, [50, 60], strict=False):
        assert each.codes == alone(model, text, frames, min_columns=60).codes


def test_those_who_lost_their_row_come_before_all_who_wait_with_fake_runner(load: Load, house: Any) -> None:
    guests = house(load("endless"), rows=4, make_runner=short(fails_at=[12]))
    order: list[str] = []
    for name in ("a", "b", "c", "d"):
        guests.say(name, 20, plan=ChunkPlan(40, 40), on_piece=lambda _, name=name: order.append(name))
    guests.step(11)
    guests.say("later", 1, priority=3, on_piece=lambda _: order.append("later"))
    guests.run()
    assert order == ["a", "b", "c", "d", "later"]


@pytest.mark.parametrize(("call", "time"), [("begin", 3), ("prefill_together", 1)])
def test_memory_may_run_out_before_the_first_step_with_fake_batch(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, call: str, time: int
) -> None:
    model = load("cross" if call == "begin" else "endless", "float64")
    frames = [15, 12, 10, 8]
    guests = house(model, rows=4)
    real = getattr(guests.scheduler.batch, call)
    calls = []

    def fails_once(*arguments: Any) -> None:
        calls.append(arguments)
        if len(calls) == time:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        real(*arguments)

    monkeypatch.setattr(guests.scheduler.batch, call, fails_once)
    said = say_all(guests, frames)
    guests.run()
    assert len(calls) > time
    check(said, alone, model, frames)


def test_with_one_row_its_stream_alone_fails_with_fake_runner(
    load: Load, house: Any, alone: Callable[..., Any]
) -> None:
    model = load("endless", "float64")
    guests = house(model, rows=1, make_runner=short(fails_at=[25]))
    frames = [12, 20, 9]
    said = say_all(guests, frames)
    guests.run()
    assert [type(each.error) for each in said] == [type(None), torch.OutOfMemoryError, type(None)]
    assert said[1].told.count(said[1].error) == 1
    assert guests.scheduler.limit == 1
    assert said[2].codes == alone(model, TEXTS[2], 9).codes


def short_codec(most: int, asked: list[int]) -> Callable[[Codec, Sequence[Window], torch.device], list[Samples]]:
    """Has memory for so many frames, and writes down how many were asked for."""

    def run(codec: Codec, windows: Sequence[Window], device: torch.device) -> list[Samples]:
        asked.append(sum(window.length(device) for window in windows))
        if asked[-1] > most:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return decode(codec, windows, device)

    return run


def test_the_codec_takes_fewer_windows_and_loses_none_with_fake_codec(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    model = load("endless", "float64")
    frames = [40, 32, 36, 40, 40, 25]
    asked: list[int] = []
    guests = house(model, rows=6)
    said = say_all(guests, frames)
    with monkeypatch.context() as patch, caplog.at_level(logging.WARNING):
        patch.setattr(speaker_module, "decode", short_codec(60, asked))
        guests.run()
    failures = [frames for frames in asked if frames > 60]
    assert failures
    assert max(asked[asked.index(failures[-1]) + 1 :]) <= failures[-1] // 2
    assert "the codec ran out of memory" in caplog.text
    check(said, alone, model, frames)


def test_a_window_that_is_too_long_fails_its_stream_alone_with_fake_codec(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("endless", "float64")
    guests = house(model, rows=3)
    short_one = guests.say(TEXTS[0], 40)
    long_one = guests.say(TEXTS[1], 60, plan=ChunkPlan(40, 40))
    with monkeypatch.context() as patch:
        patch.setattr(speaker_module, "decode", short_codec(45, []))
        while long_one.error is None:
            guests.step()
        assert isinstance(long_one.error, torch.OutOfMemoryError)
        # It is not decoded any further.
        assert long_one.stream.row is None
        guests.run()
    assert len(long_one.told) == 1
    assert short_one.codes == alone(model, TEXTS[0], 40).codes
    assert short_one.ended
