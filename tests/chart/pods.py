"""One pod of a rendered chart as a process of this machine, with its probes performed as the kubelet does."""

import asyncio
import contextlib
import os
import re
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from maatu_runtime import die_with_parent
from tests.chart.rendering import Manifest

_POLL_S = 0.05
_START_S = 240
"""Longest start. The chart's own limit is for a node that is not busy with other tests."""
_PROBE_S = 60
"""Longest probe, as long for the same reason."""
_LOG_TAIL_CHARS = 3_000


class PodFailed(AssertionError):
    """A pod's process ended, or its startup probe did not succeed in its time. Shows the end of its log."""


def with_places(text: str, places: Mapping[str, str]) -> str:
    """A text with the paths of mounts replaced by directories of this machine."""
    paths = "|".join(map(re.escape, sorted(places, key=len, reverse=True)))
    return re.sub(rf"(?<![\w./-])({paths})(?=[/\s\"']|$)", lambda found: places[found[1]], text) if places else text


@dataclass
class LocalPod:
    """One pod as a process. Made by `LocalCluster.pods`."""

    name: str
    address: str
    command: Sequence[str]
    environment: Mapping[str, str]
    container: Manifest
    places: Mapping[str, str]
    """This machine's directory for each mount path."""
    termination_grace_s: float
    log: Path
    _process: asyncio.subprocess.Process | None = field(default=None)

    @property
    def process(self) -> asyncio.subprocess.Process:
        """The running process."""
        assert self._process is not None, f"{self.name} is not started"
        return self._process

    def port(self, name: str) -> int:
        """A port of the container by its name."""
        return next(int(port["containerPort"]) for port in self.container["ports"] if port["name"] == name)

    async def start(self) -> None:
        """Starts the process and performs its startup probe until it succeeds.

        Raises:
            PodFailed: The process ended, or the probe never succeeded.
        """
        with self.log.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), *self.command),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
            )
        probe = self.container.get("startupProbe") or self.container["readinessProbe"]
        try:
            async with asyncio.timeout(_START_S):
                while not await self.probe(probe):
                    if self.process.returncode is not None:
                        raise PodFailed(f"{self.name} ended with {self.process.returncode}:\n{self.log_tail()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise PodFailed(f"{self.name} does not become ready:\n{self.log_tail()}") from None

    async def probe(self, probe: Manifest) -> bool:
        """Performs a probe once, as the kubelet does."""
        async with asyncio.timeout(_PROBE_S):
            if "grpc" in probe:
                return await self._probe_grpc(probe["grpc"]["port"], probe["grpc"].get("service", ""))
            port = probe["tcpSocket"]["port"]
            try:
                _, writer = await asyncio.open_connection(
                    self.address, port if isinstance(port, int) else self.port(port)
                )
            except OSError:
                return False
            writer.close()
            return True

    async def _probe_grpc(self, port: int, service: str) -> bool:
        options = [("grpc.use_local_subchannel_pool", 1)]
        async with grpc.aio.insecure_channel(f"{self.address}:{port}", options=options) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods are untyped
            try:
                answer = await stub.Check(health_pb2.HealthCheckRequest(service=service))
            except grpc.aio.AioRpcError:
                return False
            return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def terminate(self) -> int:
        """SIGTERM, as the kubelet sends it; returns the exit status."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGTERM)
        return await self.process.wait()

    async def kill(self) -> None:
        """Ends it at once, with all it started."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            await self.process.wait()

    def log_tail(self) -> str:
        """The end of its log."""
        return self.log.read_text(encoding="utf-8", errors="replace")[-_LOG_TAIL_CHARS:]
