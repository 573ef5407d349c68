"""How the silence that ends an utterance adapts to what was said, on a real server with a scripted recogniser."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from maatu.v1 import stt_pb2
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import InvalidRequest
from maatu_stt.config import Config
from maatu_stt.engine.fake import FakeRecognizer
from maatu_stt.messages import settings_from_proto
from maatu_stt.service import stream_settings

Voice = Callable[..., Samples]
WHOLE = "what is the capital of france"
GOES_ON = "I would like to order a pizza and"
UNCLEAR = "the capital of france"


@pytest.fixture
async def adaptive(fake: FakeRecognizer, serving: Any) -> AsyncIterator[Any]:
    """A client of a server whose endpoints adapt, and whose only partials are those at pauses."""
    async with serving(fake, adaptive_endpoint=True, first_partial_ms=5_000) as client:
        yield client


async def silence_to_the_end(client: Any, voice: Voice, **endpointing: Any) -> float:
    """Seconds of silence after which an utterance ended, its transcript being there at the pause."""
    options = stt_pb2.EndpointingOptions()
    for field, value in endpointing.items():
        if isinstance(value, bool):
            setattr(options, field, value)
        else:
            getattr(options, field).FromMilliseconds(value)
    call = client.stub.StreamingRecognize()
    await call.write(stt_pb2.StreamingRecognizeRequest(config=client.config(interim_results=True, endpointing=options)))
    for request in client.audio(voice(0.36, 0.28)):
        await call.write(request)
    started, pause, partial = [await call.read() for _ in range(3)]
    assert (started.activity.type, pause.activity.type, partial.transcript.is_final) == (1, 2, False)
    for request in client.audio(voice(0.0, 3.0)):
        await call.write(request)
    stopped = (await call.read()).activity
    assert stopped.type == stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED
    call.cancel()
    silence: float = (stopped.noticed_at.ToTimedelta() - stopped.offset.ToTimedelta()).total_seconds()
    return silence


@pytest.mark.parametrize(
    ("text", "endpointing", "silence_s"),
    [
        (WHOLE, {}, 0.3),
        (UNCLEAR, {}, 0.5),
        (GOES_ON, {}, 1.2),
        (WHOLE, {"adaptive": False}, 0.5),
        (GOES_ON, {"adaptive": False}, 0.5),
        (WHOLE, {"min_endpoint_silence": 400}, 0.4),
        (GOES_ON, {"max_endpoint_silence": 2_000}, 2.0),
        (UNCLEAR, {"endpoint_silence": 800}, 0.8),
        # The usual silence bounds both others.
        (WHOLE, {"endpoint_silence": 400, "min_endpoint_silence": 900}, 0.4),
        (GOES_ON, {"endpoint_silence": 1_500, "max_endpoint_silence": 700}, 1.5),
    ],
)
async def test_the_endpoint_adapts_to_what_was_said_with_fake(
    adaptive: Any, fake: FakeRecognizer, voice: Voice, text: str, endpointing: dict[str, Any], silence_s: float
) -> None:
    fake.script.texts = (text,)
    assert await silence_to_the_end(adaptive, voice, **endpointing) == pytest.approx(silence_s, abs=0.033)


async def test_a_transcript_that_comes_late_ends_an_utterance_that_was_complete_all_along_with_fake(
    adaptive: Any, fake: FakeRecognizer, voice: Voice
) -> None:
    call = adaptive.stub.StreamingRecognize()
    await call.write(stt_pb2.StreamingRecognizeRequest(config=adaptive.config(interim_results=True)))
    for request in adaptive.audio(voice(0.36, 0.44)):
        await call.write(request)
    kinds = [(await call.read()).WhichOneof("event") for _ in range(3)]
    assert kinds == ["activity", "activity", "transcript"]
    for request in adaptive.audio(voice(0.0, 0.08)):
        await call.write(request)
    stopped = (await call.read()).activity
    assert stopped.type == stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED
    assert (stopped.noticed_at.ToTimedelta() - stopped.offset.ToTimedelta()).total_seconds() < 0.5
    call.cancel()


async def test_a_server_can_be_told_not_to_adapt_with_fake(fake: FakeRecognizer, serving: Any, voice: Voice) -> None:
    async with serving(fake, adaptive_endpoint=False, first_partial_ms=5_000) as client:
        assert await silence_to_the_end(client, voice) == pytest.approx(0.5, abs=0.033)
        assert await silence_to_the_end(client, voice, adaptive=True) == pytest.approx(0.3, abs=0.033)


@pytest.mark.parametrize(
    ("field", "milliseconds"),
    [("min_endpoint_silence", 50), ("min_endpoint_silence", 6_000), ("max_endpoint_silence", 11_000)],
)
def test_silences_out_of_range_are_refused(field: str, milliseconds: int) -> None:
    config = stt_pb2.StreamingRecognitionConfig()
    getattr(config.endpointing, field).FromMilliseconds(milliseconds)
    with pytest.raises(InvalidRequest) as caught:
        settings_from_proto(config, stream_settings(Config()))
    assert caught.value.field == f"config.endpointing.{field}"


def test_an_unknown_way_of_detecting_the_language_is_refused() -> None:
    config = stt_pb2.StreamingRecognitionConfig(language_detection=7)  # type: ignore[arg-type]
    with pytest.raises(InvalidRequest) as caught:
        settings_from_proto(config, stream_settings(Config()))
    assert caught.value.field == "config.language_detection"


@pytest.mark.parametrize(
    ("asked", "default", "expected"),
    [(0, "once", False), (0, "per_utterance", True), (1, "per_utterance", False), (2, "once", True)],
)
def test_the_language_is_detected_as_asked(asked: Any, default: Any, expected: bool) -> None:
    config = stt_pb2.StreamingRecognitionConfig(language_detection=asked)
    settings = settings_from_proto(config, stream_settings(Config(language_detection=default)))
    assert settings.detects_each_utterance is expected
