"""One conversation: listens, answers turn by turn, and tells the client what happens.

Three tasks: `_read` takes the client's messages, `_listen` takes what stt hears, `Answering` runs one turn after another.
They share nothing with other conversations but the hops' channels.
"""

import asyncio
import uuid
from collections.abc import AsyncGenerator, Coroutine
from contextlib import aclosing
from typing import Any

from opentelemetry.trace import Span, Tracer

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2, tts_pb2
from maatu.v1.gateway_pb2 import ConversationEvent
from maatu_gateway.answering import Answering, root
from maatu_gateway.config import Config
from maatu_gateway.hearing import Hearing, recognition_config
from maatu_gateway.hops import Hops
from maatu_gateway.outbox import Outbox
from maatu_gateway.recognition import LiveRecognition
from maatu_gateway.settings import ConversationSettings
from maatu_gateway.timeline import Clock, TurnTimeline
from maatu_gateway.turn import Turn
from maatu_runtime.audio import format_to_proto
from maatu_runtime.errors import InvalidSequence, InvalidText, Unavailable
from maatu_runtime.status import to_status
from maatu_runtime.streams import RequestStream
from maatu_runtime.telemetry import outgoing_metadata, trace_id_of

_GOODBYE_S = 1.0
"""How long a stream that is told to go elsewhere stays open for the client to end it."""


class Conversation:
    """Holds one conversation.

    Args:
        settings: What the client asked for.
        voice: That answers.
        hops: The services.
        config: Limits and budgets.
        clock: Nanoseconds, monotonic.
        tracer: For the spans of turns.
        span: Of the client's stream.
        is_single_turn: The stream is one turn (Ask): the turn stays in the stream's trace.
    """

    def __init__(
        self,
        settings: ConversationSettings,
        voice: tts_pb2.VoiceInfo,
        hops: Hops,
        config: Config,
        clock: Clock,
        tracer: Tracer,
        span: Span,
        *,
        is_single_turn: bool = False,
    ) -> None:
        self._settings = settings
        self._voice = voice
        self._hops = hops
        self._config = config
        self._clock = clock
        self._tracer = tracer
        self._span = span
        self._is_single_turn = is_single_turn
        self._outbox = Outbox(clock)
        self._answering = Answering(settings, voice, hops, config, self._outbox)
        self._hearing: Hearing | None = None
        self._recognition: LiveRecognition | None = None
        self._listening: asyncio.Task[None] | None = None
        self._is_draining = self._is_leaving = False

    async def converse(self, requests: RequestStream[gateway_pb2.ConverseRequest]) -> AsyncGenerator[ConversationEvent]:
        """Holds the conversation over a stream of messages, config excluded.

        Raises:
            MaatuError: the client's messages are wrong, or stt failed; failures of single turns are events.
        """

        async def run() -> None:
            async with asyncio.TaskGroup() as group:
                reader = group.create_task(self._read(requests, group), name="read")
                try:
                    await self._answering.run()
                except Unavailable as error:
                    await self._say_goodbye(error, reader)
                    raise
                # Nothing more can be said; what the client may still send changes nothing.
                reader.cancel()

        async for event in self._events(run()):
            yield event

    async def ask(self, text: str, recording: bytes) -> AsyncGenerator[ConversationEvent]:
        """Answers one typed text or one recording.

        Raises:
            MaatuError: the input is wrong, or stt failed.
        """

        async def run() -> None:
            if recording:
                await self._recognize(recording)
            else:
                await self._answering.enqueue(self._typed(text))
            self._answering.finish()
            await self._answering.run()

        async for event in self._events(run()):
            yield event

    def drain(self) -> None:
        """The server shuts down: what is being said is heard to its end and answered; then the client is told, by a status
        without a turn, and the stream ends with the same error.

        What no `turn` event was sent for is not answered: the client says it again on another stream.
        """
        self._is_draining = True
        if self._recognition is None or not self._recognition.is_hearing:
            self._answering.drain()

    async def _events(self, run: Coroutine[Any, Any, None]) -> AsyncGenerator[ConversationEvent]:
        ready = gateway_pb2.Ready(
            session_id=self._settings.session_id,
            output_format=format_to_proto(self._settings.output_format),
            trace_id=trace_id_of(self._span),
            voice=common_pb2.Voice(name=self._voice.name, language_code=str(self._settings.language)),
        )
        await self._outbox.put(ConversationEvent(ready=ready))

        async def run_to_end() -> None:
            try:
                await run
            finally:
                self._outbox.close()

        worker = asyncio.create_task(run_to_end(), name="conversation")
        try:
            async with aclosing(self._outbox.events()) as events:
                async for event in events:
                    yield event
            await worker
        except BaseExceptionGroup as group:
            raise root(group) from group
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)

    async def _say_goodbye(self, error: Unavailable, reader: asyncio.Task[None]) -> None:
        """Says that the stream is about to end, and gives the client a moment to stop sending.

        A message that is on its way when a stream ends may cost the client what came before the end.
        """
        self._is_leaving = True
        await self._outbox.put(ConversationEvent(status=gateway_pb2.TurnStatus(status=to_status(error))))
        await asyncio.wait([reader], timeout=_GOODBYE_S)

    async def _read(self, requests: RequestStream[gateway_pb2.ConverseRequest], group: asyncio.TaskGroup) -> None:
        has_ended = False
        async for request in requests:
            if self._is_leaving:
                continue
            kind = request.WhichOneof("message")
            if has_ended and kind not in ("playback", "cancel_turn"):
                raise InvalidSequence("nothing may come after end_of_input but playback and cancel_turn")
            match kind:
                case "audio":
                    await self._hear(request.audio, group)
                case "text":
                    await self._say(request.text.text)
                case "playback":
                    self._answering.played(request.playback.turn_id, request.playback.played.ToNanoseconds())
                case "cancel_turn":
                    self._answering.cancel(request.cancel_turn.turn_id)
                case "end_of_input":
                    has_ended = True
                    requests.wait_for_ever()  # what was said is still being answered
                    await self._end_of_input()
                case "config":
                    raise InvalidSequence("a stream has one config, its first message", reason="DUPLICATE_CONFIG")
                case _:
                    raise InvalidSequence("a message holds audio, text, playback, cancel_turn or end_of_input")
        if not has_ended and not self._is_leaving:
            await self._end_of_input()

    async def _hear(self, audio: bytes, group: asyncio.TaskGroup) -> None:
        if self._settings.input_format is None:
            raise InvalidSequence("audio came, but config.input_format is not set", field="config.input_format")
        if self._hearing is None:
            self._hearing = hearing = Hearing(self._settings.input_format, self._clock)
            config, metadata = recognition_config(self._settings), outgoing_metadata(self._span)
            self._recognition = LiveRecognition(config, hearing, self._hops, metadata)
            self._listening = group.create_task(self._listen(hearing, self._recognition), name="listen")
            self._listening.add_done_callback(lambda _: hearing.abandon())
        await self._hearing.push(audio)

    async def _end_of_input(self) -> None:
        if self._hearing is not None and self._listening is not None:
            self._hearing.end()
            await asyncio.wait([self._listening])
        self._answering.finish()

    async def _say(self, text: str) -> None:
        try:
            turn = self._typed(text)
        except InvalidText as error:  # the text's fault, not the conversation's
            await self._answering.refuse(error)
        else:
            await self._answering.enqueue(turn)

    def _typed(self, text: str) -> Turn:
        if not text.strip():
            raise InvalidText("the text is empty", field="text")
        if len(text) > self._config.max_text_chars:
            raise InvalidText(
                f"a typed turn has at most {self._config.max_text_chars} characters, this has {len(text)}",
                reason="TEXT_TOO_LONG",
                field="text",
            )
        return Turn(text, self._timeline(self._clock()))

    async def _listen(self, hearing: Hearing, recognition: LiveRecognition) -> None:
        """Takes what stt hears and makes a turn of each utterance."""
        # By utterance, for the next may stop before a final comes: where its speech stopped in the audio, and when stt said so.
        stops: dict[int, tuple[int, int]] = {}
        async with aclosing(recognition.responses()) as responses:
            async for response in responses:
                if response.WhichOneof("event") == "activity":
                    activity = response.activity
                    await self._outbox.put(ConversationEvent(speech=activity))
                    if activity.type == stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED:
                        stops[activity.utterance_index] = (activity.offset.ToNanoseconds(), self._clock())
                    continue
                transcript = response.transcript
                await self._outbox.put(ConversationEvent(transcript=transcript))
                if not transcript.is_final:
                    continue
                end_ns, noticed_ns = stops.pop(
                    transcript.utterance_index, (transcript.end.ToNanoseconds(), self._clock())
                )
                if text := transcript.text.strip():
                    timeline = self._timeline(min(hearing.arrivals.arrival_ns(end_ns), noticed_ns))
                    endpointing = timeline.begin(common_pb2.HOP_ENDPOINTING, at_ns=timeline.origin_ns)
                    endpointing.end(at_ns=noticed_ns)
                    timeline.begin(common_pb2.HOP_STT, at_ns=noticed_ns).end()
                    await self._answering.enqueue(Turn(text, timeline))
                if self._is_draining:
                    self._answering.drain()

    async def _recognize(self, recording: bytes) -> None:
        """Makes one turn of a whole recording."""
        timeline = self._timeline(self._clock())
        record = timeline.begin(common_pb2.HOP_STT)
        request = stt_pb2.RecognizeRequest(config=recognition_config(self._settings), audio=recording)
        texts: list[str] = []
        timeout_s = self._settings.turn_deadline_s
        async with aclosing(self._hops.recognize(request, record.metadata(), timeout_s)) as responses:
            async for response in responses:
                if response.WhichOneof("event") == "activity":
                    await self._outbox.put(ConversationEvent(speech=response.activity))
                    continue
                await self._outbox.put(ConversationEvent(transcript=response.transcript))
                if response.transcript.is_final and response.transcript.text.strip():
                    texts.append(response.transcript.text.strip())
        record.end()
        if texts:
            await self._answering.enqueue(Turn(" ".join(texts), timeline))
        else:
            timeline.end()

    def _timeline(self, origin_ns: int) -> TurnTimeline:
        return TurnTimeline(
            uuid.uuid4().hex,
            origin_ns,
            self._clock,
            self._tracer,
            self._span,
            session_id=self._settings.session_id,
            same_trace=self._is_single_turn,
        )
