"""The front end: direct current goes, voice stays, cuts change nothing."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_runtime.audio import read_audio
from maatu_stt.engine.base import SAMPLE_RATE_HZ
from maatu_stt.engine.front_end import FrontEnd
from maatu_stt.engine.vad import WINDOW, SileroModel

JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"


def tone(frequency_hz: float, seconds: float = 1.0) -> np.ndarray:
    time_s = np.arange(round(seconds * SAMPLE_RATE_HZ)) / SAMPLE_RATE_HZ
    return (0.1 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


@given(length=st.integers(0, 3_000), data=st.data())
def test_cuts_change_not_one_bit(length: int, data: st.DataObject) -> None:
    samples = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    cuts = sorted(data.draw(st.lists(st.integers(0, length), max_size=8)))
    front_end = FrontEnd()
    pieces = [front_end.push(piece) for piece in np.split(samples, cuts)]
    assert [len(piece) for piece in pieces] == [len(piece) for piece in np.split(samples, cuts)]
    whole = FrontEnd().push(samples)
    assert whole.dtype == np.float32
    np.testing.assert_array_equal(np.concatenate(pieces), whole)


def test_it_is_the_high_pass_that_it_says_it_is() -> None:
    samples = np.random.default_rng(1).uniform(-1, 1, 2_000).astype(np.float32)
    keep, mean, expected = np.exp(-2 * np.pi * 20 / SAMPLE_RATE_HZ), 0.0, []
    for sample in samples.astype(float):
        mean = keep * mean + (1 - keep) * sample
        expected.append(sample - mean)
    np.testing.assert_allclose(FrontEnd().push(samples), expected, atol=1e-6)


@pytest.mark.parametrize("offset", [0.3, -0.8])
def test_a_constant_is_gone_after_a_moment(offset: float) -> None:
    filtered = FrontEnd().push(tone(300) + np.float32(offset))
    assert abs(float(filtered[1_600:].mean())) < 1e-3
    np.testing.assert_allclose(filtered[3_200:], FrontEnd().push(tone(300))[3_200:], atol=1e-4)


@pytest.mark.parametrize("frequency_hz", [80, 150, 1_000, 7_000])
def test_voices_keep_their_loudness(frequency_hz: float) -> None:
    heard = FrontEnd().push(tone(frequency_hz))[1_600:]
    assert float(np.sqrt(np.mean(heard**2))) == pytest.approx(0.1 / np.sqrt(2), rel=0.05)


def test_half_an_hour_of_a_constant_leaves_nothing_behind() -> None:
    front_end = FrontEnd()
    second = np.full(SAMPLE_RATE_HZ, 0.5, np.float32)
    for _ in range(1_800):
        filtered = front_end.push(second)
    assert float(np.abs(filtered).max()) < 1e-6


def test_a_quiet_voice_is_heard_through_a_constant() -> None:
    quiet = read_audio(JFK, SAMPLE_RATE_HZ) * np.float32(0.05)
    model = SileroModel()

    def voiced(samples: np.ndarray) -> float:
        """Share of the windows that hold voice."""
        detector = model.stream()
        starts = range(0, len(samples) - WINDOW + 1, WINDOW)
        return float(np.mean([detector.probability(samples[start : start + WINDOW]) >= 0.5 for start in starts]))

    usual = voiced(quiet)
    assert voiced(quiet + np.float32(0.2)) < 0.5 * usual
    assert voiced(FrontEnd().push(quiet + np.float32(0.2))) == pytest.approx(usual, abs=0.05)
