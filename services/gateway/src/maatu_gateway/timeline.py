"""The one clock of a turn: what each hop did when. Report, metrics and spans are all written from it.

All times are nanoseconds of one monotonic clock, so that the segments of the critical path sum to voice-to-voice exactly.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from opentelemetry import trace
from opentelemetry.trace import Span, SpanKind, Tracer

from maatu.v1 import common_pb2
from maatu_runtime.telemetry import outgoing_metadata, trace_id_of

if TYPE_CHECKING:
    Hop: TypeAlias = common_pb2.Hop.ValueType
else:
    Hop = int  # protobuf enums are plain integers

Clock = Callable[[], int]
"""Gives nanoseconds of a monotonic clock."""

SPEECH_HOPS = (common_pb2.HOP_ENDPOINTING, common_pb2.HOP_STT)
_CRITICAL_HOPS = (*SPEECH_HOPS, common_pb2.HOP_TRANSLATE_IN)


def hop_name(hop: Hop) -> str:
    """The name of a hop in spans, metrics and log lines: "translate_in"."""
    return common_pb2.Hop.Name(hop).removeprefix("HOP_").lower()


@dataclass
class HopRecord:
    """One hop at work on one clause."""

    hop: Hop
    clause_index: int
    span: Span
    clock: Clock
    epoch_ns: int
    """What to add to the clock's times to get Unix time."""
    enqueued_ns: int
    """The work was ready for the hop."""
    started_ns: int
    """The hop was called."""
    first_ns: int | None = None
    """Its first output came."""
    last_ns: int | None = None
    """Its last output came."""

    def output(self) -> None:
        """An output came."""
        if self.first_ns is None:
            self.first_ns = self.clock()
            self.span.add_event("first_output", timestamp=self.first_ns + self.epoch_ns)

    def end(self, *, at_ns: int | None = None) -> None:
        """The last output came. Ends the span; a second call changes nothing."""
        if self.last_ns is None:
            self.last_ns = self.clock() if at_ns is None else at_ns
            self.first_ns = self.last_ns if self.first_ns is None else self.first_ns
            self.span.end(self.last_ns + self.epoch_ns)

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The gRPC metadata that makes the called service's span a child of this hop's."""
        return outgoing_metadata(self.span)

    @property
    def useful_ns(self) -> int | None:
        """When the next hop could begin: with the first audio of tts, with the whole output of the others."""
        return self.first_ns if self.hop == common_pb2.HOP_TTS else self.last_ns


@dataclass
class TurnTimeline:
    """Records one turn.

    Args:
        turn_id: The turn.
        origin_ns: The last sample of the person's speech reached the gateway; for typed turns, the text did.
        clock: Nanoseconds, monotonic.
        tracer: For the turn's spans.
        parent: The span of the stream the turn belongs to. The turn has a trace of its own, linked with the stream's;
            with `same_trace` it is a child of it.
    """

    turn_id: str
    origin_ns: int
    clock: Clock
    tracer: Tracer
    parent: Span
    session_id: str = ""
    same_trace: bool = False
    records: list[HopRecord] = field(default_factory=list)
    first_audio_ns: int | None = None
    """The first audio byte left the gateway."""
    last_audio_ns: int | None = None
    """The last audio byte left the gateway."""
    first_audio_clause: int = 0
    """The clause that was heard first."""

    def __post_init__(self) -> None:
        self._epoch_ns = time.time_ns() - self.clock()
        attributes = {"maatu.turn_id": self.turn_id, "maatu.session_id": self.session_id}
        context = trace.set_span_in_context(self.parent if self.same_trace else trace.INVALID_SPAN)
        links = [] if self.same_trace else [trace.Link(self.parent.get_span_context())]
        self.span = self.tracer.start_span(
            "turn", context, SpanKind.INTERNAL, attributes, links, start_time=self.origin_ns + self._epoch_ns
        )

    @property
    def trace_id(self) -> str:
        """W3C trace id of the turn, 32 hexadecimal digits."""
        return trace_id_of(self.span)

    def begin(
        self, hop: Hop, clause_index: int = 0, *, enqueued_ns: int | None = None, at_ns: int | None = None
    ) -> HopRecord:
        """A hop is called for a clause.

        Args:
            hop: Which.
            clause_index: For which clause.
            enqueued_ns: Since when the work was ready; by default since now.
            at_ns: When it was called; by default now.
        """
        started_ns = self.clock() if at_ns is None else at_ns
        span = self.tracer.start_span(
            hop_name(hop),
            trace.set_span_in_context(self.span),
            SpanKind.CLIENT,
            {"maatu.clause_index": clause_index, "maatu.turn_id": self.turn_id},
            start_time=started_ns + self._epoch_ns,
        )
        record = HopRecord(hop, clause_index, span, self.clock, self._epoch_ns, enqueued_ns or started_ns, started_ns)
        self.records.append(record)
        return record

    def audio_left(self, clause_index: int) -> None:
        """An audio message was written to the client's stream."""
        now = self.clock()
        if self.first_audio_ns is None:
            self.first_audio_ns = now
            self.first_audio_clause = clause_index
            self.span.add_event("first_audio", timestamp=now + self._epoch_ns)
        self.last_audio_ns = now

    def end(self) -> None:
        """The turn is over: ends its span and any that a failure left open."""
        for record in self.records:
            record.end()
        self.span.end(self.clock() + self._epoch_ns)

    @property
    def voice_to_voice_ns(self) -> int | None:
        """From the last sample of speech to the first audio byte; None while nothing was heard."""
        return None if self.first_audio_ns is None else self.first_audio_ns - self.origin_ns

    @property
    def since_first_audio_ns(self) -> int:
        """How long ago the first audio byte left; 0 while none has."""
        return 0 if self.first_audio_ns is None else self.clock() - self.first_audio_ns

    def segments(self) -> list[tuple[Hop, int]]:
        """The stretches of the critical path in order, nanoseconds; they sum to voice-to-voice exactly.

        What lies between the end of one hop's work and the call of the next is the gateway's own. Empty while nothing
        was heard.
        """
        if self.first_audio_ns is None:
            return []
        segments: list[tuple[Hop, int]] = []
        cursor, gateway = self.origin_ns, 0
        for record in self._critical_path():
            end = min(max(record.useful_ns or cursor, cursor), self.first_audio_ns)
            start = min(max(record.started_ns, cursor), end)
            gateway += start - cursor
            segments.append((record.hop, end - start))
            cursor = end
        gateway += self.first_audio_ns - cursor
        return [*segments, (common_pb2.HOP_GATEWAY, gateway)]

    def _critical_path(self) -> list[HopRecord]:
        """The records that the first audio had to wait for, in the order of the chain."""
        return sorted(
            (
                record
                for record in self.records
                if record.hop in _CRITICAL_HOPS or record.clause_index == self.first_audio_clause
            ),
            key=lambda record: record.hop,
        )
