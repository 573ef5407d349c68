"""What a client can do wrong, and what services can: each gets a typed answer within a second and costs nobody else anything."""

import asyncio
from collections.abc import Callable
from typing import Any

import grpc
import pytest

from maatu.v1 import common_pb2, gateway_pb2
from maatu_gateway.fake import SPEECH, FakeGraph, kinds, make_config, make_text, make_utterance, serve_graph
from maatu_gateway.settings import find_voice
from maatu_runtime import errors
from maatu_runtime.status import from_rpc_error, from_status
from maatu_runtime.testing import FakeServices

OPUS = common_pb2.AUDIO_ENCODING_OPUS
AUDIO = gateway_pb2.ConverseRequest(audio=SPEECH)


def audio_format(encoding: Any, rate: int) -> common_pb2.AudioFormat:
    return common_pb2.AudioFormat(encoding=encoding, sample_rate_hz=rate)


async def refusal(graph: FakeGraph, *messages: gateway_pb2.ConverseRequest) -> Exception:
    """What a stream of these messages is refused with; within a second."""
    with pytest.raises(errors.MaatuError) as caught:
        async with asyncio.timeout(1):
            await graph.converse(*messages)
    return caught.value


CASES: dict[str, tuple[Callable[[], list[gateway_pb2.ConverseRequest]], type[Exception], str]] = {
    "audio before config": (lambda: [AUDIO], errors.InvalidSequence, "AUDIO_BEFORE_CONFIG"),
    "no message": (lambda: [gateway_pb2.ConverseRequest()], errors.InvalidSequence, "AUDIO_BEFORE_CONFIG"),
    "second config": (lambda: [make_config(), make_config()], errors.InvalidSequence, "DUPLICATE_CONFIG"),
    "empty message": (
        lambda: [make_config(), gateway_pb2.ConverseRequest()],
        errors.InvalidSequence,
        "UNEXPECTED_MESSAGE",
    ),
    "empty audio": (
        lambda: [make_config(), gateway_pb2.ConverseRequest(audio=b"")],
        errors.InvalidAudio,
        "MALFORMED_AUDIO",
    ),
    "malformed language": (
        lambda: [make_config(language_code="?")],
        errors.UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
    ),
    "no language": (lambda: [make_config(language_code="")], errors.UnsupportedLanguage, "UNSUPPORTED_LANGUAGE"),
    "unserved language": (
        lambda: [make_config(language_code="kn-IN")],
        errors.UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
    ),
    "no encoding": (
        lambda: [make_config(output_format=audio_format(0, 16_000))],
        errors.InvalidAudio,
        "UNSUPPORTED_ENCODING",
    ),
    "unknown encoding": (
        lambda: [make_config(input_format=audio_format(99, 16_000))],
        errors.InvalidAudio,
        "UNSUPPORTED_ENCODING",
    ),
    "rate too low": (
        lambda: [make_config(input_format=audio_format(1, 4_000))],
        errors.InvalidAudio,
        "UNSUPPORTED_SAMPLE_RATE",
    ),
    "rate too high": (
        lambda: [make_config(output_format=audio_format(1, 96_000))],
        errors.InvalidAudio,
        "UNSUPPORTED_SAMPLE_RATE",
    ),
    "rate not Opus's": (
        lambda: [make_config(output_format=audio_format(OPUS, 44_100))],
        errors.InvalidAudio,
        "UNSUPPORTED_SAMPLE_RATE",
    ),
    "unknown voice": (
        lambda: [make_config(voice=common_pb2.Voice(name="nobody"))],
        errors.NotFound,
        "VOICE_NOT_FOUND",
    ),
    "unknown session": (lambda: [make_config(session_id="never-seen")], errors.NotFound, "SESSION_NOT_FOUND"),
    "malformed session": (lambda: [make_config(session_id="a b")], errors.InvalidRequest, "INVALID_FIELD"),
    "speaking rate": (lambda: [make_config(speaking_rate=9)], errors.InvalidRequest, "INVALID_FIELD"),
    "barge-in": (
        lambda: [make_config(barge_in=gateway_pb2.BARGE_IN_INTERRUPT)],
        errors.Unsupported,
        "UNSUPPORTED_BY_ENGINE",
    ),
}


@pytest.mark.parametrize("case", CASES)
async def test_bad_streams_with_fakes_are_refused_with_their_reason(graph: FakeGraph, case: str) -> None:
    messages, kind, reason = CASES[case]
    error = await refusal(graph, *messages())
    assert type(error) is kind
    assert isinstance(error, errors.MaatuError)
    assert error.reason == reason
    await graph.until_idle()


async def test_audio_after_end_of_input_with_fakes_is_refused(graph: FakeGraph) -> None:
    graph.fakes.agent.script.delay_s = 0.2
    end = gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput())
    error = await refusal(graph, make_config(), make_text("hi"), end, AUDIO)
    assert isinstance(error, errors.InvalidSequence)


async def test_field_violation_names_the_field_with_fakes(graph: FakeGraph) -> None:
    error = await refusal(graph, make_config(input_format=audio_format(1, 4_000)))
    assert isinstance(error, errors.MaatuError)
    assert error.field == "config.input_format.sample_rate_hz"


@pytest.mark.parametrize(
    ("text", "reason"), [("", "EMPTY_TEXT"), ("   ", "EMPTY_TEXT"), ("x" * 20_000, "TEXT_TOO_LONG")]
)
async def test_bad_text_with_fakes_is_a_status_and_the_conversation_goes_on(
    graph: FakeGraph, text: str, reason: str
) -> None:
    events = await graph.converse(make_config(), make_text(text), make_text("hi"))
    error = from_status(events[1].status.status, hop="gateway")
    assert isinstance(error, errors.InvalidText)
    assert error.reason == reason
    assert events[-1].report.transcript == "hi"


async def test_too_many_waiting_turns_with_fakes_are_refused_and_the_rest_answered() -> None:
    async with serve_graph(waiting_turns=2) as graph:
        graph.fakes.agent.script.delay_s = 0.1
        events = await graph.converse(make_config(), *[make_text(f"q{index}") for index in range(8)])
        refused = [event.status for event in events if event.HasField("status")]
        assert refused
        assert {type(from_status(status.status, hop="gateway")) for status in refused} == {errors.CapacityExceeded}
        assert kinds(events).count("report") + len(refused) == 8


async def test_a_full_house_with_fakes_is_refused_at_the_door_with_retry_info() -> None:
    async with serve_graph(max_concurrent_requests=1) as graph:
        held = graph.stub.Converse(timeout=10)
        await held.write(make_config())
        await held.read()
        error = await refusal(graph, make_config())
        assert isinstance(error, errors.CapacityExceeded)
        assert error.retry_after_s
        assert error.quota == errors.Quota("gateway/Converse", 1)
        held.cancel()
        await graph.until_idle()
        assert kinds(await graph.converse(make_config(), make_text("hi")))[-1] == "report"


async def test_one_session_on_two_streams_with_fakes_is_refused(graph: FakeGraph) -> None:
    graph.fakes.agent.sessions.add("mine")
    held = graph.stub.Converse(timeout=10)
    await held.write(make_config(session_id="mine"))
    await held.read()
    error = await refusal(graph, make_config(session_id="mine"))
    assert isinstance(error, errors.AlreadyExists)
    held.cancel()
    await graph.until_idle()


@pytest.mark.parametrize("hop", ["translate", "tts"])
async def test_a_service_that_is_down_with_fakes_is_named_at_the_door(graph: FakeGraph, hop: str) -> None:
    await graph.served[hop].server.stop()
    error = await refusal(graph, make_config(language_code="es"))
    assert isinstance(error, errors.HopUnavailable)
    assert error.metadata == {"hop": hop}


async def test_stt_down_with_fakes_ends_the_stream_with_its_name(graph: FakeGraph) -> None:
    await graph.served["stt"].server.stop()
    error = await refusal(graph, make_config(), *make_utterance())
    assert isinstance(error, errors.HopUnavailable)
    assert error.metadata == {"hop": "stt"}
    await graph.until_idle()


async def test_agent_down_with_fakes_ends_the_turn_not_the_conversation(graph: FakeGraph) -> None:
    await graph.served["agent"].server.stop()
    async with asyncio.timeout(2):
        events = await graph.converse(make_config(), make_text("one"), make_text("two"))
    assert kinds(events).count("status") == 2
    error = from_status(events[-1].status.status, hop="gateway")
    assert isinstance(error, errors.HopUnavailable)
    assert error.metadata == {"hop": "agent"}


async def test_each_failing_hop_with_fakes_is_one_status_and_leaves_nothing_open() -> None:
    async with serve_graph() as graph:
        for part in (graph.fakes.translate, graph.fakes.agent, graph.fakes.tts):
            part.script.error = errors.ModelFailed("scripted")
            events = await graph.converse(make_config(language_code="es"), make_text("hola"))
            part.script.error = None
            assert kinds(events)[-1] == "status"
            assert "report" not in kinds(events)
            assert isinstance(from_status(events[-1].status.status, hop="gateway"), errors.ModelFailed)
            await graph.until_idle()
        assert kinds(await graph.converse(make_config(language_code="es"), make_text("hola")))[-1] == "report"


async def test_a_defect_of_a_service_with_fakes_reaches_the_client_as_internal(graph: FakeGraph) -> None:
    graph.fakes.agent.script.error = ZeroDivisionError("scripted defect")
    events = await graph.converse(make_config(), make_text("hi"))
    status = events[-1].status.status
    assert status.code == grpc.StatusCode.INTERNAL.value[0]
    assert "scripted defect" not in status.message


async def test_failure_in_mid_answer_with_fakes_still_gives_the_waterfall_so_far(graph: FakeGraph) -> None:
    graph.fakes.agent.script.error = errors.ModelFailed("scripted")
    graph.fakes.agent.script.error_after = 12
    graph.fakes.agent.script.step_s = 0.01
    events = await graph.converse(make_config(), make_text("hi"))
    assert "audio" in kinds(events)
    report = events[-1].status.report
    assert (
        sum(segment.duration.ToNanoseconds() for segment in report.segments)
        == report.voice_to_voice.ToNanoseconds()
        > 0
    )


async def test_a_turn_out_of_time_with_fakes_is_deadline_exceeded() -> None:
    async with serve_graph(turn_deadline_s=0.3) as graph:
        graph.fakes.agent.script.delay_s = 5
        events = await graph.converse(make_config(), make_text("hi"))
        error = from_status(events[-1].status.status, hop="gateway")
        assert isinstance(error, errors.DeadlineExceeded)
        await graph.until_idle()


async def test_a_silent_stream_with_fakes_is_ended_after_its_idle_time() -> None:
    async with serve_graph(idle_timeout_s=0.2) as graph:
        with pytest.raises(errors.DeadlineExceeded) as caught:
            await graph.converse(make_config(), end=False)
        assert caught.value.reason == "IDLE_TIMEOUT"


async def test_after_end_of_input_with_fakes_silence_is_no_fault_while_answers_come() -> None:
    async with serve_graph(idle_timeout_s=0.2) as graph:
        graph.fakes.agent.script.delay_s = 0.5
        end = gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput())
        events = await graph.converse(make_config(), make_text("one"), end, end=False)
        assert kinds(events)[-1] == "report"


@pytest.mark.parametrize("error", [errors.HopUnavailable("llm"), errors.ModelFailed("scripted")], ids=["llm", "model"])
async def test_what_fails_behind_a_hop_with_fakes_is_asked_once(graph: FakeGraph, error: errors.MaatuError) -> None:
    graph.fakes.agent.script.error = error
    events = await graph.converse(make_config(), make_text("hi"))
    assert isinstance(from_status(events[-1].status.status, hop="gateway"), type(error))
    assert graph.fakes.agent.script.calls == 1


async def test_a_history_that_cannot_be_amended_with_fakes_costs_no_conversation(graph: FakeGraph) -> None:
    graph.fakes.agent.amend_error = ZeroDivisionError("scripted defect")
    graph.fakes.agent.script.step_s = 0.05
    call = graph.stub.Converse(timeout=10)
    await call.write(make_config())
    await call.write(make_text("one"))
    while not (await call.read()).event.HasField("agent_text"):
        pass
    await call.write(gateway_pb2.ConverseRequest(cancel_turn=gateway_pb2.CancelTurn()))
    await call.write(make_text("two"))
    await call.done_writing()
    endings: list[str] = []
    while (response := await call.read()) is not grpc.aio.EOF:
        endings += [kind for kind in kinds([response.event]) if kind in ("interrupted", "report")]
    assert endings == ["interrupted", "report"]


async def test_a_client_that_vanishes_with_fakes_leaves_nothing_and_others_do_not_notice() -> None:
    async with serve_graph(FakeServices(answer="word " * 100)) as graph:
        graph.fakes.agent.script.step_s = 0.01
        other = asyncio.create_task(graph.converse(make_config(), make_text("stay")))
        lost = graph.stub.Converse(timeout=30)
        await lost.write(make_config())
        for message in make_utterance():
            await lost.write(message)
        while not (await lost.read()).event.HasField("agent_text"):
            pass
        lost.cancel()
        events = await other
        assert events[-1].report.transcript == "stay"
        await graph.until_idle()


async def test_a_conversation_with_fakes_that_is_being_opened_while_its_gateway_drains_is_sent_elsewhere(
    graph: FakeGraph, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def drain_meanwhile(*args: Any) -> Any:
        graph.servicer.drain()
        return await find_voice(*args)

    monkeypatch.setattr("maatu_gateway.servicer.find_voice", drain_meanwhile)
    error = await refusal(graph, make_config())
    assert isinstance(error, errors.Unavailable)
    assert error.reason == "DRAINING"


async def test_drain_with_fakes_finishes_the_turn_then_says_so() -> None:
    async with serve_graph() as graph:
        graph.fakes.agent.script.step_s = 0.01
        call = graph.stub.Converse(timeout=10)
        await call.write(make_config())
        await call.write(make_text("hi"))
        events = []
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            async for response in call:
                events.append(response.event)
                if response.event.HasField("agent_text") and len(events) < 6:
                    graph.servicer.drain()
        assert kinds(events)[-2:] == ["report", "status"]
        assert not events[-1].status.turn_id
        told, error = from_status(events[-1].status.status, hop="gateway"), from_rpc_error(caught.value, hop="gateway")
        for each in (told, error):
            assert isinstance(each, errors.Unavailable)
            assert each.reason == "DRAINING"
