"""The local stack: five real child processes, which here are stand-ins that do nothing but answer health checks."""

import asyncio
import json
import os
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import psutil
import pytest

from maatu_client.ports import choose_ports
from maatu_client.profiles import SERVICES, Profile, ServiceName
from maatu_client.service_process import ServiceFailed
from maatu_client.supervisor import MAX_RESTARTS, LocalStack, Progress
from maatu_runtime.errors import ConfigurationError

STAND_IN = """
import json, os, signal, subprocess, sys, time
from concurrent import futures

name, behaviour = os.environ["STAND_IN"], os.environ.get("BEHAVIOUR", "serve")
print(json.dumps({key: value for key, value in os.environ.items() if key.startswith("MAATU_")}), flush=True)
if behaviour == "die":
    print("the model is not there", file=sys.stderr)
    sys.exit(2)
if behaviour == "hang":
    time.sleep(60)
if behaviour == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if behaviour == "parent":
    print("child", subprocess.Popen([sys.executable, "-S", "-c", "import time; time.sleep(60)"]).pid, flush=True)

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

server = grpc.server(futures.ThreadPoolExecutor(2))
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
prefix = f"MAATU_{name.upper()}_"
assert server.add_insecure_port(os.environ[prefix + "HOST"] + ":" + os.environ[prefix + "PORT"])
server.start()
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
if behaviour == "serve":
    signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop at", time.monotonic(), flush=True), os._exit(0)))
while True:
    time.sleep(60)
"""
PROFILE = Profile.model_validate(
    {
        "name": "test",
        "description": "For tests.",
        "services": {"stt": {"beam_size": 3, "models": {"*": "ಕನ್ನಡ"}}, "tts": {"chunk_ms": 40}},
    }
)

MakeStack = Callable[..., LocalStack]


@pytest.fixture
def make_stack(tmp_path: Path) -> MakeStack:
    """Makes stacks of stand-ins that log to tmp_path/logs."""
    (tmp_path / "stand_in.py").write_text(STAND_IN)

    def make(
        behaviours: Mapping[ServiceName, str] | None = None,
        on_progress: Callable[[Progress], None] = lambda progress: None,
        *,
        start_timeout_s: float = 30.0,
        stop_grace_s: float = 5.0,
        ports: Mapping[ServiceName, int] | None = None,
    ) -> LocalStack:
        overrides = {
            name: {
                "STAND_IN": name,
                "BEHAVIOUR": (behaviours or {}).get(name, "serve"),
                "PYTHONPATH": os.pathsep.join([str(tmp_path), *sys.path]),
            }
            for name in SERVICES
        }
        return LocalStack(
            PROFILE,
            tmp_path / "models",
            log_dir=tmp_path / "logs",
            ports=ports,
            overrides=overrides,
            modules=dict.fromkeys(SERVICES, "stand_in"),
            start_timeout_s=start_timeout_s,
            stop_grace_s=stop_grace_s,
            on_progress=on_progress,
        )

    return make


def logged_environment(log: Path) -> dict[str, str]:
    variables: dict[str, str] = json.loads(log.read_text(encoding="utf-8").splitlines()[0])
    return variables


async def gone(pid: int) -> None:
    """Waits until a process that is no child of ours has ended."""
    await asyncio.to_thread(psutil.wait_procs, [psutil.Process(pid)] if psutil.pid_exists(pid) else [], 10)
    assert not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE


async def test_all_services_start_with_their_settings_and_stop_gateway_first(
    make_stack: MakeStack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MAATU_TTS_CHUNK_MS", "60")
    progress: list[Progress] = []
    async with make_stack(on_progress=progress.append) as stack:
        assert {item.service for item in progress if item.state == "serving"} == set(SERVICES)
        assert len({stack.address(name) for name in SERVICES}) == len(SERVICES)
        pids = [stack.pid(name) for name in SERVICES]
        assert all(psutil.pid_exists(pid) for pid in pids)
        stt = logged_environment(tmp_path / "logs" / "stt.log")
        gateway = logged_environment(tmp_path / "logs" / "gateway.log")
        tts = logged_environment(tmp_path / "logs" / "tts.log")
        addresses = {name: stack.address(name) for name in SERVICES}
        metrics = stack.metrics_url("stt")
    assert not any(psutil.pid_exists(pid) for pid in pids)
    # The profile's settings arrive; this process's environment goes before them.
    assert stt["MAATU_STT_BEAM_SIZE"] == "3"
    assert json.loads(stt["MAATU_STT_MODELS"]) == {"*": "ಕನ್ನಡ"}
    assert tts["MAATU_TTS_CHUNK_MS"] == "60"
    assert stt["MAATU_MODELS_DIR"] == str(tmp_path / "models")
    assert addresses["stt"] == f"{stt['MAATU_STT_HOST']}:{stt['MAATU_STT_PORT']}"
    assert metrics == f"http://127.0.0.1:{stt['MAATU_STT_METRICS_PORT']}/metrics"
    for hop in ("stt", "translate", "agent", "tts"):
        assert gateway[f"MAATU_GATEWAY_{hop.upper()}_TARGET"] == addresses[hop]
    stopped_at = {
        name: float((tmp_path / "logs" / f"{name}.log").read_text(encoding="utf-8").split()[-1]) for name in SERVICES
    }
    assert stopped_at["gateway"] == min(stopped_at.values())
    assert next(item.service for item in progress if item.state == "stopped") == "gateway"


async def test_a_service_that_dies_at_start_is_named_with_its_log_and_the_others_are_stopped(
    make_stack: MakeStack,
) -> None:
    stack = make_stack({"agent": "die", "tts": "hang"})
    with pytest.raises(ServiceFailed, match="agent ended at its start with exit status 2") as failure:
        await stack.__aenter__()
    assert failure.value.service == "agent"
    assert "the model is not there" in str(failure.value)
    assert not any(psutil.pid_exists(stack.pid(name)) for name in SERVICES)


async def test_a_service_that_never_gets_healthy_fails_the_start_in_time(make_stack: MakeStack) -> None:
    stack = make_stack({"stt": "hang"}, start_timeout_s=2.0)
    with pytest.raises(ServiceFailed, match=r"was not healthy within 2 s"):
        await stack.__aenter__()
    assert not any(psutil.pid_exists(stack.pid(name)) for name in SERVICES)


async def test_a_service_can_be_killed_and_restarted_on_the_same_port(make_stack: MakeStack) -> None:
    async with make_stack() as stack:
        address, pid, other = stack.address("tts"), stack.pid("tts"), stack.pid("stt")
        await stack.kill("tts")
        assert not psutil.pid_exists(pid)
        await stack.start("tts")
        await stack.restart("tts")
        assert stack.pid("tts") != pid
        assert stack.address("tts") == address
        assert stack.pid("stt") == other


async def test_what_ignores_sigterm_is_killed_after_the_grace_with_all_it_started(
    make_stack: MakeStack, tmp_path: Path
) -> None:
    async with make_stack({"stt": "stubborn", "agent": "parent"}, stop_grace_s=0.3) as stack:
        stubborn, parent = stack.pid("stt"), stack.pid("agent")
        grandchild = int((tmp_path / "logs" / "agent.log").read_text(encoding="utf-8").split()[-1])
        assert psutil.pid_exists(grandchild)
    assert not psutil.pid_exists(stubborn)
    assert not psutil.pid_exists(parent)
    await gone(grandchild)


async def test_a_service_that_dies_later_is_brought_back_until_it_dies_too_often(make_stack: MakeStack) -> None:
    serving: asyncio.Queue[str] = asyncio.Queue()
    ended: list[str] = []

    def on_progress(progress: Progress) -> None:
        if progress.state == "serving":
            serving.put_nowait(progress.service)
        elif progress.state == "ended":
            ended.append(progress.detail)

    async with make_stack(on_progress=on_progress) as stack:
        for _ in SERVICES:
            serving.get_nowait()
        supervising = asyncio.create_task(stack.supervise())
        for _ in range(MAX_RESTARTS):
            os.kill(stack.pid("translate"), signal.SIGKILL)
            assert await serving.get() == "translate"
        os.kill(stack.pid("translate"), signal.SIGKILL)
        with pytest.raises(ServiceFailed, match="translate ended with signal SIGKILL"):
            await supervising
    assert len(ended) == MAX_RESTARTS + 1


async def test_the_services_die_with_the_process_that_started_them(tmp_path: Path) -> None:
    (tmp_path / "sleeper.py").write_text("import time\nprint('up', flush=True)\ntime.sleep(60)\n")
    starter = f"""
import asyncio, os, sys
from pathlib import Path
from maatu_client.service_process import ServiceProcess, ServiceSpec

async def main():
    environment = dict(os.environ, PYTHONPATH={str(tmp_path)!r})
    process = ServiceProcess(ServiceSpec("x", "sleeper", "127.0.0.1", 1, environment), Path({str(tmp_path / "x.log")!r}))
    await process.start()
    print(process.pid, flush=True)
    await process.wait()

asyncio.run(main())
"""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        starter,
        stdout=asyncio.subprocess.PIPE,
        env=dict(os.environ, PYTHONPATH=os.pathsep.join(sys.path)),
    )
    assert process.stdout is not None
    child = int(await process.stdout.readline())
    process.kill()
    await process.communicate()
    await gone(child)


async def test_a_port_that_is_taken_is_named_before_anything_starts(make_stack: MakeStack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        progress: list[Progress] = []
        stack = make_stack(on_progress=progress.append, ports={"agent": port})
        with pytest.raises(ConfigurationError, match=rf"127\.0\.0\.1:{port} \(agent\): Address already in use"):
            await stack.__aenter__()
    assert progress == []


def test_chosen_ports_are_free_and_distinct() -> None:
    hosts = dict.fromkeys(SERVICES, "127.0.0.1")
    ports = choose_ports(hosts, {"gateway": 50050})
    assert ports["gateway"] == 50050
    assert len(set(ports.values())) == len(SERVICES)
    assert not set(ports.values()) & set(choose_ports(hosts, {}, taken=ports.values()).values())
    with socket.create_server(("127.0.0.1", ports["stt"])):  # it is free indeed
        assert ports["stt"] not in choose_ports(hosts, {}).values()


def test_chosen_ports_are_none_that_a_connection_may_get_before_the_service_listens() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        socket.create_connection(listener.getsockname()) as connection,
    ):
        outgoing = connection.getsockname()[1]
    assert max(choose_ports(dict.fromkeys(SERVICES, "127.0.0.1"), {}).values()) < min(outgoing, 32_768)


async def test_a_host_of_another_machine_is_named(tmp_path: Path) -> None:
    stack = LocalStack(PROFILE, tmp_path / "models", log_dir=tmp_path / "logs", host="192.0.2.1")
    with pytest.raises(ConfigurationError, match=r"192\.0\.2\.1:\d+ \(gateway\): Cannot assign"):
        await stack.__aenter__()
