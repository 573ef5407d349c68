"""What the chart starts is what runs: the real services, as the rendered Deployments start them, hold a conversation."""

import asyncio

import jiwer
import numpy as np
import pytest

from maatu.v1 import agent_pb2, common_pb2, tts_pb2
from maatu.v1.agent_pb2_grpc import AgentStub
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_client import VoiceClient
from maatu_client.reply import Reply
from maatu_runtime.audio import AudioFormat, Encoding, StreamDecoder
from maatu_runtime.audio.samples import Samples
from maatu_runtime.channel import create_channel
from tests.chart.pods import LocalPod
from tests.chart.rendering import COMPONENTS

pytestmark = [pytest.mark.asyncio(loop_scope="session"), pytest.mark.timeout(300)]

RATE_HZ = 16_000
QUESTION = "What is the capital of France?"
Pods = dict[str, LocalPod]


def target(pod: LocalPod) -> str:
    """HOST:PORT of a pod's gRPC server."""
    return f"{pod.address}:{pod.port('grpc')}"


async def spoken(pod: LocalPod, text: str) -> Samples:
    """A text as the tts pod speaks it: float32 mono at RATE_HZ."""
    decoder = StreamDecoder(AudioFormat(Encoding.LINEAR16, RATE_HZ), RATE_HZ)
    options = tts_pb2.SynthesisOptions(
        voice=common_pb2.Voice(language_code="en-US"),
        format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=RATE_HZ),
    )
    async with create_channel(target(pod)) as channel:
        call = TextToSpeechStub(channel).Synthesize(tts_pb2.SynthesizeRequest(text=text, options=options))
        return np.concatenate([decoder.push(part.audio.audio) async for part in call if part.HasField("audio")])


async def page(pod: LocalPod) -> str:
    """A pod's metrics page, at the port that is scraped."""
    reader, writer = await asyncio.open_connection(pod.address, pod.port("metrics"))
    writer.write(b"GET /metrics HTTP/1.0\r\n\r\n")
    text = (await reader.read()).decode()
    writer.close()
    await writer.wait_closed()
    return text


@pytest.mark.parametrize("component", COMPONENTS)
@pytest.mark.parametrize("probe", ["startupProbe", "readinessProbe", "livenessProbe"])
async def test_each_probe_of_a_pod_that_serves_succeeds(pods: Pods, component: str, probe: str) -> None:
    pod = pods[component]
    assert await pod.probe(pod.container[probe])


async def test_a_probe_of_a_service_that_the_pod_does_not_have_fails(pods: Pods) -> None:
    probe = {"grpc": {"port": pods["stt"].port("grpc"), "service": "maatu.v1.Nothing"}}
    assert not await pods["stt"].probe(probe)


async def test_a_spoken_question_is_answered_in_speech(pods: Pods) -> None:
    samples = await spoken(pods["tts"], QUESTION)
    reply = Reply()
    async with VoiceClient(target(pods["gateway"])) as client, client.converse("en-US") as conversation:
        conversation.speak(samples, RATE_HZ)
        async for event in conversation:
            reply.add(event)
    assert jiwer.wer(QUESTION.lower(), reply.transcripts[0].lower()) <= 0.2
    assert "paris" in reply.reports[0].agent_text.lower()
    assert reply.samples.size > RATE_HZ // 4


async def test_a_spanish_question_passes_the_translate_pod(pods: Pods) -> None:
    async with VoiceClient(target(pods["gateway"])) as client:
        events = [event async for event in client.ask("¿Cuál es la capital de Francia?", language="es-ES")]
    assert "parís" in events[-1].report.spoken_text.lower()


async def test_the_agent_keeps_its_history_in_the_chart_s_redis(pods: Pods) -> None:
    async with VoiceClient(target(pods["gateway"])) as client:
        events = [event async for event in client.ask("My name is Asha.")]
    session_id = events[0].ready.session_id
    async with create_channel(target(pods["agent"])) as channel:
        session = await AgentStub(channel).GetSession(agent_pb2.GetSessionRequest(session_id=session_id))
    assert [turn.user_text for turn in session.turns] == ["My name is Asha."]
    assert "redis_started" not in pods["agent"].log_tail(), "it runs one of its own"


@pytest.mark.parametrize("component", COMPONENTS)
async def test_each_metrics_page_is_where_it_is_scraped(pods: Pods, component: str) -> None:
    assert f'maatu_serving{{service="{component}"}} 1.0' in await page(pods[component])


async def test_a_pod_told_to_end_is_unready_at_once_lets_its_call_finish_and_ends_by_itself(pods: Pods) -> None:
    """Last, since it ends the gateway."""
    pod = pods["gateway"]
    async with VoiceClient(target(pod)) as client:
        events = client.ask("Tell me about the ocean.", max_tokens=96)
        first = await anext(events)
        assert first.HasField("ready")
        ended = asyncio.create_task(pod.terminate())
        async with asyncio.timeout(10):
            while await pod.probe(pod.container["readinessProbe"]):
                await asyncio.sleep(0.01)
        rest = [event async for event in events]
        assert rest[-1].HasField("report")
    async with asyncio.timeout(pod.termination_grace_s):
        assert await ended == 0
    assert not await pod.probe(pod.container["readinessProbe"])
