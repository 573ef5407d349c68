"""What was spoken before is not made again: over real gRPC, with the fake engine."""

import asyncio
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.errors import ModelFailed
from maatu_tts.engine.base import CacheStatus
from maatu_tts.engine.fake import FakeEngine
from maatu_tts.synthesis_cache import SynthesisCache

GREETING = "ಒಂದು ಎರಡು ಮೂರು ನಾಲ್ಕು"


@pytest.fixture
def cache() -> SynthesisCache:
    return SynthesisCache(4_000_000)


def audio_of(responses: list[Any]) -> list[bytes]:
    return [response.audio.audio for response in responses if response.WhichOneof("event") == "audio"]


def samples_of(responses: list[Any]) -> np.ndarray:
    return np.frombuffer(b"".join(audio_of(responses)), "<i2").astype(np.int32)


@pytest.mark.parametrize("kind", ["tokens", "fake"])
@pytest.mark.parametrize("streaming", [True, False])
async def test_the_second_time_sounds_the_same_and_costs_nothing(
    request: pytest.FixtureRequest, serving: Callable[..., Any], cache: SynthesisCache, kind: str, streaming: bool
) -> None:
    engine = request.getfixturevalue(kind)
    engine.script.first_chunk_delay_s = engine.script.chunk_delay_s = 0.001
    async with serving(engine, cache=cache) as client:
        first = await client.say(GREETING, streaming=streaming)
        second = await client.say(f"  {GREETING}\n", streaming=streaming)
        assert len(engine.utterances) == 1
        assert np.abs(samples_of(first) - samples_of(second)).max() <= 1
        if engine.capabilities.tokens:
            assert [len(chunk) for chunk in audio_of(first)] == [len(chunk) for chunk in audio_of(second)]
        before, after = first[-1].summary, second[-1].summary
        assert (before.cached, after.cached) == (False, True)
        assert before.compute_time.ToNanoseconds() > 0 == after.compute_time.ToNanoseconds()
        assert before.tokens == after.tokens
        assert (before.tokens > 0) == engine.capabilities.tokens
        assert before.audio_duration == after.audio_duration


async def test_a_hit_is_cut_as_its_own_request_says(
    serving: Callable[..., Any], cache: SynthesisCache, tokens: FakeEngine
) -> None:
    async with serving(tokens, cache=cache) as client:
        await client.say(GREETING)
        chunks = common_pb2.StreamingParameters(chunk_tokens=25, first_chunk_tokens=5, adaptive=False)
        audio = audio_of(await client.say(GREETING, chunks=chunks))
        frame = 2 * 256
        held_back = 2 * 110  # 5 ms at 22,050 Hz
        assert [len(chunk) for chunk in audio] == [5 * frame - held_back, 25 * frame, 25 * frame, 14 * frame, held_back]


@pytest.mark.parametrize(
    "other",
    [
        {"seed": 1},
        {"temperature": 0.5},
        {"voice": common_pb2.Voice(name="tokens-kn-IN", description="a deep voice")},
        {"voice": common_pb2.Voice(name="tokens-hi-IN")},
    ],
)
async def test_another_way_of_speaking_is_another_recording(
    serving: Callable[..., Any], cache: SynthesisCache, tokens: FakeEngine, other: dict[str, Any]
) -> None:
    async with serving(tokens, cache=cache) as client:
        await client.say("one two", voice=common_pb2.Voice(name="tokens-kn-IN"))
        for _ in range(2):
            summary = (await client.say("one two", **other))[-1].summary
        assert summary.cached
        assert len(tokens.utterances) == 2


async def test_another_model_of_the_same_name_makes_its_own_recordings(
    serving: Callable[..., Any], cache: SynthesisCache, fake: FakeEngine
) -> None:
    async with serving(fake, cache=cache) as client:
        for fingerprint in ("stable", "canary"):
            fake.script.fingerprint = fingerprint
            summaries = [(await client.say("one two"))[-1].summary for _ in range(2)]
            assert [summary.cached for summary in summaries] == [False, True]


async def test_speed_and_text_are_part_of_the_key_and_priority_is_not(
    serving: Callable[..., Any], cache: SynthesisCache, fake: FakeEngine
) -> None:
    async with serving(fake, cache=cache) as client:
        await client.say("one two")
        await client.say("one two", speaking_rate=1.5)
        await client.say("One two")
        assert len(fake.utterances) == 3
        assert (await client.say("one two", priority=common_pb2.PRIORITY_BATCH, batching=False))[-1].summary.cached


async def test_a_stream_takes_from_the_cache_clause_by_clause(
    serving: Callable[..., Any], cache: SynthesisCache, tokens: FakeEngine
) -> None:
    config = tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="en-US"))

    def dictation(text: str) -> list[tts_pb2.StreamingSynthesizeRequest]:
        return [
            tts_pb2.StreamingSynthesizeRequest(config=config),
            tts_pb2.StreamingSynthesizeRequest(text=text),
            tts_pb2.StreamingSynthesizeRequest(end_of_input=common_pb2.EndOfInput()),
        ]

    async with serving(tokens, cache=cache) as client:
        first = await client.dictate(*dictation("Let me see. Four five six."))
        again = await client.dictate(*dictation("Let me see. Seven eight nine."))
        assert [utterance.text for utterance in tokens.utterances] == [
            "Let me see.",
            "Four five six.",
            "Seven eight nine.",
        ]
        assert not first[-1].summary.cached
        assert not again[-1].summary.cached  # one clause was made
        whole = await client.dictate(*dictation("Four five six. Let me see."))
        assert whole[-1].summary.cached
        assert whole[-1].summary.tokens == first[-1].summary.tokens
        assert [each.clause.text for each in whole if each.HasField("clause")] == ["Four five six.", "Let me see."]


async def test_what_broke_or_was_left_is_not_kept(
    serving: Callable[..., Any], cache: SynthesisCache, fake: FakeEngine, until: Any
) -> None:
    async with serving(fake, cache=cache) as client:
        fake.script.fail_at_chunk, fake.script.failure = 2, ModelFailed("broken")
        assert type(await client.refusal(client.say("one two three"))) is ModelFailed
        fake.script.fail_at_chunk = None
        fake.script.gate = asyncio.Event()
        leaving = asyncio.create_task(client.say("one two three"))
        await until(lambda: fake.running == 1)
        leaving.cancel()
        await until(lambda: fake.running == 0)
        fake.script.gate = None
        assert not (await client.say("one two three"))[-1].summary.cached
        assert (await client.say("one two three"))[-1].summary.cached


async def test_long_utterances_are_not_kept(serving: Callable[..., Any], fake: FakeEngine) -> None:
    async with serving(fake, cache=SynthesisCache(4_000_000, longest_s=0.6)) as client:
        for _ in range(2):
            long, short = await client.say("one two three four"), await client.say("one two three")
        assert not long[-1].summary.cached
        assert short[-1].summary.cached


async def test_sampled_utterances_are_kept_only_where_wanted(serving: Callable[..., Any], tokens: FakeEngine) -> None:
    async with serving(tokens, cache=SynthesisCache(4_000_000, sampled=False)) as client:

        async def second(**fields: Any) -> bool:
            await client.say("one two", **fields)
            return bool((await client.say("one two", **fields))[-1].summary.cached)

        assert not await second()
        assert not await second(temperature=0.7)
        assert await second(temperature=0.0)
        assert await second(seed=3)


async def test_without_a_cache_everything_is_made(serving: Callable[..., Any], fake: FakeEngine) -> None:
    async with serving(fake, cache=SynthesisCache(0)) as client:
        for _ in range(2):
            assert not (await client.say("one two"))[-1].summary.cached
        assert len(fake.utterances) == 2
        status = await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())
        assert not status.engines[0].caches


async def test_the_hit_rate_is_told(serving: Callable[..., Any], cache: SynthesisCache) -> None:
    engine = FakeEngine(name="cached")
    async with serving(engine, cache=cache) as client:
        for text in ("one two", "three four", "one two", "one two"):
            await client.say(text)
        status = await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())
        [told] = status.engines[0].caches
        assert (told.name, told.entries, told.hits, told.misses) == ("synthesis", 2, 2, 2)
        assert told.capacity == 4_000_000 // (22_050 * 2 * 2 // 5 + 512)
        hits = {"engine": "cached", "store": "memory"}
        assert REGISTRY.get_sample_value("maatu_tts_synthesis_cache_hits_total", hits) == 2
        assert REGISTRY.get_sample_value("maatu_tts_synthesis_cache_misses_total", {"engine": "cached"}) == 2
        assert REGISTRY.get_sample_value("maatu_tts_synthesis_cache_bytes") == 2 * (22_050 * 2 * 2 // 5 + 512)


def test_an_empty_cache_has_room() -> None:
    status = SynthesisCache(1_000).status(FakeEngine())
    assert status == (CacheStatus("synthesis", entries=0, capacity=1, hits=0, misses=0),)
