"""The edges of clauses."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_runtime.audio import Samples
from maatu_tts.silence import ClauseEdges, LeadingSilence, TrailingSilence

RATE_HZ = 16_000


def noise(samples: int, amplitude: float) -> Samples:
    return np.random.default_rng(samples).uniform(-amplitude, amplitude, samples).astype(np.float32)


def trimmed(samples: Samples, pieces: int) -> Samples:
    silence = LeadingSilence(RATE_HZ)
    out = [silence.push(piece) for piece in np.array_split(samples, pieces)]
    return np.concatenate([*out, silence.flush()])


@pytest.mark.parametrize("pieces", [1, 7, 400])
def test_all_but_ten_milliseconds_of_leading_silence_go(pieces: int) -> None:
    voice = np.full(1_000, 0.3, np.float32)
    out = trimmed(np.concatenate([noise(4_000, 0.004), voice]), pieces)
    assert len(out) == 160 + 1_000
    np.testing.assert_array_equal(out[160:], voice)
    # The noise that is kept comes up from nothing.
    assert out[0] == 0
    assert np.abs(out[:40]).max() < 0.001


@pytest.mark.parametrize("pieces", [1, 50])
def test_a_voice_that_begins_at_once_is_left_alone(pieces: int) -> None:
    voice = noise(2_000, 0.5)
    voice[0] = 0.4
    np.testing.assert_array_equal(trimmed(voice, pieces), voice)


def test_pauses_later_on_stay() -> None:
    voice = np.concatenate([np.full(100, 0.3, np.float32), np.zeros(9_000, np.float32), np.full(100, 0.3, np.float32)])
    np.testing.assert_array_equal(trimmed(voice, 13), voice)


def test_a_voice_that_is_silent_for_long_means_it() -> None:
    silence = LeadingSilence(RATE_HZ)
    assert len(silence.push(np.zeros(7_999, np.float32))) == 0
    assert len(silence.push(np.zeros(1, np.float32))) == 8_000
    assert len(silence.push(np.zeros(160, np.float32))) == 160
    assert len(silence.flush()) == 0


def test_nothing_but_silence_comes_out_at_the_end() -> None:
    assert len(trimmed(np.zeros(3_000, np.float32), 5)) == 3_000
    assert len(trimmed(np.zeros(0, np.float32), 1)) == 0


def edged(samples: Samples, cuts: list[int]) -> Samples:
    edges = ClauseEdges(RATE_HZ)
    out = [edges.push(part) for part in np.split(samples, sorted(cuts))]
    return np.concatenate([*out, edges.flush()])


def test_a_clause_begins_and_ends_without_a_click() -> None:
    out = edged(np.full(800, 0.9, np.float32), [])
    assert len(out) == 800
    assert max(abs(out[0]), abs(out[-1]), np.abs(np.diff(out)).max()) < 0.9 / 80 * 1.01
    np.testing.assert_array_equal(out[80:-80], np.full(640, 0.9, np.float32))
    np.testing.assert_array_equal(out, out[::-1])


def test_all_but_five_milliseconds_come_at_once() -> None:
    edges = ClauseEdges(RATE_HZ)
    assert len(edges.push(np.ones(500, np.float32))) == 420
    assert len(edges.push(np.ones(500, np.float32))) == 500
    assert len(edges.flush()) == 80
    assert len(edges.flush()) == 0


@given(length=st.integers(0, 700), cuts=st.lists(st.integers(0, 700), max_size=8))
def test_how_the_clause_is_cut_changes_no_bit(length: int, cuts: list[int]) -> None:
    voice = noise(700, 0.8)[:length]
    assert edged(voice, cuts).tobytes() == edged(voice, []).tobytes()
    assert len(edged(voice, cuts)) == length


def trailing(pieces: list[Samples]) -> Samples:
    """All that a TrailingSilence lets through."""
    silence = TrailingSilence(RATE_HZ)
    return np.concatenate([*(silence.push(piece) for piece in pieces), silence.flush()])


def test_the_silence_after_a_clause_is_shortened_and_a_pause_within_it_is_kept() -> None:
    sound, pause = np.full(RATE_HZ // 10, 0.3, np.float32), np.zeros(RATE_HZ // 2, np.float32)
    clause = np.concatenate([sound, pause, sound])
    for gap_ms, left_ms in ((50, 50), (200, 200), (550, 200), (1_000, 600)):
        gap = np.zeros(RATE_HZ * gap_ms // 1_000, np.float32)
        whole = trailing([np.concatenate([clause, gap])])
        assert np.array_equal(whole[: len(clause)], clause)
        assert len(whole) - len(clause) == RATE_HZ * left_ms // 1_000


def test_nothing_but_silence_is_held_back() -> None:
    silence = TrailingSilence(RATE_HZ)
    sound = np.full(RATE_HZ // 10, 0.3, np.float32)
    assert np.array_equal(silence.push(sound), sound)
    assert not len(silence.push(np.zeros(RATE_HZ // 10, np.float32)))
    assert len(silence.push(sound)) == 2 * len(sound)
