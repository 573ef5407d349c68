"""All that the benches of recognition touch of the engine and of faster-whisper, in one place."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path

from faster_whisper import WhisperModel
from prometheus_client import Counter, Histogram
from stt_score import Shown

from maatu_runtime.audio.samples import Samples
from maatu_runtime.language import Language
from maatu_runtime.models import ModelStore
from maatu_stt import metrics
from maatu_stt.config import Config
from maatu_stt.engine import smart_turn
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, RecognitionOptions, Recognizer, Transcription, Urgency
from maatu_stt.engine.loading import Placement
from maatu_stt.engine.recognizer import WhisperRecognizer
from maatu_stt.engine.scheduler import SchedulerSettings
from maatu_stt.engine.stream import Event, StreamRecognition
from maatu_stt.engine.utterance import Transcript
from maatu_stt.engine.vad import SileroModel
from maatu_stt.engine.whisper import WhisperSettings
from maatu_stt.service import stream_settings

MODELS_DIR = Path(__file__).resolve().parent.parent / "build" / "models"
MODELS = ("whisper-tiny.en", "whisper-base")
ENGLISH = RecognitionOptions(languages=(Language.parse("en-US"),))
FRAME = SAMPLE_RATE_HZ // 10
"""Samples pushed at once where audio does not come in real time."""
_silero = SileroModel()


class Turns:
    """The audio model of turn ends, asked at once: in a stream that comes faster than real time there is nobody to keep waiting."""

    heard = smart_turn.HEARD

    def __init__(self) -> None:
        self._model = smart_turn.SmartTurn(directory(smart_turn.MODEL))

    async def warm_up(self) -> None:
        """It is warm."""

    def ask(self, samples: Samples) -> asyncio.Future[float]:
        """Its answer."""
        answer: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        answer.set_result(self._model.probability(samples))
        return answer

    async def close(self) -> None:
        """Nothing to wait for."""


@cache
def _turns() -> Turns:
    return Turns()


def directory(model: str) -> Path:
    """Where a model is."""
    return ModelStore(MODELS_DIR).path(model)


class Reference:
    """`WhisperModel.transcribe` as people call it: the same int8 model, the language fixed, everything else as it comes.

    Args:
        model: Name of the model.
        parallel: Calls that may run at once.
        threads: Of each; 0 leaves the choice to the library.
    """

    def __init__(self, model: str, *, parallel: int = 1, threads: int = 0) -> None:
        self._model = WhisperModel(
            str(directory(model)), device="cpu", compute_type="int8", cpu_threads=threads, num_workers=parallel
        )

    def transcribe(self, samples: Samples, beam_size: int = 5) -> tuple[str, float]:
        """The text and the seconds it took."""
        began = time.perf_counter()
        segments, _ = self._model.transcribe(samples, language="en", beam_size=beam_size)
        text = " ".join(segment.text.strip() for segment in segments)
        return text, time.perf_counter() - began


@asynccontextmanager
async def recognizer(model: str, **settings: float) -> AsyncIterator[Recognizer]:
    """Our recogniser with one model, as the service builds it.

    Args:
        model: Name of the model.
        settings: Of the service, where other than its defaults.
    """
    config = Config(models={"*": model}, models_dir=MODELS_DIR, **settings)  # type: ignore[arg-type]
    ours = WhisperRecognizer(
        config.models,
        directory,
        WhisperSettings(
            placement=Placement(config.device, config.compute_type, threads=config.cpu_threads, workers=config.workers),
            beam_size=config.beam_size,
            margin=config.encode_margin_ms * SAMPLE_RATE_HZ // 1_000,
        ),
        SchedulerSettings(config.workers, config.max_batch, config.batch_wait_ms / 1_000),
    )
    await ours.warm_up()
    try:
        yield ours
    finally:
        await ours.close()


async def decode_once(recognizer: Recognizer, samples: Samples) -> Transcription:
    """A final of the whole utterance, with nothing known of it before."""
    decode = recognizer.start(DecodeRequest(samples, ENGLISH), Urgency.FINAL)
    assert decode is not None, "finals are never refused"
    return await decode.result()


def recognition(recognizer: Recognizer, *, interim_results: bool = True, **config: float) -> StreamRecognition:
    """A stream with the real detector.

    Args:
        recognizer: Ours.
        interim_results: Whether partials are made.
        config: Settings of the service, where other than its defaults.
    """
    settings = replace(stream_settings(Config(**config)), interim_results=interim_results)  # type: ignore[arg-type]
    return StreamRecognition(recognizer, _silero.stream(), ENGLISH, settings, _turns())


async def stream(
    recognition: StreamRecognition,
    samples: Samples,
    *,
    after_frame: Callable[[int], Awaitable[None]] | None = None,
) -> list[Event]:
    """What a stream hears in samples that come faster than real time: after each frame, all decodes are waited for.

    Args:
        recognition: A new one.
        samples: At SAMPLE_RATE_HZ.
        after_frame: Called with how many samples are heard.
    """

    async def feed() -> None:
        for start in range(0, len(samples), FRAME):
            await recognition.push(samples[start : start + FRAME])
            await recognition.idle()
            if after_frame is not None:
                await after_frame(start + FRAME)
        await recognition.finish()

    async with aclosing(recognition.events(feed)) as events:
        return [event async for event in events]


def shown(events: list[Event]) -> list[Shown]:
    """The transcripts among the events."""
    return [
        Shown(event.utterance_index, event.text, event.stable_text, event.is_final)
        for event in events
        if isinstance(event, Transcript)
    ]


def final_text(transcripts: list[Shown]) -> str:
    """What all finals say."""
    return " ".join(transcript.text for transcript in transcripts if transcript.is_final)


def fallbacks() -> float:
    """Decodes of this process so far that were done again padded."""
    return _total(metrics.FALLBACKS)


def decode_seconds() -> float:
    """Time of this process on the decoder so far."""
    return _total(metrics.DECODE_SECONDS, "_sum")


def _total(metric: Counter | Histogram, suffix: str = "_total") -> float:
    return sum(sample.value for family in metric.collect() for sample in family.samples if sample.name.endswith(suffix))


async def in_parallel(count: int, jobs: list[Callable[[], Awaitable[None]]]) -> None:
    """Runs jobs in order, so many at once."""
    queue = iter(jobs)

    async def work() -> None:
        for job in queue:
            await job()

    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(work())
