"""The Redis that the agent starts for itself."""

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

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


def _entries(directory: Path) -> list[Path]:
    return list(directory.iterdir())


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
