"""One stream from samples to transcripts.

At a pause everything that was said is there already, so it is decoded then. When the endpoint comes without more speech,
that decode is the final: the final follows the endpoint at once, and costs no more than decoding at the endpoint would.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from time import perf_counter
from typing import Any, TypeAlias

import numpy as np

from maatu_runtime.audio.samples import Samples
from maatu_stt import metrics
from maatu_stt.engine.base import (
    SAMPLE_RATE_HZ,
    Decode,
    DecodeRequest,
    RecognitionOptions,
    Recognizer,
    Transcription,
    Urgency,
)
from maatu_stt.engine.buffer import SampleBuffer
from maatu_stt.engine.segmenter import Activity, ActivityType, Segmenter
from maatu_stt.engine.settings import StreamSettings
from maatu_stt.engine.stability import Stability
from maatu_stt.engine.vad import WINDOW, VoiceActivityDetector

_EVENTS_AHEAD = 64
"""Events that may wait for a slow reader; then the stream hears no further."""


@dataclass(frozen=True)
class Transcript:
    """What was said, or so far. Positions are in samples from the start of the stream."""

    utterance_index: int
    transcription: Transcription
    is_final: bool
    stability: float
    """0 to 1."""
    stable_text: str
    """The beginning of the text that two decodes agree on; of a final all of it."""
    start: int
    """Of the first voiced window."""
    end: int
    """Of the last voiced window; of a partial, of what was decoded."""
    decoded_from: int
    """First sample that was decoded: what the times of words count from."""


Event: TypeAlias = Activity | Transcript


@dataclass
class _Utterance:
    """The utterance that is open."""

    index: int
    start: int
    audio_start: int
    decoded_to: int
    """Where the latest partial ended."""
    stability: Stability = field(default_factory=Stability)
    settled: dict[int, Transcription] = field(default_factory=dict)
    ahead: Decode | None = None
    """The decode at its pause, which becomes the final if nothing more is said."""


class StreamRecognition:
    """Recognises one stream.

    Args:
        recognizer: Shared by all streams.
        detector: Of this stream alone.
        options: What the stream asks of the recogniser.
        settings: How the stream is treated.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        detector: VoiceActivityDetector,
        options: RecognitionOptions,
        settings: StreamSettings,
    ) -> None:
        self._recognizer = recognizer
        self._detector = detector
        self._options = options
        self._settings = settings
        self._segmenter = Segmenter(settings.segmenter)
        self._buffer = SampleBuffer()
        self._pending: Samples = np.zeros(0, np.float32)
        """Less than a window of samples that the detector has not judged."""
        self._heard = 0
        """Samples that went through the detector."""
        self._used_to = 0
        """End of the audio of the utterance before: no word is decoded twice."""
        self._utterance: _Utterance | None = None
        self._events: asyncio.Queue[Event | Exception | None] = asyncio.Queue(_EVENTS_AHEAD)
        self._tasks: set[asyncio.Task[None]] = set()
        self._decodes: set[Decode] = set()
        self._final: asyncio.Task[None] | None = None
        self._partial: tuple[asyncio.Task[None], Decode] | None = None

    async def events(self, feed: Callable[[], Awaitable[None]]) -> AsyncGenerator[Event, None]:
        """What is heard while `feed` runs, until it returned and all finals are out.

        Closing the generator, or cancelling whoever iterates, cancels `feed` and everything begun for the stream.

        Args:
            feed: Calls `push` for each piece of audio and `finish` at the end.

        Raises:
            MaatuError: what `feed` or a decode raised.
        """

        async def run() -> None:
            await feed()
            await self._events.put(None)

        self._spawn(run())
        try:
            while (item := await self._events.get()) is not None:
                if isinstance(item, Exception):
                    raise item
                yield item
        finally:
            for decode in self._decodes:
                decode.cancel()
            for task in self._tasks:
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def push(self, samples: Samples) -> None:
        """Hears the next samples, any number of them, at SAMPLE_RATE_HZ. Waits while the reader or the decoder is behind."""
        metrics.AUDIO_SECONDS.inc(len(samples) / SAMPLE_RATE_HZ)
        self._buffer.append(samples)
        self._pending = np.concatenate([self._pending, samples])
        computing_s = 0.0
        while len(self._pending) >= WINDOW:
            window, self._pending = self._pending[:WINDOW], self._pending[WINDOW:]
            computing_s += await self._hear(window, WINDOW)
        if computing_s > 0:
            metrics.VAD_SECONDS.observe(computing_s)
        self._ask_for_partial()
        self._buffer.forget_before(self._needed_from())

    async def finish(self) -> None:
        """No more samples come: ends the open utterance and waits for its final."""
        if len(self._pending):
            await self._hear(np.pad(self._pending, (0, WINDOW - len(self._pending))), len(self._pending))
        for activity in self._segmenter.finish():
            await self._on_activity(activity)
        await self._wait_for_final()

    async def _hear(self, window: Samples, samples: int) -> float:
        """Detects and segments a window, `samples` of which are the stream's. Returns the computing time in seconds."""
        began = perf_counter()
        activities = self._segmenter.push(self._detector.probability(window), samples)
        computing_s = perf_counter() - began
        self._heard += samples
        for activity in activities:
            await self._on_activity(activity)
        return computing_s

    def _needed_from(self) -> int:
        """First sample that an utterance, open or to come, may begin with."""
        if self._utterance is not None:
            return self._utterance.audio_start
        onset = self._segmenter.keep_from
        return (self._heard if onset is None else onset) - self._settings.padding

    async def _on_activity(self, activity: Activity) -> None:
        if activity.type is ActivityType.STARTED:
            audio_start = max(activity.offset - self._settings.padding, self._used_to, 0)
            self._utterance = _Utterance(activity.utterance_index, activity.offset, audio_start, activity.offset)
        await self._events.put(activity)
        utterance = self._utterance
        assert utterance is not None
        match activity.type:
            case ActivityType.PAUSE if self._settings.live:
                self._drop_partial()
                end = self._audio_end(activity)
                utterance.ahead = self._decode(utterance, end, Urgency.PAUSE)
                if self._settings.interim_results:
                    self._show(utterance, utterance.ahead, end, at_pause=True)
            case ActivityType.RESUMED if utterance.ahead is not None:
                self._drop(utterance.ahead)
                utterance.ahead = None
            case ActivityType.STOPPED:
                await self._end(utterance, activity)

    async def _end(self, utterance: _Utterance, stopped: Activity) -> None:
        self._utterance = None
        began = perf_counter()
        end = self._audio_end(stopped)
        self._used_to = end
        if utterance.ahead is not None:
            utterance.ahead.promote()
        decode = utterance.ahead or self._decode(utterance, end, Urgency.FINAL)
        metrics.UTTERANCE_SECONDS.observe((end - utterance.audio_start) / SAMPLE_RATE_HZ)

        async def finalise() -> None:
            transcription = await decode.result()
            self._decodes.discard(decode)
            metrics.FINAL_DELAY_SECONDS.labels(transcription.model).observe(perf_counter() - began)
            await self._events.put(
                Transcript(
                    utterance_index=utterance.index,
                    transcription=transcription,
                    is_final=True,
                    stability=1.0,
                    stable_text=transcription.text,
                    start=utterance.start,
                    end=stopped.offset,
                    decoded_from=utterance.audio_start,
                )
            )

        await self._wait_for_final()  # finals keep their order
        self._final = self._spawn(finalise())

    def _ask_for_partial(self) -> None:
        utterance = self._utterance
        if not self._settings.interim_results or utterance is None or not self._segmenter.is_speaking:
            return
        if self._partial is not None and not self._partial[0].done():
            return
        if self._heard - utterance.decoded_to < self._settings.partial_interval:
            return
        utterance.decoded_to = self._heard
        decode = self._start(utterance, self._heard, Urgency.PARTIAL)
        if decode is not None:
            self._partial = self._show(utterance, decode, self._heard, at_pause=False), decode

    def _show(self, utterance: _Utterance, decode: Decode, end: int, *, at_pause: bool) -> "asyncio.Task[None]":
        """Sends the outcome of a decode as a partial, unless time has passed over it."""

        async def show() -> None:
            transcription = await decode.result()
            if not at_pause:
                self._decodes.discard(decode)
            is_current = utterance.ahead is decode if at_pause else self._segmenter.is_speaking
            if self._utterance is not utterance or not is_current or not transcription.text:
                return
            stable_text, stability = utterance.stability.update(transcription.text, at_pause=at_pause)
            await self._events.put(
                Transcript(
                    utterance_index=utterance.index,
                    transcription=transcription,
                    is_final=False,
                    stability=stability,
                    stable_text=stable_text,
                    start=utterance.start,
                    end=end,
                    decoded_from=utterance.audio_start,
                )
            )

        return self._spawn(show())

    def _audio_end(self, activity: Activity) -> int:
        """Where the audio of an utterance ends: after the padding, or where the pause was noticed if that is earlier.

        So it is the same at the pause and at the endpoint.
        """
        noticed_first = activity.offset + self._settings.segmenter.pause_silence
        return min(activity.offset + self._settings.padding, noticed_first, self._heard)

    def _decode(self, utterance: _Utterance, end: int, urgency: Urgency) -> Decode:
        decode = self._start(utterance, end, urgency)
        assert decode is not None, "only partials are refused"
        return decode

    def _start(self, utterance: _Utterance, end: int, urgency: Urgency) -> Decode | None:
        samples = self._buffer.read(utterance.audio_start, end)
        decode = self._recognizer.start(DecodeRequest(samples, self._options, utterance.settled), urgency)
        if decode is not None:
            self._decodes.add(decode)
        return decode

    def _drop(self, decode: Decode) -> None:
        decode.cancel()
        self._decodes.discard(decode)

    def _drop_partial(self) -> None:
        """A partial under way is no longer wanted: the decode at the pause knows more."""
        if self._partial is not None:
            task, decode = self._partial
            task.cancel()
            self._drop(decode)
            self._partial = None

    async def _wait_for_final(self) -> None:
        if self._final is not None:
            await asyncio.wait([self._final])

    def _spawn(self, work: Coroutine[Any, Any, None]) -> "asyncio.Task[None]":
        """Runs a part of the stream beside the others; its failure reaches whoever reads the events."""

        async def run() -> None:
            try:
                await work
            except Exception as error:
                await self._events.put(error)

        task = asyncio.create_task(run(), name="stt-stream")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
