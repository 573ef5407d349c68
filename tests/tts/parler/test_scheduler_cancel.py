"""Who is cancelled leaves nothing behind and changes nothing for the others."""

import gc
import random
import weakref
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pytest
import torch

from maatu_runtime.places import Priority
from maatu_tts.engine.parler import speaker as speaker_module
from maatu_tts.engine.parler.codec import Codec
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.stream import Stream
from maatu_tts.engine.parler.windows import Samples, Window

Load = Callable[..., ParlerModel]
TEXTS = ["Good morning.", "When does the next train leave?", "Thank you for calling.", "Yes!"]
FRAMES = [26, 17, 22, 9]


def state(stream: Stream) -> str:
    if stream.closed:
        return "done"
    if stream.row is None:
        return "speaking" if stream.ended else "waiting"
    return "decoding" if stream.decoding else "prefilling"


def speak(house: Any, model: ParlerModel) -> tuple[Any, list[Any]]:
    """Two rows for four, prompts in little bites, and one window a step: all states last."""
    guests = house(model, rows=2, prefill_tokens=3, codec_frames=1)
    return guests, [
        guests.say(text, frames, min_columns=30, plan=ChunkPlan(1, 1))
        for text, frames in zip(TEXTS, FRAMES, strict=True)
    ]


def moments(house: Any, model: ParlerModel) -> list[tuple[int, int, str]]:
    """For each stream and each state the first step before which it is in it, the last, and one in between."""
    guests, said = speak(house, model)
    seen: defaultdict[tuple[int, str], list[int]] = defaultdict(list)
    step = 0
    while guests.scheduler.busy:
        for index, each in enumerate(said):
            seen[index, state(each.stream)].append(step)
        guests.step()
        step += 1
    return sorted(
        (step, index, name)
        for (index, name), steps in seen.items()
        for step in {steps[0], steps[len(steps) // 2], steps[-1]}
        if name != "done"
    )


def silence(codec: Codec, windows: Sequence[Window], _: torch.device) -> list[Samples]:
    """What the codec would bring, without its work: the codes are what counts here."""
    return [np.zeros(window.take * codec.config.hop, np.float32) for window in windows]


def test_in_any_state_the_others_go_on_as_if_nothing_had_been_with_fake_codec(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(speaker_module, "decode", silence)
    model = load("one-layer", "float64")
    expected = [alone(model, text, frames, min_columns=30).codes for text, frames in zip(TEXTS, FRAMES, strict=True)]
    states = Counter[str]()
    for moment, leaving, name in moments(house, model):
        guests, said = speak(house, model)
        guests.step(moment)
        stream = said[leaving].stream
        assert state(stream) == name
        states[name] += 1
        told = len(said[leaving].told)
        in_use, waiting = guests.scheduler.rows_in_use, guests.scheduler.waiting
        guests.scheduler.cancel(stream)
        assert stream.row is None
        if name in ("prefilling", "decoding"):
            assert guests.scheduler.rows_in_use == in_use - 1
            guests.step()
            assert guests.scheduler.waiting == max(0, waiting - 1)
        guests.run()
        assert len(said[leaving].told) == told
        for index in {0, 1, 2, 3} - {leaving}:
            assert said[index].ended
            assert said[index].codes == expected[index], (moment, leaving, name, index)
    assert set(states) == {"waiting", "prefilling", "decoding", "speaking"}
    assert min(states.values()) >= 3, states


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
    guests = house(load("one-layer"), rows, prefill_tokens=32)
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
