"""A scheduler has the numbers that fit its device, and what it makes on a GPU is warmed up."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch

from maatu_tts.engine.parler import start as start_module
from maatu_tts.engine.parler import windows
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.runner import EagerRunner
from maatu_tts.engine.parler.sampler import SamplerSettings

Load = Callable[..., ParlerModel]
SIZE = CacheSize(2, 96, 64)


@pytest.mark.parametrize(("device", "prefill", "frames"), [("cpu", 16, 256), ("cuda", 512, 4096)])
def test_a_scheduler_is_made_for_its_device_and_warmed_up_with_fake_scheduler(
    load: Load, monkeypatch: pytest.MonkeyPatch, device: str, prefill: int, frames: int
) -> None:
    model = replace(load("endless"), device=torch.device(device))
    done: list[tuple[Any, ...]] = []

    class FakeScheduler:
        def __init__(self, *_: object, prefill_tokens: int, codec_frames: int, **__: object) -> None:
            done.append(("made", prefill_tokens, codec_frames))
            self.runner = self

        def warm_up(self) -> None:
            done.append(("steps", torch.is_inference_mode_enabled()))

    monkeypatch.setattr(start_module, "Scheduler", FakeScheduler)
    monkeypatch.setattr(windows, "warm_up", lambda *arguments: done.append(("windows", *arguments[1:])))
    start_module.start(model, SIZE, SamplerSettings(), EagerRunner)
    expected: list[tuple[Any, ...]] = [("made", prefill, frames), ("steps", True)]
    assert done == expected + ([("windows", 9, model.device, 80, frames)] if device == "cuda" else [])


def test_what_was_made_can_be_used_outside_inference_mode(load: Load) -> None:
    # Streams are cancelled there.
    scheduler = start_module.start(load("endless"), SIZE, SamplerSettings(), EagerRunner)
    scheduler.batch.release(0)
