"""The Python client against a fake gateway on a real gRPC server."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import numpy as np
import pytest
import trustme

from maatu.v1 import gateway_pb2
from maatu_client import Reply, VoiceClient
from maatu_client.fake import ANSWER_CHUNKS, CHUNK_MS, FakeGateway, serve_fake_gateway
from maatu_runtime.audio import AudioFormat, Encoding, write_wav
from maatu_runtime.audio.samples import Samples
from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import CapacityExceeded, HopUnavailable, InvalidSequence, UnsupportedLanguage
from maatu_runtime.testing import leftover_tasks


@pytest.fixture
def tone() -> Samples:
    """300 ms of sound at 16 kHz."""
    sound: Samples = (0.5 * np.sin(np.arange(4800) * 0.2)).astype(np.float32)
    return sound


@pytest.fixture
def gateway() -> FakeGateway:
    return FakeGateway()


async def kinds(events: AsyncIterator[gateway_pb2.ConversationEvent]) -> list[str | None]:
    return [event.WhichOneof("event") async for event in events]


async def test_ask_yields_the_events_of_one_turn_with_fake_gateway(gateway: FakeGateway) -> None:
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client:
        reply = Reply()
        async for event in client.ask("What is the sun?", "es-ES", max_tokens=7, voice="maria"):
            reply.add(event)
    assert reply.transcripts == ["What is the sun?"]
    assert [report.agent_text for report in reply.reports] == ["The moon is a rock."]
    assert len(reply.samples) / reply.sample_rate_hz == pytest.approx(ANSWER_CHUNKS * CHUNK_MS / 1000, abs=0.001)
    (config,) = gateway.configs
    assert (config.language_code, config.agent.max_tokens, config.voice.name) == ("es-ES", 7, "maria")
    assert not config.agent.HasField("temperature")


async def test_a_spoken_recording_is_answered_and_the_stream_ends_with_fake_gateway(
    gateway: FakeGateway, tone: Samples, tmp_path: Path
) -> None:
    write_wav(tmp_path / "question.wav", tone, 16_000)
    async with (
        serve_fake_gateway(gateway) as target,
        VoiceClient(target) as client,
        client.converse("en-US") as conversation,
    ):
        conversation.speak(tmp_path / "question.wav", frame_ms=100)
        seen = await kinds(conversation)
    assert seen[0] == "ready"
    assert seen[1:5] == ["speech", "speech", "transcript", "turn"]
    assert seen[-1] == "report"
    assert gateway.requests[-1].HasField("end_of_input")
    assert {len(frame) for frame in gateway.frames} == {3200}
    # The recording, then silence until after the endpoint.
    assert len(gateway.frames) >= 3 + 10


async def test_mulaw_input_is_sent_as_such_with_fake_gateway(gateway: FakeGateway, tone: Samples) -> None:
    mulaw = AudioFormat(Encoding.MULAW, 8_000)
    async with (
        serve_fake_gateway(gateway) as target,
        VoiceClient(target) as client,
        client.converse("en-US", input_format=mulaw) as conversation,
    ):
        await conversation.speak(tone, 16_000, frame_ms=100, end=False)
        await conversation.end()
        await kinds(conversation)
    assert gateway.configs[0].input_format.sample_rate_hz == 8_000
    # 1.3 s of recording and silence at one byte a sample, less what the resampler holds back.
    assert sum(map(len, gateway.frames)) == pytest.approx(1.3 * 8_000, rel=0.02)


async def test_typed_turns_playback_and_cancellation_are_sent_with_fake_gateway(gateway: FakeGateway) -> None:
    async with (
        serve_fake_gateway(gateway) as target,
        VoiceClient(target) as client,
        client.converse("en-US", session_id="mine") as conversation,
    ):
        await conversation.send_text("Hello")
        await conversation.report_playback("turn-0", 1.25)
        await conversation.cancel_turn("turn-0")
        await conversation.end()
        await conversation.end()
        seen = await kinds(conversation)
    assert seen.count("report") == 1
    assert gateway.configs[0].session_id == "mine"
    text, playback, cancel, end = gateway.requests
    assert text.text.text == "Hello"
    assert (playback.playback.turn_id, playback.playback.played.ToMilliseconds()) == ("turn-0", 1250)
    assert cancel.cancel_turn.turn_id == "turn-0"
    assert end.HasField("end_of_input")


async def test_each_call_carries_a_trace_of_its_own_with_fake_gateway(gateway: FakeGateway) -> None:
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client:
        await kinds(client.ask("One"))
        async with client.converse() as conversation:
            await conversation.end()
            await kinds(conversation)
    first, second = gateway.traceparents
    pattern = r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}"
    assert re.fullmatch(pattern, first)
    assert re.fullmatch(pattern, second)
    assert first[3:35] != second[3:35]


async def test_conversations_over_one_client_do_not_mix_with_fake_gateway(gateway: FakeGateway) -> None:
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client:
        first = client.ask("One")
        second = client.ask("Two")
        texts: list[list[str]] = [[], []]
        async for event in first:
            texts[0] += [event.transcript.text] if event.HasField("transcript") else []
            async for other in second:
                texts[1] += [other.transcript.text] if other.HasField("transcript") else []
    assert texts == [["One"], ["Two"]]


@pytest.mark.parametrize(
    "failure",
    [CapacityExceeded("full", retry_after_s=2.5), UnsupportedLanguage("no xx", field="config.language_code")],
    ids=["capacity", "language"],
)
async def test_a_refused_call_raises_the_servers_error_with_fake_gateway(
    gateway: FakeGateway, failure: CapacityExceeded | UnsupportedLanguage
) -> None:
    gateway.call_failure = failure
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client:
        with pytest.raises(type(failure)) as asked:
            await kinds(client.ask("Hello"))
        async with client.converse() as conversation:
            with pytest.raises(type(failure)):
                await kinds(conversation)
            # Sending afterwards says the same, not that some state is invalid.
            with pytest.raises(type(failure)):
                await conversation.send_text("Hello")
    assert asked.value.retry_after_s == failure.retry_after_s
    assert asked.value.field == failure.field


async def test_sending_after_the_end_is_an_invalid_sequence_with_fake_gateway(gateway: FakeGateway) -> None:
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client, client.converse() as conversation:
        await conversation.end()
        await kinds(conversation)
        with pytest.raises(InvalidSequence):
            await conversation.send_text("Hello")


async def test_a_second_recording_at_once_is_refused_with_fake_gateway(gateway: FakeGateway, tone: Samples) -> None:
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client, client.converse() as conversation:
        conversation.speak(tone)
        with pytest.raises(InvalidSequence):
            conversation.speak(tone)


async def test_a_missing_gateway_is_unavailable() -> None:
    async with VoiceClient("127.0.0.1:1") as client:
        with pytest.raises(HopUnavailable, match="gateway"):
            await kinds(client.ask("Hello"))
        with pytest.raises(HopUnavailable, match="gateway"):
            async with client.converse() as conversation:
                await kinds(conversation)


async def test_a_missing_file_is_reported_before_anything_is_sent_with_fake_gateway(gateway: FakeGateway) -> None:
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client, client.converse() as conversation:
        with pytest.raises(FileNotFoundError):
            conversation.speak("nowhere.wav")
    assert gateway.frames == []


async def test_leaving_early_ends_the_call_and_leaves_no_task_with_fake_gateway(
    gateway: FakeGateway, tone: Samples
) -> None:
    before = asyncio.all_tasks()
    async with serve_fake_gateway(gateway) as target, VoiceClient(target) as client, client.converse() as conversation:
        conversation.speak(tone)
        assert (await anext(conversation)).HasField("ready")
    assert gateway.ended == 1
    assert not await leftover_tasks(before)


async def test_a_gateway_that_stops_mid_recording_raises_unavailable_with_fake_gateway(
    gateway: FakeGateway, tone: Samples
) -> None:
    async with serve_fake_gateway(gateway) as target:
        client = await VoiceClient(target).__aenter__()
        conversation = await client.converse().__aenter__()
        speaking = conversation.speak(np.tile(tone, 20))
        assert (await anext(conversation)).HasField("ready")
    with pytest.raises(HopUnavailable):
        await kinds(conversation)
    with pytest.raises(HopUnavailable):
        await speaking
    await conversation.__aexit__(None, None, None)
    await client.__aexit__(None, None, None)


async def test_tls_is_spoken_with_a_server_whose_authority_is_trusted_with_fake_gateway(
    gateway: FakeGateway, tmp_path: Path
) -> None:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "server.pem")
    config = ServiceConfig(tls_cert=tmp_path / "server.pem", tls_key=tmp_path / "server.pem", drain_grace_s=0)
    async with serve_fake_gateway(gateway, config) as target:
        async with VoiceClient(target, tls_ca=tmp_path / "ca.pem") as client:
            assert "report" in await kinds(client.ask("Hello"))
        for other in (VoiceClient(target), VoiceClient(target, tls=True)):
            async with other as client:
                with pytest.raises(HopUnavailable):
                    await kinds(client.ask("Hello"))
