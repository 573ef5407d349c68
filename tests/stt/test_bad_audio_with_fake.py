"""Audio that is damaged, or not what the stream says it is: a typed error or a clean recovery. With the fake recogniser."""

import asyncio
import gc
import tracemalloc
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from typing import Any

import grpc
import numpy as np
import pytest
from structlog.testing import capture_logs

from maatu.v1 import common_pb2, stt_pb2
from maatu_runtime.audio import AudioFormat, Encoding, StreamEncoder
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.errors import DeadlineExceeded, InvalidAudio
from maatu_runtime.streams import RequestStream
from maatu_stt import metrics
from maatu_stt.engine.base import RecognitionOptions
from maatu_stt.engine.fake import FakeRecognizer, LoudnessDetector
from maatu_stt.engine.settings import StreamSettings
from maatu_stt.engine.stream import StreamRecognition
from maatu_stt.intake import MAX_LOST_IN_A_ROW, feed_stream

RATE_HZ = 16_000
Request = stt_pb2.StreamingRecognizeRequest
Voice = Callable[..., Samples]
END = Request(end_of_input=common_pb2.EndOfInput())
OPUS = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_OPUS, sample_rate_hz=48_000)
RUBBISH = b"\xff" * 9
TRUNCATED = b"\x0b"
"""A packet that says it has several frames, and ends before it says how many."""


def linear16(rate_hz: int) -> common_pb2.AudioFormat:
    return common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=rate_hz)


def tone(seconds: float, rate_hz: int) -> Samples:
    return (0.5 * np.sin(np.arange(round(seconds * rate_hz)) * 2 * np.pi * 440 / rate_hz)).astype(np.float32)


def pcm(samples: Samples, size: int) -> list[Request]:
    data = to_int16(samples).astype("<i2").tobytes()
    return [Request(audio=data[start : start + 2 * size]) for start in range(0, len(data), 2 * size)]


def packets(samples: Samples) -> list[bytes]:
    """Opus packets of 20 ms of samples at 16 kHz."""
    encoder = StreamEncoder(RATE_HZ, AudioFormat(Encoding.OPUS, 48_000))
    return [message.data for message in [*encoder.push(samples), *encoder.flush()]]


def opus(client: Any, data: list[bytes]) -> list[Request]:
    """A whole stream of packets."""
    return [Request(config=client.config(format=OPUS)), *(Request(audio=packet) for packet in data), END]


@pytest.mark.parametrize("size", [160, 320, 640, 1_600, 3_200, 1, 37, 511, 513, 1_003])
async def test_the_length_of_messages_changes_no_event_with_fake(client: Any, voice: Voice, size: int) -> None:
    samples = voice(0.4, 0.3, 0.4, 0.9, 0.3) if size > 1 else voice(0.4)
    usual = await client.responses(client.requests(samples, frame_ms=20))
    other = await client.responses([Request(config=client.config()), *pcm(samples, size), END])
    assert [r.SerializeToString() for r in other] == [r.SerializeToString() for r in usual]
    assert len(usual) >= 3


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 24_000, 44_100, 48_000])
async def test_any_rate_is_heard_at_the_same_time_with_fake(client: Any, rate_hz: int) -> None:
    samples = np.concatenate([np.zeros(rate_hz // 2, np.float32), tone(1.0, rate_hz), np.zeros(rate_hz, np.float32)])
    requests = [Request(config=client.config(format=linear16(rate_hz))), *pcm(samples, rate_hz // 50), END]
    activities = [r.activity for r in await client.responses(requests) if r.HasField("activity")]
    started, _, stopped = activities
    assert started.offset.ToTimedelta().total_seconds() == pytest.approx(0.5, abs=0.033)
    assert stopped.offset.ToTimedelta().total_seconds() == pytest.approx(1.5, abs=0.033)


@pytest.mark.parametrize(("stated_hz", "sent_hz"), [(16_000, 48_000), (16_000, 8_000), (48_000, 16_000)])
async def test_a_stream_that_lies_about_its_rate_is_answered_with_fake(
    client: Any, stated_hz: int, sent_hz: int
) -> None:
    samples = np.concatenate([tone(3.0, sent_hz), np.zeros(4 * sent_hz, np.float32)])
    requests = [Request(config=client.config(format=linear16(stated_hz))), *pcm(samples, sent_hz // 50), END]
    said = await client.stream(requests)
    assert said[0] == "STARTED"
    assert said[-1] == "final what is the capital of france"


async def test_a_lie_that_makes_messages_too_long_is_refused_with_fake(client: Any) -> None:
    config = Request(config=client.config(format=linear16(16_000)))
    error = await client.stream_refusal(config, *pcm(tone(0.1, 48_000), 4_800))
    assert (type(error), error.reason, error.field) == (InvalidAudio, "MALFORMED_AUDIO", "audio")
    assert "300 ms" in error.message


async def test_a_rate_that_is_a_lie_is_logged_once_with_fake(fake: FakeRecognizer) -> None:
    """Twenty seconds of messages that say 48 kHz and hold 16 kHz, on a clock of their own."""
    sent = pcm(np.zeros(20 * RATE_HZ, np.float32), RATE_HZ // 25)

    async def messages() -> AsyncIterator[Request]:
        for message in [*sent, END]:
            yield message

    recognition = StreamRecognition(fake, LoudnessDetector(), RecognitionOptions(), StreamSettings())
    ticks = iter(range(len(sent)))
    audio_format = AudioFormat(Encoding.LINEAR16, 48_000)
    with capture_logs() as logs:
        async with RequestStream(messages()) as requests:
            await feed_stream(requests, audio_format, recognition, clock=lambda: next(ticks) * 0.04)
    (warning,) = [line for line in logs if line["log_level"] == "warning" and "real time" in line["event"]]
    assert warning["event"] == "audio arrives at 0.33 times real time: does the client really send 48000 Hz?"
    assert warning["suspected_rate_hz"] == 16_000


@pytest.mark.parametrize("rubbish", [RUBBISH, TRUNCATED, b"\x03\x00", b"OggS" * 300])
async def test_a_damaged_packet_is_silence_and_moves_nothing_with_fake(
    client: Any, voice: Voice, rubbish: bytes
) -> None:
    data = packets(voice(1.0, 1.0, 1.0, 1.0))
    whole = await client.responses(opus(client, data))
    before = metrics.LOST_PACKETS._value.get()
    damaged = await client.responses(opus(client, [*data[:60], rubbish, *data[61:]]))
    assert metrics.LOST_PACKETS._value.get() == before + 1
    assert [r.SerializeToString() for r in damaged] == [r.SerializeToString() for r in whole]


async def test_packets_damaged_now_and_then_are_survived_with_fake(client: Any, voice: Voice) -> None:
    data = packets(voice(2.0, 1.0))
    said = await client.stream(opus(client, [RUBBISH if index % 6 == 5 else p for index, p in enumerate(data)]))
    assert said == ["STARTED", "PAUSE", "STOPPED", "final what is the capital of france"]


@pytest.mark.parametrize(
    ("lost", "message"),
    [
        (range(20, 30), f"{MAX_LOST_IN_A_ROW} Opus packets in a row"),
        (range(3, 84, 4), "21 of the latest 84"),
        (range(1), "are not a packet"),  # nothing decoded before: this is no Opus
    ],
)
async def test_too_many_damaged_packets_end_the_stream_with_fake(
    client: Any, voice: Voice, lost: range, message: str
) -> None:
    data = [RUBBISH if index in lost else packet for index, packet in enumerate(packets(voice(3.0)))]
    *requests, _ = opus(client, data[: lost[-1] + 1])
    error = await client.stream_refusal(*requests)
    assert (type(error), error.reason) == (InvalidAudio, "MALFORMED_AUDIO")
    assert message in error.message


@pytest.mark.parametrize(("data", "reason"), [(b"", "UNEXPECTED_MESSAGE"), (b"\0" * 300_000, "MALFORMED_AUDIO")])
async def test_messages_that_are_no_packet_end_the_stream_with_fake(
    client: Any, voice: Voice, data: bytes, reason: str
) -> None:
    *requests, _ = opus(client, [*packets(voice(0.5)), data])
    error = await client.stream_refusal(*requests)
    assert error.reason == reason


async def test_rubbish_never_disturbs_the_stream_beside_it_with_fake(client: Any, voice: Voice) -> None:
    """Random bytes, audio of another encoding and cut packets, while another stream says its sentence."""
    rng = np.random.default_rng(3)
    good = packets(voice(1.5, 0.8))
    healthy = client.requests(voice(1.0, 0.3, 0.5, 0.9), language_codes=["es"])
    alone = await client.responses(healthy)
    for bad in (
        [good[0], *(rng.bytes(int(rng.integers(1, 400))) for _ in range(100))],
        [good[0], *(request.audio for request in client.audio(voice(1.0)))],
        [packet[: len(packet) // 2] or b"\0" for packet in good],
    ):
        ending = asyncio.create_task(client.stream(opus(client, bad)))
        beside = await client.responses(healthy)
        # Whoever goes on sending to a stream that was ended may not learn the reason; the tests above do.
        with suppress(grpc.aio.AioRpcError):
            await ending
        assert [r.SerializeToString() for r in beside] == [r.SerializeToString() for r in alone]


@pytest.mark.parametrize(
    "distort",
    [
        lambda samples: np.clip(samples * 40, -1, 1),
        lambda samples: np.where(samples >= 0, 1.0, -1.0),
        lambda samples: np.clip(samples + 0.3, -1, 1),
    ],
    ids=["clipped", "full scale", "offset"],
)
async def test_distorted_audio_is_answered_with_fake(
    client: Any, voice: Voice, distort: Callable[[Samples], Samples]
) -> None:
    loud = distort(voice(1.0)).astype(np.float32)
    said = await client.stream(client.requests(np.concatenate([loud, voice(0.0, 1.0)])))
    assert said == ["STARTED", "PAUSE", "STOPPED", "final what is the capital of france"]


async def test_a_stream_whose_messages_stop_in_speech_is_ended_with_fake(
    fake: FakeRecognizer, serving: Any, voice: Voice
) -> None:
    async def requests() -> AsyncIterator[Request]:
        for request in client.requests(voice(1.0))[:-1]:
            yield request
        await never.wait()

    never = asyncio.Event()
    async with serving(fake, idle_timeout_s=0.05) as client:
        error = await client.refusal(client.stub.StreamingRecognize(requests()))
        never.set()
    assert (type(error), error.reason) == (DeadlineExceeded, "IDLE_TIMEOUT")
    assert fake.capacity()[0] == 0


async def test_five_minutes_of_silence_after_speech_keep_no_memory_with_fake(
    fake: FakeRecognizer, voice: Voice
) -> None:
    recognition = StreamRecognition(fake, LoudnessDetector(), RecognitionOptions(), StreamSettings())
    second = np.zeros(RATE_HZ, np.float32)
    grown: list[int] = []

    async def feed() -> None:
        await recognition.push(voice(1.0))
        for minute in range(5):
            for _ in range(60):
                await recognition.push(second)
            if minute in (0, 4):
                gc.collect()
                grown.append(tracemalloc.get_traced_memory()[0])
        await recognition.finish()

    tracemalloc.start()
    try:
        events = [event async for event in recognition.events(feed)]
    finally:
        tracemalloc.stop()
    assert len(events) == 4, "started, pause, stopped and the final, which did not wait for the end of the stream"
    assert grown[1] - grown[0] < 100_000, f"{grown} bytes"
