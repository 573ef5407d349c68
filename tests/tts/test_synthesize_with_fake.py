"""Synthesize over real gRPC, with the fake engine."""

import asyncio
import itertools
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import StreamDecoder, format_from_proto
from maatu_runtime.errors import (
    CapacityExceeded,
    InvalidAudio,
    InvalidRequest,
    InvalidText,
    MaatuError,
    ModelFailed,
    NotFound,
    Unsupported,
    UnsupportedLanguage,
)
from maatu_runtime.places import Priority
from maatu_tts.engine.base import Capabilities
from maatu_tts.engine.fake import FakeEngine, FakeScript


def chunks_of(responses: list[tts_pb2.SynthesizeResponse]) -> list[tts_pb2.AudioChunk]:
    return [response.audio for response in responses if response.WhichOneof("event") == "audio"]


@pytest.mark.parametrize(
    ("encoding", "rate"),
    [
        *itertools.product([1, 2], [8_000, 16_000, 22_050, 24_000, 44_100, 48_000]),
        *itertools.product([3], [8_000, 12_000, 16_000, 24_000, 48_000]),
    ],
)
async def test_started_then_gapless_audio_then_summary_in_every_format(client: Any, encoding: int, rate: int) -> None:
    audio_format = common_pb2.AudioFormat(encoding=encoding, sample_rate_hz=rate)  # type: ignore[arg-type]
    responses = await client.say("ಒಂದು ಎರಡು ಮೂರು", format=audio_format)
    assert responses[0].started.format == audio_format
    assert (responses[0].started.voice_name, responses[0].started.engine) == ("fake-kn-IN", "fake")
    chunks = chunks_of(responses)
    assert len(responses) == len(chunks) + 2
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    position_ns = 0
    for chunk in chunks:
        assert chunk.offset.ToNanoseconds() == position_ns
        position_ns += chunk.duration.ToNanoseconds()
    summary = responses[-1].summary
    assert summary.audio_duration.ToNanoseconds() == position_ns
    assert abs(position_ns - 600_000_000) <= 2_000_000_000 / rate
    assert summary.time_to_first_chunk.ToNanoseconds() > 0

    decoder = StreamDecoder(format_from_proto(audio_format, ""), rate)
    samples = np.concatenate([*(decoder.push(chunk.audio) for chunk in chunks), decoder.flush()])
    inside = samples[rate // 20 : rate // 2]
    spectrum = np.abs(np.fft.rfft(inside * np.hanning(len(inside))))
    assert abs(int(np.argmax(spectrum)) * rate / len(inside) - 440) < 5
    assert 0.4 < np.abs(inside).max() < 0.6


async def test_chunks_have_the_default_length_and_no_edge_is_heard(client: Any, linear16: Any) -> None:
    chunks = chunks_of(await client.say("ಒಂದು ಎರಡು ಮೂರು", format=linear16))
    # The first is sent as it comes: without the last 5 ms, which the clause might have ended with.
    assert chunks[0].duration.ToMilliseconds() == pytest.approx(95, abs=2)
    assert all(abs(chunk.duration.ToNanoseconds() - 100_000_000) < 2_000_000 for chunk in chunks[1:-2])
    samples = np.frombuffer(b"".join(chunk.audio for chunk in chunks), "<i2") / 32768
    # A tone of 440 Hz, faded over 5 ms, never moves faster from sample to sample than this; a click would.
    assert np.abs(np.diff(samples)).max() < 0.5 * 2 * np.pi * 440 / 16_000 + 0.01


async def test_the_native_rate_is_the_default_format(client: Any) -> None:
    started = (await client.say("ಒಂದು"))[0].started
    assert started.format.sample_rate_hz == 22_050
    assert started.format.encoding == common_pb2.AUDIO_ENCODING_LINEAR16


async def test_audio_comes_before_the_engine_is_done(client: Any, fake: FakeEngine) -> None:
    fake.script.gate = asyncio.Event()
    call = client.stub.Synthesize(
        tts_pb2.SynthesizeRequest(
            text="one two three", options=tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="en"))
        )
    )
    assert (await call.read()).HasField("started")
    fake.script.gate.set()
    assert (await call.read()).HasField("audio")
    assert len(await client.rest(call)) > 3


async def test_all_at_once_waits_for_the_last_sample(client: Any, fake: FakeEngine, linear16: Any) -> None:
    fake.script.gate = asyncio.Event()
    call = asyncio.create_task(client.say("one " * 30, streaming=False, format=linear16))
    fake.script.gate.set()
    chunks = chunks_of(await call)
    assert [chunk.duration.ToMilliseconds() for chunk in chunks] == pytest.approx([2_000, 2_000, 2_000, 1], abs=2)


async def test_all_at_once_sends_no_audio_when_the_engine_fails_late(client: Any, fake: FakeEngine) -> None:
    fake.script.fail_at_chunk, fake.script.failure = 5, ModelFailed("broken")
    call = client.stub.Synthesize(
        tts_pb2.SynthesizeRequest(
            text="one two three four five",
            options=tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="en"), streaming=False),
        )
    )
    assert (await call.read()).HasField("started")
    assert type(await client.refusal(call.read())) is ModelFailed


@pytest.mark.parametrize("chunk_ms", [20, 250, 2_000])
async def test_a_request_chooses_its_chunk_length(client: Any, linear16: Any, chunk_ms: int) -> None:
    parameters = common_pb2.StreamingParameters()
    parameters.chunk_duration.FromMilliseconds(chunk_ms)
    chunks = chunks_of(await client.say("one " * 20, format=linear16, chunks=parameters))
    longest = max(chunk.duration.ToMilliseconds() for chunk in chunks)
    # The fake engine hands over 100 ms at a time; only the first chunk is sent as it comes.
    assert abs(longest - chunk_ms) <= 2


async def test_leading_silence_is_trimmed(client: Any, fake: FakeEngine, linear16: Any) -> None:
    fake.script.leading_silence_ms = 150
    summary = (await client.say("one", format=linear16))[-1].summary
    assert abs(summary.audio_duration.ToMilliseconds() - 210) <= 1


async def test_options_reach_the_engine(client: Any, fake: FakeEngine) -> None:
    await client.say(
        "<b>one</b> 😀", speaking_rate=2.0, seed=7, priority=common_pb2.PRIORITY_FIRST_CLAUSE, batching=False
    )
    [utterance] = fake.utterances
    assert (utterance.text, utterance.speaking_rate, utterance.seed) == ("one", 2.0, 7)
    assert utterance.priority is Priority.FIRST_CLAUSE


async def test_only_the_first_sentence_goes_before_others(client: Any, fake: FakeEngine) -> None:
    await client.say("One is here. Two is here. Three is here.", priority=common_pb2.PRIORITY_FIRST_CLAUSE)
    assert [utterance.priority for utterance in fake.utterances] == [
        Priority.FIRST_CLAUSE,
        Priority.INTERACTIVE,
        Priority.INTERACTIVE,
    ]


def duration_chunks(**fields: int) -> common_pb2.StreamingParameters:
    parameters = common_pb2.StreamingParameters()
    parameters.chunk_duration.FromNanoseconds(fields["nanoseconds"])
    return parameters


BAD: list[tuple[str, dict[str, Any], type[MaatuError], str, str | None]] = [
    ("", {}, InvalidText, "EMPTY_TEXT", "text"),
    ("😀 <br/> …", {}, InvalidText, "EMPTY_TEXT", "text"),
    ("a" * 2_001, {}, InvalidText, "TEXT_TOO_LONG", "text"),
    ("word " * 4_000, {}, InvalidText, "TEXT_TOO_LONG", "text"),
    ("a", {"voice": common_pb2.Voice(name="nobody")}, NotFound, "VOICE_NOT_FOUND", None),
    (
        "a",
        {"voice": common_pb2.Voice(language_code="fi-FI")},
        UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
        "options.voice.language_code",
    ),
    (
        "a",
        {"voice": common_pb2.Voice(language_code="!!")},
        UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
        "options.voice.language_code",
    ),
    ("a", {"voice": common_pb2.Voice()}, InvalidRequest, "INVALID_FIELD", "options.voice"),
    (
        "a",
        {"voice": common_pb2.Voice(language_code="kn", description="a deep voice")},
        Unsupported,
        "UNSUPPORTED_BY_ENGINE",
        None,
    ),
    ("a", {"speaking_rate": 0.4}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate"),
    ("a", {"speaking_rate": 2.1}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate"),
    ("a", {"speaking_rate": float("nan")}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate"),
    ("a", {"temperature": -1.0}, InvalidRequest, "INVALID_FIELD", "options.temperature"),
    ("a", {"temperature": 0.5}, Unsupported, "UNSUPPORTED_BY_ENGINE", None),
    ("a", {"priority": 9}, InvalidRequest, "INVALID_FIELD", "options.priority"),
    ("a", {"format": common_pb2.AudioFormat()}, InvalidAudio, "UNSUPPORTED_ENCODING", "options.format.encoding"),
    (
        "a",
        {"format": common_pb2.AudioFormat(encoding=1, sample_rate_hz=7_999)},  # type: ignore[arg-type]
        InvalidAudio,
        "UNSUPPORTED_SAMPLE_RATE",
        "options.format.sample_rate_hz",
    ),
    (
        "a",
        {"chunks": duration_chunks(nanoseconds=19_000_000)},
        InvalidRequest,
        "INVALID_FIELD",
        "options.chunks.chunk_duration",
    ),
    (
        "a",
        {"chunks": duration_chunks(nanoseconds=-1)},
        InvalidRequest,
        "INVALID_FIELD",
        "options.chunks.chunk_duration",
    ),
    (
        "a",
        {"chunks": duration_chunks(nanoseconds=2_001_000_000)},
        InvalidRequest,
        "INVALID_FIELD",
        "options.chunks.chunk_duration",
    ),
    ("a", {"chunks": common_pb2.StreamingParameters(chunk_tokens=50)}, Unsupported, "UNSUPPORTED_BY_ENGINE", None),
    ("a", {"chunks": common_pb2.StreamingParameters(adaptive=True)}, Unsupported, "UNSUPPORTED_BY_ENGINE", None),
]


@pytest.mark.parametrize(("text", "fields", "kind", "reason", "field"), BAD, ids=range(len(BAD)))
async def test_bad_input_is_refused_with_its_type_and_field(
    client: Any, fake: FakeEngine, text: str, fields: dict[str, Any], kind: type[MaatuError], reason: str, field: str
) -> None:
    error = await client.refusal(client.say(text, tts_pb2.SynthesisOptions(**fields)))
    assert type(error) is kind
    assert (error.reason, error.field if field else None) == (reason, field)
    assert fake.utterances == []
    assert fake.admitted == 0


async def test_contradictory_tokens_are_refused_by_an_engine_that_has_them(serving: Callable[..., Any]) -> None:
    async with serving(FakeEngine(capabilities=Capabilities(tokens=True))) as client:
        contradiction = common_pb2.StreamingParameters(chunk_tokens=30, first_chunk_tokens=31)
        error = await client.refusal(client.say("a", chunks=contradiction))
        assert (type(error), error.field) == (InvalidRequest, "options.chunks.first_chunk_tokens")
        for low in (24, 201):
            error = await client.refusal(client.say("a", chunks=common_pb2.StreamingParameters(chunk_tokens=low)))
            assert (type(error), error.field) == (InvalidRequest, "options.chunks.chunk_tokens")
        error = await client.refusal(client.say("a", chunks=duration_chunks(nanoseconds=100_000_000)))
        assert type(error) is Unsupported


async def test_an_engine_failure_is_typed_and_leaves_nothing_behind(client: Any, fake: FakeEngine) -> None:
    fake.script.fail_at_chunk, fake.script.failure = 1, ModelFailed("the fake broke")
    error = await client.refusal(client.say("one two three"))
    assert (type(error), error.reason) == (ModelFailed, "MODEL_FAILED")
    assert (fake.admitted, fake.running) == (0, 0)


async def test_a_full_house_is_refused_at_the_door(serving: Callable[..., Any], until: Any) -> None:
    fake = FakeEngine(FakeScript(gate=asyncio.Event()), streams=2)
    async with serving(fake) as client:
        speaking = [asyncio.create_task(client.say("one two")) for _ in range(2)]
        await until(lambda: fake.running == 2)
        error = await client.refusal(client.say("one two"))
        assert (type(error), error.reason) == (CapacityExceeded, "CAPACITY_EXCEEDED")
        assert error.retry_after_s == 1.0
        assert fake.script.gate is not None
        fake.script.gate.set()
        await asyncio.gather(*speaking)
        assert (fake.admitted, fake.running) == (0, 0)
        await client.say("one two")


@pytest.mark.parametrize("after_messages", [1, 2])
async def test_a_client_that_leaves_frees_its_place_at_once(
    serving: Callable[..., Any], until: Any, after_messages: int
) -> None:
    fake = FakeEngine(FakeScript(), streams=1)
    async with serving(fake) as client:
        fake.script.gate = asyncio.Event()
        if after_messages == 2:
            fake.script.gate.set()
            fake.script.chunk_delay_s = 60.0
        call = client.stub.Synthesize(
            tts_pb2.SynthesizeRequest(
                text="one two three", options=tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="en"))
            )
        )
        for _ in range(after_messages):
            await call.read()
        await until(lambda: fake.running == 1)
        call.cancel()
        await until(lambda: fake.admitted == fake.running == 0)


async def test_one_failing_client_does_not_touch_the_others(client: Any, linear16: Any) -> None:
    alone = await client.say("one two three", format=linear16)
    together = await asyncio.gather(
        client.say("one two three", format=linear16),
        client.refusal(client.say("")),
        client.say("one two three", format=linear16),
        client.refusal(client.say("a", voice=common_pb2.Voice(name="nobody"))),
    )
    audio = [chunk.audio for chunk in chunks_of(alone)]
    assert [chunk.audio for chunk in chunks_of(together[0])] == audio
    assert [chunk.audio for chunk in chunks_of(together[2])] == audio
