"""An utterance longer than Whisper hears, with the real model and the real detector, as fast as the machine can."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from maatu_runtime.audio import read_audio
from maatu_runtime.language import Language
from maatu_runtime.models import ModelStore
from maatu_stt.config import Config
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, RecognitionOptions, Transcription, Urgency
from maatu_stt.engine.recognizer import WhisperRecognizer
from maatu_stt.engine.scheduler import Job, SchedulerSettings
from maatu_stt.engine.stream import StreamRecognition
from maatu_stt.engine.utterance import Transcript
from maatu_stt.engine.vad import SileroModel
from maatu_stt.engine.whisper import WhisperSettings
from maatu_stt.service import stream_settings

JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"
TIMES = 3


class Watched(WhisperRecognizer):
    """Notes how much audio each decode hears."""

    def __init__(self, models_dir: Path) -> None:
        resolve = ModelStore(models_dir).path
        super().__init__({"*": "whisper-tiny.en"}, resolve, WhisperSettings(), SchedulerSettings())
        self.heard_s: list[float] = []

    def start(self, request: DecodeRequest, urgency: Urgency) -> Job[DecodeRequest, Transcription] | None:
        self.heard_s.append(len(request.samples) / SAMPLE_RATE_HZ)
        return super().start(request, urgency)


@pytest.fixture
async def recognizer(models_dir: Path) -> AsyncIterator[Watched]:
    recognizer = Watched(models_dir)
    await recognizer.warm_up()
    yield recognizer
    await recognizer.close()


async def hear(recognizer: Watched, *, interim_results: bool, word_times: bool = False) -> list[Transcript]:
    """The transcripts of Kennedy, three times over without an endpoint between."""
    samples = np.concatenate([*[read_audio(JFK, SAMPLE_RATE_HZ)] * TIMES, np.zeros(6 * SAMPLE_RATE_HZ, np.float32)])
    config = Config(adaptive_endpoint=False, endpoint_silence_ms=5_000)
    options = RecognitionOptions((Language("en"),), word_times=word_times)
    settings = replace(stream_settings(config), interim_results=interim_results)
    stream = StreamRecognition(recognizer, SileroModel().stream(), options, settings)

    async def feed() -> None:
        for start in range(0, len(samples), SAMPLE_RATE_HZ // 10):
            await stream.push(samples[start : start + SAMPLE_RATE_HZ // 10])
            await stream.idle()
        await stream.finish()

    return [event async for event in stream.events(feed) if isinstance(event, Transcript)]


def plain(text: str) -> str:
    return " ".join("".join(c for c in text.casefold() if c.isalnum() or c == " ").split())


async def test_what_is_committed_stays_and_the_window_stays_short(recognizer: Watched) -> None:
    *partials, final = await hear(recognizer, interim_results=True, word_times=True)
    assert final.is_final
    assert plain(final.text).count("what you can do for your country") == TIMES
    committed = ""
    for transcript in [*partials, final]:
        assert transcript.text.startswith(transcript.stable_text)
        assert transcript.stable_text.startswith(committed)
        committed = transcript.stable_text
        assert 0 <= transcript.stability <= 1
    assert max(recognizer.heard_s) < 16
    # Two thirds of a partial are committed on average; a transcript that committed nothing would pass all of the above.
    shares = [len(partial.stable_text) / len(partial.text) for partial in partials[10:]]
    assert sum(shares) / len(shares) > 0.5
    times = [(word.start, word.end) for word in final.words]
    assert times == sorted(times)
    assert [word.text for word in final.words] == final.text.split()
    last_words = [word.end / SAMPLE_RATE_HZ for word in final.words if plain(word.text) == "country"][1::2]
    assert last_words == pytest.approx([10.5, 21.5, 32.5], abs=0.8)


async def test_without_partials_the_final_has_no_minute_to_decode_either(recognizer: Watched) -> None:
    (final,) = await hear(recognizer, interim_results=False)
    assert plain(final.text).count("what you can do for your country") == TIMES
    assert max(recognizer.heard_s) < 16
