"""Recordings of utterances, and the store that is bounded in bytes."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from maatu_runtime.language import Language
from maatu_tts.chunks import ChunkSettings, ramp
from maatu_tts.engine.base import EngineAudio, EngineVoice, Utterance
from maatu_tts.recordings import Recording, RecordingStore

VOICE = EngineVoice("voice", (Language("en"),), 16_000, "")


def recording(samples: int = 1_000, tokens: int = 0) -> Recording:
    return Recording(np.arange(samples, dtype=np.int16), 16_000, tokens)


async def played(what: Recording, chunks: ChunkSettings, *, streaming: bool = True) -> list[EngineAudio]:
    return [part async for part in what.play(Utterance("Yes.", VOICE, chunks=chunks, streaming=streaming))]


@pytest.mark.parametrize(
    ("settings", "lengths"),
    [
        (ChunkSettings(chunk_tokens=50, first_chunk_tokens=10), [10, 20, 40, 50, 50]),
        (ChunkSettings(chunk_tokens=25, first_chunk_tokens=1), [1, 2, 4, 8, 16, 25, 25]),
        (ChunkSettings(chunk_tokens=50, first_chunk_tokens=10, adaptive=False), [10, 50, 50]),
        (ChunkSettings(chunk_tokens=30, first_chunk_tokens=30), [30, 30]),
    ],
)
def test_chunks_grow_from_the_first_to_the_length_set(settings: ChunkSettings, lengths: list[int]) -> None:
    assert [length for length, _ in zip(ramp(settings), lengths, strict=False)] == lengths


async def test_a_recording_with_tokens_is_cut_like_the_engine_cuts() -> None:
    parts = await played(recording(100 * 64, tokens=100), ChunkSettings(chunk_tokens=50, first_chunk_tokens=10))
    assert [part.tokens for part in parts] == [10, 20, 40, 30]
    assert [len(part.samples) for part in parts] == [640, 1_280, 2_560, 1_920]
    assert sum(part.compute_s for part in parts) == 0


@given(st.integers(1, 400), st.integers(0, 2_000), st.integers(1, 25), st.booleans())
async def test_a_recording_is_played_whole(tokens: int, more: int, first: int, adaptive: bool) -> None:
    made = recording(tokens + more, tokens)
    parts = await played(made, ChunkSettings(chunk_tokens=25, first_chunk_tokens=first, adaptive=adaptive))
    assert sum(part.tokens for part in parts) == tokens
    assert all(len(part.samples) for part in parts)
    whole = np.concatenate([part.samples for part in parts])
    np.testing.assert_array_equal(whole * 32_768, made.pcm)


async def test_a_recording_is_played_in_one_piece_without_tokens_or_streaming() -> None:
    assert len(await played(recording(50_000), ChunkSettings())) == 1
    [part] = await played(recording(50_000, tokens=500), ChunkSettings(), streaming=False)
    assert (len(part.samples), part.tokens) == (50_000, 500)


def test_bytes_and_back() -> None:
    made = recording(333, tokens=7)
    read = Recording.from_bytes(made.to_bytes())
    assert read is not None
    np.testing.assert_array_equal(read.pcm, made.pcm)
    assert (read.sample_rate_hz, read.tokens) == (16_000, 7)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"MTR1",
        b"something else that is long enough",
        recording(10).to_bytes()[:-1],
        recording(0).to_bytes(),
        recording(10, tokens=11).to_bytes(),
        b"MTR0" + recording(10).to_bytes()[4:],
    ],
)
def test_other_bytes_are_no_recording(data: bytes) -> None:
    assert Recording.from_bytes(data) is None


SIZE = recording().size_bytes


def test_the_store_forgets_what_was_used_longest_ago() -> None:
    store = RecordingStore(3 * SIZE)
    for key in "abcd":
        store.put(key, recording())
    assert [store.get(key) is not None for key in "abcd"] == [False, True, True, True]
    assert (len(store), store.size_bytes) == (3, 3 * SIZE)


def test_what_is_used_again_outlives_what_is_not() -> None:
    store = RecordingStore(10 * SIZE)
    store.put("greeting", recording())
    assert store.get("greeting") is not None
    for number in range(1_000):
        store.put(f"said once {number}", recording())
    assert store.get("greeting") is not None
    assert (len(store), store.size_bytes) == (10, 10 * SIZE)


def test_what_is_no_longer_used_makes_room() -> None:
    store = RecordingStore(10 * SIZE)
    for number in range(100):
        store.put(str(number), recording())
        assert store.get(str(number)) is not None
    assert store.size_bytes <= 10 * SIZE
    assert store.get("99") is not None
    assert store.get("0") is None


def test_one_key_holds_one_recording_and_none_that_is_too_large() -> None:
    store = RecordingStore(SIZE)
    store.put("a", recording(1_001))
    assert len(store) == 0
    store.put("a", recording())
    store.put("a", recording(10))
    assert (len(store), store.size_bytes) == (1, SIZE)
    for _ in range(2):
        found = store.get("a")
        assert found is not None
        assert len(found.pcm) == 1_000


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 9), st.integers(0, 4_000)), max_size=60))
def test_the_store_keeps_within_its_bytes(steps: list[tuple[bool, int, int]]) -> None:
    store = RecordingStore(10_000)
    held: dict[int, int] = {}
    for puts, key, samples in steps:
        if puts:
            store.put(str(key), recording(samples))
        else:
            store.get(str(key))
        assert store.size_bytes <= 10_000
    held = {key: found.size_bytes for key in range(10) if (found := store.get(str(key))) is not None}
    assert (len(held), sum(held.values())) == (len(store), store.size_bytes)
