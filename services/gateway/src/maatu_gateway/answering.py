"""The answering side of a conversation: turns that wait, one being answered, and how each comes to its end."""

import asyncio

import structlog

from maatu.v1 import gateway_pb2, tts_pb2
from maatu.v1.gateway_pb2 import ConversationEvent, TurnState
from maatu_gateway import metrics, report
from maatu_gateway.config import Config
from maatu_gateway.hops import Hops
from maatu_gateway.outbox import Outbox
from maatu_gateway.settings import ConversationSettings, find_voice
from maatu_gateway.turn import Clause, Turn, TurnPipeline
from maatu_runtime.durations import from_ns
from maatu_runtime.errors import CapacityExceeded, MaatuError, RemoteDefect, Unavailable
from maatu_runtime.status import defect_status, to_status

log = structlog.get_logger()


class Answering:
    """Answers the turns of one conversation, one after another. Each ends in exactly one report, interrupted or status.

    Args:
        settings: Of the conversation.
        voice: That answers.
        hops: The services.
        config: Limits and budgets.
        outbox: Where events go.
    """

    def __init__(
        self, settings: ConversationSettings, voice: tts_pb2.VoiceInfo, hops: Hops, config: Config, outbox: Outbox
    ) -> None:
        self._settings = settings
        self._hops = hops
        self._limit = config.waiting_turns
        self._outbox = outbox
        self._pipeline = TurnPipeline(settings, voice, hops, config, outbox)
        self._waiting: asyncio.Queue[Turn | None] = asyncio.Queue()
        self._current: tuple[Turn, asyncio.Task[None]] | None = None
        self._played_ns: dict[str, int] = {}
        self._has_end = self._is_finished = False
        self._needs_voice = False

    async def enqueue(self, turn: Turn) -> None:
        """Has a turn answered after those that wait already; where too many do, it ends at once with a status."""
        if self._waiting.qsize() < self._limit:
            self._waiting.put_nowait(turn)
            return
        turn.timeline.end()
        await self.refuse(
            CapacityExceeded(f"{self._limit} turns wait for their answers already", reason="CLIENT_TOO_FAST"), turn.id
        )

    async def refuse(self, error: MaatuError, turn_id: str = "") -> None:
        """Says that something the client sent is not answered; the conversation goes on."""
        metrics.TURN_ERRORS.labels(error.reason).inc()
        event = gateway_pb2.TurnStatus(turn_id=turn_id, status=to_status(error))
        await self._outbox.put(ConversationEvent(status=event))

    def finish(self) -> None:
        """No more turns come: `run` returns once those that wait are answered."""
        self._is_finished = True
        self._end()

    def drain(self) -> None:
        """The server shuts down: `run` raises Unavailable once the turns that wait are answered, unless none can come."""
        self._end()

    def _end(self) -> None:
        if not self._has_end:
            self._has_end = True
            self._waiting.put_nowait(None)

    def cancel(self, turn_id: str) -> None:
        """Stops the turn being answered, if it is the one meant: it may have ended while the message travelled."""
        if self._current is not None and turn_id in ("", self._current[0].id):
            self._current[1].cancel()

    def played(self, turn_id: str, played_ns: int) -> None:
        """The client has played so much of a turn's audio."""
        if self._current is not None and turn_id == self._current[0].id:
            self._played_ns = {turn_id: played_ns}

    async def run(self) -> None:
        """Answers the turns as they come, until `finish`.

        Raises:
            Unavailable: the server shuts down.
        """
        while (turn := await self._waiting.get()) is not None:
            task = asyncio.create_task(self._answer(turn), name=f"turn-{turn.id}")
            self._current = (turn, task)
            try:
                await asyncio.wait([task])
                if task.cancelled():
                    await self._interrupted(turn)
                else:
                    task.result()
            finally:
                self._current = None
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)
                turn.timeline.end()
        if not (self._is_finished and self._waiting.empty()):
            raise Unavailable("this gateway is shutting down: connect again with the same session id")

    async def _answer(self, turn: Turn) -> None:
        for state in (TurnState.STATE_STARTED, TurnState.STATE_COMMITTED):
            event = TurnState(turn_id=turn.id, state=state, text=turn.text)
            await self._outbox.put(ConversationEvent(turn=event))
        try:
            await self._settle()
            await self._pipeline.run(turn)
        except* Exception as group:
            await self._failed(turn, root(group))
        else:
            metrics.TURNS.labels("report").inc()
            await self._outbox.put_made_last(lambda: self._report(turn))

    async def _settle(self) -> None:
        """Leaves canaries that are gone. Between turns, so that no turn is answered by two models of one service."""
        for hop in ("translate", "agent"):
            self._hops.sides.settle(hop)
        self._needs_voice |= self._hops.sides.settle("tts")
        if self._needs_voice:  # the canary's may not exist on the stable side
            self._pipeline.voice = await find_voice(self._settings, self._hops)
            self._needs_voice = False

    def _report(self, turn: Turn) -> ConversationEvent:
        report.observe(turn.timeline)
        return ConversationEvent(report=turn.report())

    async def _failed(self, turn: Turn, error: BaseException) -> None:
        metrics.TURNS.labels("status").inc()
        facts = {"turn_id": turn.id, "trace_id": turn.timeline.trace_id}
        if isinstance(error, MaatuError):
            reason, status = error.reason, to_status(error)
            log.warning("turn_failed", **facts, reason=reason, detail=error.message)
        else:
            reason, status = "INTERNAL", defect_status(turn.timeline.trace_id)
            log.error("turn_failed", **facts, exc_info=error)
        metrics.TURN_ERRORS.labels(reason).inc()
        event = gateway_pb2.TurnStatus(turn_id=turn.id, status=status, report=turn.report())
        await self._outbox.put(ConversationEvent(status=event))
        if turn.clauses:  # the agent has answered, and may remember all of it; the client plays what it has
            await self._amend(turn, turn.heard(turn.audio_ns))

    async def _interrupted(self, turn: Turn) -> None:
        metrics.TURNS.labels("interrupted").inc()
        heard_ns, heard = self._heard(turn)
        await self._amend(turn, heard)
        event = gateway_pb2.Interrupted(
            turn_id=turn.id,
            heard=from_ns(heard_ns),
            heard_text=" ".join(clause.spoken_text for clause in heard),
            heard_agent_text=_agent_text(heard),
            report=turn.report(),
        )
        await self._outbox.put(ConversationEvent(interrupted=event))

    def _heard(self, turn: Turn) -> tuple[int, list[Clause]]:
        """How much of an interrupted turn was heard, nanoseconds, and the clauses of it.

        From a client that does not report what it plays: what can have been played since the first audio left. Audio leaves
        faster than it plays.
        """
        heard_ns = min(self._played_ns.get(turn.id, turn.timeline.since_first_audio_ns), turn.audio_ns)
        return heard_ns, turn.heard(heard_ns)

    async def _amend(self, turn: Turn, heard: list[Clause]) -> None:
        """Has the agent remember what was heard of its answer, no more."""
        try:
            await self._hops.amend_turn(self._settings.session_id, turn.id, _agent_text(heard))
        except (MaatuError, RemoteDefect) as error:
            log.warning("turn_not_amended", turn_id=turn.id, detail=str(error))


def _agent_text(clauses: list[Clause]) -> str:
    return " ".join(clause.agent_text for clause in clauses)


def root(error: BaseException) -> BaseException:
    """The first cause in a group of exceptions; an exception of its own is its own."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
