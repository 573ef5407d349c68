"""One spoken conversation: audio and text in, events out."""

import asyncio
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

from google.protobuf.duration_pb2 import Duration
from opentelemetry.trace import Span

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2
from maatu_client.pace import live_frames
from maatu_client.resuming import Call, ResumingStream
from maatu_runtime.audio import AudioFormat, StreamEncoder, read_audio
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import InvalidSequence
from maatu_runtime.telemetry import outgoing_metadata


class Conversation:
    """A conversation that is under way. Made by `VoiceClient.converse`; an async context manager and async iterator.

    Iterating gives each `maatu.v1.ConversationEvent` as it comes and ends when the gateway has answered everything that
    was said before `end`. One task may iterate while others send. Leaving the context early ends the call.

    A gateway that drains is left for another one, in the course of the iteration: what it gave no `turn` event for is said
    again there, and the events go on. The caller sees another `ready`, which names a new session where nothing had been
    answered yet, or where the history was forgotten meanwhile; `at` counts from it. Offsets and utterances count on, and each
    utterance is told of once, though partial transcripts begin anew; the reports of what was said again count from then. At
    most 90 s of speech are said again, and 5 s where none was noticed. Playback reports and cancellations are not.

    Every method raises `maatu_runtime.errors.MaatuError` types: what the gateway answered, or `Unavailable` where it
    does not answer.
    """

    def __init__(
        self,
        open_call: Callable[[tuple[tuple[str, str], ...]], Call],
        config: gateway_pb2.ConversationConfig,
        input_format: AudioFormat,
        start_span: Callable[[], Span],
        resume_within_s: float | None,
    ) -> None:
        self._open_call = open_call
        self._start_span = start_span
        self._config = config
        self._input_format = input_format
        self._resume_within_s = resume_within_s
        self._stream: ResumingStream | None = None
        self._speaking: asyncio.Task[None] | None = None
        self._utterances_open = 0
        self._ended = False

    async def __aenter__(self) -> Self:
        self._span = self._start_span()
        self._stream = ResumingStream(
            lambda: self._open_call(outgoing_metadata(self._span)),
            self._config,
            self._input_format,
            self._resume_within_s,
        )
        try:
            await self._stream.open()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._speaking is not None:
            self._speaking.cancel()
            await asyncio.wait([self._speaking])
        await self._open_stream().close()
        self._span.end()

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> gateway_pb2.ConversationEvent:
        """The next event.

        A timeout around this ends the conversation, for gRPC cancels a call whose read is cancelled.
        """
        event = await self._open_stream().receive()
        if event is None:
            self._raise_what_speaking_met()
            raise StopAsyncIteration
        self._follow(event)
        return event

    async def send_audio(self, data: bytes) -> None:
        """Sends the next 10 to 200 ms of audio in the input format; for Opus, one packet."""
        await self._send(gateway_pb2.ConverseRequest(audio=data))

    async def send_text(self, text: str) -> None:
        """Sends a turn that is typed."""
        await self._send(gateway_pb2.ConverseRequest(text=gateway_pb2.TextInput(text=text)))

    async def report_playback(self, turn_id: str, played_s: float) -> None:
        """Says how much of a turn's audio has been heard, in seconds from its first sample."""
        played = Duration()
        played.FromTimedelta(timedelta(seconds=played_s))
        progress = gateway_pb2.PlaybackProgress(turn_id=turn_id, played=played)
        await self._send(gateway_pb2.ConverseRequest(playback=progress))

    async def cancel_turn(self, turn_id: str = "") -> None:
        """Stops a turn; without a name, whichever is being answered."""
        await self._send(gateway_pb2.ConverseRequest(cancel_turn=gateway_pb2.CancelTurn(turn_id=turn_id)))

    async def end(self) -> None:
        """Says that nothing more will be sent. What was said is still answered. A second call does nothing."""
        if not self._ended:
            self._ended = True
            await self._send(gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput()))

    def speak(
        self,
        recording: Path | str | Samples,
        sample_rate_hz: int = 16_000,
        *,
        frame_ms: int = 20,
        end: bool = True,
    ) -> asyncio.Task[None]:
        """Starts sending a recording in real time, as a live microphone would; iterate over the events meanwhile.

        After the recording comes silence until the gateway has found the end of the speech.

        Args:
            recording: An audio file, or mono float32 samples in [-1, 1].
            sample_rate_hz: Rate of the samples; for a file, the rate at which it is read.
            frame_ms: Length of a frame, 20 to 100 ms.
            end: End the conversation's input afterwards.

        Returns:
            The task that sends, to wait for. What it meets is raised by the iteration too.

        Raises:
            FileNotFoundError: There is no such file.
            InvalidAudio: The file holds no audio.
            InvalidSequence: Another recording is still being sent.
        """
        if self._speaking is not None and not self._speaking.done():
            raise InvalidSequence("a recording is still being sent")
        samples = read_audio(recording, sample_rate_hz) if isinstance(recording, Path | str) else recording
        self._speaking = asyncio.create_task(self._speak(samples, sample_rate_hz, frame_ms, end))
        return self._speaking

    async def _speak(self, samples: Samples, sample_rate_hz: int, frame_ms: int, end: bool) -> None:
        encoder = StreamEncoder(sample_rate_hz, self._input_format)
        frames = live_frames(samples, sample_rate_hz, frame_ms=frame_ms, listening=lambda: self._utterances_open > 0)
        async for frame in frames:
            for message in encoder.push(frame):
                await self.send_audio(message.data)
        if end:
            await self.end()

    def _raise_what_speaking_met(self) -> None:
        task = self._speaking
        if task is not None and task.done() and not task.cancelled() and (error := task.exception()) is not None:
            raise error

    def _follow(self, event: gateway_pb2.ConversationEvent) -> None:
        """Keeps count of the utterances whose end the gateway has not found yet."""
        if event.WhichOneof("event") != "speech":
            return
        match event.speech.type:
            case stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED:
                self._utterances_open += 1
            case stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED:
                self._utterances_open = max(0, self._utterances_open - 1)

    async def _send(self, request: gateway_pb2.ConverseRequest) -> None:
        await self._open_stream().send(request)

    def _open_stream(self) -> ResumingStream:
        assert self._stream is not None, "enter the conversation first: async with client.converse(...) as conversation"
        return self._stream
