"""Scripted stand-ins for the four services behind the gateway, on real gRPC: fixed delays, failures on demand.

They exist for tests and benchmarks of the machinery. Each counts the calls it has open, so that a test can tell that
nothing is left behind.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from maatu.v1 import (
    agent_pb2,
    agent_pb2_grpc,
    stt_pb2,
    stt_pb2_grpc,
    translate_pb2,
    translate_pb2_grpc,
    tts_pb2,
    tts_pb2_grpc,
)
from maatu_runtime import durations
from maatu_runtime.errors import NotFound
from maatu_runtime.server import Service
from maatu_runtime.streams import RequestStream


@dataclass
class FakeScript:
    """What a fake does. Change it between calls at will."""

    delay_s: float = 0.0
    """From the call to its first output."""
    step_s: float = 0.0
    """Between later outputs."""
    error: Exception | None = None
    """Raised instead of an answer."""
    error_after: int = 0
    """Outputs that are given before `error` is raised."""
    calls: int = 0
    """Calls begun so far."""
    open_calls: int = 0
    """Calls under way."""
    seen: list[Any] = field(default_factory=list)
    """Requests that came, configs of streams included, audio not."""
    metadata: list[dict[str, str]] = field(default_factory=list)
    """The metadata of each call."""

    @contextmanager
    def call(self, context: Any) -> Iterator[None]:
        """Counts a call."""
        self.calls += 1
        self.open_calls += 1
        self.metadata.append({key: str(value) for key, value in context.invocation_metadata()})
        try:
            yield
        finally:
            self.open_calls -= 1

    async def before(self, output: int) -> None:
        """Waits as long as the script says before output number `output`, then fails if it says so."""
        await asyncio.sleep(self.delay_s if output == 0 else self.step_s)
        if self.error is not None and output >= self.error_after:
            raise self.error


class FakeSpeechToText(stt_pb2_grpc.SpeechToTextServicer):
    """Hears loud samples as speech: an utterance ends with `endpoint_s` of zeros, and its transcript is the next one scripted.

    Takes LINEAR16 only. `script.delay_s` lies between the endpoint and the final.
    """

    def __init__(self, transcripts: list[str], script: FakeScript, *, endpoint_s: float = 0.5) -> None:
        self.transcripts = transcripts
        self.script = script
        self.endpoint_s = endpoint_s
        self.idle_timeout_s: float | None = None
        """A stream on which nothing comes for so long is ended, as the real one's is."""

    async def StreamingRecognize(
        self, request_iterator: AsyncIterator[stt_pb2.StreamingRecognizeRequest], context: Any
    ) -> AsyncGenerator[stt_pb2.StreamingRecognizeResponse]:
        with self.script.call(context):
            rate, position_s, end_s, index, is_speaking = 16_000, 0.0, 0.0, 0, False
            async with RequestStream(request_iterator, idle_timeout_s=self.idle_timeout_s) as requests:
                async for request in requests:
                    kind = request.WhichOneof("message")
                    if kind == "config":
                        self.script.seen.append(request.config)
                        rate = request.config.format.sample_rate_hz
                        await context.send_initial_metadata(())
                        continue
                    if kind == "audio":
                        position_s += len(request.audio) / 2 / rate
                        if any(request.audio):
                            end_s = position_s
                            if not is_speaking:
                                is_speaking = True
                                yield self._activity(
                                    stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED, position_s, position_s, index
                                )
                    if is_speaking and (kind == "end_of_input" or position_s - end_s >= self.endpoint_s):
                        yield self._activity(stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED, end_s, position_s, index)
                        await self.script.before(0)
                        yield stt_pb2.StreamingRecognizeResponse(transcript=self._final(index, end_s))
                        is_speaking, index = False, index + 1
                    if kind == "end_of_input":
                        return

    async def Recognize(
        self, request: stt_pb2.RecognizeRequest, context: Any
    ) -> AsyncGenerator[stt_pb2.RecognizeResponse]:
        with self.script.call(context):
            self.script.seen.append(request.config)
            await self.script.before(0)
            if any(request.audio):
                yield stt_pb2.RecognizeResponse(transcript=self._final(0, 1.0))

    @staticmethod
    def _activity(
        kind: "stt_pb2.SpeechActivity.Type.ValueType", offset_s: float, noticed_s: float, index: int
    ) -> stt_pb2.StreamingRecognizeResponse:
        return stt_pb2.StreamingRecognizeResponse(
            activity=stt_pb2.SpeechActivity(
                type=kind,
                offset=durations.from_seconds(offset_s),
                noticed_at=durations.from_seconds(noticed_s),
                utterance_index=index,
            )
        )

    def _final(self, index: int, end_s: float) -> stt_pb2.Transcript:
        text = self.transcripts[index % len(self.transcripts)]
        return stt_pb2.Transcript(
            utterance_index=index, text=text, is_final=True, stability=1, end=durations.from_seconds(end_s)
        )


class FakeTranslation(translate_pb2_grpc.TranslationServicer):
    """Translates by putting the target language's code before the text: "hola" → "[en] hola"."""

    def __init__(self, script: FakeScript, pairs: list[tuple[str, str]]) -> None:
        self.script = script
        self.pairs = pairs

    async def Translate(
        self, request: translate_pb2.TranslateRequest, context: Any
    ) -> AsyncGenerator[translate_pb2.TranslateResponse]:
        with self.script.call(context):
            self.script.seen.append(request)
            await self.script.before(0)
            text = f"[{request.target_language_code.partition('-')[0]}] {request.text}"
            yield translate_pb2.TranslateResponse(segment=translate_pb2.TranslationSegment(text=text))
            yield translate_pb2.TranslateResponse(summary=translate_pb2.TranslationSummary(model="fake"))

    async def ListLanguages(
        self, request: translate_pb2.ListLanguagesRequest, context: Any
    ) -> translate_pb2.ListLanguagesResponse:
        pairs = [
            translate_pb2.LanguagePair(source_language_code=source, target_language_code=target, model="fake")
            for source, target in self.pairs
            if all(
                asked.partition("-")[0] in ("", code)
                for asked, code in ((request.source_language_code, source), (request.target_language_code, target))
            )
        ]
        return translate_pb2.ListLanguagesResponse(pairs=pairs)


class FakeAgent(agent_pb2_grpc.AgentServicer):
    """Answers with a scripted text, word by word; remembers sessions by id."""

    def __init__(self, answer: str, script: FakeScript) -> None:
        self.answer = answer
        self.script = script
        self.sessions: set[str] = set()
        self.amended: list[agent_pb2.AmendTurnRequest] = []
        self.amend_error: Exception | None = None
        """Raised instead of amending."""

    async def Respond(
        self, request: agent_pb2.RespondRequest, context: Any
    ) -> AsyncGenerator[agent_pb2.RespondResponse]:
        with self.script.call(context):
            self.script.seen.append(request)
            self.sessions.add(request.session_id)
            words = self.answer.split(" ")
            for index, word in enumerate(words):
                await self.script.before(index)
                text = word if index == 0 else f" {word}"
                yield agent_pb2.RespondResponse(delta=agent_pb2.TextDelta(text=text))
            yield agent_pb2.RespondResponse(done=agent_pb2.RespondDone(text=self.answer, model="fake"))

    async def AmendTurn(self, request: agent_pb2.AmendTurnRequest, context: Any) -> agent_pb2.AmendTurnResponse:
        if self.amend_error is not None:
            raise self.amend_error
        self.amended.append(request)
        return agent_pb2.AmendTurnResponse()

    async def GetSession(self, request: agent_pb2.GetSessionRequest, context: Any) -> agent_pb2.GetSessionResponse:
        if request.session_id not in self.sessions:
            raise NotFound(f"no session {request.session_id}")
        return agent_pb2.GetSessionResponse()

    async def DeleteSession(
        self, request: agent_pb2.DeleteSessionRequest, context: Any
    ) -> agent_pb2.DeleteSessionResponse:
        self.sessions.discard(request.session_id)
        return agent_pb2.DeleteSessionResponse()


class FakeTextToSpeech(tts_pb2_grpc.TextToSpeechServicer):
    """Speaks `chunks` pieces of 100 ms, each sample of which is the clause's number plus one."""

    def __init__(self, script: FakeScript, *, chunks: int = 3, languages: tuple[str, ...] = ("en", "es")) -> None:
        self.script = script
        self.chunks = chunks
        self.languages = languages

    async def Synthesize(
        self, request: tts_pb2.SynthesizeRequest, context: Any
    ) -> AsyncGenerator[tts_pb2.SynthesizeResponse]:
        with self.script.call(context):
            self.script.seen.append(request)
            started = tts_pb2.SynthesisStarted(format=request.options.format, voice_name="fake", engine="fake")
            yield tts_pb2.SynthesizeResponse(started=started)
            samples = request.options.format.sample_rate_hz // 10
            audio = (request.clause.clause_index + 1).to_bytes(2, "little") * samples
            for index in range(self.chunks):
                await self.script.before(index)
                chunk = tts_pb2.AudioChunk(
                    audio=audio,
                    sequence=index,
                    offset=durations.from_seconds(index / 10),
                    duration=durations.from_seconds(0.1),
                )
                yield tts_pb2.SynthesizeResponse(audio=chunk)
            yield tts_pb2.SynthesizeResponse(
                summary=tts_pb2.SynthesisSummary(audio_duration=durations.from_seconds(self.chunks / 10))
            )

    async def ListVoices(self, request: tts_pb2.ListVoicesRequest, context: Any) -> tts_pb2.ListVoicesResponse:
        voices = [
            tts_pb2.VoiceInfo(name=f"fake-{code}", language_codes=[code], engine="fake", is_default=True)
            for code in self.languages
        ]
        return tts_pb2.ListVoicesResponse(voices=voices)


@dataclass
class FakeServices:
    """The four services behind the gateway, scripted.

    Args:
        answer: What the agent says.
        transcripts: What stt hears, utterance by utterance.
    """

    answer: str = "The first clause, then the rest of it. And a second sentence. And a third one."
    transcripts: list[str] = field(default_factory=lambda: ["hello there"])

    def __post_init__(self) -> None:
        self.stt = FakeSpeechToText(self.transcripts, FakeScript())
        self.translate = FakeTranslation(FakeScript(), [("en", "es"), ("es", "en")])
        self.agent = FakeAgent(self.answer, FakeScript())
        self.tts = FakeTextToSpeech(FakeScript())  # type: ignore[abstract]  # its other RPCs are UNIMPLEMENTED

    def services(self) -> dict[str, Service]:
        """Each as something `maatu_runtime.testing.serve` can serve, by name."""
        return {
            "stt": Service(
                "stt",
                ["maatu.v1.SpeechToText"],
                lambda server: stt_pb2_grpc.add_SpeechToTextServicer_to_server(self.stt, server),
            ),
            "translate": Service(
                "translate",
                ["maatu.v1.Translation"],
                lambda server: translate_pb2_grpc.add_TranslationServicer_to_server(self.translate, server),
            ),
            "agent": Service(
                "agent",
                ["maatu.v1.Agent"],
                lambda server: agent_pb2_grpc.add_AgentServicer_to_server(self.agent, server),
            ),
            "tts": Service(
                "tts",
                ["maatu.v1.TextToSpeech"],
                lambda server: tts_pb2_grpc.add_TextToSpeechServicer_to_server(self.tts, server),
            ),
        }

    @property
    def open_calls(self) -> int:
        """Calls under way at all four."""
        return sum(part.script.open_calls for part in (self.stt, self.translate, self.agent, self.tts))
