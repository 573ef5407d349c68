"""Conversations of the Python client that outlive their gateway: real gateways with fake services, and a fake gateway."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

import pytest
from opentelemetry.sdk.trace import TracerProvider

from maatu.v1 import gateway_pb2
from maatu_client import Conversation, VoiceClient
from maatu_client.fake import Event, FakeGateway, serve_fake_gateway
from maatu_gateway.fake import SILENCE, SPEECH, kinds, serve_graph
from maatu_gateway.service import assemble
from maatu_gateway.servicer import VoiceGatewayServicer
from maatu_runtime.errors import MaatuError, NotFound, Unavailable
from maatu_runtime.server import Server
from maatu_runtime.status import to_status
from maatu_runtime.testing import FakeServices, serve_at

GOODBYE = Unavailable("this gateway is shutting down: connect again with the same session id")


@dataclass
class Gateways:
    """Two gateways in front of the same services, and a client that knows both."""

    fakes: FakeServices
    servicers: dict[VoiceGatewayServicer, Server]
    client: VoiceClient
    stops: asyncio.TaskGroup

    @property
    def agent_saw(self) -> list[tuple[str, str]]:
        """(session, text) of each turn."""
        return [(seen.session_id, seen.text) for seen in self.fakes.agent.script.seen]

    def drain(self) -> None:
        """Shuts down the gateway that holds the conversation, as SIGTERM does."""
        [servicer] = [servicer for servicer in self.servicers if servicer.capacity()[0]]
        servicer.drain()
        self.stops.create_task(self.servicers[servicer].stop())


@pytest.fixture
async def gateways() -> AsyncIterator[Gateways]:
    tracer = TracerProvider(shutdown_on_exit=False).get_tracer("maatu")
    async with AsyncExitStack() as stack:
        graph = await stack.enter_async_context(serve_graph())
        graph.fakes.agent.script.step_s = 0.01
        first = graph.served["gateway"]
        service, servicer, _ = assemble(graph.config, tracer)
        second = await stack.enter_async_context(serve_at(service, graph.config))
        client = await stack.enter_async_context(VoiceClient(f"ipv4:{first.target},{second.target}"))
        stops = await stack.enter_async_context(asyncio.TaskGroup())
        yield Gateways(graph.fakes, {graph.servicer: first.server, servicer: second.server}, client, stops)


async def read_until(conversation: Conversation, kind: str) -> list[gateway_pb2.ConversationEvent]:
    """Events up to the first of a kind."""
    events = [await anext(conversation)]
    while events[-1].WhichOneof("event") != kind:
        events.append(await anext(conversation))
    return events


async def send(conversation: Conversation, *frames: bytes) -> None:
    for frame in frames:
        await conversation.send_audio(frame)


async def test_a_drain_in_mid_utterance_with_fakes_is_one_conversation_to_the_caller(gateways: Gateways) -> None:
    async with gateways.client.converse() as conversation:
        await send(conversation, *[SPEECH] * 25)
        events = await read_until(conversation, "speech")
        gateways.drain()
        # The rest of the sentence, which the old gateway answers, and the beginning of another, which the new one does.
        await send(conversation, *[SILENCE] * 30, *[SPEECH] * 25)
        events += await read_until(conversation, "report")
        events += await read_until(conversation, "ready")
        await send(conversation, *[SILENCE] * 30)
        await conversation.end()
        events += [event async for event in conversation]
    assert kinds(events).count("report") == 2
    assert "status" not in kinds(events)
    first, second = [event.ready.session_id for event in events if event.HasField("ready")]
    assert first == second
    assert gateways.agent_saw == [(first, "hello there")] * 2
    # As on one stream: each utterance once, at its place.
    activities = [event.speech for event in events if event.HasField("speech")]
    assert [(activity.type, activity.utterance_index) for activity in activities] == [(1, 0), (4, 0), (1, 1), (4, 1)]
    assert [activity.offset.ToMilliseconds() for activity in activities] == [20, 500, 1120, 1600]
    finals = [event.transcript for event in events if event.HasField("transcript")]
    assert [(final.utterance_index, final.end.ToMilliseconds()) for final in finals] == [(0, 500), (1, 1600)]


async def test_an_utterance_heard_too_late_to_be_answered_with_fakes_is_told_of_once(gateways: Gateways) -> None:
    gateways.fakes.agent.script.delay_s = 0.3
    async with gateways.client.converse() as conversation:
        await send(conversation, *[SPEECH] * 25, *[SILENCE] * 30)
        events = await read_until(conversation, "turn")
        gateways.drain()
        await send(conversation, *[SPEECH] * 25, *[SILENCE] * 30)
        await conversation.end()
        events += [event async for event in conversation]
    assert kinds(events).count("ready") == kinds(events).count("report") == 2
    activities = [(event.speech.type, event.speech.utterance_index) for event in events if event.HasField("speech")]
    assert activities == [(1, 0), (4, 0), (1, 1), (4, 1)]
    assert [event.transcript.utterance_index for event in events if event.HasField("transcript")] == [0, 1]


async def test_typed_text_and_the_end_of_input_are_said_again_with_fakes(gateways: Gateways) -> None:
    async with gateways.client.converse() as conversation:
        await conversation.send_text("one")
        events = await read_until(conversation, "agent_text")
        gateways.drain()
        await conversation.send_text("two")
        await conversation.end()
        events += [event async for event in conversation]
    assert [event.report.transcript for event in events if event.HasField("report")] == ["one", "two"]
    session_id = events[0].ready.session_id
    assert gateways.agent_saw == [(session_id, "one"), (session_id, "two")]


async def test_a_minute_of_speech_and_a_text_are_said_again_while_the_caller_does_not_read_with_fakes(
    gateways: Gateways,
) -> None:
    gateways.fakes.agent.script.delay_s = 0.3
    async with gateways.client.converse() as conversation:
        await conversation.send_text("one")
        events = await read_until(conversation, "turn")
        gateways.drain()
        await conversation.send_text("two")
        await send(conversation, SPEECH)
        events += await read_until(conversation, "speech")
        await send(conversation, *[SPEECH * 10] * 300)
        events += await read_until(conversation, "ready")
        await send(conversation, *[SILENCE] * 30)
        await conversation.end()
        events += [event async for event in conversation]
    assert [event.report.transcript for event in events if event.HasField("report")] == ["one", "two", "hello there"]
    [final] = [event.transcript for event in events if event.HasField("transcript")]
    assert final.end.ToMilliseconds() == 60_020


async def test_a_session_that_the_agent_never_heard_of_begins_anew_with_fakes(gateways: Gateways) -> None:
    async with gateways.client.converse() as conversation:
        events = await read_until(conversation, "ready")
        gateways.drain()
        await conversation.send_text("one")
        await conversation.end()
        events += [event async for event in conversation]
    first, second = [event.ready.session_id for event in events if event.HasField("ready")]
    assert first != second
    assert gateways.agent_saw == [(second, "one")]


async def test_a_session_that_the_agent_forgot_meanwhile_begins_anew_with_fakes(
    gateways: Gateways, caplog: pytest.LogCaptureFixture
) -> None:
    async with gateways.client.converse() as conversation:
        await conversation.send_text("one")
        events = await read_until(conversation, "report")
        # The history's lifetime is over; on the same stream the next turn would begin another.
        gateways.fakes.agent.sessions.clear()
        gateways.drain()
        await conversation.send_text("two")
        await conversation.end()
        events += [event async for event in conversation]
    first, second = [event.ready.session_id for event in events if event.HasField("ready")]
    assert first != second
    assert [event.report.transcript for event in events if event.HasField("report")] == ["one", "two"]
    assert gateways.agent_saw == [(first, "one"), (second, "two")]
    [message] = [record.getMessage() for record in caplog.records if record.name == "maatu_client.resuming"]
    assert first in message
    assert "without it" in message


@dataclass
class DrainingGateway(FakeGateway):
    """Drains when the first call says something, and refuses so many calls after that."""

    refusals: int = 0
    first_is_refused: bool = False
    """The first call too, before it is `ready`."""
    refusal: MaatuError | None = None
    """Ends each call after those when its config comes."""
    calls: int = 0

    async def Converse(
        self, request_iterator: AsyncIterator[gateway_pb2.ConverseRequest], context: Any
    ) -> AsyncIterator[gateway_pb2.ConverseResponse]:
        self.calls += 1
        if self.calls == 1 and not self.first_is_refused:
            async for request in request_iterator:
                if request.HasField("config"):
                    yield gateway_pb2.ConverseResponse(event=self._open(request.config, context))
                else:
                    goodbye = gateway_pb2.TurnStatus(status=to_status(GOODBYE))
                    yield gateway_pb2.ConverseResponse(event=Event(status=goodbye))
                    raise GOODBYE
        if self.calls <= 1 + self.refusals:
            raise GOODBYE
        self.call_failure = self.refusal
        async for response in super().Converse(request_iterator, context):
            yield response


async def test_a_gateway_that_is_away_for_a_moment_is_waited_for_with_fake_gateway() -> None:
    # More than gRPC tries by itself.
    gateway = DrainingGateway(refusals=4)
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client, client.converse() as conversation:
        await read_until(conversation, "ready")
        await conversation.send_text("Hello")
        events = await read_until(conversation, "report")
        assert kinds(events)[0] == "ready"
        await conversation.report_playback("turn-0", 1.25)
        await conversation.end()
        assert [event async for event in conversation] == []
    said = [request.WhichOneof("message") for request in gateway.requests]
    assert said == ["text", "playback", "end_of_input"]
    assert gateway.calls == 6


@pytest.mark.parametrize(
    ("first_is_refused", "refusal"),
    [(False, NotFound("no voice joe", reason="VOICE_NOT_FOUND")), (True, NotFound("no session nix"))],
    ids=["not the session", "a session never had"],
)
async def test_what_else_another_gateway_does_not_find_is_told_with_fake_gateway(
    first_is_refused: bool, refusal: NotFound
) -> None:
    # gRPC itself tries a refused call three times.
    gateway = DrainingGateway(first_is_refused=first_is_refused, refusals=2 if first_is_refused else 0, refusal=refusal)
    async with (
        serve_fake_gateway(gateway) as target,
        VoiceClient(target) as client,
        client.converse(session_id="nix") as conversation,
    ):
        with pytest.raises(NotFound, match=refusal.message):
            while True:
                await anext(conversation)
                await conversation.send_text("Hello")
    assert [config.session_id for config in gateway.configs] == ["nix"] * (1 if first_is_refused else 2)


async def test_a_gateway_that_stays_away_is_given_up_with_fake_gateway() -> None:
    gateway = DrainingGateway(refusals=1_000_000)
    async with (
        serve_fake_gateway(gateway) as target,
        VoiceClient(target, resume_within_s=0.05) as client,
        client.converse() as conversation,
    ):
        await read_until(conversation, "ready")
        await conversation.send_text("Hello")
        for _ in range(2):
            with pytest.raises(Unavailable, match="shutting down"):
                await anext(conversation)
            with pytest.raises(Unavailable, match="shutting down"):
                await conversation.send_text("Hello?")


async def test_without_resumption_the_goodbye_is_passed_on_with_fake_gateway() -> None:
    gateway = DrainingGateway()
    async with (
        serve_fake_gateway(gateway) as target,
        VoiceClient(target) as client,
        client.converse(resume=False) as conversation,
    ):
        await read_until(conversation, "ready")
        await conversation.send_text("Hello")
        goodbye = await anext(conversation)
        assert not goodbye.status.turn_id
        with pytest.raises(Unavailable, match="shutting down"):
            await anext(conversation)
        with pytest.raises(Unavailable, match="shutting down"):
            await conversation.send_text("Hello?")
    assert gateway.calls == 1


async def test_leaving_while_another_gateway_is_looked_for_ends_at_once_with_fake_gateway() -> None:
    gateway = DrainingGateway(refusals=1_000_000)
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client, client.converse() as conversation:
        await read_until(conversation, "ready")
        await conversation.send_text("Hello")
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await anext(conversation)
