"""ListVoices, GetOptimizationStatus and ConfigureStreaming, with the fake engine."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.errors import InvalidRequest, Unsupported, UnsupportedLanguage
from maatu_tts.engine.base import Capabilities
from maatu_tts.engine.fake import FakeEngine, FakeScript


def chunk_ms(milliseconds: int) -> common_pb2.StreamingParameters:
    parameters = common_pb2.StreamingParameters()
    parameters.chunk_duration.FromMilliseconds(milliseconds)
    return parameters


async def test_voices_are_listed_with_their_engines(client: Any) -> None:
    voices = (await client.stub.ListVoices(tts_pb2.ListVoicesRequest())).voices
    assert [voice.name for voice in voices] == ["fake-en-US", "fake-es-ES", "fake-hi-IN", "fake-kn-IN"]
    kannada = voices[-1]
    assert list(kannada.language_codes) == ["kn-IN"]
    assert (kannada.engine, kannada.native_sample_rate_hz, kannada.is_default) == ("fake", 22_050, True)


async def test_voices_of_one_language(client: Any) -> None:
    voices = (await client.stub.ListVoices(tts_pb2.ListVoicesRequest(language_code="es"))).voices
    assert [voice.name for voice in voices] == ["fake-es-ES"]
    assert not (await client.stub.ListVoices(tts_pb2.ListVoicesRequest(language_code="fi"))).voices
    error = await client.refusal(client.stub.ListVoices(tts_pb2.ListVoicesRequest(language_code="?")))
    assert (type(error), error.field) == (UnsupportedLanguage, "language_code")


async def test_the_status_tells_slots_and_latency(serving: Callable[..., Any], until: Any) -> None:
    fake = FakeEngine(FakeScript(gate=asyncio.Event()), streams=8, name="measured")
    async with serving(fake) as client:
        before = (await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).engines[0]
        assert (before.engine, before.device, before.slots, before.slots_in_use) == ("measured", "cpu", 8, 0)
        assert before.compile_state == tts_pb2.EngineStatus.COMPILE_STATE_OFF
        assert before.first_chunk_p50.ToNanoseconds() == 0
        speaking = asyncio.create_task(client.say("one two"))
        await until(lambda: fake.running == 1)
        during = await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())
        assert during.engines[0].slots_in_use == 1
        assert REGISTRY.get_sample_value("maatu_tts_slots_in_use", {"engine": "measured"}) == 1
        assert fake.script.gate is not None
        fake.script.gate.set()
        summary = (await speaking)[-1].summary
        after = (await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).engines[0]
        first = summary.time_to_first_chunk.ToNanoseconds()
        assert 0 < first == after.first_chunk_p50.ToNanoseconds() == after.first_chunk_p95.ToNanoseconds()
        assert REGISTRY.get_sample_value("maatu_tts_first_chunk_seconds_count", {"engine": "measured"}) == 1
        spoken_s = REGISTRY.get_sample_value("maatu_tts_audio_seconds_total", {"engine": "measured"})
        assert spoken_s == pytest.approx(summary.audio_duration.ToNanoseconds() / 1e9)


async def test_configured_chunks_hold_for_all_later_requests(client: Any, linear16: Any) -> None:
    answer = await client.stub.ConfigureStreaming(tts_pb2.ConfigureStreamingRequest(chunks=chunk_ms(200)))
    assert answer.chunks == chunk_ms(200)
    assert (await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())).chunks == chunk_ms(200)
    responses = await client.say("one two three four five", format=linear16)
    assert abs(responses[2].audio.duration.ToMilliseconds() - 200) <= 2
    # Nothing given: nothing changes.
    assert (await client.stub.ConfigureStreaming(tts_pb2.ConfigureStreamingRequest())).chunks == chunk_ms(200)


@pytest.mark.parametrize("milliseconds", [0, 19, 2_001])
async def test_configured_chunks_stay_within_their_range(client: Any, milliseconds: int) -> None:
    wrong = tts_pb2.ConfigureStreamingRequest(chunks=chunk_ms(milliseconds))
    error = await client.refusal(client.stub.ConfigureStreaming(wrong))
    assert (type(error), error.field) == (InvalidRequest, "chunks.chunk_duration")
    answer = await client.stub.ConfigureStreaming(tts_pb2.ConfigureStreamingRequest())
    assert answer.chunks == chunk_ms(100)


async def test_tokens_need_an_engine_that_has_them(client: Any, serving: Callable[..., Any]) -> None:
    tokens = tts_pb2.ConfigureStreamingRequest(chunks=common_pb2.StreamingParameters(chunk_tokens=40))
    assert type(await client.refusal(client.stub.ConfigureStreaming(tokens))) is Unsupported
    async with serving(FakeEngine(capabilities=Capabilities(tokens=True))) as other:
        answer = await other.stub.ConfigureStreaming(tokens)
        assert answer.chunks == common_pb2.StreamingParameters(chunk_tokens=40, first_chunk_tokens=5, adaptive=True)
