"""The `maatu` command: its options, its errors, and `maatu up` with stand-in services."""

import asyncio
import os
import signal
import sys
from pathlib import Path

import psutil
import pytest
from typer.testing import CliRunner

from maatu_client.cli.app import app
from maatu_client.cli.player import find_player, play
from maatu_client.ports import choose_ports
from maatu_client.profiles import SERVICES, load_profile

EMPTY_PROFILE = "name: mine\ndescription: For tests.\n"
STAND_IN = """
import os, signal, threading
from concurrent import futures
import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

name = __spec__.name.removeprefix("maatu_").removesuffix(".__main__")
server = grpc.server(futures.ThreadPoolExecutor(2))
servicer = health.HealthServicer()
health_pb2_grpc.add_HealthServicer_to_server(servicer, server)
server.add_insecure_port("127.0.0.1:" + os.environ[f"MAATU_{name.upper()}_PORT"])
server.start()
if name == "agent" and os.environ.get("AGENT_FAILS"):
    raise SystemExit("agent: no")
servicer.set("", health_pb2.HealthCheckResponse.SERVING)
stop = threading.Event()
signal.signal(signal.SIGTERM, lambda *_: stop.set())
stop.wait()
server.stop(0).wait()
"""


@pytest.fixture
def up_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """`maatu up` on free ports with stand-ins in place of the five services."""
    for name in SERVICES:
        package = tmp_path / "stand-ins" / f"maatu_{name}"
        package.mkdir(parents=True)
        (package / "__init__.py").touch()
        (package / "__main__.py").write_text(STAND_IN)
    (tmp_path / "mine.yaml").write_text(EMPTY_PROFILE)
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(tmp_path / "stand-ins"), *sys.path]))
    monkeypatch.setenv("COLUMNS", "200")
    ports = choose_ports(dict.fromkeys(SERVICES, "127.0.0.1"), {})
    profile, logs = str(tmp_path / "mine.yaml"), str(tmp_path / "logs")
    base = ["--gateway-port", str(min(ports.values())), "--profile", profile, "--log-dir", logs]
    return [sys.executable, "-m", "maatu_client", "up", *base]


async def start(command: list[str]) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        *command, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )


async def read_until(process: asyncio.subprocess.Process, text: str) -> str:
    """What the process prints, up to and with the line that has the text."""
    assert process.stdout is not None
    seen = ""
    while text not in seen:
        line = await process.stdout.readline()
        assert line, seen
        seen += line.decode()
    return seen


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGTERM])
async def test_up_prints_a_line_a_service_and_stops_all_on_a_signal(
    up_command: list[str], signum: signal.Signals
) -> None:
    process = await start(up_command)
    seen = await read_until(process, "Ctrl-C")
    children = psutil.Process(process.pid).children()
    assert len(children) == len(SERVICES)
    for name in SERVICES:
        (line,) = [line for line in seen.splitlines() if line.startswith(name) and "healthy after" in line]
        assert "127.0.0.1:" in line
    assert "maatu talk --server 127.0.0.1:" in seen
    process.send_signal(signum)
    out, err = await process.communicate()
    assert process.returncode == 0
    assert "all services stopped" in out.decode()
    assert err == b""
    assert not any(child.is_running() for child in children)


async def test_up_brings_back_a_service_that_dies(up_command: list[str]) -> None:
    process = await start(up_command)
    await read_until(process, "Ctrl-C")
    victim = next(child for child in psutil.Process(process.pid).children() if child.cmdline()[-1] == "maatu_tts")
    victim.kill()
    seen = await read_until(process, "healthy after")
    assert "tts ended with signal SIGKILL" in seen
    assert "starting tts again" in seen
    process.send_signal(signal.SIGINT)
    await process.communicate()
    assert process.returncode == 0


async def test_up_with_a_service_that_cannot_start_says_why_and_stops_the_rest(
    up_command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AGENT_FAILS", "1")
    process = await start(up_command)
    _, err = await process.communicate()
    assert process.returncode == 1
    assert "maatu: agent ended at its start with exit status 1" in err.decode()
    assert "| agent: no" in err.decode()
    assert "Traceback" not in err.decode()


async def test_up_interrupted_while_it_starts_leaves_nothing_behind(up_command: list[str]) -> None:
    process = await start(up_command)
    await read_until(process, "profile mine")
    process.send_signal(signal.SIGINT)
    _, err = await process.communicate()
    assert process.returncode == 0
    assert err == b""
    left = [other for other in psutil.process_iter(["cmdline"]) if up_command[-1] in _log_dir(other)]
    assert not left


def _log_dir(process: psutil.Process) -> str:
    """The file that a process writes its output to, or nothing."""
    try:
        return os.readlink(f"/proc/{process.pid}/fd/1")
    except OSError:
        return ""


def test_up_names_all_that_a_profile_lacks_and_starts_nothing(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["up", "--profile", "kannada-gpu", "--models-dir", str(tmp_path)])
    assert result.exit_code == 2
    for text in ("Nothing was started", "whisper-kannada-medium", "parler-indic", "maatu models pull"):
        assert text in result.stderr
    assert "healthy" not in result.output


def test_demo_without_models_says_how_to_get_them(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["demo", "--models-dir", str(tmp_path), "--out-dir", str(tmp_path / "out")])
    assert result.exit_code == 2
    assert "maatu models pull whisper-tiny.en" in result.stderr
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["talk"], "either a recording or --text"),
        (["talk", "a.wav", "--text", "b"], "either a recording or --text"),
        (["talk", "nowhere.wav"], "there is no file nowhere.wav"),
        (["talk", "--text", "a", "--out", "no/where/reply.wav"], "there is no directory no/where"),
        (["talk", "--text", "a", "--frame-ms", "10"], "--frame-ms"),
        (["up", "--profile", "nix"], 'there is no profile "nix"'),
        (["up", "--gateway-port", "0"], "--gateway-port"),
        (["nonsense"], "No such command"),
    ],
)
def test_wrong_use_is_explained_with_exit_status_2(arguments: list[str], message: str) -> None:
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in result.output


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["up", "--profile", "mine.yaml", "--log-dir", "file/logs"], "maatu: file/logs: Not a directory\n"),
        (["up", "--profile", "mine.yaml", "--log-dir", "file"], "'file' is a file"),
        (["demo", "--out-dir", "file/out"], "maatu: file/out: Not a directory\n"),
        (["demo", "--out-dir", "file"], "'file' is a file"),
        (["models", "pull", "embedded", "--models-dir", "file/models"], "maatu: file/models: Not a directory\n"),
    ],
)
def test_a_place_that_cannot_be_written_is_named_with_exit_status_2(
    arguments: list[str], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys.modules["maatu_client.cli.demo"], "ready_profile", lambda *_: load_profile("embedded"))
    (tmp_path / "file").touch()
    (tmp_path / "mine.yaml").write_text(EMPTY_PROFILE)
    result = CliRunner().invoke(app, arguments, env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert message in result.stderr


def test_version_and_help() -> None:
    version = CliRunner().invoke(app, ["--version"])
    assert version.exit_code == 0
    assert version.output.startswith("maatu ")
    help_page = CliRunner().invoke(app, ["--help"])
    assert all(command in help_page.output for command in ("up", "talk", "demo", "models"))


def test_the_first_player_that_is_installed_is_taken() -> None:
    installed = {"afplay": "/bin/afplay", "ffplay": "/bin/ffplay"}
    assert find_player(installed.get) == ["/bin/afplay"]
    assert find_player(lambda name: None) is None


async def test_a_player_that_fails_is_no_error(tmp_path: Path) -> None:
    assert await play(["true"], tmp_path / "x.wav")
    assert not await play(["false"], tmp_path / "x.wav")
