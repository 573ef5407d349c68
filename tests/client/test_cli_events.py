"""Events as people and programs read them."""

import io
import json

import pytest
from rich.console import Console

from maatu.v1 import agent_pb2, common_pb2, gateway_pb2, stt_pb2
from maatu_client.cli.events import EventPrinter, to_json
from maatu_client.fake import fake_report

Event = gateway_pb2.ConversationEvent
TurnState = gateway_pb2.TurnState


def printed(*events: gateway_pb2.ConversationEvent) -> str:
    console = Console(file=io.StringIO(), width=80)
    show = EventPrinter(console)
    for event in events:
        show(event)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_translated_turn_shows_both_languages() -> None:
    report = fake_report("t", "¿Qué es [la luna]?", "The moon is a rock.")
    report.spoken_text = "La luna es una roca."
    text = printed(
        Event(transcript=stt_pb2.Transcript(text="¿Qué es", is_final=False)),
        Event(transcript=stt_pb2.Transcript(text="¿Qué es [la luna]?", is_final=True)),
        Event(
            translation=gateway_pb2.TranslationEvent(
                turn_id="t", hop=common_pb2.HOP_TRANSLATE_IN, text="What is the moon?", language_code="en-US"
            )
        ),
        Event(agent_text=gateway_pb2.AgentText(turn_id="t", text="The moon")),
        Event(report=report),
    )
    assert "you: ¿Qué es …" in text
    # What people said is no markup.
    assert "you: ¿Qué es [la luna]?" in text
    assert "translated in: What is the moon?" in text
    assert "answer: La luna es una roca." in text
    assert "(thought: The moon is a rock.)" in text


def test_the_first_sound_of_each_turn_is_announced_once() -> None:
    pieces = [
        Event(audio=gateway_pb2.TurnAudio(turn_id=turn, sequence=sequence, audio=b"ab"))
        for turn in ("a", "b")
        for sequence in range(3)
    ]
    assert printed(*pieces).count("first sound") == 2


def test_cancelled_interrupted_failed_and_tool_events_are_told() -> None:
    text = printed(
        Event(turn=TurnState(turn_id="a", state=TurnState.STATE_CANCELLED)),
        Event(interrupted=gateway_pb2.Interrupted(turn_id="b", heard_text="La luna", report=fake_report("b", "", ""))),
        Event(tool=agent_pb2.ToolEvent(name="weather")),
        Event(status=gateway_pb2.TurnStatus(turn_id="c")),
        Event(speech=stt_pb2.SpeechActivity(type=stt_pb2.SpeechActivity.TYPE_PAUSE)),
        Event(transcript=stt_pb2.Transcript(text="", is_final=True)),
    )
    for expected in ("turn cancelled", "interrupted after: La luna", "tool: weather", "failed:", "voice to voice"):
        assert expected in text
    assert "you" not in text


def test_json_keeps_zeros_and_every_script_and_leaves_the_audio_out() -> None:
    audio = json.loads(to_json(Event(audio=gateway_pb2.TurnAudio(turn_id="a", audio=b"abcd"))))
    assert audio["audio"] == {"turn_id": "a", "clause_index": 0, "sequence": 0, "audio_bytes": 4}
    line = to_json(Event(transcript=stt_pb2.Transcript(text="ಮಾತು")))
    assert "ಮಾತು" in line
    assert "\n" not in line


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_an_encoding_that_lacks_its_characters(encoding: str) -> None:
    text = "así: ಮಾತು 🌙"
    line = to_json(Event(transcript=stt_pb2.Transcript(text=text)), encoding)
    assert json.loads(line.encode(encoding).decode(encoding))["transcript"]["text"] == text
