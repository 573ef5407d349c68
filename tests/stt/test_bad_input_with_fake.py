"""What is refused, with which reason, and which field is named."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from maatu.v1 import common_pb2, stt_pb2
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import (
    DeadlineExceeded,
    InvalidAudio,
    InvalidRequest,
    InvalidSequence,
    InvalidText,
    UnsupportedLanguage,
)
from maatu_stt.engine.fake import FakeRecognizer

Request = stt_pb2.StreamingRecognizeRequest
Voice = Callable[..., Samples]
END = Request(end_of_input=common_pb2.EndOfInput())
SOME = Request(audio=b"\0\0" * 320)
OPUS = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_OPUS, sample_rate_hz=48_000)


def ms(milliseconds: int) -> dict[str, int]:
    """A Duration, as a message's constructor takes it."""
    return {"seconds": milliseconds // 1_000, "nanos": milliseconds % 1_000 * 1_000_000}


async def test_audio_before_config_with_fake(client: Any) -> None:
    error = await client.stream_refusal(SOME)
    assert (type(error), error.reason) == (InvalidSequence, "AUDIO_BEFORE_CONFIG")
    assert (await client.stream_refusal()).reason == "AUDIO_BEFORE_CONFIG"


async def test_a_second_config_with_fake(client: Any) -> None:
    config = Request(config=client.config())
    assert (await client.stream_refusal(config, SOME, config)).reason == "DUPLICATE_CONFIG"


async def test_an_empty_message_with_fake(client: Any) -> None:
    assert (await client.stream_refusal(Request(config=client.config()), Request())).reason == "UNEXPECTED_MESSAGE"
    empty = Request(audio=b"")
    assert (await client.stream_refusal(Request(config=client.config()), empty)).reason == "UNEXPECTED_MESSAGE"


async def test_a_message_after_end_of_input_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    fake.script.decode_s = 5.0  # the stream is still being answered when the message comes
    error = await client.stream_refusal(*client.requests(voice(1.0)), SOME)
    assert (type(error), error.reason) == (InvalidSequence, "UNEXPECTED_MESSAGE")
    assert fake.capacity()[0] == 0


async def test_a_stream_without_end_of_input_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    *requests, _ = client.requests(voice(1.0))
    error = await client.stream_refusal(*requests)
    assert (type(error), error.reason) == (InvalidSequence, "UNEXPECTED_MESSAGE")


async def test_no_audio_at_all_with_fake(client: Any) -> None:
    error = await client.stream_refusal(Request(config=client.config()), END)
    assert (type(error), error.reason) == (InvalidAudio, "EMPTY_AUDIO")


@pytest.mark.parametrize(
    ("encoding", "rate_hz", "reason", "field"),
    [
        (0, 16_000, "UNSUPPORTED_ENCODING", "config.format.encoding"),
        (99, 16_000, "UNSUPPORTED_ENCODING", "config.format.encoding"),
        (1, 7_999, "UNSUPPORTED_SAMPLE_RATE", "config.format.sample_rate_hz"),
        (1, 48_001, "UNSUPPORTED_SAMPLE_RATE", "config.format.sample_rate_hz"),
        (3, 44_100, "UNSUPPORTED_SAMPLE_RATE", "config.format.sample_rate_hz"),
    ],
)
async def test_formats_with_fake(client: Any, encoding: int, rate_hz: int, reason: str, field: str) -> None:
    audio_format = common_pb2.AudioFormat(encoding=encoding, sample_rate_hz=rate_hz)  # type: ignore[arg-type]
    config = client.config(format=audio_format)
    for error in (
        await client.stream_refusal(Request(config=config)),
        await client.refusal(client.stub.Recognize(stt_pb2.RecognizeRequest(config=config, audio=b"\0\0"))),
    ):
        assert (type(error), error.reason, error.field) == (InvalidAudio, reason, field)


@pytest.mark.parametrize("tag", ["xx", "fr-FR", "", "english", "en_US"])
async def test_languages_with_fake(client: Any, tag: str) -> None:
    error = await client.stream_refusal(Request(config=client.config(language_codes=["en", tag])))
    assert (type(error), error.reason) == (UnsupportedLanguage, "UNSUPPORTED_LANGUAGE")
    assert error.field == "config.language_codes[1]"


@pytest.mark.parametrize("size", [1, 641, 6_401])
async def test_half_a_sample_with_fake(client: Any, size: int) -> None:
    error = await client.stream_refusal(Request(config=client.config()), Request(audio=b"\0" * size))
    assert (type(error), error.reason) == (InvalidAudio, "MALFORMED_AUDIO")


@pytest.mark.parametrize("size", [6_402, 300_000])
async def test_a_message_longer_than_200_ms_with_fake(client: Any, size: int) -> None:
    error = await client.stream_refusal(Request(config=client.config()), Request(audio=b"\0" * size))
    assert (type(error), error.reason, error.field) == (InvalidAudio, "MALFORMED_AUDIO", "audio")
    assert "200 ms" in error.message


async def test_a_broken_opus_packet_with_fake(client: Any) -> None:
    error = await client.stream_refusal(Request(config=client.config(format=OPUS)), Request(audio=b"\xff" * 9))
    assert (type(error), error.reason) == (InvalidAudio, "MALFORMED_AUDIO")


@pytest.mark.parametrize(
    ("group", "values", "field"),
    [
        ("voice_activity", {"aggressiveness": 4}, "aggressiveness"),
        ("voice_activity", {"padding": ms(1_001)}, "padding"),
        ("voice_activity", {"padding": {"seconds": -1}}, "padding"),
        ("voice_activity", {"min_speech": ms(19)}, "min_speech"),
        ("voice_activity", {"min_speech": ms(2_001)}, "min_speech"),
        ("endpointing", {"endpoint_silence": ms(99)}, "endpoint_silence"),
        ("endpointing", {"endpoint_silence": ms(5_001)}, "endpoint_silence"),
        ("endpointing", {"endpoint_silence": ms(300), "pause_silence": ms(301)}, "pause_silence"),
        ("endpointing", {"pause_silence": ms(501)}, "pause_silence"),
        ("endpointing", {"pause_silence": ms(31)}, "pause_silence"),
        ("endpointing", {"max_utterance": ms(999)}, "max_utterance"),
        ("endpointing", {"max_utterance": ms(300_001)}, "max_utterance"),
    ],
)
async def test_settings_out_of_range_with_fake(client: Any, group: str, values: dict[str, Any], field: str) -> None:
    error = await client.stream_refusal(Request(config=client.config(**{group: values})))
    assert (type(error), error.reason, error.field) == (InvalidRequest, "INVALID_FIELD", f"config.{group}.{field}")


@pytest.mark.parametrize(
    ("fields", "kind", "field"),
    [
        ({"hotwords": ["word"] * 101}, InvalidRequest, "config.hotwords"),
        ({"hotwords": ["short", "w" * 101]}, InvalidText, "config.hotwords[1]"),
        ({"initial_prompt": "p" * 1_001}, InvalidText, "config.initial_prompt"),
        ({"language_codes": ["en"] * 21}, InvalidRequest, "config.language_codes"),
    ],
)
async def test_too_much_of_anything_with_fake(
    client: Any, fields: dict[str, Any], kind: type[InvalidRequest], field: str
) -> None:
    error = await client.stream_refusal(Request(config=client.config(**fields)))
    assert (type(error), error.field) == (kind, field)


async def test_a_client_that_sends_nothing_more_with_fake(fake: FakeRecognizer, serving: Any, voice: Voice) -> None:
    async def requests() -> AsyncIterator[Request]:
        yield Request(config=client.config())
        yield SOME
        await never.wait()

    never = asyncio.Event()
    async with serving(fake, idle_timeout_s=0.05) as client:
        error = await client.refusal(client.stub.StreamingRecognize(requests()))
        never.set()
    assert (type(error), error.reason) == (DeadlineExceeded, "IDLE_TIMEOUT")


async def test_a_recording_is_answered_with_fake(client: Any, fake: FakeRecognizer, voice: Voice) -> None:
    audio = b"".join(request.audio for request in client.audio(voice(0.8, 0.3, 0.8, 1.0, 0.6)))
    request = stt_pb2.RecognizeRequest(config=client.config(interim_results=True), audio=audio)
    responses = [response async for response in client.stub.Recognize(request)]
    finals = [r.transcript.utterance_index for r in responses if r.HasField("transcript")]
    assert finals == [0, 1]
    # A recording has nobody waiting at its pauses: each utterance is decoded once.
    assert len(fake.asked) == 2


@pytest.mark.parametrize(
    ("audio", "fields", "reason", "field"),
    [
        (b"", {}, "EMPTY_AUDIO", "audio"),
        (b"\0" * (4 * 1024 * 1024 + 2), {}, "AUDIO_TOO_LONG", "audio"),
        (b"\0" * 99, {}, "MALFORMED_AUDIO", None),
        (b"\0" * 100, {"format": OPUS}, "UNSUPPORTED_ENCODING", "config.format.encoding"),
    ],
)
async def test_recordings_with_fake(
    client: Any, audio: bytes, fields: dict[str, Any], reason: str, field: str | None
) -> None:
    request = stt_pb2.RecognizeRequest(config=client.config(**fields), audio=audio)
    error = await client.refusal(client.stub.Recognize(request))
    assert (type(error), error.reason, error.field) == (InvalidAudio, reason, field)
