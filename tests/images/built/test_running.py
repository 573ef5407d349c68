"""The images' programs, run as Kubernetes runs them: user 10001, read-only root, process 1, embedded models over /models."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from maatu.v1 import agent_pb2, agent_pb2_grpc

pytestmark = pytest.mark.timeout(1800)  # the first test of an image builds it

ENDED_BY_SIGTERM = 128 + signal.SIGTERM


@pytest.fixture(autouse=True)
def nothing_is_left_running(service: Any) -> Iterator[None]:
    yield
    service.end_all()


def on_free_ports(name: str, **settings: str) -> dict[str, str]:
    """Settings of a service that shares this machine's network with others."""
    prefix = f"MAATU_{name.upper()}_"
    return {f"{prefix}HOST": "127.0.0.1", f"{prefix}PORT": "0", f"{prefix}METRICS_PORT": "0", **settings}


def has_handler(pid: int, signum: int) -> bool:
    """Whether a process catches a signal."""
    status = Path(f"/proc/{pid}/status").read_text()
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (signum - 1) & 1)


def is_python(running: Any) -> bool:
    """Whether process 1 has become Python already."""
    try:
        return Path(f"/proc/{running.pid}/comm").read_text().startswith("python")
    except (ValueError, FileNotFoundError):  # not forked yet
        return False


def signal_process(running: Any) -> None:
    """Sends SIGTERM to process 1, as the kubelet does."""
    os.kill(running.pid, signal.SIGTERM)


def test_check_passes(service: Any) -> None:
    assert f"{service.name}: imports and configuration are sound" in service.output_of("--check")


def test_it_runs_as_a_user_with_a_name(service: Any) -> None:
    program = "import getpass, os; print(os.getuid(), os.getgid(), os.getpid(), getpass.getuser())"
    assert service.output_of("-c", program, entrypoint=["python"]).split() == ["10001", "10001", "1", "maatu"]


def test_its_files_cannot_be_changed(service: Any) -> None:
    program = "from pathlib import Path; Path('/opt/maatu/x').touch()"
    running = service.start("-c", program, entrypoint=["python"])
    assert running.ended() != 0
    assert "Read-only file system" in "".join(running.lines)


def test_a_wrong_setting_ends_the_start_with_its_name(service: Any) -> None:
    variable = f"MAATU_{service.name.upper()}_PORT"
    running = service.start(environment={variable: "seventy"})
    assert running.ended() == 2
    assert variable in "".join(running.lines)


def test_it_serves_with_real_models_and_ends_at_sigterm(service: Any, models_dir: Path) -> None:
    running = service.start(environment=on_free_ports(service.name), models=models_dir)
    port = running.until("listening")["port"]
    running.until("serving")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = health_pb2_grpc.HealthStub(channel)
        assert stub.Check(health_pb2.HealthCheckRequest()).status == health_pb2.HealthCheckResponse.SERVING
    signal_process(running)
    assert running.ended() == 0
    assert '"stopped"' in running.lines[-1]


def test_sigterm_during_the_imports_ends_it_at_once(service: Any) -> None:
    running = service.start(environment=on_free_ports(service.name))
    while not is_python(running) or not has_handler(running.pid, signal.SIGTERM):
        assert running.process.poll() is None
    signal_process(running)
    assert running.ended() == ENDED_BY_SIGTERM
    assert not running.lines


@pytest.mark.parametrize("service", ["agent"], indirect=True)
def test_a_running_call_ends_before_the_process_with_fake_model(service: Any) -> None:
    words = " ".join(f"word{number}" for number in range(30))
    running = service.start(
        environment=on_free_ports(
            "agent", MAATU_AGENT_BACKEND="fake", MAATU_AGENT_FAKE_ANSWER=words, MAATU_AGENT_FAKE_TOKEN_MS="30"
        )
    )
    port = running.until("listening")["port"]
    running.until("serving")
    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:
        request = agent_pb2.RespondRequest(session_id="s", turn_id="t", text="hello")
        call = agent_pb2_grpc.AgentStub(channel).Respond(request)
        first = next(call)
        signal_process(running)
        messages = [first, *call]
    assert "".join(message.delta.text for message in messages) == words
    assert running.ended() == 0
