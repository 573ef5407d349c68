"""Who is cancelled leaves nothing behind and changes nothing for the others."""

import gc
import random
import weakref
from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest
import torch

from maatu_runtime.places import Priority
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.stream import Stream

Load = Callable[..., ParlerModel]
TEXTS = ["Good morning.", "When does the next train leave?", "Thank you for calling.", "Yes!"]
FRAMES = [14, 9, 12, 7]


def state(stream: Stream) -> str:
    if stream.closed:
        return "done"
    if stream.row is None:
        return "speaking" if stream.ended else "waiting"
    return "decoding" if stream.decoding else "prefilling"


def test_at_any_moment_the_others_go_on_as_if_nothing_had_been(
    load: Load, house: Any, alone: Callable[..., Any]
) -> None:
    model = load("endless", "float64")
    expected = [alone(model, text, frames).codes for text, frames in zip(TEXTS, FRAMES, strict=True)]
    cancelled_in: Counter[str] = Counter()
    for moment in range(0, 60, 3):
        for leaving in range(4):
            # Two rows for four, prompts in little bites, and one window a step: all states last.
            guests = house(model, rows=2, prefill_tokens=4, codec_frames=1)
            said = [guests.say(text, frames, plan=ChunkPlan(2, 3)) for text, frames in zip(TEXTS, FRAMES, strict=True)]
            guests.step(moment)
            stream = said[leaving].stream
            was = state(stream)
            if was == "done":
                continue
            cancelled_in[was] += 1
            told = len(said[leaving].told)
            in_use, waiting = guests.scheduler.rows_in_use, guests.scheduler.waiting
            guests.scheduler.cancel(stream)
            assert stream.row is None
            if was in ("prefilling", "decoding"):
                assert guests.scheduler.rows_in_use == in_use - 1
                if waiting:
                    guests.step()
                    assert guests.scheduler.waiting < waiting
            guests.run()
            assert len(said[leaving].told) == told
            for index in {0, 1, 2, 3} - {leaving}:
                assert said[index].ended
                assert said[index].codes == expected[index], (moment, leaving, index)
    assert set(cancelled_in) == {"waiting", "prefilling", "decoding", "speaking"}
    assert min(cancelled_in.values()) >= 3


def test_cancelling_again_and_after_the_end_does_nothing(load: Load, house: Any) -> None:
    guests = house(load("endless"))
    said, other = guests.say("Yes!", 5), guests.say("No!", 9)
    guests.step(2)
    for _ in range(3):
        guests.scheduler.cancel(said.stream)
    guests.run()
    assert said.told == []
    assert other.ended
    told = len(other.told)
    guests.scheduler.cancel(other.stream)
    guests.check_empty()
    assert len(other.told) == told


def test_somebody_who_waits_keeps_their_turn_when_another_leaves_the_queue(load: Load, house: Any) -> None:
    guests = house(load("endless"), rows=1)
    order: list[int] = []
    guests.say("running", 1)
    guests.step()
    said = [guests.say(str(index), 1, on_piece=lambda _, index=index: order.append(index)) for index in range(7)]
    for index in (0, 3, 6):
        guests.scheduler.cancel(said[index].stream)
    assert guests.scheduler.waiting == 4
    guests.run()
    assert order == [1, 2, 4, 5]


def left_over() -> tuple[int, int]:
    """Streams and tensors that are still there."""
    gc.collect()
    kinds = Counter(type(each) for each in gc.get_objects())
    return kinds[Stream], kinds[torch.Tensor]


@pytest.mark.parametrize("rows", [16])
def test_a_thousand_streams_with_random_cancels_leave_nothing(load: Load, house: Any, rows: int) -> None:
    guests = house(load("ending"), rows, prefill_tokens=32)
    chance = random.Random(7)
    voice = guests.model.describe("A voice.")
    guests.model = _WithOneVoice(guests.model, voice)
    before = left_over()
    counts = Counter[str]()
    streams: list[weakref.ref[Stream]] = []
    for _ in range(2):
        _run_some(guests, chance, 500, counts, streams)
        guests.check_empty()
        # Nothing grows: what is left after the second half is what was left after none.
        assert left_over() == before
    assert len(streams) == 1_000
    assert not any(stream() for stream in streams)
    assert min(counts["ended"], counts["cancelled"]) > 200
    assert counts.total() == 1_000


class _WithOneVoice:
    """A model that encodes no description twice: a thousand would take the test's time."""

    def __init__(self, model: ParlerModel, voice: Any) -> None:
        self.prompt_ids = model.prompt_ids
        self.describe = lambda _: voice


def _run_some(
    guests: Any, chance: random.Random, number: int, counts: Counter[str], streams: list[weakref.ref[Stream]]
) -> None:
    here: list[Any] = []
    left = number
    while left or guests.scheduler.busy:
        for _ in range(min(left, chance.choice([0, 0, 2, 5, 9]))):
            said = guests.say(
                chance.choice(TEXTS),
                chance.randint(0, 16),
                temperature=chance.choice([0.0, 1.0]),
                seed=chance.getrandbits(62),
                plan=ChunkPlan(chance.randint(1, 4), 8),
                priority=chance.choice(list(Priority)),
                alone=chance.random() < 0.01,
            )
            streams.append(weakref.ref(said.stream))
            here.append(said)
            left -= 1
        for said in [said for said in here if chance.random() < 0.04]:
            here.remove(said)
            counts["ended" if said.ended else "cancelled"] += 1
            guests.scheduler.cancel(said.stream)
        guests.step()
        assert guests.scheduler.rows_in_use <= 16
    for said in here:
        assert said.ended
        counts["ended"] += 1
