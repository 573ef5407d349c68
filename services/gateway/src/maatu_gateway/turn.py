"""The pipeline of one turn: a clause is in flight at every hop.

    text ─► translate in ─► agent ─tokens─► clauses ═► translate out ═► tts ═► audio

Three tasks run at once, joined by bounded queues (═►): while the first clause is being heard, the second is spoken, the
third translated and the fourth thought. The first audio leaves long before the agent has finished.
"""

import asyncio
from contextlib import aclosing
from dataclasses import dataclass, field

from maatu.v1 import agent_pb2, common_pb2, gateway_pb2, translate_pb2, tts_pb2
from maatu.v1.gateway_pb2 import ConversationEvent
from maatu_gateway.config import Config
from maatu_gateway.hops import Hops
from maatu_gateway.outbox import Outbox
from maatu_gateway.report import turn_report
from maatu_gateway.settings import ConversationSettings
from maatu_gateway.timeline import HopRecord, TurnTimeline
from maatu_runtime.audio import format_to_proto
from maatu_runtime.channel import hop_timeout_s
from maatu_runtime.clauses import ClauseCutter
from maatu_runtime.durations import from_ns
from maatu_runtime.errors import DeadlineExceeded


@dataclass
class Clause:
    """A clause of the answer on its way through the hops. It carries both languages, so that what was heard maps back."""

    index: int
    agent_text: str
    """In the agent's language."""
    ready_ns: int
    """When the hop before was done with it."""
    spoken_text: str = ""
    """In the person's language."""
    audio_begin_ns: int = 0
    """Where its audio begins in the turn, nanoseconds of playing time."""
    audio_end_ns: int = 0
    """Where its audio ends in the turn."""


@dataclass
class Turn:
    """One turn of a conversation.

    Args:
        text: What the person said, in their language.
        timeline: Where its times are recorded; the speech hops are recorded already.
    """

    text: str
    timeline: TurnTimeline
    clauses: list[Clause] = field(default_factory=list)
    audio_ns: int = 0
    """Audio of the answer so far, nanoseconds of playing time."""
    audio_messages: int = 0
    agent_text: str = ""

    @property
    def id(self) -> str:
        """The turn's id."""
        return self.timeline.turn_id

    def report(self) -> gateway_pb2.TurnReport:
        """The waterfall as far as the turn came."""
        return turn_report(
            self.timeline,
            transcript=self.text,
            agent_text=self.agent_text,
            spoken_text=" ".join(clause.spoken_text for clause in self.clauses if clause.spoken_text),
            audio_ns=self.audio_ns,
        )

    def heard(self, played_ns: int) -> list[Clause]:
        """The clauses that were heard to their end once `played_ns` of the audio were played."""
        return [clause for clause in self.clauses if 0 < clause.audio_end_ns <= played_ns]


class TurnPipeline:
    """Runs the turns of one conversation, one at a time.

    Args:
        settings: Of the conversation.
        voice: That answers; it may be exchanged between turns.
        hops: The services.
        config: Budgets and queue sizes.
        outbox: Where events go.
    """

    def __init__(
        self,
        settings: ConversationSettings,
        voice: tts_pb2.VoiceInfo,
        hops: Hops,
        config: Config,
        outbox: Outbox,
    ) -> None:
        self._settings = settings
        self._hops = hops
        self._config = config
        self._outbox = outbox
        self.voice = voice

    async def run(self, turn: Turn) -> None:
        """Answers a turn. Returns when its last audio is in the outbox.

        Raises:
            MaatuError: a hop refused, failed or was too slow.
            DeadlineExceeded: the turn took longer than it may.
        """
        try:
            async with asyncio.timeout(self._settings.turn_deadline_s) as deadline:
                question = await self._translate_in(turn, deadline)
                to_translate: asyncio.Queue[Clause | None] = asyncio.Queue(self._config.clauses_in_flight)
                to_speak: asyncio.Queue[Clause | None] = asyncio.Queue(self._config.clauses_in_flight)
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._think(turn, question, to_translate, deadline), name="agent")
                    group.create_task(self._translate_out(turn, to_translate, to_speak, deadline), name="translate-out")
                    group.create_task(self._speak(turn, to_speak, deadline), name="tts")
        except TimeoutError:
            raise DeadlineExceeded(
                f"the turn took longer than its {self._settings.turn_deadline_s:g} s",
                metadata={"turn_id": turn.id},
            ) from None

    async def _translate_in(self, turn: Turn, deadline: asyncio.Timeout) -> str:
        if not self._settings.translates:
            return turn.text
        record = turn.timeline.begin(common_pb2.HOP_TRANSLATE_IN)
        request = translate_pb2.TranslateRequest(
            text=turn.text,
            source_language_code=str(self._settings.language),
            target_language_code=str(self._settings.agent_language),
            keep_phrases=self._settings.request.keep_phrases,
            clause=self._clause_ref(turn, 0),
            priority=common_pb2.PRIORITY_FIRST_CLAUSE,
        )
        text = await self._translate(turn, record, request, deadline)
        return text or turn.text

    async def _think(
        self, turn: Turn, question: str, clauses: asyncio.Queue[Clause | None], deadline: asyncio.Timeout
    ) -> None:
        timeline = turn.timeline
        cutter = ClauseCutter(self._settings.agent_language.code)
        request = agent_pb2.RespondRequest(
            session_id=self._settings.session_id,
            turn_id=turn.id,
            text=question,
            user_language_code=str(self._settings.language),
            options=self._settings.request.agent,
            priority=common_pb2.PRIORITY_FIRST_CLAUSE,
        )
        record: HopRecord | None = timeline.begin(common_pb2.HOP_AGENT)

        async def add(texts: list[str]) -> None:
            nonlocal record
            for text in texts:
                (record or timeline.begin(common_pb2.HOP_AGENT, len(turn.clauses))).end()
                record = None
                clause = Clause(len(turn.clauses), text, timeline.clock())
                turn.clauses.append(clause)
                await clauses.put(clause)

        assert record is not None
        timeout_s = _remaining_s(deadline, self._config.agent_budget_s)
        async with aclosing(self._hops.respond(request, record.metadata(), timeout_s)) as responses:
            async for response in responses:
                match response.WhichOneof("event"):
                    case "delta":
                        record = record or timeline.begin(common_pb2.HOP_AGENT, len(turn.clauses))
                        record.output()
                        turn.agent_text += response.delta.text
                        text = gateway_pb2.AgentText(turn_id=turn.id, text=response.delta.text)
                        await self._outbox.put(ConversationEvent(agent_text=text))
                        await add(cutter.push(response.delta.text))
                    case "tool":
                        await self._outbox.put(ConversationEvent(tool=response.tool))
                    case _:
                        pass
        await add(cutter.flush())
        await clauses.put(None)

    async def _translate_out(
        self,
        turn: Turn,
        incoming: asyncio.Queue[Clause | None],
        outgoing: asyncio.Queue[Clause | None],
        deadline: asyncio.Timeout,
    ) -> None:
        previous = ""
        while (clause := await incoming.get()) is not None:
            if self._settings.translates:
                record = turn.timeline.begin(common_pb2.HOP_TRANSLATE_OUT, clause.index, enqueued_ns=clause.ready_ns)
                request = translate_pb2.TranslateRequest(
                    text=clause.agent_text,
                    source_language_code=str(self._settings.agent_language),
                    target_language_code=str(self._settings.language),
                    keep_phrases=self._settings.request.keep_phrases,
                    context=previous,
                    clause=self._clause_ref(turn, clause.index),
                    priority=_priority(clause),
                )
                clause.spoken_text = await self._translate(turn, record, request, deadline)
                clause.ready_ns = turn.timeline.clock()
                previous = clause.agent_text
            else:
                clause.spoken_text = clause.agent_text
            await outgoing.put(clause)
        await outgoing.put(None)

    async def _translate(
        self, turn: Turn, record: HopRecord, request: translate_pb2.TranslateRequest, deadline: asyncio.Timeout
    ) -> str:
        timeout_s = _remaining_s(deadline, self._config.translate_budget_s)
        segments: list[str] = []
        async with aclosing(self._hops.translate(request, record.metadata(), timeout_s)) as responses:
            async for response in responses:
                if response.WhichOneof("event") == "segment":
                    record.output()
                    segments.append(response.segment.text)
        record.end()
        text = "".join(segments).strip()
        event = gateway_pb2.TranslationEvent(
            turn_id=turn.id,
            hop=record.hop,
            clause_index=record.clause_index,
            source_text=request.text,
            text=text,
            language_code=request.target_language_code,
        )
        await self._outbox.put(ConversationEvent(translation=event))
        return text

    async def _speak(self, turn: Turn, incoming: asyncio.Queue[Clause | None], deadline: asyncio.Timeout) -> None:
        while (clause := await incoming.get()) is not None:
            if not clause.spoken_text:
                continue
            record = turn.timeline.begin(common_pb2.HOP_TTS, clause.index, enqueued_ns=clause.ready_ns)
            request = tts_pb2.SynthesizeRequest(
                text=clause.spoken_text, options=self._synthesis(clause), clause=self._clause_ref(turn, clause.index)
            )
            clause.audio_begin_ns = turn.audio_ns
            timeout_s = _remaining_s(deadline, self._config.tts_budget_s)
            async with aclosing(self._hops.synthesize(request, record.metadata(), timeout_s)) as responses:
                async for response in responses:
                    if response.WhichOneof("event") == "audio":
                        record.output()
                        await self._send_audio(turn, clause, response.audio)
            record.end()
            clause.audio_end_ns = turn.audio_ns

    def _synthesis(self, clause: Clause) -> tts_pb2.SynthesisOptions:
        request = self._settings.request
        language = str(self._settings.language)
        return tts_pb2.SynthesisOptions(
            voice=common_pb2.Voice(name=self.voice.name, language_code=language, description=request.voice.description),
            format=format_to_proto(self._settings.output_format),
            priority=_priority(clause),
            # A rate of 0 is a missing one: the voice's own.
            speaking_rate=request.speaking_rate or None,
        )

    async def _send_audio(self, turn: Turn, clause: Clause, chunk: tts_pb2.AudioChunk) -> None:
        audio = gateway_pb2.TurnAudio(
            turn_id=turn.id,
            clause_index=clause.index,
            sequence=turn.audio_messages,
            offset=from_ns(turn.audio_ns),
            duration=chunk.duration,
            audio=chunk.audio,
        )
        turn.audio_messages += 1
        turn.audio_ns += chunk.duration.ToNanoseconds()
        await self._outbox.put(ConversationEvent(audio=audio), audio_of=turn.timeline)

    def _clause_ref(self, turn: Turn, index: int) -> common_pb2.ClauseRef:
        return common_pb2.ClauseRef(session_id=self._settings.session_id, turn_id=turn.id, clause_index=index)


def _priority(clause: Clause) -> "common_pb2.Priority.ValueType":
    return common_pb2.PRIORITY_FIRST_CLAUSE if clause.index == 0 else common_pb2.PRIORITY_INTERACTIVE


def _remaining_s(deadline: asyncio.Timeout, budget_s: float) -> float:
    """What a hop may take: its budget, or what is left of the turn."""
    when = deadline.when()
    assert when is not None
    return hop_timeout_s(when - asyncio.get_running_loop().time(), budget_s)
