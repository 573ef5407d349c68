"""The Redis that the agent starts for itself."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from structlog.typing import EventDict

from maatu_agent import redis_process
from maatu_agent.history import History
from maatu_agent.redis_process import RedisProcess
from maatu_runtime.errors import ConfigurationError, HopUnavailable

_CHILD = """
import asyncio, sys, pathlib
from maatu_agent.redis_process import RedisProcess
async def main():
    process = RedisProcess(pathlib.Path(sys.argv[1]))
    await process.start()
    print(f"pid={process.pid}", file=sys.stderr, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture
def root() -> Iterator[Path]:
    """A directory whose path leaves room for a socket's name: that of `tmp_path` is longer where tests run side by side."""
    with tempfile.TemporaryDirectory(prefix="maatu-test-") as directory:
        yield Path(directory)


_REAL_SERVER = f'exec {redis_process._binary()} "$@"'
Until = Callable[[Callable[[], bool]], Awaitable[None]]


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


def _told(logs: Sequence[EventDict], event: str) -> list[EventDict]:
    return [line for line in logs if line["event"] == event]


async def test_it_serves_until_it_is_stopped_and_leaves_nothing(root: Path) -> None:
    process = RedisProcess(root)
    await process.start()
    history = History(process.url, max_turns=3, ttl_s=180)
    await history.ping()
    await history.close()
    pid = process.pid
    await process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert _entries(root) == []


async def test_two_run_beside_each_other(root: Path) -> None:
    first, second = RedisProcess(root), RedisProcess(root)
    await first.start()
    await second.start()
    assert first.url != second.url
    await first.stop()
    history = History(second.url, max_turns=3, ttl_s=180)
    await history.ping()
    await history.close()
    await second.stop()


async def test_it_dies_with_a_killed_parent_and_its_directory_is_removed_by_the_next(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    parent = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _CHILD, str(root), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
    )
    assert parent.stderr is not None
    gone = asyncio.Event()
    try:
        exits = os.pidfd_open(int((await parent.stderr.readline()).removeprefix(b"pid=")))
        asyncio.get_running_loop().add_reader(exits, gone.set)
    finally:
        parent.send_signal(signal.SIGKILL)
        await parent.wait()
    await asyncio.wait_for(gone.wait(), 5)
    asyncio.get_running_loop().remove_reader(exits)
    os.close(exits)
    [left] = _entries(root)

    monkeypatch.setattr(redis_process, "_SETTLED_S", -1.0)
    process = RedisProcess(root)
    await process.start()
    assert left not in _entries(root)
    await process.stop()


async def test_a_directory_in_use_is_not_taken_for_stale(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_process, "_SETTLED_S", -1.0)
    first, second = RedisProcess(root), RedisProcess(root)
    await first.start()
    await second.start()
    assert len(_entries(root)) == 2
    await second.stop()
    await first.stop()


async def test_a_server_that_ends_at_once_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redis_process, "_binary", lambda: Path("/bin/false"))
    with pytest.raises(HopUnavailable, match="ended at its start"):
        await RedisProcess(root).start()
    assert _entries(root) == []


async def test_a_path_too_long_for_a_socket_is_told(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="TMPDIR"):
        await RedisProcess(tmp_path / ("x" * 100)).start()


async def test_a_killed_server_is_started_again_at_its_place_and_what_is_lost_is_told(root: Path, until: Until) -> None:
    process = RedisProcess(root, restart_pauses_s=(0.0,))
    await process.start()
    history = History(process.url, max_turns=3, ttl_s=180)
    first = await history.begin("s1", "t1", "u")
    assert await history.complete("s1", "t1", first.position, "a")
    killed = process.pid
    with capture_logs() as logs:
        os.kill(killed, signal.SIGKILL)
        await until(lambda: bool(_told(logs, "redis_started")))
    [ended] = _told(logs, "redis_ended")
    assert (ended["log_level"], ended["status"]) == ("error", -signal.SIGKILL)
    assert "history of every conversation" in ended["lost"]
    assert (await history.begin("s1", "t2", "u")).earlier == ()  # the same URL, the same connections
    await history.close()
    started = process.pid
    assert started != killed
    await process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)
    assert _entries(root) == []


async def test_a_server_that_soon_ends_again_is_waited_for_longer_up_to_a_bound(root: Path, until: Until) -> None:
    now_s = 0.0
    process = RedisProcess(root, restart_pauses_s=(0.0, 0.001, 0.002), clock=lambda: now_s)
    await process.start()
    with capture_logs() as logs:
        for ran_s in (0.0, 1.0, 59.0, 59.0, 60.0):
            now_s += ran_s
            before, killed = len(_told(logs, "redis_started")), process.pid
            os.kill(killed, signal.SIGKILL)
            await until(lambda before=before: len(_told(logs, "redis_started")) > before)  # type: ignore[misc]
    await process.stop()
    assert [line["after_s"] for line in _told(logs, "redis_starts_again")] == [0.0, 0.001, 0.002, 0.002, 0.0]


@pytest.fixture
def server(root: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What is started as the server: a script, to be replaced at will, that becomes the real one."""
    server = root / "server"
    _write_script(server, _REAL_SERVER)
    monkeypatch.setattr(redis_process, "_binary", lambda: server)
    return server


def _write_script(path: Path, line: str) -> None:
    new = path.with_suffix(".new")
    new.write_text(f"#!/bin/sh\n{line}\n")
    new.chmod(0o700)
    new.rename(path)  # one that runs cannot be written


async def test_a_server_that_does_not_come_up_again_is_tried_until_it_does(
    root: Path, server: Path, until: Until
) -> None:
    process = RedisProcess(root, restart_pauses_s=(0.0, 0.001))
    await process.start()
    with capture_logs() as logs:
        _write_script(server, "exit 3")
        os.kill(process.pid, signal.SIGKILL)
        await until(lambda: len(_told(logs, "redis_not_started")) >= 2)
        _write_script(server, _REAL_SERVER)
        await until(lambda: bool(_told(logs, "redis_started")))
    assert "ended at its start" in _told(logs, "redis_not_started")[0]["detail"]
    assert len(_told(logs, "redis_ended")) == 1
    history = History(process.url, max_turns=3, ttl_s=180)
    await history.ping()
    await history.close()
    await process.stop()
    assert _entries(root) == [server]


async def test_it_is_stopped_while_it_waits_to_start_again(root: Path, until: Until) -> None:
    process = RedisProcess(root, restart_pauses_s=(60.0,))
    await process.start()
    with capture_logs() as logs:
        os.kill(process.pid, signal.SIGKILL)
        await until(lambda: bool(_told(logs, "redis_starts_again")))
        await process.stop()
        assert not _told(logs, "redis_started")
    assert _entries(root) == []


async def test_it_is_stopped_while_it_starts_again(root: Path, server: Path, until: Until) -> None:
    process = RedisProcess(root, restart_pauses_s=(0.0,))
    await process.start()
    silent = root / "pid"
    _write_script(server, f"echo $$ > {silent}.new; mv {silent}.new {silent}; exec sleep 60")
    os.kill(process.pid, signal.SIGKILL)
    await until(silent.exists)
    await process.stop()
    with pytest.raises(ProcessLookupError):
        os.kill(int(silent.read_text()), 0)
    assert sorted(_entries(root)) == [silent, server]
