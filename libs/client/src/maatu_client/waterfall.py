"""The waterfall of a turn, for a terminal: where the time to the first sound went, and how the hops overlapped."""

from collections.abc import Sequence
from dataclasses import dataclass

from google.protobuf.duration_pb2 import Duration
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from maatu.v1 import common_pb2, gateway_pb2

HOP_NAMES = {
    common_pb2.HOP_ENDPOINTING: "endpointing",
    common_pb2.HOP_STT: "stt",
    common_pb2.HOP_TRANSLATE_IN: "translate in",
    common_pb2.HOP_AGENT: "agent",
    common_pb2.HOP_TRANSLATE_OUT: "translate out",
    common_pb2.HOP_TTS: "tts",
    common_pb2.HOP_GATEWAY: "gateway",
}
"""What people call each hop."""
_COLOURS = {
    common_pb2.HOP_ENDPOINTING: "bright_black",
    common_pb2.HOP_STT: "cyan",
    common_pb2.HOP_TRANSLATE_IN: "magenta",
    common_pb2.HOP_AGENT: "yellow",
    common_pb2.HOP_TRANSLATE_OUT: "magenta",
    common_pb2.HOP_TTS: "green",
    common_pb2.HOP_GATEWAY: "blue",
}
BAR_WIDTH = 40
"""Characters that the whole time takes."""
QUEUED, BEFORE_OUTPUT, OUTPUT = "·", "▒", "█"


@dataclass(frozen=True)
class _Scale:
    """Maps milliseconds to characters."""

    begin_ms: float
    end_ms: float

    def column(self, at_ms: float) -> int:
        span = max(self.end_ms - self.begin_ms, 1e-9)
        return round(BAR_WIDTH * min(max((at_ms - self.begin_ms) / span, 0.0), 1.0))

    def bar(self, pieces: Sequence[tuple[float, float, str]], style: str) -> Text:
        """Paints (from, to, character) pieces. One that lasted any time takes a character at least."""
        cells = [" "] * BAR_WIDTH
        for begin_ms, end_ms, character in pieces:
            if end_ms > begin_ms:
                first = min(self.column(begin_ms), BAR_WIDTH - 1)
                last = max(self.column(end_ms), first + 1)
                cells[first:last] = character * (last - first)
        return Text("".join(cells).rstrip(), style=style, no_wrap=True)


def milliseconds(duration: Duration) -> float:
    """A protobuf duration in milliseconds."""
    return duration.ToNanoseconds() / 1e6


def render_waterfall(report: gateway_pb2.TurnReport) -> RenderableType:
    """The report of a turn as two tables: the critical path to the first sound, and what each hop did when.

    In the second, dots are waiting in front of a hop, light blocks its work before its first output, and full blocks from
    its first to its last output. Times count from the last sample of the person's speech.
    """
    summary = Text(
        f"\nfirst sound after {milliseconds(report.voice_to_voice):.0f} ms, "
        f"last after {milliseconds(report.total):.0f} ms; "
        f"the answer plays {milliseconds(report.audio_duration) / 1000:.1f} s\n"
        f"{milliseconds(report.overlapped):.0f} ms of the work lay behind the first sound"
    )
    parts: list[RenderableType] = [_critical_path(report)]
    if report.hops:
        parts.append(_lanes(report))
    return Group(*parts, summary)


def _critical_path(report: gateway_pb2.TurnReport) -> Table:
    table = Table(title="From the last word to the first sound", title_justify="left", box=None, pad_edge=False)
    table.add_column("hop", no_wrap=True)
    table.add_column("ms", justify="right", no_wrap=True)
    table.add_column("share", justify="right", no_wrap=True)
    table.add_column("", min_width=BAR_WIDTH, no_wrap=True)
    scale = _Scale(0.0, milliseconds(report.voice_to_voice))
    at_ms = 0.0
    for segment in report.segments:
        took_ms = milliseconds(segment.duration)
        bar = scale.bar([(at_ms, at_ms + took_ms, OUTPUT)], _COLOURS.get(segment.hop, ""))
        table.add_row(_name(segment.hop), f"{took_ms:.1f}", f"{segment.share:.1%}", bar)
        at_ms += took_ms
    table.add_row("voice to voice", f"{milliseconds(report.voice_to_voice):.1f}", "100.0%", "", style="bold")
    return table


def _lanes(report: gateway_pb2.TurnReport) -> Table:
    table = Table(title="\nWhat each hop did, clause by clause", title_justify="left", box=None, pad_edge=False)
    table.add_column("hop, clause", no_wrap=True)
    for name in ("start", "first", "last ms"):
        table.add_column(name, justify="right", no_wrap=True)
    table.add_column("", min_width=BAR_WIDTH, no_wrap=True)
    hops = sorted(report.hops, key=lambda hop: (hop.started.ToNanoseconds(), hop.hop, hop.clause_index))
    scale = _Scale(
        min(0.0, *(milliseconds(hop.enqueued) for hop in hops)), max(milliseconds(hop.last_output) for hop in hops)
    )
    for hop in hops:
        enqueued, started, first, last = map(
            milliseconds, (hop.enqueued, hop.started, hop.first_output, hop.last_output)
        )
        pieces = [(enqueued, started, QUEUED), (started, first, BEFORE_OUTPUT), (first, last, OUTPUT)]
        bar = scale.bar(pieces, _COLOURS.get(hop.hop, ""))
        table.add_row(f"{_name(hop.hop)} {hop.clause_index}", f"{started:.0f}", f"{first:.0f}", f"{last:.0f}", bar)
    return table


def _name(hop: int) -> str:
    return HOP_NAMES.get(hop, f"hop {hop}")  # type: ignore[call-overload, no-any-return]
