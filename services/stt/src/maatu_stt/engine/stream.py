"""One stream from samples to transcripts.

While the person speaks, the speech is decoded again and again; what two decodes agree on is committed. At a pause everything
that was said is there already, so it is decoded then. When the endpoint comes without more speech, that decode is the
final: the final follows the endpoint at once, and costs no more than decoding at the endpoint would.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from time import perf_counter
from typing import TypeAlias

import numpy as np

from maatu_runtime.audio.samples import Samples
from maatu_stt import metrics
from maatu_stt.engine.base import SAMPLE_RATE_HZ, Decode, RecognitionOptions, Recognizer, Transcription, Urgency
from maatu_stt.engine.buffer import SampleBuffer
from maatu_stt.engine.endpointing import silence_after
from maatu_stt.engine.front_end import FrontEnd
from maatu_stt.engine.languages import LanguageChoice
from maatu_stt.engine.outlet import Outlet
from maatu_stt.engine.segmenter import Activity, ActivityType, Segmenter
from maatu_stt.engine.settings import StreamSettings
from maatu_stt.engine.turns import TurnDetector
from maatu_stt.engine.utterance import Transcript, Utterance
from maatu_stt.engine.vad import WINDOW, VoiceActivityDetector

_UNSEEN_WINDOW = 8 * SAMPLE_RATE_HZ
"""Length from which on a window is decoded in the background where nobody asked for partials: two decodes that agree make
it shorter, so that the final has no minute of speech to decode."""
_UNSEEN_INTERVAL = 2 * SAMPLE_RATE_HZ
_PUT_OFF = SAMPLE_RATE_HZ // 8
"""A partial that the decoder had no room for is tried again after so much more speech."""

Event: TypeAlias = Activity | Transcript


class StreamRecognition:
    """Recognises one stream.

    Args:
        recognizer: Shared by all streams.
        detector: Of this stream alone.
        options: What the stream asks of the recogniser.
        settings: How the stream is treated.
        turns: Judges pauses by their sound, for all streams; None: words alone do.
    """

    def __init__(
        self,
        recognizer: Recognizer,
        detector: VoiceActivityDetector,
        options: RecognitionOptions,
        settings: StreamSettings,
        turns: TurnDetector | None = None,
    ) -> None:
        self._recognizer = recognizer
        self._detector = detector
        self._options = options
        self._settings = settings
        self._turns = turns
        self._front_end = FrontEnd()
        self._segmenter = Segmenter(settings.segmenter)
        self._language = LanguageChoice(options.languages, each_utterance=settings.detects_each_utterance)
        self._buffer = SampleBuffer()
        self._pending: Samples = np.zeros(0, np.float32)
        """Less than a window of samples that the detector has not judged."""
        self._heard = 0
        """Samples that went through the detector."""
        self._used_to = 0
        """End of the audio of the utterance before: no word is decoded twice."""
        self._utterance: Utterance | None = None
        self._outlet: Outlet[Event] = Outlet()
        self._decodes: dict[Decode, asyncio.Task[None]] = {}
        """Those under way, and what waits for each."""
        self._final: asyncio.Task[None] | None = None
        self._partial: Decode | None = None

    async def events(self, feed: Callable[[], Awaitable[None]]) -> AsyncGenerator[Event, None]:
        """What is heard while `feed` runs, until it returned and all finals are out.

        Closing the generator, or cancelling whoever iterates, cancels `feed` and everything begun for the stream.

        Args:
            feed: Calls `push` for each piece of audio and `finish` at the end.

        Raises:
            MaatuError: what `feed` or a decode raised.
        """

        items = self._outlet.items(feed)
        try:
            async for event in items:
                yield event
        finally:
            await items.aclose()
            for decode in self._decodes:  # those whose tasks had not begun to wait
                decode.cancel()

    async def push(self, samples: Samples) -> None:
        """Hears the next samples, any number of them, at SAMPLE_RATE_HZ. Waits while the reader or the decoder is behind."""
        metrics.AUDIO_SECONDS.inc(len(samples) / SAMPLE_RATE_HZ)
        heard = self._front_end.push(samples)
        self._buffer.append(heard)
        self._pending = np.concatenate([self._pending, heard])
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

    async def idle(self) -> None:
        """Waits until no decode is under way: whoever pushes faster than people speak gets what they would get live."""
        while waiting := set(self._decodes.values()):
            await asyncio.wait(waiting)

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
            return self._utterance.window_start
        onset = self._segmenter.keep_from
        return (self._heard if onset is None else onset) - self._settings.padding

    async def _on_activity(self, activity: Activity) -> None:
        if activity.type is ActivityType.STARTED:
            audio_start = max(activity.offset - self._settings.padding, self._used_to, 0)
            self._utterance = Utterance(
                activity.utterance_index, activity.offset, audio_start, self._options, self._language
            )
        await self._outlet.put(activity)
        utterance = self._utterance
        assert utterance is not None
        match activity.type:
            case ActivityType.PAUSE if self._settings.live:
                self._drop_partial()
                self._decode_ahead(utterance, self._audio_end(activity))
            case ActivityType.RESUMED if utterance.ahead is not None:
                self._drop(utterance.ahead)
                utterance.ahead = None
            case ActivityType.STOPPED:
                await self._end(utterance, activity)

    def _decode_ahead(self, utterance: Utterance, end: int) -> None:
        """Decodes at a pause: for whoever prepares a turn on it, for the endpoint, and for the final."""
        sounds_over = self._ask_turns(utterance)

        async def show(transcription: Transcription) -> None:
            probability = await sounds_over if sounds_over is not None else None
            if self._utterance is not utterance or utterance.ahead is not decode:
                return
            utterance.learn(transcription, end - utterance.window_start)
            transcript = utterance.partial(transcription, end, at_pause=True)
            if not transcription.is_doubtful:
                silence = silence_after(transcript.text, transcript.language, self._settings, probability)
                self._segmenter.end_after(silence)
            if self._settings.interim_results and transcription.words:
                await self._outlet.put(transcript)

        decode = utterance.ahead = self._decode(utterance, self._samples(utterance, end), Urgency.PAUSE)
        self._when_done(decode, show)

    def _ask_turns(self, utterance: Utterance) -> "asyncio.Future[float] | None":
        if self._turns is None or not self._settings.endpoint.is_adaptive:
            return None
        return self._turns.ask(
            self._buffer.read(max(utterance.window_start, self._heard - self._turns.heard), self._heard)
        )

    async def _end(self, utterance: Utterance, stopped: Activity) -> None:
        self._utterance = None
        self._drop_partial()
        began = perf_counter()
        end = self._audio_end(stopped)
        self._used_to = end
        decode = utterance.ahead or self._decode(utterance, self._samples(utterance, end), Urgency.FINAL)
        decode.promote()
        metrics.ENDPOINT_SILENCE_SECONDS.observe((stopped.noticed_at - stopped.offset) / SAMPLE_RATE_HZ)
        metrics.UTTERANCE_SECONDS.observe((end - utterance.audio_start) / SAMPLE_RATE_HZ)

        async def finalise(transcription: Transcription) -> None:
            metrics.FINAL_DELAY_SECONDS.labels(transcription.model).observe(perf_counter() - began)
            utterance.learn_language(transcription, end - utterance.audio_start)
            await self._outlet.put(utterance.final(transcription, stopped.offset))

        await self._wait_for_final()  # finals keep their order
        self._final = self._when_done(decode, finalise)

    def _ask_for_partial(self) -> None:
        utterance = self._utterance
        if utterance is None or not self._segmenter.is_speaking or self._partial is not None:
            return
        end = self._heard
        if not self._is_due(utterance, end):
            return
        samples = self._samples(utterance, end)
        decode = self._start(utterance, samples, Urgency.PARTIAL)
        if decode is None:
            utterance.asked_to += _PUT_OFF
            return
        utterance.asked_to, utterance.has_partial = end, True

        async def show(transcription: Transcription) -> None:
            self._partial = None
            utterance.learn(transcription, len(samples))
            transcript = utterance.partial(transcription, end, at_pause=False)
            utterance.settle(samples, transcription)
            if self._settings.interim_results and transcript.text and not transcription.is_doubtful:
                await self._outlet.put(transcript)

        self._partial = decode
        self._when_done(decode, show)

    def _is_due(self, utterance: Utterance, end: int) -> bool:
        """Whether it is time for another partial, or for a decode that nobody sees."""
        settings = self._settings
        if settings.interim_results:
            interval = settings.partial_interval if utterance.has_partial else settings.first_partial
            return end - utterance.asked_to >= interval
        if not settings.live or end - utterance.window_start < _UNSEEN_WINDOW:
            return False
        return not utterance.has_partial or end - utterance.asked_to >= _UNSEEN_INTERVAL

    def _audio_end(self, activity: Activity) -> int:
        """Where the audio of an utterance ends: after the padding; live where the pause was noticed, if that is earlier, so
        that it is the same at the pause and at the endpoint."""
        end = min(activity.offset + self._settings.padding, self._heard)
        return min(end, activity.offset + self._settings.segmenter.pause_silence) if self._settings.live else end

    def _samples(self, utterance: Utterance, end: int) -> Samples:
        return self._buffer.read(utterance.window_start, end)

    def _decode(self, utterance: Utterance, samples: Samples, urgency: Urgency) -> Decode:
        decode = self._start(utterance, samples, urgency)
        assert decode is not None, "only partials are refused"
        return decode

    def _start(self, utterance: Utterance, samples: Samples, urgency: Urgency) -> Decode | None:
        segmenter = self._segmenter
        request = utterance.request(samples, segmenter.voiced / SAMPLE_RATE_HZ, segmenter.mean_voice)
        return self._recognizer.start(request, urgency)

    def _when_done(self, decode: Decode, use: Callable[[Transcription], Awaitable[None]]) -> "asyncio.Task[None]":
        """Hands the result of a decode on, unless it is dropped before."""

        async def wait() -> None:
            try:
                await use(await decode.result())
            except asyncio.CancelledError:
                decode.cancel()
                raise
            finally:
                if self._decodes.get(decode) is task:
                    del self._decodes[decode]

        task = self._decodes[decode] = self._outlet.spawn(wait)
        return task

    def _drop(self, decode: Decode) -> None:
        """Nobody wants a decode any more."""
        task = self._decodes.pop(decode, None)
        if task is not None:
            task.cancel()
        decode.cancel()

    def _drop_partial(self) -> None:
        """A partial under way is no longer wanted: the decode at the pause knows more."""
        if self._partial is not None:
            self._drop(self._partial)
            self._partial = None

    async def _wait_for_final(self) -> None:
        if self._final is not None:
            await asyncio.wait([self._final])
