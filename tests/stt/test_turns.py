"""The audio model's say in when an utterance ends."""

import asyncio
from pathlib import Path

import numpy as np
import pytest

from maatu_runtime.errors import ModelNotInstalled
from maatu_runtime.models import ModelStore
from maatu_stt.config import Config
from maatu_stt.engine.base import SAMPLE_RATE_HZ
from maatu_stt.engine.endpointing import silence_after
from maatu_stt.engine.settings import StreamSettings
from maatu_stt.engine.turns import SmartTurnDetector
from maatu_stt.service import build

WHOLE = "What is the capital of France?"
GOES_ON = "I would like a coffee and"
UNCLEAR = "the capital of France"


@pytest.mark.parametrize(
    ("text", "probability", "milliseconds"),
    [
        (WHOLE, None, 300),
        (WHOLE, 0.9, 300),
        (WHOLE, 0.1, 500),
        (UNCLEAR, None, 500),
        (UNCLEAR, 0.99, 300),
        (UNCLEAR, 0.6, 500),
        (UNCLEAR, 0.05, 1_200),
        (GOES_ON, None, 1_200),
        (GOES_ON, 0.99, 1_200),
        ("", 0.6, 500),
    ],
)
def test_words_and_sound_together_say_how_long_to_wait(text: str, probability: float | None, milliseconds: int) -> None:
    silence = silence_after(text, "en-US", StreamSettings(), probability)
    assert silence == milliseconds * SAMPLE_RATE_HZ // 1_000


async def test_pauses_are_judged_one_after_another_and_refused_where_too_many_wait(models_dir: Path) -> None:
    detector = SmartTurnDetector("smart-turn-v3", ModelStore(models_dir).path)
    assert detector.ask(np.zeros(SAMPLE_RATE_HZ, np.float32)) is None  # not loaded yet
    await detector.warm_up()
    try:
        sound = np.random.default_rng(1).normal(0, 0.05, detector.heard).astype(np.float32)
        asked = [detector.ask(sound[: length * SAMPLE_RATE_HZ]) for length in (1, 2, 3, 4, 5)]
        assert asked[4] is None
        answers = [await answer for answer in asked if answer is not None]
        assert len(answers) == 4
        assert all(0 <= answer <= 1 for answer in answers)
        again = detector.ask(sound[:SAMPLE_RATE_HZ])
        assert again is not None
        assert await again == pytest.approx(answers[0], abs=1e-3)
    finally:
        await detector.close()


async def test_a_pause_that_nobody_waits_for_any_more_frees_its_place(models_dir: Path) -> None:
    detector = SmartTurnDetector("smart-turn-v3", ModelStore(models_dir).path)
    await detector.warm_up()
    try:
        for _ in range(4):
            answer = detector.ask(np.zeros(SAMPLE_RATE_HZ, np.float32))
            assert answer is not None
            answer.cancel()
        await asyncio.sleep(0)
        assert detector.ask(np.zeros(SAMPLE_RATE_HZ, np.float32)) is not None
    finally:
        await detector.close()


async def test_a_missing_model_is_named_with_the_command_that_gets_it(tmp_path: Path) -> None:
    detector = SmartTurnDetector("smart-turn-v3", ModelStore(tmp_path).path)
    with pytest.raises(ModelNotInstalled, match="maatu models pull smart-turn-v3"):
        await detector.warm_up()
    await detector.close()


def test_the_service_can_do_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_MODELS_DIR", str(tmp_path))
    monkeypatch.setenv("MAATU_STT_TURN_MODEL", "none")
    without = Config.from_environment()
    monkeypatch.delenv("MAATU_STT_TURN_MODEL")
    for config in (without, Config(adaptive_endpoint=False), Config(engine="fake")):
        build(config)
