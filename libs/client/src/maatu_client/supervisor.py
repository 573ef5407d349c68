"""All five services on this machine, as real processes, from one `async with`."""

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal, Self

from maatu_client.ports import check_ports_free, choose_ports
from maatu_client.profiles import SERVICES, Profile, ServiceName, environment
from maatu_client.service_process import ServiceProcess, ServiceSpec

MODULES: Mapping[ServiceName, str] = {name: f"maatu_{name}" for name in SERVICES}
"""The module that each service runs as."""
DRAIN_GRACE_S = 3.0
"""How long the services of a local stack let running requests finish. Nobody else's call is on them."""
STOP_GRACE_S = 8.0
"""How long a service may take to end before it is killed; more than DRAIN_GRACE_S."""
RESTART_WINDOW_S = 60.0
"""A service that ends `MAX_RESTARTS` times within this time is not brought back again."""
MAX_RESTARTS = 3

State = Literal["starting", "serving", "ended", "stopped"]


@dataclass(frozen=True)
class Progress:
    """Something that happened to one service."""

    service: ServiceName
    state: State
    """"ended" is an end that nobody asked for."""
    address: str
    """HOST:PORT of its gRPC server."""
    seconds: float = 0.0
    """For "serving": how long the start took."""
    detail: str = ""
    """For "ended": how, with the end of its log."""


class LocalStack:
    """The five services as child processes on one machine.

        async with LocalStack(load_profile("embedded"), models_dir) as stack:
            async with VoiceClient(stack.address("gateway")) as client: ...

    Entering starts them all and returns when each is healthy; leaving stops them, the gateway first. They never outlive this
    process. The environment of each is, each over the one before: the profile, the MAATU_… variables of this process,
    `overrides`, and the addresses that are decided here.

    Args:
        profile: Which models and settings.
        models_dir: Where the models are.
        log_dir: Where <service>.log files go.
        host: Address that the gateway listens on. The others listen on loopback only.
        ports: gRPC ports by service; a free one is found for those left out.
        metrics_ports: Ports of the metrics pages by service; a free one is found for those left out.
        overrides: Further environment variables by service.
        modules: Other modules to run in place of the services' own: stand-ins in tests.
        start_timeout_s: How long all may take to become healthy.
        stop_grace_s: How long each may take to end before it is killed.
        on_progress: Told what happens to each service.
        clock: Seconds that only go up.

    Raises:
        ConfigurationError: on entering, a port is taken; nothing was started.
        ServiceFailed: on entering, a service did not become healthy; the others are stopped again.
    """

    def __init__(
        self,
        profile: Profile,
        models_dir: Path,
        *,
        log_dir: Path = Path("build/logs"),
        host: str = "127.0.0.1",
        ports: Mapping[ServiceName, int] | None = None,
        metrics_ports: Mapping[ServiceName, int] | None = None,
        overrides: Mapping[ServiceName, Mapping[str, str]] | None = None,
        modules: Mapping[ServiceName, str] = MODULES,
        start_timeout_s: float = 120.0,
        stop_grace_s: float = STOP_GRACE_S,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._log_dir = log_dir
        self._start_timeout_s = start_timeout_s
        self._stop_grace_s = stop_grace_s
        self._on_progress = on_progress
        self._clock = clock
        self._restarts: dict[ServiceName, list[float]] = {name: [] for name in SERVICES}
        hosts = {name: host if name == "gateway" else "127.0.0.1" for name in SERVICES}
        chosen = choose_ports(hosts, ports or {})
        chosen_metrics = choose_ports(hosts, metrics_ports or {}, taken=chosen.values())
        self._listeners = [
            (name, hosts[name], port) for table in (chosen, chosen_metrics) for name, port in table.items()
        ]
        specs: dict[ServiceName, ServiceSpec] = {}
        for name in SERVICES:  # the gateway is last, and is told where the others are
            prefix = f"MAATU_{name.upper()}_"
            variables = {
                **os.environ,
                **{key: value for key, value in environment(profile, name).items() if key not in os.environ},
                f"{prefix}DRAIN_GRACE_S": str(DRAIN_GRACE_S),
                "PYTHONUNBUFFERED": "1",
                **(overrides or {}).get(name, {}),
                f"{prefix}HOST": hosts[name],
                f"{prefix}PORT": str(chosen[name]),
                f"{prefix}METRICS_PORT": str(chosen_metrics[name]),
                "MAATU_MODELS_DIR": str(models_dir.resolve()),
            }
            if name == "gateway":
                variables |= {f"{prefix}{hop.upper()}_TARGET": spec.address for hop, spec in specs.items()}
            specs[name] = ServiceSpec(name, modules[name], hosts[name], chosen[name], variables)
        self._processes = {name: self._process(specs[name]) for name in SERVICES}

    def address(self, service: ServiceName) -> str:
        """HOST:PORT of a service's gRPC server."""
        return self._processes[service].spec.address

    def metrics_url(self, service: ServiceName) -> str:
        """URL of a service's metrics page."""
        spec = self._processes[service].spec
        host = spec.address.rpartition(":")[0]
        return f"http://{host}:{spec.environment[f'MAATU_{service.upper()}_METRICS_PORT']}/metrics"

    def pid(self, service: ServiceName) -> int:
        """Process id of a service."""
        return self._processes[service].pid

    async def __aenter__(self) -> Self:
        # A server that is there already would answer the health checks in place of ours.
        check_ports_free(self._listeners)
        try:
            await self._for_each(self.start)
        except BaseException:
            await self.stop_all()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop_all()

    async def start(self, service: ServiceName) -> None:
        """Starts one service that is not running, on the same ports as before, and waits until it is healthy.

        Raises:
            ServiceFailed: It did not become healthy.
        """
        process = self._process(self._processes[service].spec)
        self._processes[service] = process
        self._tell(service, "starting")
        await process.start()
        seconds = await process.wait_healthy(self._start_timeout_s)
        self._tell(service, "serving", seconds=seconds)

    async def stop(self, service: ServiceName) -> None:
        """Stops one service; the others go on."""
        process = self._processes[service]
        if process.started:
            await process.stop(self._stop_grace_s)
            self._tell(service, "stopped")

    async def kill(self, service: ServiceName) -> None:
        """Kills one service outright, as a crash does, and waits until it is gone."""
        process = self._processes[service]
        process.stopping = True
        process.send_signal(signal.SIGKILL)
        await process.stop(0)

    async def restart(self, service: ServiceName) -> None:
        """Stops one service and starts it again."""
        await self.stop(service)
        await self.start(service)

    async def stop_all(self) -> None:
        """Stops the gateway, so that no conversation meets a missing hop, then the others together."""
        try:
            await self.stop("gateway")
        finally:
            await asyncio.gather(*(self.stop(name) for name in SERVICES if name != "gateway"))

    async def supervise(self) -> None:
        """Brings back each service that ends by itself, for as long as it is awaited.

        A service that is stopped on purpose is left alone from then on.

        Raises:
            ServiceFailed: One ended too often, or did not become healthy again.
        """
        await self._for_each(self._keep_alive)

    async def _for_each(self, work: Callable[[ServiceName], Coroutine[Any, Any, None]]) -> None:
        """Works on all services at once; the first failure ends the work on the others and is raised."""
        try:
            async with asyncio.TaskGroup() as group:
                for name in SERVICES:
                    group.create_task(work(name), name=f"{work.__name__} {name}")
        except BaseExceptionGroup as failures:
            raise failures.exceptions[0] from None

    async def _keep_alive(self, service: ServiceName) -> None:
        while True:
            process = self._processes[service]
            await process.wait()
            if process.stopping:
                return
            failure = process.exit_failure()
            self._tell(service, "ended", detail=str(failure))
            await process.stop(0)  # what it left behind
            now = self._clock()
            recent = [at for at in self._restarts[service] if now - at < RESTART_WINDOW_S]
            if len(recent) >= MAX_RESTARTS:
                raise failure
            self._restarts[service] = [*recent, now]
            await self.start(service)

    def _process(self, spec: ServiceSpec) -> ServiceProcess:
        return ServiceProcess(spec, self._log_dir / f"{spec.name}.log", self._clock)

    def _tell(self, service: ServiceName, state: State, *, seconds: float = 0.0, detail: str = "") -> None:
        self._on_progress(Progress(service, state, self.address(service), seconds, detail))
