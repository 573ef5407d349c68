"""Real audio through all five real processes, with the embedded models."""

import asyncio
import re
from pathlib import Path
from typing import Any

import jiwer
import pytest

from maatu.v1 import agent_pb2, common_pb2, stt_pb2
from maatu.v1.agent_pb2_grpc import AgentStub
from maatu_runtime.audio import read_audio
from maatu_runtime.channel import create_channel

pytestmark = pytest.mark.asyncio(loop_scope="session")

DATA = Path(__file__).resolve().parent.parent / "data"
RATE_HZ = 16_000


def words(text: str) -> str:
    """Text as word error rates compare it."""
    return " ".join(re.findall(r"\w+", text.lower()))


def check_order(events: list[Any]) -> None:
    """Each kind of event first comes where the contract says, and the turn ends once."""
    order = [event.WhichOneof("event") for event in events]
    kinds = ["ready", "speech", "transcript", "turn", "agent_text", "audio", "report"]
    firsts = [order.index(kind) for kind in kinds]
    assert firsts == sorted(firsts), order
    assert order[-1] == "report"
    assert order.count("report") == 1
    activities = [event.speech.type for event in events if event.HasField("speech")]
    assert activities[0] == stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED
    assert activities[-1] == stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED


def check_waterfall(report: Any) -> None:
    """The segments sum to voice-to-voice to the nanosecond, and none is negative."""
    parts = [segment.duration.ToNanoseconds() for segment in report.segments]
    assert sum(parts) == report.voice_to_voice.ToNanoseconds() > 0
    assert min(parts) >= 0
    assert sum(segment.share for segment in report.segments) == pytest.approx(1, abs=1e-4)


async def test_an_english_question_is_answered_in_speech(real: Any) -> None:
    question = "What is the capital of France?"
    events, reply = await real.converse(await real.say(question, "en-US"), "en-US")

    check_order(events)
    assert jiwer.wer(words(question), words(reply.transcripts[0])) <= 0.2
    report = reply.reports[0]
    check_waterfall(report)
    assert [segment.hop for segment in report.segments] == [
        common_pb2.HOP_ENDPOINTING,
        common_pb2.HOP_STT,
        common_pb2.HOP_AGENT,
        common_pb2.HOP_TTS,
        common_pb2.HOP_GATEWAY,
    ]
    assert "paris" in report.agent_text.lower()
    assert report.spoken_text
    heard = await real.transcribe(reply.samples, reply.sample_rate_hz, "en-US")
    assert jiwer.wer(words(report.spoken_text), words(heard)) <= 0.35, (report.spoken_text, heard)


async def test_a_spanish_question_passes_both_translations(real: Any) -> None:
    question = "¿Cuál es la capital de Francia?"
    events, reply = await real.converse(await real.say(question, "es-ES"), "es-ES")

    check_order(events)
    assert {"capital", "francia"} <= set(words(reply.transcripts[0]).split())
    report = reply.reports[0]
    check_waterfall(report)
    assert [segment.hop for segment in report.segments] == [
        common_pb2.HOP_ENDPOINTING,
        common_pb2.HOP_STT,
        common_pb2.HOP_TRANSLATE_IN,
        common_pb2.HOP_AGENT,
        common_pb2.HOP_TRANSLATE_OUT,
        common_pb2.HOP_TTS,
        common_pb2.HOP_GATEWAY,
    ]
    translations = [event.translation for event in events if event.HasField("translation")]
    assert "capital of france" in translations[0].text.lower()
    assert all(translation.hop == common_pb2.HOP_TRANSLATE_OUT for translation in translations[1:])
    assert "paris" in report.agent_text.lower()
    assert "parís" in report.spoken_text.lower()
    assert report.spoken_text != report.agent_text
    heard = await real.transcribe(reply.samples, reply.sample_rate_hz, "es-ES")
    assert jiwer.wer(words(report.spoken_text), words(heard)) <= 0.7, (report.spoken_text, heard)


async def test_a_human_voice_is_understood(real: Any) -> None:
    samples = read_audio(DATA / "jfk.flac", RATE_HZ)
    events, reply = await real.converse(samples, "en-US")
    check_waterfall(reply.reports[0])
    said = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
    assert jiwer.wer(said, words(" ".join(reply.transcripts))) <= 0.1
    partials = [event.transcript for event in events if event.HasField("transcript") and not event.transcript.is_final]
    assert partials
    assert all(0 <= partial.stability < 1 for partial in partials)


async def test_the_first_audio_leaves_before_the_agent_has_finished(real: Any) -> None:
    async with real.client() as client:
        events = [event async for event in client.ask("Tell me about the ocean.", max_tokens=96)]
    order = [event.WhichOneof("event") for event in events]
    last_text = max(index for index, kind in enumerate(order) if kind == "agent_text")
    assert order.index("audio") < last_text
    assert events[-1].report.overlapped.ToMilliseconds() > 0


async def test_the_agent_remembers_what_was_asked_and_heard(real: Any) -> None:
    async with real.client() as client:
        first = [event async for event in client.ask("My name is Asha.")]
        session_id = first[0].ready.session_id
        second = [event async for event in client.ask("What is the capital of France?", session_id=session_id)]
    async with create_channel(real.stack.address("agent")) as channel:
        session = await AgentStub(channel).GetSession(agent_pb2.GetSessionRequest(session_id=session_id))
    assert [turn.user_text for turn in session.turns] == ["My name is Asha.", "What is the capital of France?"]
    assert [turn.agent_text for turn in session.turns] == [events[-1].report.agent_text for events in (first, second)]
    assert not any(turn.is_open for turn in session.turns)


async def test_one_trace_a_turn_with_a_span_for_each_hop_arrives_over_otlp(real: Any, collector: Any) -> None:
    events, reply = await real.converse(await real.say("¿Cuál es la capital de Francia?", "es-ES"), "es-ES")
    trace_id = reply.reports[0].trace_id
    wanted = {"turn", "endpointing", "stt", "translate_in", "agent", "translate_out", "tts"}
    served = {"maatu-gateway", "maatu-translate", "maatu-agent", "maatu-tts"}
    async with asyncio.timeout(20):
        while not (
            wanted <= {span.name for _, span in collector.traces[trace_id]}
            and served <= {service for service, _ in collector.traces[trace_id]}
        ):
            await asyncio.sleep(0.05)
    spans = [span for _, span in collector.traces[trace_id]]
    assert [span.name for span in spans if not span.parent_span_id] == ["turn"]
    ids = {span.span_id for span in spans}
    assert all(span.parent_span_id in ids for span in spans if span.parent_span_id)
    turn = next(span for span in spans if span.name == "turn")
    stream_trace = turn.links[0].trace_id.hex()
    assert stream_trace == events[0].ready.trace_id
    async with asyncio.timeout(20):
        while "maatu-stt" not in {service for service, _ in collector.traces[stream_trace]}:
            await asyncio.sleep(0.05)


async def test_every_service_has_its_metrics_page(real: Any) -> None:
    async with real.client() as client:
        assert [event async for event in client.ask("Hello.")]
    for service in ("stt", "translate", "agent", "tts", "gateway"):
        assert await real.metric(service, "maatu_serving") == 1
        assert await real.metric(service, "maatu_capacity_places") > 0
        assert await real.metric(service, "process_resident_memory_bytes") > 0
    assert await real.metric("gateway", "maatu_gateway_voice_to_voice_seconds_count") >= 1
    assert await real.metric("gateway", "maatu_gateway_hop_first_output_seconds_count") >= 2
    assert await real.metric("tts", "maatu_rpc_first_response_seconds_count") >= 1
