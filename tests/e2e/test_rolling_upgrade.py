"""A rolling upgrade of everything under twenty conversations, in real processes: no turn is lost.

The gateway is the real one; behind it are stand-ins with the scripted fakes, each a process of its own that starts, drains and
ends as services do. Each is replaced in turn as a Deployment with maxSurge 1 does it: another one starts, and once it is healthy
the old one gets SIGTERM. The calls of a pair are spread over two fixed addresses, as over the pods of a headless Service.
"""

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from maatu_client import VoiceClient
from maatu_client.conversation import Conversation
from maatu_client.ports import choose_ports
from maatu_client.profiles import SERVICES, ServiceName
from maatu_client.service_process import ServiceProcess, ServiceSpec

CONVERSATIONS = 20
SPEECH = np.full(16_000, 0.25, np.float32)
"""A second that the fake stt takes for speech."""
PAUSE_S = 0.3
"""Between an answer and what is said next: the machine is to be busy, not drowned."""
GRACE_S = {"stt": 1, "translate": 10, "agent": 10, "tts": 10, "gateway": 30}
"""How long each may drain. The streams to stt last as long as conversations: they are cut, in the middle of sentences."""
STAND_IN = '''
import os

from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_runtime.server import run
from maatu_runtime.testing import FakeServices

NAME = os.environ["STAND_IN"]


class Config(ServiceConfig):
    model_config = SettingsConfigDict(env_prefix=f"MAATU_{NAME.upper()}_", frozen=True, populate_by_name=True)


class Everyone(set):
    """The sessions of all agents, as those know them that share a Redis."""

    def __contains__(self, session_id):
        return True


def build(config):
    fakes = FakeServices()
    fakes.agent.sessions = Everyone()
    fakes.agent.script.delay_s, fakes.agent.script.step_s = 0.1, 0.01
    fakes.translate.script.delay_s = fakes.tts.script.delay_s = 0.02
    return fakes.services()[NAME]


run(NAME, Config, build)
'''


class Deployment:
    """Two places for the processes of each service, one of which is in use."""

    def __init__(self, directory: Path) -> None:
        (directory / "stand_in.py").write_text(STAND_IN)
        self._directory = directory
        hosts = dict.fromkeys(SERVICES, "127.0.0.1")
        first = choose_ports(hosts, {})
        second = choose_ports(hosts, {}, taken=first.values())
        self._ports = {name: (first[name], second[name]) for name in SERVICES}
        self._running: dict[ServiceName, tuple[int, ServiceProcess]] = {}

    def target(self, name: ServiceName) -> str:
        """Both addresses of a service."""
        return "ipv4:" + ",".join(f"127.0.0.1:{port}" for port in self._ports[name])

    async def start(self, name: ServiceName, place: int) -> ServiceProcess:
        """Starts a service at one of its places and waits until it is healthy."""
        prefix = f"MAATU_{name.upper()}_"
        port = self._ports[name][place]
        environment = {
            **os.environ,
            "PYTHONPATH": os.pathsep.join([str(self._directory), *sys.path]),
            "STAND_IN": name,
            f"{prefix}PORT": str(port),
            f"{prefix}METRICS_PORT": "0",
            f"{prefix}MAX_CONCURRENT_REQUESTS": str(2 * CONVERSATIONS),
            f"{prefix}DRAIN_GRACE_S": str(GRACE_S[name]),
        }
        if name == "gateway":
            environment |= {f"{prefix}{hop.upper()}_TARGET": self.target(hop) for hop in SERVICES if hop != "gateway"}
        module = "maatu_gateway" if name == "gateway" else "stand_in"
        process = ServiceProcess(
            ServiceSpec(name, module, "127.0.0.1", port, environment), self._directory / f"{name}-{place}.log"
        )
        await process.start()
        try:
            await process.wait_healthy(60)
        except BaseException:
            await process.stop(0)
            raise
        return process

    async def __aenter__(self) -> "Deployment":
        for name in SERVICES:
            self._running[name] = (0, await self.start(name, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(process.stop(10) for _, process in self._running.values()))

    async def replace(self, name: ServiceName) -> int:
        """Starts another process of a service, then has the old one end; returns its exit status."""
        place, old = self._running[name]
        self._running[name] = (1 - place, await self.start(name, 1 - place))
        return await old.stop(GRACE_S[name] + 20)


@dataclass
class Caller:
    """One person, who says one thing after another and notes what comes back. The client moves by itself."""

    number: int
    client: VoiceClient
    language: str
    answered: int = 0
    sessions: list[str] = field(default_factory=list)
    """The session that each gateway named."""
    is_done: bool = False

    async def talk(self) -> None:
        """Talks until `is_done`."""
        async with self.client.converse(self.language) as conversation:
            while not self.is_done:
                await self._turn(conversation)
                self.answered += 1
                await asyncio.sleep(PAUSE_S)

    async def _turn(self, conversation: Conversation) -> None:
        """Says one thing and hears the answer."""
        is_spoken = self.number % 2 == 0
        text = "hello there" if is_spoken else f"question {self.number}.{self.answered}"
        if is_spoken:
            speaking = conversation.speak(SPEECH, frame_ms=100, end=False)
        else:
            await conversation.send_text(text)
        async for event in conversation:
            kind = event.WhichOneof("event")
            assert kind not in ("interrupted", "status"), event
            if kind == "ready":
                self.sessions.append(event.ready.session_id)
            if kind == "report":
                assert event.report.transcript == text
                assert event.report.audio_duration.ToNanoseconds() > 0
                break
        else:
            raise AssertionError(f"the stream ended before {text} was answered")
        if is_spoken:
            await speaking


@pytest.fixture
async def deployment(tmp_path: Path) -> AsyncIterator[Deployment]:
    async with Deployment(tmp_path) as deployment:
        yield deployment


async def test_a_rolling_upgrade_with_fakes_behind_the_gateway_loses_no_turn(deployment: Deployment) -> None:
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(VoiceClient(deployment.target("gateway"))) for _ in range(CONVERSATIONS)
        ]
        callers = [
            Caller(number, client, "es-ES" if number % 4 == 1 else "en-US") for number, client in enumerate(clients)
        ]

        async def one_more_turn_each() -> None:
            before = [caller.answered for caller in callers]
            while any(caller.answered <= count for caller, count in zip(callers, before, strict=True)):
                await asyncio.sleep(0.02)

        async def upgrade() -> None:
            await one_more_turn_each()
            for name in SERVICES:
                assert await deployment.replace(name) == 0, name
                await one_more_turn_each()
            for caller in callers:
                caller.is_done = True

        async with asyncio.timeout(100), asyncio.TaskGroup() as group:
            for caller in callers:
                group.create_task(caller.talk())
            group.create_task(upgrade())

    # The gateway was replaced once: each conversation moved to the new one, with its history, and none was refused.
    for caller in callers:
        before, after = caller.sessions
        assert before == after
    assert min(caller.answered for caller in callers) >= len(SERVICES) + 1
