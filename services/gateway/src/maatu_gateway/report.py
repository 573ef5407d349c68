"""Writes what a TurnTimeline recorded: as the report a client gets, and into the histograms."""

from maatu.v1 import gateway_pb2
from maatu_gateway import metrics
from maatu_gateway.timeline import TurnTimeline, hop_name
from maatu_runtime.durations import from_ns


def turn_report(
    timeline: TurnTimeline, *, transcript: str, agent_text: str, spoken_text: str, audio_ns: int
) -> gateway_pb2.TurnReport:
    """The waterfall of a turn.

    Args:
        timeline: What happened when.
        transcript: What the person said, in their language.
        agent_text: The answer in the agent's language.
        spoken_text: The answer as it was spoken.
        audio_ns: How long the answer plays.
    """
    report = gateway_pb2.TurnReport(
        turn_id=timeline.turn_id,
        trace_id=timeline.trace_id,
        transcript=transcript,
        agent_text=agent_text,
        spoken_text=spoken_text,
        audio_duration=from_ns(audio_ns),
    )
    for record in sorted(timeline.records, key=lambda record: (record.started_ns, record.hop)):
        timing = report.hops.add(hop=record.hop, clause_index=record.clause_index)
        timing.enqueued.CopyFrom(from_ns(record.enqueued_ns - timeline.origin_ns))
        timing.started.CopyFrom(from_ns(record.started_ns - timeline.origin_ns))
        if record.first_ns is not None:
            timing.first_output.CopyFrom(from_ns(record.first_ns - timeline.origin_ns))
        if record.last_ns is not None:
            timing.last_output.CopyFrom(from_ns(record.last_ns - timeline.origin_ns))
    total_ns = timeline.voice_to_voice_ns
    if total_ns is None or timeline.first_audio_ns is None or timeline.last_audio_ns is None:
        return report
    report.voice_to_voice.CopyFrom(from_ns(total_ns))
    report.total.CopyFrom(from_ns(timeline.last_audio_ns - timeline.origin_ns))
    for hop, ns in timeline.segments():
        report.segments.add(hop=hop, duration=from_ns(ns), share=ns / total_ns if total_ns else 0.0)
    last_work_ns = max((record.last_ns or 0 for record in timeline.records), default=0)
    report.overlapped.CopyFrom(from_ns(max(0, last_work_ns - timeline.first_audio_ns)))
    return report


def observe(timeline: TurnTimeline) -> None:
    """Puts a turn that was heard into the histograms."""
    if timeline.voice_to_voice_ns is None:
        return
    metrics.VOICE_TO_VOICE.observe(timeline.voice_to_voice_ns / 1e9)
    for hop, ns in timeline.segments():
        metrics.SEGMENT.labels(hop_name(hop)).observe(ns / 1e9)
    for record in timeline.records:
        if record.first_ns is not None:
            metrics.HOP_FIRST_OUTPUT.labels(hop_name(record.hop)).observe((record.first_ns - record.started_ns) / 1e9)
