"""The whole service with real models and the real detector."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from maatu.v1 import common_pb2, stt_pb2, stt_pb2_grpc
from maatu_runtime.audio import read_audio
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.testing import serve
from maatu_stt.config import Config
from maatu_stt.engine.settings import VAD_THRESHOLDS
from maatu_stt.engine.vad import WINDOW, SileroModel
from maatu_stt.service import build

RATE_HZ = 16_000
JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"


@pytest.fixture
async def stub(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[stt_pb2_grpc.SpeechToTextStub]:
    monkeypatch.setenv("MAATU_MODELS_DIR", str(models_dir))
    async with serve(build(Config(models={"en": "whisper-tiny.en"}))) as channel:
        yield stt_pb2_grpc.SpeechToTextStub(channel)


def config(**fields: Any) -> stt_pb2.StreamingRecognitionConfig:
    endpointing = stt_pb2.EndpointingOptions()
    endpointing.endpoint_silence.FromMilliseconds(1_000)
    return stt_pb2.StreamingRecognitionConfig(
        format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
        language_codes=["en-US"],
        endpointing=endpointing,
        **fields,
    )


def pcm(samples: Samples) -> bytes:
    return to_int16(samples).astype("<i2").tobytes()


async def recognise(stub: Any, samples: Samples, **fields: Any) -> list[stt_pb2.StreamingRecognizeResponse]:
    data = pcm(samples)
    requests = [
        stt_pb2.StreamingRecognizeRequest(config=config(**fields)),
        *(stt_pb2.StreamingRecognizeRequest(audio=data[i : i + 3_200]) for i in range(0, len(data), 3_200)),
        stt_pb2.StreamingRecognizeRequest(end_of_input=common_pb2.EndOfInput()),
    ]
    return [response async for response in stub.StreamingRecognize(iter(requests))]


async def test_kennedy_is_heard_in_order_and_on_time(stub: Any) -> None:
    samples = np.concatenate([read_audio(JFK, RATE_HZ), np.zeros(2 * RATE_HZ, np.float32)])
    responses = await recognise(stub, samples, interim_results=True, word_times=True)
    finals = [r.transcript for r in responses if r.HasField("transcript") and r.transcript.is_final]
    assert "ask what you can do for your country" in finals[-1].text.lower()
    assert [final.utterance_index for final in finals] == list(range(len(finals)))
    last = finals[-1]
    assert [word.word for word in last.words] == last.text.split()
    for index, final in enumerate(finals):
        own = [r.activity for r in responses if r.HasField("activity") and r.activity.utterance_index == index]
        assert own[0].type == stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED
        assert own[-1].type == stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED
        assert (final.start, final.end) == (own[0].offset, own[-1].offset)
    assert own[-1].offset.ToTimedelta().total_seconds() == pytest.approx(10.5, abs=0.2)


async def test_streams_at_once_hear_only_their_own_words(stub: Any) -> None:
    kennedy = read_audio(JFK, RATE_HZ)
    whole, part, quiet = await asyncio.gather(
        recognise(stub, kennedy),
        recognise(stub, kennedy[int(5.2 * RATE_HZ) : int(7.8 * RATE_HZ)], interim_results=True),
        recognise(stub, np.zeros(3 * RATE_HZ, np.float32)),
    )
    (only,) = [r.transcript for r in part if r.HasField("transcript") and r.transcript.is_final]
    assert only.text.lower().rstrip(".!?") == "what your country can do for you"
    assert "for your country" in whole[-1].transcript.text
    assert quiet == []


async def test_a_recording_is_answered_whole(stub: Any) -> None:
    request = stt_pb2.RecognizeRequest(config=config(), audio=pcm(read_audio(JFK, RATE_HZ)))
    texts = [r.transcript.text.lower() async for r in stub.Recognize(request) if r.HasField("transcript")]
    assert "what your country can do for you" in " ".join(texts)


def test_silero_tells_speech_from_noise_and_streams_do_not_disturb_each_other() -> None:
    model = SileroModel()
    speech = read_audio(JFK, RATE_HZ)
    noise = np.random.default_rng(5).normal(0, 0.05, len(speech)).astype(np.float32)
    alone, first, second = model.stream(), model.stream(), model.stream()
    starts = range(0, len(speech) - WINDOW + 1, WINDOW)
    expected = [alone.probability(speech[start : start + WINDOW]) for start in starts]
    mixed = [
        (first.probability(speech[start : start + WINDOW]), second.probability(noise[start : start + WINDOW]))
        for start in starts
    ]
    assert [probability for probability, _ in mixed] == expected
    onset, _ = VAD_THRESHOLDS[2]
    assert 0.5 < np.mean([probability > onset for probability in expected]) < 0.9
    assert max(probability for _, probability in mixed) < onset
