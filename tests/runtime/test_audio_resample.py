"""Streaming resampling: the cut into chunks changes nothing, lengths are exact, next to nothing is held back."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_runtime.audio import Resampler

RATES = [8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 44_100, 48_000]


def tone(frequency_hz: float, sample_rate_hz: int, samples: int) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * frequency_hz * np.arange(samples) / sample_rate_hz)).astype(np.float32)


def resample(samples: np.ndarray, from_hz: int, to_hz: int, cuts: list[int]) -> np.ndarray:
    resampler = Resampler(from_hz, to_hz)
    pieces = [resampler.push(piece) for piece in np.split(samples, sorted(cuts))]
    return np.concatenate([*pieces, resampler.flush()])


@given(
    from_hz=st.sampled_from(RATES),
    to_hz=st.sampled_from(RATES),
    length=st.integers(0, 3_000),
    data=st.data(),
)
def test_chunking_changes_no_sample(from_hz: int, to_hz: int, length: int, data: st.DataObject) -> None:
    samples = np.random.default_rng(length).uniform(-1, 1, length).astype(np.float32)
    cuts = data.draw(st.lists(st.integers(0, length), max_size=8))
    whole = resample(samples, from_hz, to_hz, [])
    np.testing.assert_array_equal(resample(samples, from_hz, to_hz, cuts), whole)
    assert len(whole) == round(length * to_hz / from_hz)
    assert np.isfinite(whole).all()
    assert np.abs(whole).max(initial=0.0) <= 1.0


@pytest.mark.parametrize("from_hz", RATES)
@pytest.mark.parametrize("to_hz", RATES)
def test_a_tone_keeps_its_pitch_place_and_loudness(from_hz: int, to_hz: int) -> None:
    resampled = resample(tone(440, from_hz, from_hz), from_hz, to_hz, [from_hz // 3])
    expected = tone(440, to_hz, to_hz)
    inside = slice(to_hz // 100, -to_hz // 100)
    np.testing.assert_allclose(resampled[inside], expected[inside], atol=1e-3)


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8_000, 16_000), (48_000, 16_000), (22_050, 16_000), (22_050, 48_000)])
def test_at_most_three_milliseconds_are_held_back(from_hz: int, to_hz: int) -> None:
    resampler = Resampler(from_hz, to_hz)
    given_s = 0.0
    for chunk in range(50):
        given_s += len(resampler.push(tone(440, from_hz, from_hz // 50))) / to_hz
        assert (chunk + 1) * (from_hz // 50) / from_hz - given_s < 0.003


def test_no_drift_over_a_minute_in_small_chunks() -> None:
    samples = np.zeros(60 * 22_050, np.float32)
    assert len(resample(samples, 22_050, 16_000, list(range(0, len(samples), 353)))) == 60 * 16_000
