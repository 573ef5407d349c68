"""One service as a child process: started, watched until it is healthy, stopped."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from maatu_runtime import die_with_parent

LOG_TAIL_LINES = 12
"""Lines of its log that are shown when a service fails."""
_POLL_S = 0.1


class ServiceFailed(Exception):
    """A service did not become healthy, or ended by itself.

    Attributes:
        service: Its name.
        log_tail: The last lines of its log.
    """

    def __init__(self, service: str, what: str, log_path: Path, log_tail: list[str]) -> None:
        shown = "".join(f"\n  | {line}" for line in log_tail) or " nothing"
        super().__init__(f"{service} {what}. The end of {log_path}:{shown}")
        self.service = service
        self.log_tail = log_tail


@dataclass(frozen=True)
class ServiceSpec:
    """What to start and where it listens."""

    name: str
    """Short name: "stt"."""
    module: str
    """Python module that is run: "maatu_stt"."""
    host: str
    """Address it listens on."""
    port: int
    """Its gRPC port."""
    environment: Mapping[str, str]
    """Its whole environment."""

    @property
    def address(self) -> str:
        """HOST:PORT at which others on this machine reach it."""
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(self.host, self.host)
        return f"[{host}]:{self.port}" if ":" in host else f"{host}:{self.port}"


class ServiceProcess:
    """A child process that runs one service. It dies with this process, and is never started twice.

    Args:
        spec: What to start.
        log_path: File its output goes to; what an earlier run left there is overwritten.
        clock: Seconds that only go up.
    """

    def __init__(self, spec: ServiceSpec, log_path: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self.spec = spec
        self.log_path = log_path
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self.stopping = False
        """Its end is wanted: whoever watches it need not be alarmed."""

    @property
    def started(self) -> bool:
        """It was started; it may have ended since."""
        return self._process is not None

    @property
    def pid(self) -> int:
        """Process id."""
        return self._child.pid

    @property
    def returncode(self) -> int | None:
        """Exit status, negative for a signal; None while it runs."""
        return self._child.returncode

    @property
    def _child(self) -> asyncio.subprocess.Process:
        assert self._process is not None, f"{self.spec.name} is not started"
        return self._process

    async def start(self) -> None:
        """Starts the process; returns at once."""
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())),
                *(sys.executable, "-m", self.spec.module),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=log,
                stderr=asyncio.subprocess.STDOUT,
                env=dict(self.spec.environment),
                # Ctrl-C in a terminal goes to its whole process group; the services are stopped in order instead.
                start_new_session=True,
            )

    async def wait_healthy(self, timeout_s: float) -> float:
        """Waits until the service says SERVING; returns the seconds that took.

        Raises:
            ServiceFailed: It ended before, or time ran out.
        """
        begun = self._clock()
        health = asyncio.create_task(self._until_serving(), name=f"health of {self.spec.name}")
        exit_ = asyncio.create_task(self._child.wait(), name=f"exit of {self.spec.name}")
        try:
            await asyncio.wait([health, exit_], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
            if exit_.done():
                raise self.failure(f"ended at its start with {_status_text(exit_.result())}")
            if not health.done():
                raise self.failure(f"was not healthy within {timeout_s:g} s")
            await health
            return self._clock() - begun
        finally:
            health.cancel()
            exit_.cancel()
            await asyncio.gather(health, exit_, return_exceptions=True)

    async def wait(self) -> int:
        """Waits for the end of the process; returns its exit status, negative for a signal."""
        return await self._child.wait()

    async def stop(self, grace_s: float) -> int:
        """Asks it to end (SIGTERM), then makes it (SIGKILL, with all it started); returns its exit status.

        Args:
            grace_s: How long it may take to end by itself.
        """
        self.stopping = True
        self.send_signal(signal.SIGTERM)
        try:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._child.wait(), grace_s)
        finally:
            # Its session may hold children of its own, which must not stay behind either.
            _kill_group(self.pid)
        return await self._child.wait()

    def send_signal(self, signum: signal.Signals) -> None:
        """Sends a signal; a process that has ended is left alone."""
        if self.returncode is None:
            self._child.send_signal(signum)

    def failure(self, what: str) -> ServiceFailed:
        """The error that says what it did, with the end of its log."""
        return ServiceFailed(self.spec.name, what, self.log_path, self.log_tail())

    def exit_failure(self) -> ServiceFailed:
        """The error that says how it ended."""
        return self.failure(f"ended with {_status_text(self.returncode or 0)}")

    def log_tail(self, lines: int = LOG_TAIL_LINES) -> list[str]:
        """The last lines of its log."""
        with self.log_path.open(encoding="utf-8", errors="replace") as log:
            return [line.rstrip("\n") for line in deque(log, lines)]

    async def _until_serving(self) -> None:
        request = health_pb2.HealthCheckRequest()
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 100)]
        async with grpc.aio.insecure_channel(self.spec.address, options=options) as channel:
            stub: Any = health_pb2_grpc.HealthStub(channel)  # its methods are untyped
            while True:
                try:
                    answer = await stub.Check(request, timeout=1.0)
                except grpc.aio.AioRpcError:  # it does not listen yet
                    answer = None
                if answer is not None and answer.status == health_pb2.HealthCheckResponse.SERVING:
                    return
                await asyncio.sleep(_POLL_S)


def _status_text(returncode: int) -> str:
    if returncode < 0:
        return f"signal {signal.Signals(-returncode).name}"
    return f"exit status {returncode}"


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
