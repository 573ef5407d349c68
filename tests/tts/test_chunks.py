"""Cutting audio into chunks, and trimming the silence before a clause."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from maatu_tts.chunks import Chunker
from maatu_tts.silence import LeadingSilence


@given(st.lists(st.integers(0, 700), max_size=12), st.integers(1, 300))
def test_chunks_are_even_and_lose_nothing(lengths: list[int], chunk: int) -> None:
    samples = np.arange(sum(lengths), dtype=np.float32)
    chunker = Chunker(chunk, first_at_once=True)
    chunks = [c for piece in np.split(samples, np.cumsum(lengths)[:-1]) for c in chunker.push(piece)]
    chunks += chunker.flush()
    np.testing.assert_array_equal(np.concatenate([np.zeros(0, np.float32), *chunks]), samples)
    assert all(len(c) == chunk for c in chunks[1:-1])
    assert all(0 < len(c) <= chunk for c in chunks)


def test_the_first_chunk_does_not_wait_to_be_full() -> None:
    chunker = Chunker(1_000, first_at_once=True)
    assert [len(chunk) for chunk in chunker.push(np.zeros(60, np.float32))] == [60]
    assert chunker.push(np.zeros(60, np.float32)) == []
    assert Chunker(1_000, first_at_once=False).push(np.zeros(60, np.float32)) == []


def voiced(rate_hz: int) -> np.ndarray:
    return (0.5 * np.cos(2 * np.pi * 200 * np.arange(rate_hz // 10) / rate_hz)).astype(np.float32)


@given(silence_ms=st.integers(0, 400), cut=st.integers(1, 400))
def test_ten_milliseconds_of_silence_stay_however_it_comes(silence_ms: int, cut: int) -> None:
    rate_hz = 16_000
    silence = np.zeros(silence_ms * rate_hz // 1_000, np.float32)
    samples = np.concatenate([silence, voiced(rate_hz)])
    trimmer = LeadingSilence(rate_hz)
    pieces = [trimmer.push(samples[start : start + cut]) for start in range(0, len(samples), cut)]
    trimmed = np.concatenate([*pieces, trimmer.flush()])
    kept = min(len(silence), rate_hz // 100)
    assert len(trimmed) == kept + rate_hz // 10
    np.testing.assert_array_equal(trimmed[rate_hz // 100 :], samples[len(samples) - len(trimmed) + rate_hz // 100 :])


def test_a_voice_silent_for_half_a_second_means_it() -> None:
    trimmer = LeadingSilence(16_000)
    assert len(trimmer.push(np.zeros(7_999, np.float32))) == 0
    assert len(trimmer.push(np.zeros(1, np.float32))) == 8_000


def test_silence_alone_is_given_back() -> None:
    trimmer = LeadingSilence(16_000)
    trimmer.push(np.zeros(100, np.float32))
    assert len(trimmer.flush()) == 100
