"""A gateway without services behind it, for tests of clients: it hears any sound as speech and gives one answer."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from google.protobuf.duration_pb2 import Duration
from opentelemetry.sdk.trace import TracerProvider

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2
from maatu.v1.gateway_pb2_grpc import VoiceGatewayServicer, add_VoiceGatewayServicer_to_server
from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import InvalidSequence, MaatuError
from maatu_runtime.server import Server, Service
from maatu_runtime.status import to_status

Event = gateway_pb2.ConversationEvent
SEGMENTS_MS: Mapping[int, int] = {
    common_pb2.HOP_ENDPOINTING: 500,
    common_pb2.HOP_STT: 80,
    common_pb2.HOP_AGENT: 120,
    common_pb2.HOP_TTS: 60,
    common_pb2.HOP_GATEWAY: 5,
}
"""What every report of the fake says the first sound took."""
ANSWER_CHUNKS = 3
CHUNK_MS = 100


@dataclass
class FakeGateway(VoiceGatewayServicer):
    """Answers every utterance and every typed text with the same words and 300 ms of sound.

    What is sent in one message is heard at once; nothing takes time.
    """

    transcript: str = "What is the moon?"
    """What it hears in any utterance."""
    answer: str = "The moon is a rock."
    """What it answers."""
    endpoint_silence_ms: int = 500
    """Silence after which an utterance is over."""
    turn_failure: MaatuError | None = None
    """Ends each turn with this status in place of an answer."""
    call_failure: MaatuError | None = None
    """Ends each call with this error when its config comes."""
    configs: list[gateway_pb2.ConversationConfig] = field(default_factory=list)
    """The config of each call."""
    frames: list[bytes] = field(default_factory=list)
    """All audio messages of all calls."""
    requests: list[gateway_pb2.ConverseRequest] = field(default_factory=list)
    """All other messages of all calls of Converse, but for their configs."""
    traceparents: list[str] = field(default_factory=list)
    """The W3C trace context of each call."""
    ended: int = 0
    """Calls of Converse whose handler has returned, however it did."""

    async def Converse(  # noqa: N802
        self, request_iterator: AsyncIterator[gateway_pb2.ConverseRequest], context: Any
    ) -> AsyncIterator[gateway_pb2.ConverseResponse]:
        """A conversation."""
        try:
            ear: _Ear | None = None
            async for request in request_iterator:
                match request.WhichOneof("message"):
                    case "config":
                        ear = _Ear(request.config.input_format.sample_rate_hz, self.endpoint_silence_ms)
                        yield gateway_pb2.ConverseResponse(event=self._open(request.config, context))
                        continue
                    case _ if ear is None:
                        raise InvalidSequence("config comes first", reason="AUDIO_BEFORE_CONFIG")
                    case "audio":
                        self.frames.append(request.audio)
                        for activity in ear.hear(request.audio):
                            yield gateway_pb2.ConverseResponse(event=Event(speech=activity))
                            if activity.type == stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED:
                                for event in self._turn(self.transcript, activity.utterance_index):
                                    yield gateway_pb2.ConverseResponse(event=event)
                        continue
                    case "text":
                        for event in self._turn(request.text.text, 0):
                            yield gateway_pb2.ConverseResponse(event=event)
                self.requests.append(request)
                if request.HasField("end_of_input"):
                    return
        finally:
            self.ended += 1

    async def Ask(self, request: gateway_pb2.AskRequest, context: Any) -> AsyncIterator[gateway_pb2.AskResponse]:  # noqa: N802
        """One turn."""
        yield gateway_pb2.AskResponse(event=self._open(request.config, context))
        for event in self._turn(request.text or self.transcript, 0):
            yield gateway_pb2.AskResponse(event=event)

    def _open(self, config: gateway_pb2.ConversationConfig, context: Any) -> Event:
        self.configs.append(config)
        self.traceparents += [str(value) for key, value in context.invocation_metadata() if key == "traceparent"]
        if self.call_failure is not None:
            raise self.call_failure
        ready = gateway_pb2.Ready(
            session_id=config.session_id or "session-1", output_format=config.output_format, trace_id="0" * 31 + "1"
        )
        return Event(ready=ready)

    def _turn(self, transcript: str, utterance: int) -> list[Event]:
        turn_id = f"turn-{utterance}"
        started = gateway_pb2.TurnState(turn_id=turn_id, state=gateway_pb2.TurnState.STATE_STARTED, text=transcript)
        events = [
            Event(transcript=stt_pb2.Transcript(text=transcript, is_final=True, utterance_index=utterance)),
            Event(turn=started),
        ]
        if self.turn_failure is not None:
            return [*events, Event(status=gateway_pb2.TurnStatus(turn_id=turn_id, status=to_status(self.turn_failure)))]
        events += [Event(agent_text=gateway_pb2.AgentText(turn_id=turn_id, text=self.answer))]
        rate = self.configs[-1].output_format.sample_rate_hz
        sound = (8000 * np.sin(np.arange(rate * CHUNK_MS // 1000) * 0.1)).astype("<i2").tobytes()
        for sequence in range(ANSWER_CHUNKS):
            audio = gateway_pb2.TurnAudio(
                turn_id=turn_id,
                sequence=sequence,
                offset=_duration(sequence * CHUNK_MS),
                duration=_duration(CHUNK_MS),
                audio=sound,
            )
            events.append(Event(audio=audio))
        return [*events, Event(report=fake_report(turn_id, transcript, self.answer))]


def fake_report(turn_id: str, transcript: str, answer: str) -> gateway_pb2.TurnReport:
    """A report whose segments are `SEGMENTS_MS` and whose hops worked on two clauses."""
    total = sum(SEGMENTS_MS.values())
    report = gateway_pb2.TurnReport(
        turn_id=turn_id,
        voice_to_voice=_duration(total),
        total=_duration(total + 200),
        audio_duration=_duration(ANSWER_CHUNKS * CHUNK_MS),
        overlapped=_duration(150),
        transcript=transcript,
        agent_text=answer,
        spoken_text=answer,
    )
    for hop, took in SEGMENTS_MS.items():
        report.segments.add(hop=common_pb2.Hop.ValueType(hop), duration=_duration(took), share=took / total)
    for hop, clause, *times in (
        (common_pb2.HOP_STT, 0, 500, 500, 580, 580),
        (common_pb2.HOP_AGENT, 0, 580, 580, 620, 800),
        (common_pb2.HOP_TTS, 0, 700, 705, 765, 790),
        (common_pb2.HOP_TTS, 1, 790, 800, 830, 900),
    ):
        enqueued, started, first, last = map(_duration, times)
        report.hops.add(
            hop=hop, clause_index=clause, enqueued=enqueued, started=started, first_output=first, last_output=last
        )
    return report


@asynccontextmanager
async def serve_fake_gateway(gateway: FakeGateway, config: ServiceConfig | None = None) -> AsyncIterator[str]:
    """Serves a fake gateway with all interceptors of a real one; yields HOST:PORT. By default on a free loopback port."""
    config = config or ServiceConfig(drain_grace_s=0)
    service = Service(
        "gateway", ["maatu.v1.VoiceGateway"], lambda server: add_VoiceGatewayServicer_to_server(gateway, server)
    )
    server = Server(service, config, TracerProvider(shutdown_on_exit=False).get_tracer("maatu"))
    await server.start()
    try:
        yield f"{config.host}:{server.port}"
    finally:
        await server.stop()


class _Ear:
    """Tells sound from silence in LINEAR16."""

    def __init__(self, sample_rate_hz: int, endpoint_silence_ms: int) -> None:
        self._per_ms = sample_rate_hz / 1000
        self._endpoint_ms = endpoint_silence_ms
        self._heard_ms = 0.0
        self._last_sound_ms = 0.0
        self._utterance = -1
        self._open = False

    def hear(self, audio: bytes) -> list[stt_pb2.SpeechActivity]:
        samples = np.frombuffer(audio, "<i2")
        began_ms, self._heard_ms = self._heard_ms, self._heard_ms + len(samples) / self._per_ms
        activities = []
        if samples.any():
            self._last_sound_ms = self._heard_ms
            if not self._open:
                self._open = True
                self._utterance += 1
                activities.append(self._activity(stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED, began_ms))
        elif self._open and self._heard_ms - self._last_sound_ms >= self._endpoint_ms:
            self._open = False
            activities.append(self._activity(stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED, self._last_sound_ms))
        return activities

    def _activity(self, kind: "stt_pb2.SpeechActivity.Type.ValueType", offset_ms: float) -> stt_pb2.SpeechActivity:
        return stt_pb2.SpeechActivity(
            type=kind,
            offset=_duration(offset_ms),
            noticed_at=_duration(self._heard_ms),
            utterance_index=self._utterance,
        )


def _duration(milliseconds: float) -> Duration:
    duration = Duration()
    duration.FromNanoseconds(round(milliseconds * 1e6))
    return duration
