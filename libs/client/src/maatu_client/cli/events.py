"""Events of a conversation as they come: for people, or as JSON lines for programs."""

import json
from collections.abc import Callable

from google.protobuf.json_format import MessageToDict
from rich.console import Console
from rich.text import Text

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2
from maatu_client.cli.output import say
from maatu_client.waterfall import milliseconds, render_waterfall

Show = Callable[[gateway_pb2.ConversationEvent], None]


def to_json(event: gateway_pb2.ConversationEvent, encoding: str = "utf-8") -> str:
    """One event as one line of protobuf's JSON, with the names of the .proto files.

    In place of audio stands `audio_bytes`, its length: `--out` keeps the audio itself.

    Args:
        event: The event.
        encoding: That the line will be written in. Where it lacks a character, JSON's own escapes stand for those outside ASCII.
    """
    fields = MessageToDict(event, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)
    if "audio" in fields:
        del fields["audio"]["audio"]
        fields["audio"]["audio_bytes"] = len(event.audio.audio)
    line = json.dumps(fields, ensure_ascii=False)
    try:
        line.encode(encoding)
    except UnicodeEncodeError:
        return json.dumps(fields)
    return line


class EventPrinter:
    """Prints the events that people want to see, one line each, with the seconds since the conversation began.

    Args:
        console: Where to.
    """

    def __init__(self, console: Console) -> None:
        self._console = console
        self._agent_text = ""
        self._audio_turns: set[str] = set()

    def __call__(self, event: gateway_pb2.ConversationEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "agent_text":
            # Token by token is for programs; a person reads the answer when its first sound is there, and whole.
            self._agent_text += event.agent_text.text
            return
        line = self._line(event, kind)
        if line is not None:
            say(self._console, Text.assemble((f"{milliseconds(event.at) / 1000:7.2f} s  ", "bright_black"), line))
        if kind in ("report", "interrupted"):
            report = event.report if kind == "report" else event.interrupted.report
            self._console.print()
            self._console.print(render_waterfall(report))
            self._console.print()

    def _line(self, event: gateway_pb2.ConversationEvent, kind: str | None) -> Text | None:
        match kind:
            case "ready":
                return Text(
                    f"conversation {event.ready.session_id}, trace {event.ready.trace_id}", style="bright_black"
                )
            case "speech":
                return _speech_line(event.speech)
            case "transcript" if event.transcript.text:
                if event.transcript.is_final:
                    return Text(f"you: {event.transcript.text}", style="bold cyan")
                return Text(f"you: {event.transcript.text} …", style="cyan")
            case "turn" if event.turn.state == gateway_pb2.TurnState.STATE_CANCELLED:
                return Text("turn cancelled", style="yellow")
            case "translation":
                arrow = "in" if event.translation.hop == common_pb2.HOP_TRANSLATE_IN else "out"
                return Text(f"translated {arrow}: {event.translation.text}", style="magenta")
            case "tool":
                return Text(f"tool: {event.tool.name}", style="yellow")
            case "audio" if event.audio.turn_id not in self._audio_turns:
                self._audio_turns.add(event.audio.turn_id)
                return Text("first sound of the answer", style="green")
            case "interrupted":
                return Text(f"interrupted after: {event.interrupted.heard_text}", style="yellow")
            case "report":
                return self._answer_line(event.report)
            case "status":
                return Text(f"failed: {event.status.status.message}", style="bold red")
        return None

    def _answer_line(self, report: gateway_pb2.TurnReport) -> Text:
        agent_text, self._agent_text = report.agent_text or self._agent_text, ""
        line = Text(f"answer: {report.spoken_text or agent_text}", style="bold green")
        if report.spoken_text and agent_text and report.spoken_text.split() != agent_text.split():
            line.append(f"\n           (thought: {agent_text.strip()})", style="yellow")
        return line


def _speech_line(activity: stt_pb2.SpeechActivity) -> Text | None:
    match activity.type:
        case stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED:
            return Text("you began to speak", style="bright_black")
        case stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED:
            waited_ms = milliseconds(activity.noticed_at) - milliseconds(activity.offset)
            return Text(f"you stopped speaking (certain after {waited_ms:.0f} ms)", style="bright_black")
    return None
