"""Conversations between a stable side and a canary: real gRPC, scripted services, a real traffic file."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, gateway_pb2
from maatu_gateway.fake import SILENCE, FakeGraph, kinds, make_config, make_text, make_utterance, serve_graph
from maatu_gateway.traffic import Canary, is_drawn
from maatu_runtime.testing import FakeServices

Until = Callable[[Callable[[], bool]], Awaitable[None]]
HOPS = ("stt", "translate", "agent", "tts")
ID = "2026-11-21T17:00:00Z"


class Canaries:
    """A graph with a second one of each service beside it, and the file that sends conversations there."""

    def __init__(self, graph: FakeGraph, second: FakeServices, path: Path, until: Until) -> None:
        self.graph = graph
        self.stable = graph.fakes
        self.second = second
        self.path = path
        self._until = until

    async def set(self, *, id_: str = ID, **percent: Any) -> None:
        """Writes the file and waits until the gateway knows."""
        table = {
            hop: {"target": self.graph.served[f"second {hop}"].target, "percent": share, "id": id_}
            for hop, share in percent.items()
        }
        self.path.write_text(json.dumps(table))
        traffic = self.graph.backends.traffic
        await self._until(lambda: {hop: canary.percent for hop, canary in traffic.canaries.items()} == percent)

    def calls(self, hop: str) -> tuple[int, int]:
        """Calls that the stable side and the canary of a hop have had."""
        return getattr(self.stable, hop).script.calls, getattr(self.second, hop).script.calls


@pytest.fixture
async def canaries(tmp_path: Path, until: Until) -> Any:
    second = FakeServices(answer="The canary answers.", transcripts=["from the canary"])
    path = tmp_path / "traffic.json"
    async with serve_graph(second=second, traffic_file=path, traffic_poll_s=0.005, max_concurrent_requests=64) as graph:
        yield Canaries(graph, second, path, until)


class Talk:
    """A conversation held step by step."""

    def __init__(self, graph: FakeGraph) -> None:
        self._call = graph.stub.Converse(timeout=20)

    async def __aenter__(self) -> "Talk":
        await self._call.write(make_config(language_code="es-ES"))
        self.session_id = (await self._call.read()).event.ready.session_id
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        if kind is not None:
            self._call.cancel()
            return
        await self.send(gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput()))
        await self._call.done_writing()
        assert await self._call.read() is grpc.aio.EOF

    async def send(self, *messages: gateway_pb2.ConverseRequest) -> None:
        for message in messages:
            await self._call.write(message)

    async def until_event(self, kind: str) -> Any:
        """Reads up to an event of a kind."""
        while True:
            event = (await self._call.read()).event
            if event.HasField(kind):
                return event
            assert not event.HasField("status"), event

    async def turn(self, *messages: gateway_pb2.ConverseRequest) -> Any:
        """A turn and its report."""
        await self.send(*(messages or (make_text("hola"),)))
        return (await self.until_event("report")).report


def conversations(hop: str, side: str) -> float:
    return REGISTRY.get_sample_value("maatu_gateway_hop_conversations", {"hop": hop, "side": side}) or 0


async def test_without_a_file_fakes_get_everything_on_the_stable_side(canaries: Canaries) -> None:
    async with Talk(canaries.graph) as talk:
        await talk.turn(*make_utterance())
    assert all(canaries.calls(hop)[1] == 0 for hop in HOPS)


@pytest.mark.parametrize("hop", HOPS)
async def test_each_hop_with_fakes_has_a_canary_of_its_own(canaries: Canaries, hop: str) -> None:
    await canaries.set(**dict[str, Any]({hop: 100}))
    async with Talk(canaries.graph) as talk:
        await talk.turn(*make_utterance())
        assert (conversations(hop, "stable"), conversations(hop, "canary")) == (0, 1)
    for each in HOPS:
        stable, second = canaries.calls(each)
        assert (stable == 0, second == 0) == ((True, False) if each == hop else (False, True))
    await canaries.graph.until_idle()
    assert conversations(hop, "canary") == 0


async def test_sides_with_fakes_are_those_that_the_session_draws(canaries: Canaries) -> None:
    await canaries.set(agent=50, tts=50)
    talks = [Talk(canaries.graph) for _ in range(24)]
    for talk in talks:
        await talk.__aenter__()
    for talk in talks:
        report = await talk.turn()
        on_canary = is_drawn(talk.session_id, "agent", Canary("", 50, ID))
        assert (report.agent_text == "The canary answers.") == on_canary
    await asyncio.gather(*[talk.__aexit__(None) for talk in talks])
    spoken_on_canary = {request.clause.session_id for request in canaries.second.tts.script.seen}
    assert spoken_on_canary == {
        talk.session_id for talk in talks if is_drawn(talk.session_id, "tts", Canary("", 50, ID))
    }
    assert 0 < len(spoken_on_canary) < 24


async def test_a_conversation_with_fakes_keeps_its_side_while_the_percentage_changes(canaries: Canaries) -> None:
    await canaries.set(agent=100)
    async with Talk(canaries.graph) as on_canary:
        await on_canary.turn()
        await canaries.set(agent=0)
        async with Talk(canaries.graph) as on_stable:
            await on_stable.turn()
            await canaries.set(agent=100)
            for _ in range(2):
                assert (await on_canary.turn()).agent_text == "The canary answers."
                assert (await on_stable.turn()).agent_text == canaries.stable.answer


async def test_a_canary_that_is_gone_with_fakes_finishes_its_turn_and_gets_no_other(canaries: Canaries) -> None:
    canaries.second.agent.script.delay_s = 0.05
    await canaries.set(agent=100, tts=100, translate=100)
    async with Talk(canaries.graph) as talk:
        await talk.send(make_text("hola"))
        await talk.until_event("turn")
        await canaries.set()
        assert (await talk.until_event("report")).report.agent_text == "The canary answers."
        calls = [canaries.calls(hop)[1] for hop in HOPS]
        assert (await talk.turn()).agent_text == canaries.stable.answer
        # Another canary draws anew, but a conversation that is under way stays where it is.
        await canaries.set(id_="later", agent=100)
        assert (await talk.turn()).agent_text == canaries.stable.answer
        assert [canaries.calls(hop)[1] for hop in HOPS] == calls
        assert conversations("tts", "canary") == 0
    assert canaries.graph.backends.open_canaries == 0


async def test_a_voice_of_a_canary_that_is_gone_with_fakes_is_replaced(canaries: Canaries) -> None:
    canaries.second.tts.languages = ("es-MX",)
    await canaries.set(tts=100)
    async with Talk(canaries.graph) as talk:
        await talk.turn()
        assert {each.options.voice.name for each in canaries.second.tts.script.seen} == {"fake-es-MX"}
        await canaries.set()
        await talk.turn()
        assert {each.options.voice.name for each in canaries.stable.tts.script.seen} == {"fake-es"}


async def test_a_recognition_with_fakes_leaves_a_canary_between_utterances(canaries: Canaries) -> None:
    await canaries.set(stt=100)
    async with Talk(canaries.graph) as talk:
        first, second = make_utterance(silence_frames=10), make_utterance()
        assert (await talk.turn(*second)).transcript == "from the canary"
        await talk.send(*first)
        started = await talk.until_event("speech")
        await canaries.set()
        report = await talk.turn(*make_utterance(speech_frames=0))
        # The utterance that had begun was heard to its end where it began.
        assert report.transcript == "from the canary"
        report = await talk.turn(*second)
        assert report.transcript == "hello there"
        assert canaries.calls("stt") == (1, 1)
        # Utterances and offsets count on as if nothing had happened.
        await talk.send(*second)
        event = await talk.until_event("speech")
        assert event.speech.utterance_index == started.speech.utterance_index + 2
        assert event.speech.offset.ToMilliseconds() == (2 * 55 + 35 + 30) * 20 + 20
        await talk.until_event("report")


async def test_resumed_sessions_with_fakes_draw_the_same_side_again(canaries: Canaries) -> None:
    await canaries.set(agent=50)
    for _ in range(6):
        async with Talk(canaries.graph) as talk:
            before = (await talk.turn()).agent_text
        for fakes in (canaries.stable, canaries.second):  # both see one history, as agents on one Redis do
            fakes.agent.sessions.add(talk.session_id)
        request = gateway_pb2.AskRequest(config=make_config(session_id=talk.session_id).config, text="hi")
        events = [response.event async for response in canaries.graph.stub.Ask(request)]
        assert kinds(events)[-1] == "report"
        assert events[-1].report.agent_text == before


async def test_silence_alone_with_fakes_moves_a_recognition_too(canaries: Canaries, until: Until) -> None:
    await canaries.set(stt=100)
    async with Talk(canaries.graph) as talk:
        await talk.send(gateway_pb2.ConverseRequest(audio=SILENCE))
        await until(lambda: canaries.calls("stt") == (0, 1))
        await canaries.set()
        await talk.send(gateway_pb2.ConverseRequest(audio=SILENCE))
        await until(lambda: canaries.calls("stt") == (1, 1))
        await until(lambda: canaries.second.stt.script.open_calls == 0)
