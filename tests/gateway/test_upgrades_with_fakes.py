"""What conversations notice of servers that drain, end and are lost behind a gateway: real gRPC, scripted services."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, gateway_pb2, stt_pb2
from maatu_gateway.fake import FakeGraph, kinds, make_config, make_text, make_utterance, serve_graph
from maatu_runtime import errors
from maatu_runtime.config import ServiceConfig
from maatu_runtime.status import from_status, keep_status, why_it_failed
from maatu_runtime.testing import FakeServices, serve_at
from maatu_runtime.testing.fakes import FakeSpeechToText

Until = Callable[[Callable[[], bool]], Awaitable[None]]
END = gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput())


@pytest.fixture
async def pair() -> AsyncIterator[FakeGraph]:
    """A gateway whose calls go to two pods of each service."""
    async with serve_graph(second=FakeServices(), spread=True) as graph:
        yield graph


async def say(call: Any, messages: list[gateway_pb2.ConverseRequest]) -> None:
    for message in messages:
        await call.write(message)


def calls_again(hop: str) -> float:
    return REGISTRY.get_sample_value("maatu_gateway_calls_again_total", {"hop": hop}) or 0


def stt_of(graph: FakeGraph) -> tuple[str, FakeSpeechToText]:
    """The stt that has the conversation's stream."""
    second = graph.second
    assert second is not None
    [found] = [
        (name, fakes.stt)
        for name, fakes in (("stt", graph.fakes), ("second stt", second))
        if fakes.stt.script.open_calls
    ]
    return found


async def read_until(call: Any, kind: str) -> list[Any]:
    """Events up to the first of a kind."""
    events: list[Any] = []
    while not events or not events[-1].HasField(kind):
        events.append((await call.read()).event)
    return events


async def test_an_utterance_with_fakes_survives_the_end_of_its_stt(pair: FakeGraph, until: Until) -> None:
    call = pair.stub.Converse(timeout=20)
    await call.write(make_config())
    await call.initial_metadata()
    await say(call, make_utterance())
    before = await read_until(call, "report")
    await say(call, make_utterance(silence_frames=0))
    begun = await read_until(call, "speech")
    name, _ = stt_of(pair)
    stop = asyncio.create_task(pair.served[name].server.stop())
    await say(call, [*make_utterance(speech_frames=5), END])
    await call.done_writing()
    events = begun + await read_until(call, "report")
    assert await call.read() is grpc.aio.EOF
    await stop
    # One utterance, heard once, with all of its speech, in the place it had.
    activities = [event.speech for event in events if event.HasField("speech")]
    assert [activity.type for activity in activities] == [
        stt_pb2.SpeechActivity.TYPE_SPEECH_STARTED,
        stt_pb2.SpeechActivity.TYPE_SPEECH_STOPPED,
    ]
    assert {activity.utterance_index for activity in activities} == {1}
    assert activities[1].offset.ToMilliseconds() == (55 + 30) * 20
    assert kinds(before + events).count("report") == 2
    assert "status" not in kinds(events)


async def test_an_utterance_with_fakes_waits_for_an_stt_that_is_away_for_a_while(until: Until) -> None:
    async with serve_graph(hop_patience_s=30) as graph:
        call = graph.stub.Converse(timeout=20)
        await call.write(make_config())
        await call.initial_metadata()
        await say(call, make_utterance(silence_frames=0))
        await read_until(call, "speech")
        before = calls_again("stt")
        await graph.served["stt"].server.stop()
        # More refused connections than servers that the audio may break: none of them has met it.
        await until(lambda: calls_again("stt") >= before + 6)
        port = int(graph.served["stt"].target.rpartition(":")[2])
        fakes = FakeServices()
        async with serve_at(fakes.services()["stt"], ServiceConfig(port=port, drain_grace_s=0)):
            await say(call, [*make_utterance(), END])
            assert (await read_until(call, "report"))[-1].report.transcript == "hello there"
            assert await call.read() is grpc.aio.EOF


async def test_a_conversation_with_fakes_that_is_silent_survives_the_end_of_its_stt(
    pair: FakeGraph, until: Until
) -> None:
    call = pair.stub.Converse(timeout=20)
    await call.write(make_config())
    await call.initial_metadata()
    await say(call, make_utterance())
    await read_until(call, "report")
    name, _ = stt_of(pair)
    await pair.served[name].server.stop()
    await until(lambda: stt_of_is_other(pair, name))
    await say(call, [*make_utterance(), END])
    assert (await read_until(call, "report"))[-1].report.transcript == "hello there"


async def test_a_recognition_with_fakes_that_was_ended_for_silence_begins_anew_with_the_next_audio(
    graph: FakeGraph, until: Until
) -> None:
    graph.fakes.stt.idle_timeout_s = 0.2
    call = graph.stub.Converse(timeout=20)
    await call.write(make_config())
    await call.initial_metadata()
    await say(call, make_utterance(silence_frames=0))
    await read_until(call, "speech")
    await until(lambda: graph.fakes.stt.script.open_calls == 0)
    await call.write(make_text("typed meanwhile"))
    assert (await read_until(call, "report"))[-1].report.transcript == "typed meanwhile"
    assert graph.fakes.stt.script.calls == 1, "no audio, no stream"
    await say(call, [*make_utterance(), END])
    assert (await read_until(call, "report"))[-1].report.transcript == "hello there"
    assert await call.read() is grpc.aio.EOF


def stt_of_is_other(graph: FakeGraph, name: str) -> bool:
    assert graph.second is not None
    other = graph.second if name == "stt" else graph.fakes
    return other.stt.script.open_calls == 1


async def test_audio_with_fakes_that_breaks_every_stt_is_given_up(pair: FakeGraph) -> None:
    assert pair.second is not None
    for fakes in (pair.fakes, pair.second):
        fakes.stt.script.error = errors.Unavailable("scripted")
    with pytest.raises(errors.Unavailable):
        await pair.converse(make_config(), *make_utterance())
    # The first stream, three more for the same utterance, and no fifth.
    assert pair.fakes.stt.script.calls + pair.second.stt.script.calls == 4
    await pair.until_idle()


async def test_a_failing_model_with_fakes_is_not_asked_again(pair: FakeGraph) -> None:
    assert pair.second is not None
    for fakes in (pair.fakes, pair.second):
        fakes.stt.script.error = errors.ModelFailed("scripted")
    with pytest.raises(errors.ModelFailed):
        # Nothing is sent after the frame that ends the utterance: what meets the end of a call loses the call's reason.
        await pair.converse(make_config(), *make_utterance(silence_frames=25), end=False)
    assert pair.fakes.stt.script.calls + pair.second.stt.script.calls == 1


@pytest.mark.parametrize("hop", ["translate", "agent", "tts"])
async def test_a_hop_with_fakes_that_refuses_while_it_drains_is_called_again(hop: str) -> None:
    """More refusals at once than gRPC's own retries would bear before they are throttled."""
    async with serve_graph(hop_patience_s=30) as graph:
        await refuse_and_answer(graph, hop)


async def refuse_and_answer(graph: FakeGraph, hop: str) -> None:
    """Six turns of which twenty calls of a hop are refused."""
    script = getattr(graph.fakes, hop).script
    before = calls_again(hop)
    take, refusals = script.call, iter(range(20))

    def refuse_first(context: Any) -> Any:
        if next(refusals, None) is not None:
            raise errors.Unavailable("scripted: shutting down")
        return take(context)

    script.call = refuse_first
    talks = [graph.converse(make_config(language_code="es-ES"), make_text("hola")) for _ in range(6)]
    for events in await asyncio.gather(*talks):
        assert kinds(events)[-1] == "report"
    assert calls_again(hop) > before


async def test_an_answer_with_fakes_that_has_begun_is_not_begun_again(graph: FakeGraph) -> None:
    graph.fakes.agent.script.error = errors.Unavailable("scripted")
    graph.fakes.agent.script.error_after = 3
    events = await graph.converse(make_config(), make_text("hi"))
    assert isinstance(from_status(events[-1].status.status, hop="gateway"), errors.Unavailable)
    assert graph.fakes.agent.script.calls == 1


async def test_a_draining_gateway_with_fakes_hears_an_utterance_to_its_end_and_answers_it(
    graph: FakeGraph, until: Until
) -> None:
    graph.fakes.agent.script.delay_s = 0.05
    call = keep_status(graph.stub.Converse(timeout=20))
    await call.write(make_config())
    await call.initial_metadata()
    await say(call, make_utterance(silence_frames=0))
    await read_until(call, "speech")
    graph.servicer.drain()
    await say(call, make_utterance())
    events = await read_until(call, "report")
    assert events[-1].report.transcript == "hello there"
    goodbye = (await read_until(call, "status"))[-1].status
    assert not goodbye.turn_id
    await call.done_writing()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    ended = await why_it_failed(call, caught.value, hop="gateway")
    for error in (from_status(goodbye.status, hop="gateway"), ended):
        assert (type(error), getattr(error, "reason", "")) == (errors.Unavailable, "DRAINING")
    await graph.until_idle()


async def test_a_draining_gateway_with_fakes_ends_what_nothing_more_can_come_from_without_an_error(
    graph: FakeGraph,
) -> None:
    graph.fakes.agent.script.step_s = 0.01
    call = graph.stub.Converse(timeout=20)
    await call.write(make_config())
    await call.initial_metadata()
    await say(call, [make_text("one"), make_text("two"), END])
    await call.done_writing()
    await read_until(call, "audio")
    graph.servicer.drain()
    events = await read_until(call, "report") + await read_until(call, "report")
    assert events[-1].report.transcript == "two"
    assert await call.read() is grpc.aio.EOF


async def test_a_draining_gateway_with_fakes_answers_what_it_was_asked(graph: FakeGraph) -> None:
    ask = graph.stub.Ask(gateway_pb2.AskRequest(config=make_config().config, text="hi"))
    asked: list[Any] = []
    async for response in ask:
        if not asked:
            graph.servicer.drain()
        asked.append(response.event)
    assert kinds(asked)[-1] == "report"
