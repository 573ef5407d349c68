"""A crowd's chunks are decoded together every few steps; first chunks wait for nobody, and the audio is the same."""

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from maatu_tts.engine.parler import speaker as speaker_module
from maatu_tts.engine.parler.codec import CONTEXT_FRAMES, Codec
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.speaker import Speaker
from maatu_tts.engine.parler.windows import Samples, Window

Load = Callable[..., ParlerModel]
TEXTS = {"Good morning.": 41, "When does the next train leave?": 30, "Yes!": 25, "Thank you for calling.": 37}


class Listened:
    """Always has ten frames to decode."""

    closed = False
    compute_s = 0.0

    def __init__(self) -> None:
        self.has_spoken = True
        self.first_due = False
        self.chunks = 0

    def window(self, _: float) -> Window:
        """Its next chunk."""
        return Window(torch.zeros(9, 30, dtype=torch.long), 10, 10, ends=False)

    def speak(self, *_: object) -> None:
        """It is heard."""
        self.chunks += 1
        self.has_spoken, self.first_due = True, False


@pytest.fixture
def crowd(load: Load, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], tuple[Speaker, list[Listened]]]:
    """A speaker of so many streams, with a codec that is silent."""

    def silence(codec: Codec, windows: Sequence[Window], _: torch.device) -> list[Samples]:
        return [np.zeros(window.take * codec.config.hop, np.float32) for window in windows]

    monkeypatch.setattr(speaker_module, "decode", silence)

    def make(count: int) -> tuple[Speaker, list[Listened]]:
        speaker = Speaker(load("endless"), frames=10**6, clock=lambda: 0.0)
        streams: Any = [Listened() for _ in range(count)]
        for stream in streams:
            speaker.add(stream)
        return speaker, streams

    return make


def chunks(speaker: Speaker, streams: list[Listened], calls: int) -> list[int]:
    """How many each of them has heard after each call; all have heard as many."""
    heard = []
    for _ in range(calls):
        speaker.speak()
        (count,) = {stream.chunks for stream in streams}
        heard.append(count)
    return heard


def test_a_crowd_is_decoded_every_fourth_call_with_fake_streams(
    crowd: Callable[[int], tuple[Speaker, list[Listened]]],
) -> None:
    assert chunks(*crowd(64), 4) == [1, 2, 3, 4]
    assert chunks(*crowd(65), 9) == [0, 0, 0, 1, 1, 1, 1, 2, 2]


def test_a_first_chunk_does_not_wait_and_takes_the_others_along_with_fake_streams(
    crowd: Callable[[int], tuple[Speaker, list[Listened]]],
) -> None:
    speaker, streams = crowd(100)
    streams[70].has_spoken, streams[70].first_due = False, True
    assert chunks(speaker, streams, 6) == [1, 1, 1, 1, 2, 2]


@pytest.mark.parametrize("plan", [ChunkPlan(first=4, largest=8), ChunkPlan(first=3, largest=10, adaptive=False)])
def test_in_a_crowd_streams_hear_what_they_would_alone_in_chunks_as_long_as_asked(
    load: Load, house: Any, alone: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, plan: ChunkPlan
) -> None:
    model = load("endless", "float64")
    expected = {text: alone(model, text, frames, plan=plan) for text, frames in TEXTS.items()}

    def speak() -> tuple[dict[str, Any], dict[str, int]]:
        """What each heard, and after how many steps the first of it."""
        guests = house(model, rows=4)
        steps, first = 0, dict[str, int]()
        said = {text: guests.say(text, frames, plan=plan) for text, frames in TEXTS.items()}
        while guests.scheduler.busy:
            guests.step()
            steps += 1
            first |= {text: steps for text, each in said.items() if each.pieces and text not in first}
        return said, first

    _, first_of_few = speak()
    monkeypatch.setattr(speaker_module, "_CROWD", 1)
    said, first = speak()
    assert first == first_of_few
    for text, each in said.items():
        assert each.ended
        assert each.codes == expected[text].codes
        assert np.abs(each.waveform - expected[text].waveform).max() <= 1e-5
        *lengths, last = [piece.frames for piece in each.pieces]
        # The end of a stream is not cut off for being a little longer.
        assert lengths[0] == plan.first
        least, growth = (plan.first, 2) if plan.adaptive else (plan.largest, plan.largest)
        assert all(least <= after <= min(plan.largest, growth * before) for before, after in pairwise(lengths))
        assert last <= plan.largest + CONTEXT_FRAMES
