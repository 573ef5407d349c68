"""A conversation through the gateway that Parler-TTS, on a tiny random checkpoint, speaks in place of Piper."""

import os
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

from maatu.v1 import common_pb2, tts_pb2
from maatu.v1.tts_pb2_grpc import TextToSpeechStub
from maatu_client import VoiceClient
from maatu_client.options import Options
from maatu_client.ports import choose_ports
from maatu_client.profiles import ServiceName, environment, load_profile
from maatu_client.reply import Reply
from maatu_client.service_process import ServiceProcess, ServiceSpec
from maatu_runtime.channel import create_channel
from maatu_runtime.models import ModelStore
from maatu_tts.engine.parler.random_weights import TINY, write_checkpoint

pytestmark = pytest.mark.asyncio(loop_scope="session")

RATE_HZ = 16_000


@pytest.fixture(scope="module")
def checkpoint_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model directory with the checkpoint alone."""
    models_dir = tmp_path_factory.mktemp("models")
    kind = {"family": "parler", "format": "safetensors", "licence": "none", "source": "random weights"}
    with ModelStore(models_dir).install("parler-mini", **kind, created_by={}) as directory:
        # It never ends by itself: each clause is as long as PARLER_LONGEST_S allows.
        write_checkpoint(directory, TINY, mean_frames=None)
    return models_dir


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def addresses(
    real: Any, checkpoint_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, str]]:
    """Addresses of a tts service, and of a gateway that uses it beside the embedded stack's other services."""
    logs = tmp_path_factory.mktemp("logs")
    names: tuple[ServiceName, ...] = ("tts", "gateway")
    hosts = dict.fromkeys(names, "127.0.0.1")
    ports = choose_ports(hosts, {})
    metrics_ports = choose_ports(hosts, {}, taken=ports.values())
    settings = {
        "tts": {
            "MAATU_MODELS_DIR": str(checkpoint_dir),
            "MAATU_TTS_ENGINES": '{"*": "parler"}',
            "MAATU_TTS_PARLER_SLOTS": "4",
            "MAATU_TTS_PARLER_LONGEST_S": "1",
            # The processor is shared with the other services here; threads that spin would take it from them.
            "OMP_NUM_THREADS": "1",
        },
        "gateway": {
            f"MAATU_GATEWAY_{hop.upper()}_TARGET": real.stack.address(hop) for hop in ("stt", "translate", "agent")
        }
        | {"MAATU_GATEWAY_TTS_TARGET": f"127.0.0.1:{ports['tts']}"},
    }
    processes = []
    try:
        for name in names:
            prefix = f"MAATU_{name.upper()}"
            variables = {
                **os.environ,
                **environment(load_profile("embedded"), name),
                **settings[name],
                f"{prefix}_PORT": str(ports[name]),
                f"{prefix}_METRICS_PORT": str(metrics_ports[name]),
                f"{prefix}_DRAIN_GRACE_S": "1",
            }
            spec = ServiceSpec(name, f"maatu_{name}", "127.0.0.1", ports[name], variables)
            processes.append(ServiceProcess(spec, logs / f"{name}.log"))
            await processes[-1].start()
        for process in processes:
            await process.wait_healthy(60)
        yield {process.spec.name: process.spec.address for process in processes}
    finally:
        for process in reversed(processes):
            await process.stop(8)


async def test_parler_answers_a_question_in_speech(real: Any, addresses: dict[str, str]) -> None:
    question = await real.say("What is the capital of France?", "en-US")
    reply = Reply()
    async with VoiceClient(addresses["gateway"]) as client, client.converse("en-US") as conversation:
        conversation.speak(question, RATE_HZ)
        async for event in conversation:
            reply.add(event)
    report = reply.reports[0]
    assert "paris" in report.agent_text.lower()
    assert report.spoken_text
    hops = [segment.hop for segment in report.segments]
    assert sum(each.duration.ToNanoseconds() for each in report.segments) == report.voice_to_voice.ToNanoseconds() > 0
    assert report.segments[hops.index(common_pb2.HOP_TTS)].duration.ToNanoseconds() > 0
    assert len(reply.samples) / reply.sample_rate_hz > 0.3
    # Noise of random weights at the level of speech, neither silent nor clipped.
    assert 0.05 < np.sqrt(np.mean(reply.samples**2)) < 0.4


async def test_the_voice_and_its_description_reach_parler(addresses: dict[str, str]) -> None:
    async def described() -> int:
        async with create_channel(addresses["tts"]) as channel:
            request = tts_pb2.GetOptimizationStatusRequest()
            [engine] = (await TextToSpeechStub(channel).GetOptimizationStatus(request)).engines
        assert engine.slots_in_use == engine.queue_depth == 0
        return {cache.name: cache.misses for cache in engine.caches}["voice"]

    before = await described()
    voice: Options = {"voice": "parler-en-laura", "voice_description": "A low, slow voice.", "max_tokens": 16}
    async with VoiceClient(addresses["gateway"]) as client:
        events = [event async for event in client.ask("Hello.", **voice)]
    kinds = [event.WhichOneof("event") for event in events]
    assert "audio" in kinds
    assert kinds[-1] == "report"
    assert await described() == before + 1
