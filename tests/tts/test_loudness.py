"""Levelling and limiting."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from maatu_runtime.audio import Samples
from maatu_tts.loudness import TARGET_RMS, Leveller, limit

RATE_HZ = 24_000


def tone(seconds: float, rms: float, hz: float = 200.0) -> Samples:
    times = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    samples: Samples = (rms * np.sqrt(2) * np.sin(2 * np.pi * hz * times)).astype(np.float32)
    return samples


def speech_like(seconds: float, rms: float, seed: int = 1) -> Samples:
    """A buzz in syllables of different strength, 4 a second, with pauses between words."""
    random = np.random.default_rng(seed)
    syllables = [
        tone(0.25, 1.0, hz=random.uniform(90, 220))
        * np.hanning(round(0.25 * RATE_HZ)).astype(np.float32)
        * np.float32(0.0 if random.random() < 0.15 else random.uniform(0.4, 1.6))
        for _ in range(round(seconds * 4))
    ]
    voice = np.concatenate(syllables)
    return (voice * np.float32(rms / voiced_rms(voice))).astype(np.float32)


def voiced_rms(samples: Samples) -> float:
    """Root mean square of the blocks that are no pause."""
    blocks = samples[: len(samples) // 480 * 480].reshape(-1, 480)
    means = np.mean(np.square(blocks, dtype=np.float64), axis=1)
    return float(np.sqrt(means[means > 0.01**2].mean()))


def db(ratio: float | NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(20 * np.log10(ratio))


@pytest.mark.parametrize("rms", [0.06, 0.15, 0.4])
def test_a_tone_of_any_level_comes_out_at_the_target(rms: float) -> None:
    out = Leveller(RATE_HZ).push(tone(4.0, rms))
    assert abs(db(voiced_rms(out[round(1.5 * RATE_HZ) :]) / TARGET_RMS)) < 1.0


def test_two_clauses_of_different_level_come_out_alike() -> None:
    leveller = Leveller(RATE_HZ)
    soft = leveller.push(tone(3.0, 0.08))
    leveller.next_clause()
    loud = leveller.push(tone(3.0, 0.3))
    # 700 ms into the loud clause, and a second into the soft one.
    levels = [voiced_rms(soft[RATE_HZ:]), voiced_rms(loud[round(0.7 * RATE_HZ) :])]
    assert all(abs(db(level / TARGET_RMS)) < 2.0 for level in levels)
    assert abs(db(levels[0] / levels[1])) < 2.5


def test_a_clause_is_followed_sooner_than_a_change_within_one() -> None:
    levels = []
    for ends in (True, False):
        leveller = Leveller(RATE_HZ)
        leveller.push(tone(4.0, 0.08))
        if ends:
            leveller.next_clause()
        levels.append(voiced_rms(leveller.push(tone(1.0, 0.24))[RATE_HZ // 2 :]))
    assert db(levels[1] / levels[0]) > 1.5


def test_a_clause_begins_with_the_gain_of_the_stream_not_of_the_clause_before() -> None:
    leveller = Leveller(RATE_HZ)
    leveller.push(tone(10.0, 0.1))
    leveller.next_clause()
    leveller.push(tone(2.0, 0.3))
    leveller.push(np.zeros(RATE_HZ // 5, np.float32))
    leveller.next_clause()
    leveller.push(np.zeros(RATE_HZ // 50, np.float32))
    begin = leveller.push(tone(0.2, 0.1))
    assert abs(db(voiced_rms(begin) / TARGET_RMS)) < 2.5


def test_syllables_keep_their_shape() -> None:
    voice = speech_like(6.0, TARGET_RMS)
    gain = Leveller(RATE_HZ).push(voice).astype(np.float64)
    heard = np.abs(voice) > 0.02
    gain_db = db(np.abs(gain[heard]) / np.abs(voice[heard].astype(np.float64)))
    # Syllables differ by 12 dB; the gain follows a little at first and stands nearly still within each of them.
    assert np.abs(gain_db[np.abs(voice[heard]) < 0.5]).max() < 3.5
    steps = [np.ptp(part) for part in np.array_split(gain_db, 24)]
    assert float(np.median(steps)) < 0.5


def test_silence_and_breath_are_not_amplified() -> None:
    random = np.random.default_rng(2)
    noise = (0.003 * random.standard_normal(5 * RATE_HZ)).astype(np.float32)
    np.testing.assert_array_equal(Leveller(RATE_HZ).push(noise), noise)
    leveller = Leveller(RATE_HZ)
    leveller.push(tone(3.0, 0.1))
    pause = leveller.push(noise)
    gain_db = db(float(np.sqrt(np.mean(pause**2) / np.mean(noise**2))))
    assert gain_db == pytest.approx(float(db(TARGET_RMS / 0.1)), abs=1.0)


@pytest.mark.parametrize(("rms", "largest_db"), [(0.011, 12.0), (0.03, 12.0)])
def test_the_gain_has_bounds(rms: float, largest_db: float) -> None:
    out = Leveller(RATE_HZ).push(tone(6.0, rms))
    assert db(voiced_rms(out[-RATE_HZ:]) / rms) == pytest.approx(largest_db, abs=0.05)


def test_nothing_clicks() -> None:
    # The level jumps at zero crossings, so that the input itself is smooth; it is too soft for the limiter.
    voice = np.concatenate([tone(1.0, 0.05), tone(1.0, 0.15), tone(0.5, 0.001), tone(1.0, 0.1)])
    leveller = Leveller(RATE_HZ)
    out = np.concatenate([leveller.push(part) for part in np.array_split(voice, 61)])
    largest_gain = TARGET_RMS / 0.05
    for order in (1, 2):
        assert np.abs(np.diff(out, order)).max() < 1.05 * largest_gain * np.abs(np.diff(voice, order)).max()
    # The gain between two samples moves by less than a thousandth.
    heard = np.abs(voice) > 0.01
    gain = out[heard].astype(np.float64) / voice[heard]
    assert np.abs(np.diff(gain)[np.diff(np.flatnonzero(heard)) == 1] / gain.min()).max() < 0.001


def test_nothing_reaches_full_scale() -> None:
    out = Leveller(RATE_HZ).push(np.concatenate([tone(2.0, 0.02), tone(1.0, 0.7)]))
    assert np.abs(out).max() <= np.float32(0.98)


@given(cuts=st.lists(st.integers(0, 2 * RATE_HZ), max_size=12))
def test_how_the_stream_is_cut_changes_no_bit(cuts: list[int]) -> None:
    whole = Leveller(RATE_HZ).push(VOICE)
    leveller = Leveller(RATE_HZ)
    parts = [leveller.push(part) for part in np.split(VOICE, sorted(cuts))]
    assert [len(part) for part in parts] == [len(part) for part in np.split(VOICE, sorted(cuts))]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


VOICE = np.concatenate([speech_like(1.0, 0.5), speech_like(1.0, 0.08, seed=3)])


@given(st.lists(st.floats(-8, 8, width=32), max_size=40))
def test_the_limiter_leaves_what_is_small_and_bounds_what_is_large(values: list[float]) -> None:
    samples = np.array(values, np.float32)
    out = limit(samples)
    small = np.abs(samples) <= np.float32(0.8)
    assert out[small].tobytes() == samples[small].tobytes()
    assert out.dtype == np.float32
    assert (np.abs(out) <= np.float32(0.98)).all()
    assert (np.sign(out) == np.sign(samples)).all()
    assert (np.diff(out[np.argsort(samples)]) >= 0).all()
