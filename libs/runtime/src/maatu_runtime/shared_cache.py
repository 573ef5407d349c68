"""A cache that the processes of a service share, in Redis. It is a convenience: nothing waits for it, nothing fails with it."""

import asyncio
import time
from collections.abc import Callable, Coroutine

import structlog
from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

log = structlog.get_logger()

_PATIENT_S = 1.0
"""Longest duration of what nobody waits for: storing, connecting anew."""
_PAUSE_S = 5.0
"""After a failure nothing is looked up for so long, then only once Redis answers again."""
_WARN_EVERY_S = 60.0
_STORING_AT_ONCE = 8
"""What is made while so many values are on their way is not stored: Redis is slower than the engines."""


class SharedCache:
    """Bytes in Redis, by key.

    Args:
        url: Of Redis: "redis://host:6379/0", "rediss://…", "unix:///path".
        prefix: Before each key; it ends with the version of keys and values: "maatu:tts:recording:1:".
        name: What is cached, in log lines: "synthesis_cache".
        ttl_s: A value is forgotten after so long, used or not.
        timeout_s: Longest duration of a look-up; somebody waits for it.
        on_error: Called when Redis failed an operation or was late with it.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        url: str,
        *,
        prefix: str,
        name: str,
        ttl_s: float,
        timeout_s: float = 0.05,
        on_error: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._prefix = prefix
        self._name = name
        self._on_error = on_error
        self._ttl_ms = round(ttl_s * 1_000)
        self._timeout_s = timeout_s
        self._clock = clock
        self._redis = Redis.from_url(
            url,
            socket_timeout=_PATIENT_S,
            socket_connect_timeout=_PATIENT_S,
            retry=Retry(NoBackoff(), 1),  # once: a connection of the pool may be one that Redis closed meanwhile
        )
        self._tasks: set[asyncio.Task[None]] = set()
        self._probe: asyncio.Task[None] | None = None
        self._paused_until_s: float | None = None
        self._warned_s: float | None = None
        self._failures = 0

    async def warm_up(self) -> None:
        """Connects, so that the first look-up finds a connection; if Redis is away, says so in the log."""
        await self._ask_again()

    async def close(self) -> None:
        """Gives up what is on its way and closes the connections."""
        tasks = list(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._redis.aclose()

    async def get(self, key: str) -> bytes | None:
        """The bytes stored under a key; None where there are none, or where Redis does not say so in time."""
        if not self._is_reachable():
            return None
        try:
            async with asyncio.timeout(self._timeout_s):
                value = await self._redis.get(self._prefix + key)
        except (OSError, TimeoutError, redis_errors.RedisError) as error:
            self._failed(error)
            return None
        return value if isinstance(value, bytes) else None

    def put(self, key: str, data: bytes) -> None:
        """Stores bytes under a key, in the background, if that can be done now."""
        if self._is_reachable() and len(self._tasks) < _STORING_AT_ONCE:
            self._begin(self._put(key, data), f"{self._name}-store")

    async def settled(self) -> None:
        """Waits until nothing is on its way any more."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _put(self, key: str, data: bytes) -> None:
        try:
            async with asyncio.timeout(_PATIENT_S):
                await self._redis.set(self._prefix + key, data, px=self._ttl_ms)
        except (OSError, TimeoutError, redis_errors.RedisError) as error:
            self._failed(error)

    def _is_reachable(self) -> bool:
        """Whether the last operation went well. Where it did not, Redis is asked anew after a while, in the background."""
        if self._paused_until_s is None:
            return True
        if self._clock() >= self._paused_until_s and (self._probe is None or self._probe.done()):
            self._probe = self._begin(self._ask_again(), f"{self._name}-probe")
        return False

    async def _ask_again(self) -> None:
        try:
            async with asyncio.timeout(_PATIENT_S):
                await self._redis.ping()
        except (OSError, TimeoutError, redis_errors.RedisError) as error:
            self._failed(error)
        else:
            self._paused_until_s = None

    def _failed(self, error: Exception) -> None:
        self._on_error()
        self._failures += 1
        # A Redis that refuses (it is full, it is a replica) answers at once: look-ups go on.
        if not isinstance(error, redis_errors.ResponseError):
            self._paused_until_s = self._clock() + _PAUSE_S
        if self._warned_s is None or self._clock() >= self._warned_s + _WARN_EVERY_S:
            detail = str(error) or type(error).__name__
            log.warning(f"{self._name}_redis_failed", detail=detail, failures=self._failures)
            self._warned_s = self._clock()

    def _begin(self, work: Coroutine[None, None, None], name: str) -> "asyncio.Task[None]":
        task = asyncio.create_task(work, name=name)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task
