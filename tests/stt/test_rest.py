"""What is left where the model stops in mid-audio is decoded too."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from piper import PiperVoice, SynthesisConfig

from maatu_runtime.audio import Resampler, read_audio
from maatu_runtime.audio.samples import Samples
from maatu_runtime.language import Language
from maatu_runtime.models import ModelStore
from maatu_stt.config import Config
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, RecognitionOptions, Transcription, Word, text_of
from maatu_stt.engine.guards import Evidence
from maatu_stt.engine.recognizer import WhisperRecognizer
from maatu_stt.engine.rest import Attempt, rest_of, with_rest
from maatu_stt.engine.scheduler import SchedulerSettings
from maatu_stt.engine.stream import StreamRecognition
from maatu_stt.engine.utterance import Transcript
from maatu_stt.engine.vad import SileroModel
from maatu_stt.engine.whisper import WhisperEngine, WhisperSettings
from maatu_stt.service import stream_settings

JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"
KENNEDY = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
AMERICANS_S = 2.4
"""Where Kennedy pauses after "Americans"."""
SENTENCES = (
    "Could I have the bill, please?",
    "I can't hear you very well, the line is bad.",
    "The meeting was moved from Tuesday to Thursday afternoon.",
)
"""Of the recording of these tiny.en writes no more than "was moved from" at first."""
ENGLISH = RecognitionOptions(languages=(Language("en"),))


class StoppingModel:
    """The real model, whose first batch stops after "Americans" and closes its segment there."""

    def __init__(self, engine: WhisperEngine, closing: int) -> None:
        self._model = engine._model
        self._tokenizer = engine._tokenizer("en")
        self._closing = closing
        """Timestamps it closes the segment with: one or two."""
        self.batches: list[int] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._model, name)

    def generate(self, encoded: Any, prompts: Sequence[Sequence[int]], **options: Any) -> list[Any]:
        results = self._model.generate(encoded, prompts, **options)
        self.batches.append(len(prompts))
        return [self._stopped(result) for result in results] if len(self.batches) == 1 else results

    def _stopped(self, result: Any) -> Any:
        tokens = result.sequences_ids[0]
        (last,) = self._tokenizer.encode(" Americans")
        closed = self._tokenizer.timestamp_begin + round(AMERICANS_S / 0.02)
        kept = [*tokens[: tokens.index(last) + 1], *[closed] * self._closing] if last in tokens else tokens
        return SimpleNamespace(sequences_ids=[kept], scores=result.scores, no_speech_prob=result.no_speech_prob)


@pytest.fixture(scope="module")
def tiny(models_dir: Path) -> WhisperEngine:
    return WhisperEngine("whisper-tiny.en", ModelStore(models_dir).path("whisper-tiny.en"), WhisperSettings())


@pytest.fixture
def stops(tiny: WhisperEngine, monkeypatch: pytest.MonkeyPatch) -> Callable[[int], StoppingModel]:
    """Has the first batch of the model stop in mid-audio."""

    def stop(closing: int) -> StoppingModel:
        model = StoppingModel(tiny, closing)
        monkeypatch.setattr(tiny, "_model", model)
        return model

    return stop


@pytest.fixture(scope="module")
def kennedy() -> Samples:
    return read_audio(JFK, SAMPLE_RATE_HZ)


def plain(text: str) -> str:
    return " ".join(re.findall(r"[a-z0-9']+", text.casefold()))


def decode(engine: WhisperEngine, *requests: DecodeRequest, are_partials: bool = False) -> list[Transcription]:
    answers = engine.decode(requests, are_partials=are_partials)
    assert all(isinstance(answer, Transcription) for answer in answers), answers
    return [answer for answer in answers if isinstance(answer, Transcription)]


@pytest.mark.parametrize("closing", [1, 2])
@pytest.mark.parametrize("are_partials", [False, True])
def test_a_decode_goes_on_from_the_timestamp_at_which_the_model_stopped(
    tiny: WhisperEngine, stops: Callable[[int], StoppingModel], kennedy: Samples, closing: int, are_partials: bool
) -> None:
    model = stops(closing)
    (said,) = decode(tiny, DecodeRequest(kennedy, ENGLISH), are_partials=are_partials)
    assert plain(said.text) == KENNEDY
    assert model.batches == [1, 1]


def test_the_words_of_the_rest_have_the_times_of_the_whole(
    tiny: WhisperEngine, stops: Callable[[int], StoppingModel], kennedy: Samples
) -> None:
    stops(2)
    (said,) = decode(tiny, DecodeRequest(kennedy, replace(ENGLISH, word_times=True)))
    assert plain(said.text) == KENNEDY
    times = [(word.start_s or 0.0, word.end_s or 0.0) for word in said.words if word.is_spoken]
    assert times == sorted(times)
    assert times[4][1] <= AMERICANS_S <= times[5][0]
    assert times[-1][1] == pytest.approx(10.5, abs=0.7)


def test_the_rests_of_a_batch_are_one_batch(
    tiny: WhisperEngine, stops: Callable[[int], StoppingModel], kennedy: Samples
) -> None:
    model = stops(2)
    quiet = np.zeros(2 * SAMPLE_RATE_HZ, np.float32)
    answers = decode(tiny, *(DecodeRequest(samples, ENGLISH) for samples in (kennedy, quiet, kennedy)))
    assert [plain(answer.text) for answer in answers] == [KENNEDY, "", KENNEDY]
    assert model.batches == [3, 2]


def test_a_rest_that_nobody_said_is_left_out(
    tiny: WhisperEngine, stops: Callable[[int], StoppingModel], kennedy: Samples
) -> None:
    stops(2)
    speech = round(AMERICANS_S * SAMPLE_RATE_HZ)
    hiss = np.random.default_rng(3).normal(0, 0.003, 3 * SAMPLE_RATE_HZ).astype(np.float32)
    (said,) = decode(tiny, DecodeRequest(np.concatenate([kennedy[:speech], hiss]), ENGLISH))
    assert plain(said.text).endswith("fellow americans")


def attempt(text: str, heard_to: int | None = None, log_probability: float = -0.2) -> Attempt:
    words = tuple(Word(f" {word}") for word in text.split())
    return Attempt(words, Evidence(text, log_probability, 0.01, is_cut_off=False), "en", 1.0, heard_to)


@pytest.mark.parametrize(
    ("text", "heard_to", "is_left"),
    [
        ("so be it", 2 * SAMPLE_RATE_HZ, True),
        ("so be it", None, False),  # it does not say where it stopped
        ("so be it", 0, False),  # it would never end
        ("so be it", round(4.5 * SAMPLE_RATE_HZ), False),  # the silence after the speech
        ("", 2 * SAMPLE_RATE_HZ, False),  # no speech
    ],
)
def test_what_is_left(text: str, heard_to: int | None, is_left: bool) -> None:
    request = DecodeRequest(np.arange(5 * SAMPLE_RATE_HZ, dtype=np.float32), RecognitionOptions(), voiced_s=4.0)
    rest = rest_of(replace(request, context="well", committed=(Word(" so"),)), attempt(text, heard_to))
    assert (rest is not None) == is_left
    if rest is not None:
        assert rest.samples[0] == heard_to
        assert (rest.committed, rest.context, rest.voiced_s) == ((), "well so be it", 0.0)
        assert rest.language == Language("en")


def test_the_whole_is_as_sure_as_its_less_sure_part() -> None:
    whole = with_rest(attempt("so be it", SAMPLE_RATE_HZ), attempt("for ever", log_probability=-0.7), 0.0)
    assert text_of(whole.words) == whole.evidence.text == "so be it for ever"
    assert whole.evidence.average_log_probability == -0.7
    for doubtful in (attempt("bee " * 9), attempt("for ever", log_probability=-1.2), attempt("")):
        assert text_of(with_rest(attempt("so be it", SAMPLE_RATE_HZ), doubtful, 0.0).words) == "so be it"


def spoken(models_dir: Path) -> Samples:
    """The sentences by Piper, with short pauses, at the level of a telephone."""
    directory = ModelStore(models_dir).path("piper-en_US-joe-medium")
    voice = PiperVoice.load(str(directory / "en_US-joe-medium.onnx"))
    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)  # the same samples every time
    pieces: list[Samples] = [np.zeros(SAMPLE_RATE_HZ // 2, np.float32)]
    for sentence in SENTENCES:
        resampler = Resampler(voice.config.sample_rate, SAMPLE_RATE_HZ)
        made = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(sentence, steady)])
        samples = np.concatenate([resampler.push(made.astype(np.float32)), resampler.flush()])
        samples *= np.float32(10 ** (-26 / 20) / np.sqrt(np.mean(np.square(samples))))
        heard = np.flatnonzero(np.abs(samples) > 0.004)
        pieces += [samples[heard[0] : heard[-1] + 1], np.zeros(round(0.15 * SAMPLE_RATE_HZ), np.float32)]
    return np.concatenate([*pieces, np.zeros(round(1.5 * SAMPLE_RATE_HZ), np.float32)])


async def test_a_recording_keeps_its_end(models_dir: Path) -> None:
    recognizer = WhisperRecognizer(
        {"*": "whisper-tiny.en"}, ModelStore(models_dir).path, WhisperSettings(), SchedulerSettings()
    )
    await recognizer.warm_up()
    samples = spoken(models_dir)
    settings = replace(stream_settings(Config()), live=False)
    stream = StreamRecognition(recognizer, SileroModel().stream(), ENGLISH, settings)

    async def feed() -> None:
        for start in range(0, len(samples), SAMPLE_RATE_HZ // 10):
            await stream.push(samples[start : start + SAMPLE_RATE_HZ // 10])
        await stream.finish()

    transcripts = [event async for event in stream.events(feed) if isinstance(event, Transcript)]
    await recognizer.close()
    assert plain(" ".join(transcript.text for transcript in transcripts)) == plain(" ".join(SENTENCES))
