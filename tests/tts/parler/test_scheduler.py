"""Streams join and leave at any step, wait by priority, and hear what they would alone."""

from collections.abc import Callable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from maatu_runtime.places import Priority
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan

Load = Callable[..., ParlerModel]
TEXTS = {
    "Good morning.": 30,
    "When does the next train to the city leave?": 9,
    "Yes!": 17,
    "Thank you for calling. Please tell me what I can do.": 41,
    "12, 13, 14; and so on": 1,
    "ನಮಸ್ಕಾರ": 25,
}
LONG = "Please tell me what I can do for you, and I will be glad to help. "


class Clock:
    """Seconds that pass when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.mark.parametrize(("rows", "precision"), [(2, "float64"), (3, "float32"), (8, "float64")])
def test_streams_that_join_and_leave_hear_what_they_would_alone(
    load: Load, house: Any, alone: Callable[..., Any], rows: int, precision: str
) -> None:
    model = load("endless", precision)
    expected = {text: alone(model, text, frames) for text, frames in TEXTS.items()}
    guests = house(model, rows, prefill_tokens=5)
    said = {}
    for index, (text, frames) in enumerate(TEXTS.items()):
        said[text] = guests.say(text, frames)
        guests.step(3 * index)
    guests.run()
    for text, each in said.items():
        assert each.ended
        assert each.codes == expected[text].codes
        assert np.abs(each.waveform - expected[text].waveform).max() <= 1e-5
    assert len({str(each.codes) for each in said.values()}) == len(TEXTS)


@pytest.mark.parametrize(
    ("variant", "temperature"),
    [("ending", 1.0), ("cross", 0.0), ("grouped-rope", 0.0), ("rope-cross", 1.0), ("projected", 0.0)],
)
def test_so_they_do_on_every_kind_of_checkpoint(
    load: Load, house: Any, alone: Callable[..., Any], variant: str, temperature: float
) -> None:
    model = load(variant, "float64")
    guests = house(model, 3, prefill_tokens=7)
    said = []
    for index, text in enumerate(TEXTS):
        said.append(guests.say(text, 22, temperature=temperature, seed=index, voice=f"Voice {'low ' * index}"))
        guests.step(index)
    guests.run()
    for index, (text, each) in enumerate(zip(TEXTS, said, strict=True)):
        expected = alone(model, text, 22, temperature=temperature, seed=index, voice=f"Voice {'low ' * index}")
        assert each.codes == expected.codes


def test_pieces_are_the_audio_of_all_frames_and_then_the_end(load: Load, house: Any) -> None:
    model = load("endless")
    guests = house(model)
    said = [guests.say(text, frames, plan=ChunkPlan(6, 14)) for text, frames in TEXTS.items()]
    guests.run()
    for each, frames in zip(said, TEXTS.values(), strict=True):
        assert each.ended
        assert sum(piece.frames for piece in each.pieces) == frames
        assert [len(piece.samples) for piece in each.pieces] == [piece.frames * 512 for piece in each.pieces]
        assert all(piece.samples.dtype == np.float32 for piece in each.pieces)
        with torch.inference_mode():
            whole = model.codec(torch.tensor(each.codes)[None])[0].numpy()
        assert np.abs(each.waveform - whole).max() <= 1e-5
    assert [piece.frames for piece in said[3].pieces] == [6, 12, 14 + 9]


def test_a_stream_of_no_frames_is_told_the_end_alone(load: Load, house: Any) -> None:
    guests = house(load("endless"))
    said = guests.say("Yes!", 0)
    other = guests.say("No!", 3)
    guests.run()
    assert said.told == [None]
    assert other.ended


def test_higher_priorities_go_first_and_equals_in_their_order(load: Load, house: Any) -> None:
    guests = house(load("endless"), rows=1)
    order: list[str] = []

    def say(name: str, priority: Priority) -> None:
        guests.say(name, 1, priority=priority, on_piece=lambda _: order.append(name))

    say("running", Priority.BATCH)
    guests.step()
    for name, priority in (
        ("batch 1", Priority.BATCH),
        ("person 1", Priority.INTERACTIVE),
        ("batch 2", Priority.BATCH),
        ("first 1", Priority.FIRST_CLAUSE),
        ("person 2", Priority.INTERACTIVE),
        ("first 2", Priority.FIRST_CLAUSE),
    ):
        say(name, priority)
    assert guests.scheduler.waiting == 6
    guests.run()
    assert order == ["running", "first 1", "first 2", "person 1", "person 2", "batch 1", "batch 2"]


def test_who_wants_to_be_alone_is_and_does_not_starve(load: Load, house: Any, alone: Callable[..., Any]) -> None:
    model = load("endless", "float64")
    guests = house(model, rows=4)
    before = [guests.say(f"Before {index}", 10 + index) for index in range(2)]
    guests.step()
    lonely = guests.say("I want to be alone", 12, alone=True)
    after = [guests.say(f"After {index}", 6) for index in range(5)]
    together = 0
    while not lonely.ended:
        guests.step()
        if lonely.stream.row is not None:
            assert guests.scheduler.rows_in_use == 1
            together += 1
        if not lonely.stream.frames:
            assert all(each.stream.row is None and not each.told for each in after)
    assert together >= 12
    guests.run()
    for each in [*before, lonely, *after]:
        text = guests.model.prompt_tokenizer.decode(each.stream.request.prompt_ids, skip_special_tokens=True)
        assert each.codes == alone(model, text, each.stream.request.sampling.max_frames).codes


def test_prompts_are_prefilled_within_the_budget_while_others_are_decoded(
    load: Load, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    guests = house(load("endless"), rows=4, prefill_tokens=7)
    batch, runner = guests.scheduler.batch, guests.scheduler.runner
    prefilled: list[int] = []
    steps: list[int] = []
    prefill, run = batch.prefill, runner.run

    def count(row: int, inputs: torch.Tensor, start: int) -> None:
        prefilled.append(len(inputs))
        prefill(row, inputs, start)

    def step(*arguments: int, greedy: bool) -> None:
        steps.append(sum(prefilled))
        run(*arguments, greedy=greedy)

    monkeypatch.setattr(batch, "prefill", count)
    monkeypatch.setattr(runner, "run", step)
    talking = guests.say("Good morning.", 120)
    guests.step()
    # Nobody waited: the whole prompt at once.
    assert prefilled == [len(talking.stream.request.prompt_ids)]
    long = [guests.say(LONG + str(index), 60) for index in range(3)]
    needed = sum(len(each.stream.request.prompt_ids) for each in long)
    assert needed > 60
    while not all(each.stream.decoding for each in long):
        known = len(talking.stream.columns)
        guests.step()
        assert len(talking.stream.columns) == known + 1
    assert max(after - before for before, after in pairwise(steps)) == 7
    assert steps[-1] - prefilled[0] == needed
    assert len(steps) - 1 == -(-needed // 7)
    # They begin one after another, not all at the end.
    begun = [len(each.stream.columns) for each in long]
    assert begun == sorted(begun, reverse=True)
    assert begun[0] > begun[1] > begun[2]
    guests.run()


def test_short_prompts_are_prefilled_together_within_the_budget(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("endless", "float64")
    texts = ["Yes!", "Good morning.", "No!", "Well.", "Good evening.", "So!"]
    lengths = [len(model.prompt_ids(text)) for text in texts]
    budget = 2 * max(lengths) + min(lengths)
    guests = house(model, rows=8, prefill_tokens=budget)
    batch = guests.scheduler.batch
    together: list[list[int]] = []
    prefill = batch.prefill_together

    def count(rows: list[int], inputs: list[torch.Tensor]) -> None:
        together.append([len(one) for one in inputs])
        prefill(rows, inputs)

    monkeypatch.setattr(batch, "prefill_together", count)
    guests.say("Talking.", 60)
    guests.step()
    said = [guests.say(text, 12) for text in texts]
    guests.run()
    assert max(len(each) for each in together) >= 2
    assert all(len(each) * max(each) <= budget for each in together)
    for text, each in zip(texts, said, strict=True):
        assert each.codes == alone(model, text, 12).codes


def test_first_chunks_go_before_those_of_others_when_the_codec_is_short(load: Load, house: Any) -> None:
    model = load("endless")

    def steps_until_heard(talking: int) -> int:
        guests = house(model, rows=6, codec_frames=1, prefill_tokens=64)
        for index in range(talking):
            guests.say(f"Talking {index}", 80, plan=ChunkPlan(1, 1))
        guests.step(30)
        said = guests.say("Hello", 40, plan=ChunkPlan(5, 20))
        steps = 0
        while not said.pieces:
            guests.step()
            steps += 1
        return steps

    # The others are always due, and there is one window a step.
    assert steps_until_heard(5) == steps_until_heard(0)


def test_each_piece_says_what_it_cost(load: Load, house: Any) -> None:
    clock = Clock()

    def tick() -> float:
        clock.now_s += 0.001
        return clock.now_s

    guests = house(load("endless"), rows=2, clock=tick)
    said = [guests.say("Good morning.", 30), guests.say("Yes!", 30)]
    began_s = clock.now_s
    guests.run()
    costs = [piece.compute_s for each in said for piece in each.pieces]
    assert min(costs) > 0
    assert 0.3 * (clock.now_s - began_s) < sum(costs) < clock.now_s - began_s


def test_it_tells_its_speed_and_when_a_row_is_free(load: Load, house: Any) -> None:
    clock = Clock()
    guests = house(load("endless"), rows=2, clock=clock)
    scheduler = guests.scheduler
    assert scheduler.steps_per_second == 0.0
    assert scheduler.seconds_until_free() == 0.0
    run = scheduler.runner.run

    def step(*arguments: int, greedy: bool) -> None:
        clock.now_s += 0.25
        run(*arguments, greedy=greedy)

    scheduler.runner.run = step
    guests.say("Good morning.", 30)
    guests.step()
    assert scheduler.seconds_until_free() == 0.0
    guests.say("Yes!", 50)
    guests.step(19)
    assert scheduler.steps_per_second == pytest.approx(20 / 60)
    # Twenty columns are twelve frames; eighteen are left.
    assert scheduler.seconds_until_free() == pytest.approx(18 * 0.25)
    clock.now_s += 58.0
    assert 0 < scheduler.steps_per_second < 20 / 60
    clock.now_s += 60.0
    assert scheduler.steps_per_second == 0.0


def test_a_failure_ends_all_streams_and_the_next_ones_go_on(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = load("endless", "float64")
    guests = house(model, rows=2)
    said = [guests.say(text, 20) for text in TEXTS]
    guests.step(25)
    heard = [len(each.told) for each in said]
    assert max(heard) > 0
    broken = RuntimeError("a defect")
    guests.scheduler.fail(broken)
    guests.check_empty()
    assert [each.error for each in said] == [broken] * len(TEXTS)
    assert [len(each.told) for each in said] == [before + 1 for before in heard]
    guests.step()
    again = guests.say("Good morning.", 20)
    guests.run()
    assert again.ended
    assert again.codes == alone(model, "Good morning.", 20).codes


def test_a_failure_ends_all_streams_where_the_batch_and_a_listener_are_broken_too(
    load: Load, house: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise RuntimeError("broken as well")

    guests = house(load("endless", "float64"), rows=3)
    said = [guests.say(text, 20) for text in TEXTS]
    guests.step(3)
    monkeypatch.setattr(guests.scheduler.batch, "move", fail)
    monkeypatch.setattr(guests.scheduler.batch, "release", fail)
    monkeypatch.setattr(said[0].stream, "fail", fail)
    broken = RuntimeError("a defect")
    with pytest.raises(RuntimeError, match="broken as well"):
        guests.scheduler.fail(broken)
    guests.check_empty()
    assert [each.error for each in said[1:]] == [broken] * (len(TEXTS) - 1)
