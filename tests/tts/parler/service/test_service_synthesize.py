"""Synthesize over real gRPC, with Parler-TTS on a tiny random checkpoint."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maatu.v1 import common_pb2, tts_pb2

FRAME = 512
FRAMES = 80
"""Of each utterance."""
SECONDS = FRAMES * FRAME / 44_100
KANNADA, HINDI, ENGLISH = "ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", "नमस्ते, आप कैसे हैं?", "Good morning, how are you?"
STEADY = common_pb2.StreamingParameters(first_chunk_tokens=10, chunk_tokens=50, adaptive=False)
"""Chunks do not depend on how fast the machine is."""


@pytest.fixture
async def client(parler: Callable[..., Any], serving: Callable[..., Any]) -> AsyncIterator[Any]:
    async with serving(parler()) as client:
        yield client


@pytest.mark.parametrize(
    ("voice", "name", "text"),
    [
        (common_pb2.Voice(name="parler-kn-anu"), "parler-kn-anu", KANNADA),
        (common_pb2.Voice(language_code="kn-IN"), "parler-kn-suresh", KANNADA),
        (common_pb2.Voice(language_code="kn"), "parler-kn-suresh", "ಇದು English ಪದ."),
        (common_pb2.Voice(name="parler-hi-divya", language_code="hi"), "parler-hi-divya", HINDI),
        (common_pb2.Voice(language_code="hi-IN"), "parler-hi-rohit", HINDI),
        (common_pb2.Voice(name="parler-en-mary"), "parler-en-mary", ENGLISH),
        (common_pb2.Voice(language_code="en-US"), "parler-en-thoma", ENGLISH),
        (common_pb2.Voice(language_code="kn", description="A deep, slow voice."), "parler-kn-suresh", KANNADA),
    ],
    ids=str,
)
async def test_every_voice_speaks(
    parler: Callable[..., Any],
    ending_checkpoint: Path,
    serving: Callable[..., Any],
    speech: Any,
    voice: common_pb2.Voice,
    name: str,
    text: str,
) -> None:
    engine = parler(ending_checkpoint, frames=345)
    async with serving(engine) as client:
        heard = speech(await client.say(text, tts_pb2.SynthesisOptions(voice=voice, seed=1)))
    assert (heard.started.engine, heard.started.voice_name) == ("parler", name)
    assert heard.started.format.sample_rate_hz == 44_100
    assert 10 <= heard.summary.tokens <= 345
    assert len(heard.samples) == heard.summary.tokens * FRAME
    assert np.sqrt(np.mean(heard.samples**2)) > 0.05
    assert [utterance.description for utterance in engine.utterances] == [voice.description]
    assert heard.summary.compute_time.ToNanoseconds() > 0
    assert heard.summary.time_to_first_chunk.ToNanoseconds() > 0


async def test_the_voice_and_the_description_change_what_is_heard(client: Any, speech: Any) -> None:
    heard = [
        speech(await client.say(KANNADA, voice=common_pb2.Voice(**voice), temperature=0.0)).audio
        for voice in (
            {"name": "parler-kn-suresh"},
            {"name": "parler-kn-anu"},
            {"name": "parler-kn-anu", "description": "A deep, slow voice."},
        )
    ]
    assert len(set(heard)) == 3


LINEAR16, MULAW, OPUS = 1, 2, 3


@pytest.mark.parametrize(
    ("encoding", "rate_hz"),
    [*((LINEAR16, rate_hz) for rate_hz in (8_000, 16_000, 24_000, 44_100, 48_000)), (MULAW, 8_000)],
)
async def test_any_rate_has_all_samples(client: Any, speech: Any, encoding: Any, rate_hz: int) -> None:
    audio_format = common_pb2.AudioFormat(encoding=encoding, sample_rate_hz=rate_hz)
    heard = speech(await client.say(ENGLISH, format=audio_format, seed=1))
    assert heard.started.format == audio_format
    assert len(heard.audio) == round(SECONDS * rate_hz) * (2 if encoding == LINEAR16 else 1)
    assert heard.seconds == pytest.approx(SECONDS, abs=1 / rate_hz)
    assert heard.summary.tokens == FRAMES


@pytest.mark.parametrize("rate_hz", [16_000, 48_000])
async def test_opus_packets_decode_to_all_of_it(client: Any, speech: Any, rate_hz: int) -> None:
    audio_format = common_pb2.AudioFormat(encoding=OPUS, sample_rate_hz=rate_hz)  # type: ignore[arg-type]
    heard = speech(await client.say(ENGLISH, format=audio_format, seed=1))
    assert heard.seconds == pytest.approx(SECONDS, abs=0.02)
    assert len(heard.samples) / rate_hz == pytest.approx(SECONDS, abs=0.02)
    plain_format = common_pb2.AudioFormat(encoding=LINEAR16, sample_rate_hz=rate_hz)  # type: ignore[arg-type]
    plain = speech(await client.say(ENGLISH, format=plain_format, seed=1))
    level, plain_level = (np.sqrt(np.mean(each.samples**2)) for each in (heard, plain))
    assert level == pytest.approx(plain_level, rel=0.3)


async def test_the_first_chunk_is_short_and_the_others_have_the_length_asked_for(client: Any, speech: Any) -> None:
    chunks = common_pb2.StreamingParameters(first_chunk_tokens=7, chunk_tokens=30, adaptive=False)
    heard = speech(await client.say(ENGLISH, chunks=chunks))
    assert heard.frames == [7, 30, 30, 13]


async def test_chunks_grow_up_to_the_length_asked_for(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any
) -> None:
    async with serving(parler(frames=200)) as client:
        chunks = common_pb2.StreamingParameters(first_chunk_tokens=5, chunk_tokens=40, adaptive=True)
        heard = speech(await client.say(ENGLISH, chunks=chunks))
    grown = heard.frames
    assert grown[0] == 5
    assert sum(grown) == 200
    assert all(each <= min(40, 2 * before) for before, each in itertools.pairwise(grown[:-1]))
    # What is left at the end goes out at once.
    assert grown[-1] <= 40 + 10


async def test_chunks_are_configured_while_it_runs(client: Any, speech: Any) -> None:
    before = speech(await client.say(ENGLISH, chunks=STEADY))
    assert before.frames == [10, 50, 20]
    wanted = common_pb2.StreamingParameters(first_chunk_tokens=20, chunk_tokens=25, adaptive=False)
    answer = await client.stub.ConfigureStreaming(tts_pb2.ConfigureStreamingRequest(chunks=wanted))
    assert answer.chunks == wanted
    assert (await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).chunks == wanted
    after = speech(await client.say(ENGLISH))
    assert after.frames == [20, 25, 35]


async def test_all_at_once_is_the_same_audio_in_one_piece(client: Any, speech: Any) -> None:
    streamed = speech(await client.say(KANNADA, seed=5))
    whole = speech(await client.say(KANNADA, seed=5, streaming=False))
    assert whole.lengths == [FRAMES * FRAME]
    assert whole.summary.tokens == FRAMES
    assert len(streamed.chunks) > 2
    assert np.abs(streamed.samples - whole.samples).max() <= 1 / 32_768


async def test_a_seed_gives_the_same_bytes_each_time(client: Any, speech: Any) -> None:
    said = [
        speech(await client.say(HINDI, voice=common_pb2.Voice(language_code="hi"), chunks=STEADY, seed=seed)).audio
        for seed in (7, 7, 2**64 - 1, 2**64 - 1)
    ]
    assert said[0] == said[1]
    assert said[2] == said[3]
    assert said[0] != said[2]


async def test_without_a_seed_each_time_is_another(client: Any, speech: Any) -> None:
    assert speech(await client.say(KANNADA)).audio != speech(await client.say(KANNADA)).audio


async def test_neighbours_change_nothing(client: Any, speech: Any) -> None:
    async def say(seed: int) -> Any:
        return speech(await client.say(KANNADA, chunks=STEADY, seed=seed))

    alone = await say(1)
    together = await asyncio.gather(*map(say, (1, 2, 3, 4)))
    assert together[0].lengths == alone.lengths
    assert np.abs(together[0].samples - alone.samples).max() <= 1 / 32_768
    assert len({each.audio for each in together}) == 4


async def test_at_temperature_0_the_seed_does_not_matter(client: Any, speech: Any) -> None:
    greedy = [
        speech(await client.say(ENGLISH, chunks=STEADY, temperature=0.0, **seed))
        for seed in ({"seed": 1}, {"seed": 2}, {})
    ]
    assert len({each.audio for each in greedy}) == 1
    warm = speech(await client.say(ENGLISH, chunks=STEADY, temperature=1.5, seed=1))
    assert warm.audio != greedy[0].audio


async def test_what_is_not_batched_has_the_model_for_itself(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any
) -> None:
    engine = parler()
    async with serving(engine) as client:
        engine.hurry.clear()
        alone = asyncio.create_task(client.say(ENGLISH, batching=False, seed=1, chunks=STEADY))
        await until(lambda: engine.status().slots_in_use == 1)
        others = [asyncio.create_task(client.say(ENGLISH, seed=seed)) for seed in (2, 3)]
        await until(lambda: engine.status().queue_depth == 2)
        assert engine.status().slots_in_use == 1
        engine.hurry.set()
        heard = speech(await alone)
        for other in others:
            speech(await other)
        assert heard.audio == speech(await client.say(ENGLISH, seed=1, chunks=STEADY)).audio
