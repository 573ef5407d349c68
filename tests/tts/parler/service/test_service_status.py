"""GetOptimizationStatus, ListVoices and the caches over real gRPC, with Parler-TTS on a tiny random checkpoint."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_tts.engine.parler.config import ParlerConfig
from maatu_tts.engine.parler.linear import Precision
from maatu_tts.synthesis_cache import SynthesisCache

TEXT = "Good morning, how are you?"


async def status_of(client: Any) -> tts_pb2.EngineStatus:
    answer: tts_pb2.GetOptimizationStatusResponse
    answer = await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())
    [status] = answer.engines
    return status


def cache_of(status: tts_pb2.EngineStatus, name: str) -> tts_pb2.CacheStatus:
    [cache] = [cache for cache in status.caches if cache.name == name]
    return cache


async def test_the_status_tells_how_it_runs(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any
) -> None:
    engine = parler(slots=2)
    async with serving(engine) as client:
        before = await status_of(client)
        assert (before.engine, before.model, before.device, before.compute_type) == (
            "parler",
            "parler-mini",
            "cpu",
            "float32",
        )
        assert (before.slots, before.slots_in_use, before.queue_depth) == (2, 0, 0)
        assert before.compile_state == tts_pb2.EngineStatus.COMPILE_STATE_OFF
        assert (before.compile_detail, before.graphs_captured, before.device_memory_bytes) == ("", 0, 0)
        assert before.warmup_time.ToNanoseconds() > 0
        assert before.first_chunk_p50.ToNanoseconds() == before.first_chunk_p95.ToNanoseconds() == 0

        engine.hurry.clear()
        calls = [asyncio.create_task(client.say(TEXT, seed=seed)) for seed in range(3)]
        await until(lambda: engine.status().slots_in_use == 2 and engine.status().queue_depth == 1)
        during = await status_of(client)
        assert (during.slots_in_use, during.queue_depth) == (2, 1)
        engine.hurry.set()

        said = [speech(responses) for responses in await asyncio.gather(*calls)]
        firsts = sorted(each.summary.time_to_first_chunk.ToNanoseconds() for each in said)
        after = await status_of(client)
        assert (after.slots_in_use, after.queue_depth) == (0, 0)
        assert after.steps_per_second > before.steps_per_second > 0
        assert after.first_chunk_p50.ToNanoseconds() == firsts[1]
        assert firsts[1] < after.first_chunk_p95.ToNanoseconds() <= firsts[2]


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
@pytest.mark.parametrize("precision", [Precision.BFLOAT16, Precision.INT8])
async def test_the_status_tells_the_precision(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, precision: Precision
) -> None:
    async with serving(parler(precision=precision)) as client:
        heard = speech(await client.say(TEXT, seed=1))
        assert heard.summary.tokens == 80
        assert np.sqrt(np.mean(heard.samples**2)) > 0.05
        assert (await status_of(client)).compute_type == precision.value


@pytest.mark.filterwarnings("ignore:torch.quantize_per_tensor")
async def test_the_fingerprint_is_of_the_checkpoint_and_of_how_it_runs(
    parler: Callable[..., Any], endless_checkpoint: Path, ending_checkpoint: Path, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    shutil.copytree(endless_checkpoint, copy)
    own = ParlerConfig.read(endless_checkpoint).sampling
    ways: list[dict[str, Any]] = [
        {},
        {"checkpoint": copy},
        {"slots": 2},
        {"temperature": own.temperature, "top_k": own.top_k, "top_p": own.top_p},
        {"checkpoint": ending_checkpoint},
        {"precision": Precision.INT8},
        {"temperature": 0.3},
        {"top_k": 3},
        {"top_p": 0.5},
    ]
    fingerprints = []
    for way in ways:
        engine = parler(**way)
        await engine.warm_up()
        fingerprints.append(engine.fingerprint(engine.voices[0]))
        await engine.close()
    assert len(set(fingerprints[:4])) == 1
    assert len(set(fingerprints)) == 6


async def test_encoded_descriptions_are_used_again(parler: Callable[..., Any], serving: Callable[..., Any]) -> None:
    async with serving(parler(cached_voices=11)) as client:
        start = cache_of(await status_of(client), "voice")
        assert (start.entries, start.capacity, start.hits) == (10, 11, 0)  # all named voices are there
        await client.say(TEXT, voice=common_pb2.Voice(language_code="en"))
        named = cache_of(await status_of(client), "voice")
        assert (named.hits, named.misses) == (1, start.misses)
        for description, hits, misses, entries in (
            ("A low voice.", 1, 1, 11),
            ("A low voice.", 2, 1, 11),
            ("A high voice.", 2, 2, 11),
        ):
            await client.say(TEXT, voice=common_pb2.Voice(language_code="en", description=description))
            now = cache_of(await status_of(client), "voice")
            assert (now.hits, now.misses - start.misses, now.entries) == (hits, misses, entries)


async def test_a_repeated_clause_comes_out_of_the_cache(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any
) -> None:
    engine = parler()
    async with serving(engine, cache=SynthesisCache(10_000_000)) as client:
        first, again = [speech(await client.say(TEXT)) for _ in range(2)]
        assert (first.summary.cached, again.summary.cached) == (False, True)
        assert np.abs(again.samples - first.samples).max() <= 1 / 32_768
        assert again.summary.tokens == first.summary.tokens == 80
        assert again.summary.compute_time.ToNanoseconds() == 0
        assert len(engine.utterances) == 1
        cache = cache_of(await status_of(client), "synthesis")
        assert (cache.entries, cache.hits, cache.misses) == (1, 1, 1)
        # Another format is sent from the same recording, another voice or seed is another recording.
        low = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_MULAW, sample_rate_hz=8_000)
        assert speech(await client.say(TEXT, format=low)).summary.cached
        for fields in (
            {"voice": common_pb2.Voice(name="parler-kn-anu")},
            {"voice": common_pb2.Voice(language_code="kn-IN", description="A low voice.")},
            {"seed": 1},
            {"temperature": 0.0},
        ):
            assert not speech(await client.say(TEXT, **fields)).summary.cached
            assert speech(await client.say(TEXT, **fields)).summary.cached
        assert len(engine.utterances) == 5


async def test_a_repeated_clause_is_made_anew_without_the_cache(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any
) -> None:
    engine = parler()
    async with serving(engine) as client:  # synthesis_cache_mb=0
        heard = [speech(await client.say(TEXT, seed=1)) for _ in range(2)]
        assert not any(each.summary.cached for each in heard)
        assert len(engine.utterances) == 2
        assert [cache.name for cache in (await status_of(client)).caches] == ["voice"]


async def test_what_was_cancelled_is_not_cached(
    parler: Callable[..., Any], serving: Callable[..., Any], speech: Any, until: Any
) -> None:
    engine = parler()
    async with serving(engine, cache=SynthesisCache(10_000_000)) as client:
        options = tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="kn-IN"))
        call = client.stub.Synthesize(tts_pb2.SynthesizeRequest(text=TEXT, options=options))
        while not (await call.read()).HasField("audio"):
            pass
        call.cancel()
        await until(lambda: engine.status().slots_in_use == 0)
        heard = speech(await client.say(TEXT))
        assert not heard.summary.cached
        assert heard.summary.tokens == 80


async def test_voices_are_listed(
    parler: Callable[..., Any], ending_checkpoint: Path, serving: Callable[..., Any]
) -> None:
    async with serving(parler(ending_checkpoint)) as client:
        everyone = (await client.stub.ListVoices(tts_pb2.ListVoicesRequest())).voices
        assert [voice.name for voice in everyone] == sorted(voice.name for voice in everyone)
        assert len(everyone) == 10
        assert {voice.engine for voice in everyone} == {"parler"}
        assert {voice.native_sample_rate_hz for voice in everyone} == {44_100}
        defaults = [voice.name for voice in everyone if voice.is_default]
        assert defaults == ["parler-en-thoma", "parler-hi-rohit", "parler-kn-suresh"]
        kannada = (await client.stub.ListVoices(tts_pb2.ListVoicesRequest(language_code="kn"))).voices
        assert {voice.name.rpartition("-")[2] for voice in kannada} == {"suresh", "anu", "chetan", "vidya"}
        assert all(list(voice.language_codes) == ["kn-IN"] for voice in kannada)
        assert all(voice.name.rpartition("-")[2].title() in voice.description for voice in kannada)
