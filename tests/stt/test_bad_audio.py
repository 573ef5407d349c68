"""Audio as bad as it comes, and answers as short as they come, through the whole service with real models."""

import re
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from piper import PiperVoice, SynthesisConfig

from maatu.v1 import common_pb2, stt_pb2, stt_pb2_grpc
from maatu_runtime.audio import AudioFormat, Encoding, Resampler, StreamEncoder, read_audio
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.models import ModelStore
from maatu_runtime.testing import serve
from maatu_stt.config import Config
from maatu_stt.service import build

RATE_HZ = 16_000
JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"
SENTENCE = "Tell my sister that the train is late."
SHORT = ("Thank you.", "Yes.", "No.", "Okay.", "Bye.", "Thanks for watching the kids.")
Request = stt_pb2.StreamingRecognizeRequest
Speak = Callable[[str], Samples]


@pytest.fixture
async def stub(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> AsyncIterator[stt_pb2_grpc.SpeechToTextStub]:
    """A service with one model: tiny.en, or the one that the test is parametrised with."""
    model = getattr(request, "param", "whisper-tiny.en")
    monkeypatch.setenv("MAATU_MODELS_DIR", str(models_dir))
    async with serve(build(Config(models={"en": model}))) as channel:
        yield stt_pb2_grpc.SpeechToTextStub(channel)


@pytest.fixture(scope="module")
def speak(models_dir: Path) -> Speak:
    """Speaks English at -26 dBFS, with half a second of silence before and a second after."""
    directory = ModelStore(models_dir).path("piper-en_US-joe-medium")
    voice = PiperVoice.load(str(directory / "en_US-joe-medium.onnx"))
    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)  # the same samples every time

    def make(text: str) -> Samples:
        spoken = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(text, steady)])
        resampler = Resampler(voice.config.sample_rate, RATE_HZ)
        samples = np.concatenate([resampler.push(spoken.astype(np.float32)), resampler.flush()])
        samples *= np.float32(0.05 / np.sqrt(np.mean(samples**2)))
        return np.pad(samples, (RATE_HZ // 2, RATE_HZ))

    return make


def noise(samples: Samples, below_db: float) -> Samples:
    """White noise so far below the usual level of speech."""
    level = 0.05 * 10 ** (-below_db / 20)
    return np.random.default_rng(7).normal(0, level, len(samples)).astype(np.float32)


def words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


async def finals(stub: Any, messages: list[bytes], audio_format: common_pb2.AudioFormat, **fields: Any) -> list[str]:
    """The final texts of a stream, without those that are empty."""
    config = stt_pb2.StreamingRecognitionConfig(**{"format": audio_format, "language_codes": ["en"], **fields})
    requests = [Request(config=config), *(Request(audio=message) for message in messages)]
    requests.append(Request(end_of_input=common_pb2.EndOfInput()))
    responses = [response async for response in stub.StreamingRecognize(iter(requests))]
    return [
        r.transcript.text for r in responses if r.HasField("transcript") and r.transcript.is_final and r.transcript.text
    ]


async def recognise(stub: Any, samples: Samples, size: int = 1_600, rate_hz: int = RATE_HZ, **fields: Any) -> str:
    """What LINEAR16 audio in messages of `size` samples says."""
    data = to_int16(samples).astype("<i2").tobytes()
    audio_format = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=rate_hz)
    messages = [data[start : start + 2 * size] for start in range(0, len(data), 2 * size)]
    return " ".join(await finals(stub, messages, audio_format, **fields))


def drifting(samples: Samples) -> Samples:
    slow = 0.3 * np.sin(2 * np.pi * 0.3 * np.arange(len(samples)) / RATE_HZ)
    return samples + slow.astype(np.float32)


@pytest.mark.parametrize(
    "spoil",
    [
        pytest.param(lambda samples: samples * 10, id="clipped"),
        pytest.param(lambda samples: samples + 0.3, id="offset"),
        pytest.param(drifting, id="drifting offset"),
        pytest.param(lambda samples: samples * (10**-1.2), id="-50 dBFS"),
        pytest.param(lambda samples: samples / np.abs(samples).max(), id="full scale"),
    ],
)
async def test_a_sentence_is_understood_however_it_is_spoilt(
    stub: Any, speak: Speak, spoil: Callable[[Samples], Samples]
) -> None:
    samples = np.clip(spoil(speak(SENTENCE)), -1, 1).astype(np.float32)
    assert words(await recognise(stub, samples)) == words(SENTENCE)


async def test_the_length_of_messages_changes_no_transcript(stub: Any, speak: Speak) -> None:
    samples = speak(SENTENCE)
    texts = {await recognise(stub, samples, size) for size in (160, 320, 640, 1_600, 3_200, 37, 1_003)}
    assert len(texts) == 1
    assert words(texts.pop()) == words(SENTENCE)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 22_050, 44_100, 48_000])
async def test_any_rate_is_understood(stub: Any, speak: Speak, rate_hz: int) -> None:
    resampler = Resampler(RATE_HZ, rate_hz)
    samples = np.concatenate([resampler.push(speak(SENTENCE)), resampler.flush()])
    assert words(await recognise(stub, samples, rate_hz // 50, rate_hz)) == words(SENTENCE)


@pytest.mark.parametrize(("stated_hz", "factor"), [(48_000, 3), (8_000, 2)])
async def test_a_lie_about_the_rate_ends_without_an_error(stub: Any, speak: Speak, stated_hz: int, factor: int) -> None:
    """Three times as fast or half as fast as it was spoken: nobody understands that, and nothing else may come of it."""
    text = await recognise(stub, speak(SENTENCE), 640 // factor, stated_hz)
    assert len(text) < 200


async def test_lost_packets_cost_at_most_the_words_they_carry(stub: Any, speak: Speak) -> None:
    encoder = StreamEncoder(RATE_HZ, AudioFormat(Encoding.OPUS, 16_000))
    messages = [message.data for message in [*encoder.push(speak(SENTENCE)), *encoder.flush()]]
    audio_format = common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_OPUS, sample_rate_hz=16_000)
    assert words(" ".join(await finals(stub, messages, audio_format))) == words(SENTENCE)
    damaged = [b"\xff" * 9 if index % 25 == 24 else message for index, message in enumerate(messages)]
    heard = words(" ".join(await finals(stub, damaged, audio_format))).split()
    assert len(set(words(SENTENCE).split()) - set(heard)) <= 2


@pytest.mark.parametrize("stub", ["whisper-tiny.en", "whisper-base"], indirect=True)
@pytest.mark.parametrize("below_db", [60, 10])
async def test_short_answers_are_not_taken_for_hallucinations(stub: Any, speak: Speak, below_db: float) -> None:
    """ "you" is missing here: Piper's lasts less than the detector's least 250 ms, and neither model understands it."""
    for answer in SHORT:
        samples = speak(answer)
        text = words(await recognise(stub, samples + noise(samples, below_db)))
        assert text, answer
        assert words(answer).split()[-1] in text or below_db == 10, (answer, text)


@pytest.mark.parametrize("stub", ["whisper-tiny.en", "whisper-base"], indirect=True)
async def test_noise_and_hum_have_no_text(stub: Any) -> None:
    silence = np.zeros(4 * RATE_HZ, np.float32)
    hum = 0.1 * np.sin(2 * np.pi * 50 * np.arange(len(silence)) / RATE_HZ).astype(np.float32)
    knocks = np.zeros_like(silence)
    knocks[:: RATE_HZ // 3] = 0.9
    for samples in (silence, hum, knocks, noise(silence, 0), noise(silence, -10)):
        assert await recognise(stub, samples, voice_activity={"aggressiveness": 0}) == ""


async def test_what_is_not_said_is_not_added_to_a_recording(stub: Any) -> None:
    kennedy = read_audio(JFK, RATE_HZ)
    quiet = noise(np.zeros(8 * RATE_HZ, np.float32), 20)
    text = words(await recognise(stub, np.concatenate([quiet, kennedy, quiet])))
    assert text.startswith("and so")
    assert text.endswith("ask not what your country can do for you ask what you can do for your country")
    assert len(text.split()) <= 23
