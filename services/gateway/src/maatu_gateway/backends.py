"""The services behind the gateway: a channel to each, another to each canary, and which of them a conversation talks to."""

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Literal

import grpc
import structlog

from maatu.v1 import agent_pb2_grpc, stt_pb2_grpc, translate_pb2_grpc, tts_pb2, tts_pb2_grpc
from maatu_gateway import metrics
from maatu_gateway.config import Config
from maatu_gateway.traffic import HOP_NAMES, Canary, HopName, Traffic, is_drawn
from maatu_runtime.channel import create_channel

Side = Literal["stable", "canary"]

log = structlog.get_logger()

_STUBS: Mapping[HopName, Callable[[grpc.aio.Channel], Any]] = {
    "stt": stt_pb2_grpc.SpeechToTextStub,
    "translate": translate_pb2_grpc.TranslationStub,
    "agent": agent_pb2_grpc.AgentStub,
    "tts": tts_pb2_grpc.TextToSpeechStub,
}


class Backend:
    """One side of one service: a channel, shared by all conversations on that side.

    Args:
        hop: Which service.
        target: Where it is.
        config: TLS, and how long its lists are remembered.
        canary: Which canary it is; None: the stable side.
    """

    def __init__(self, hop: HopName, target: str, config: Config, canary: Canary | None = None) -> None:
        self.hop = hop
        self.canary = canary
        self.channel = create_channel(target, tls_ca=config.tls_ca)
        self.stub: Any = _STUBS[hop](self.channel)
        self.conversations = 0
        """How many talk to it."""
        self._ttl_s = config.directory_ttl_s
        self._voices: tuple[float, list[tts_pb2.VoiceInfo]] | None = None

    @property
    def side(self) -> Side:
        """Which side it is."""
        return "stable" if self.canary is None else "canary"

    @property
    def voices(self) -> list[tts_pb2.VoiceInfo] | None:
        """The voices it listed; None where it is to be asked."""
        if self._voices is None or time.monotonic() - self._voices[0] > self._ttl_s:
            return None
        return self._voices[1]

    @voices.setter
    def voices(self, voices: list[tts_pb2.VoiceInfo]) -> None:
        self._voices = (time.monotonic(), voices)

    def join(self) -> None:
        """One more conversation talks to it."""
        self.conversations += 1
        metrics.CONVERSATIONS_BY_SIDE.labels(self.hop, self.side).inc()

    def leave(self) -> None:
        """One conversation less."""
        self.conversations -= 1
        metrics.CONVERSATIONS_BY_SIDE.labels(self.hop, self.side).dec()


class Backends:
    """All sides of all services.

    Args:
        config: Where the stable ones are, and the traffic file that says where canaries are.
    """

    def __init__(self, config: Config) -> None:
        self._config = config
        self.traffic = Traffic(config.traffic_file)
        """The canaries at present."""
        targets: Mapping[HopName, str] = {
            "stt": config.stt_target,
            "translate": config.translate_target,
            "agent": config.agent_target,
            "tts": config.tts_target,
        }
        self._stable = {hop: Backend(hop, targets[hop], config) for hop in HOP_NAMES}
        self._canaries: list[Backend] = []
        self._watching: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Learns of the canaries there are, and keeps watching for changes."""
        await self.traffic.refresh()
        if self._config.traffic_file is not None:
            self._watching = asyncio.create_task(self._watch(), name="traffic-file")

    async def close(self) -> None:
        """Stops watching and closes the channels; calls under way are cancelled."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
        await asyncio.gather(*(backend.channel.close() for backend in (*self._stable.values(), *self._canaries)))

    @contextmanager
    def drawn(self, session_id: str) -> Iterator["Sides"]:
        """The sides of one conversation, for as long as it lasts."""
        sides = Sides(self, {hop: self._draw(session_id, hop) for hop in HOP_NAMES})
        try:
            yield sides
        finally:
            sides.leave()

    def stable(self, hop: HopName) -> Backend:
        """The stable side of a service."""
        return self._stable[hop]

    @property
    def open_canaries(self) -> int:
        """Canaries that have a channel: those there are, and those that a conversation has not left yet."""
        return len(self._canaries)

    def is_gone(self, backend: Backend) -> bool:
        """Whether a backend is a canary that is there no more."""
        return backend.canary is not None and not self.traffic.holds(backend.hop, backend.canary)

    def _draw(self, session_id: str, hop: HopName) -> Backend:
        canary = self.traffic.canaries.get(hop)
        drawn = canary is not None and is_drawn(session_id, hop, canary)
        backend = self._canary(hop, canary) if canary is not None and drawn else self._stable[hop]
        metrics.SIDES_DRAWN.labels(hop, backend.side).inc()
        return backend

    def _canary(self, hop: HopName, canary: Canary) -> Backend:
        for backend in self._canaries:
            if backend.hop == hop and not self.is_gone(backend):
                return backend
        backend = Backend(hop, canary.target, self._config, canary)
        self._canaries.append(backend)
        return backend

    async def _watch(self) -> None:
        while True:
            await asyncio.sleep(self._config.traffic_poll_s)
            try:
                await self.traffic.refresh()
                await self._close_unused()
            except Exception:  # a defect here must not end the watching: aborting a canary depends on it
                log.exception("traffic_watch_failed")

    async def _close_unused(self) -> None:
        unused = [backend for backend in self._canaries if self.is_gone(backend) and not backend.conversations]
        self._canaries = [backend for backend in self._canaries if backend not in unused]
        await asyncio.gather(*(backend.channel.close() for backend in unused))


class Sides:
    """Which side of each service one conversation talks to. Drawn once, at its beginning.

    Args:
        backends: All there are.
        drawn: By hop.
    """

    def __init__(self, backends: Backends, drawn: dict[HopName, Backend]) -> None:
        self._backends = backends
        self._by_hop = drawn
        for backend in drawn.values():
            backend.join()

    def __getitem__(self, hop: HopName) -> Backend:
        return self._by_hop[hop]

    def is_gone(self, hop: HopName) -> bool:
        """Whether the conversation's side of a hop is there no more."""
        return self._backends.is_gone(self._by_hop[hop])

    def settle(self, hop: HopName) -> bool:
        """Takes the stable side of a hop where the conversation's own is gone: the one move there is.

        Returns:
            Whether it moved.
        """
        before = self._by_hop[hop]
        if not self._backends.is_gone(before):
            return False
        self._by_hop[hop] = after = self._backends.stable(hop)
        after.join()
        before.leave()
        metrics.SIDES_LOST.labels(hop).inc()
        return True

    def leave(self) -> None:
        """The conversation is over."""
        for backend in self._by_hop.values():
            backend.leave()
