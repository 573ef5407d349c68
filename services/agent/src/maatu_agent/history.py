"""What was said and heard in each session, in Redis.

A session is one hash: each field is a turn, its value a JSON object; the field "#" counts the turns ever begun, so that their
order is known. One key a session keeps every change atomic, in a Redis cluster too, and lets Redis forget it by EXPIRE.

A turn is `open` from its beginning until its answer is `complete` or somebody `amended` what was heard of it. Only answered
turns are part of prompts.
"""

import asyncio
import json
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

import structlog
from redis import exceptions as redis_errors
from redis.asyncio import Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff

from maatu_agent import metrics
from maatu_agent.scripts import AMEND, BEGIN, COMPLETE
from maatu_runtime.errors import AlreadyExists, HopUnavailable, NotFound

log = structlog.get_logger()
HOP = "redis"
_COUNTER = b"#"
_KEY = "maatu:agent:session:{}"


class TurnState(Enum):
    """How far a turn is."""

    OPEN = "open"
    COMPLETE = "complete"
    AMENDED = "amended"


@dataclass(frozen=True)
class Turn:
    """A remembered turn."""

    turn_id: str
    position: int
    """Its place in the session's order. A turn begun again gets a new one, which its earlier attempt does not know."""
    user_text: str
    agent_text: str
    """What the person heard of the answer; empty while the turn is open."""
    state: TurnState


@dataclass(frozen=True)
class Session:
    """What is remembered of a session."""

    turns: tuple[Turn, ...]
    """Oldest first."""
    expires_in_s: float
    """After this time without a turn it is forgotten."""


@dataclass(frozen=True)
class Beginning:
    """A turn that has begun."""

    position: int
    """Hand it to `complete`."""
    earlier: tuple[Turn, ...]
    """The answered turns before it, oldest first."""


class History:
    """The sessions of all agents that share one Redis.

    Every operation is one atomic step, and fails within `timeout_s`.

    Args:
        url: Of Redis: "redis://host:6379/0", "rediss://…", "unix:///path".
        max_turns: Answered turns remembered of a session; the oldest are forgotten.
        ttl_s: A session without a turn for so long is forgotten.
        timeout_s: Longest duration of an operation, connecting included.
    """

    def __init__(self, url: str, *, max_turns: int, ttl_s: float, timeout_s: float = 0.8) -> None:
        self._max_turns = max_turns
        self._ttl_ms = round(ttl_s * 1000)
        self._timeout_s = timeout_s
        self._redis = Redis.from_url(
            url,
            socket_timeout=timeout_s,
            socket_connect_timeout=timeout_s,
            retry=Retry(NoBackoff(), 1),  # once: a connection of the pool may be one that Redis closed meanwhile
        )
        self._begin = self._redis.register_script(BEGIN)
        self._complete = self._redis.register_script(COMPLETE)
        self._amend = self._redis.register_script(AMEND)

    async def close(self) -> None:
        """Closes the connections."""
        await self._redis.aclose()

    async def ping(self) -> None:
        """Checks that Redis answers.

        Raises:
            HopUnavailable: It does not.
        """
        async with self._operation("ping"):
            await self._redis.ping()

    async def begin(self, session_id: str, turn_id: str, user_text: str) -> Beginning:
        """Writes a turn as open, and reads what was said before it. An open turn of that id begins anew.

        Raises:
            AlreadyExists: The turn is answered already.
            HopUnavailable: Redis fails.
        """
        async with self._operation("begin"):
            position, *values = await self._begin(
                keys=[_KEY.format(session_id)], args=[turn_id, user_text, self._max_turns, self._ttl_ms]
            )
        if position == 0:
            raise AlreadyExists(
                f"turn {turn_id} has its answer already: give each turn an id of its own",
                reason="INVALID_FIELD",
                field="turn_id",
            )
        return Beginning(position, tuple(turn for turn in _turns(values) if turn.state is not TurnState.OPEN))

    async def complete(self, session_id: str, turn_id: str, position: int, agent_text: str) -> bool:
        """Writes the whole answer of a turn.

        Returns:
            False where the turn was amended, begun anew or forgotten meanwhile; then nothing changes.

        Raises:
            HopUnavailable: Redis fails.
        """
        async with self._operation("complete"):
            return bool(
                await self._complete(
                    keys=[_KEY.format(session_id)],
                    args=[turn_id, position, agent_text, self._max_turns, self._ttl_ms],
                )
            )

    async def amend(self, session_id: str, turn_id: str, heard_text: str) -> None:
        """Writes what was heard of a turn's answer, in place of whatever was written of it.

        Raises:
            NotFound: SESSION_NOT_FOUND or TURN_NOT_FOUND.
            HopUnavailable: Redis fails.
        """
        async with self._operation("amend"):
            outcome = await self._amend(
                keys=[_KEY.format(session_id)], args=[turn_id, heard_text, self._max_turns, self._ttl_ms]
            )
        if outcome == b"no session":
            raise _no_session(session_id)
        if outcome == b"no turn":
            raise NotFound(
                f"session {session_id} remembers no turn {turn_id}", reason="TURN_NOT_FOUND", field="turn_id"
            )

    async def read(self, session_id: str) -> Session:
        """All that is remembered of a session, open turns too.

        Raises:
            NotFound: SESSION_NOT_FOUND.
            HopUnavailable: Redis fails.
        """
        key = _KEY.format(session_id)
        async with self._operation("read"), self._redis.pipeline(transaction=True) as pipeline:
            pipeline.hgetall(key)
            pipeline.pttl(key)
            fields, ttl_ms = await pipeline.execute()
        if not fields:
            raise _no_session(session_id)
        turns = _turns(value for field, value in fields.items() if field != _COUNTER)
        return Session(turns, max(0, ttl_ms) / 1000)

    async def delete(self, session_id: str) -> None:
        """Forgets a session.

        Raises:
            NotFound: SESSION_NOT_FOUND.
            HopUnavailable: Redis fails.
        """
        async with self._operation("delete"):
            deleted = await self._redis.delete(_KEY.format(session_id))
        if not deleted:
            raise _no_session(session_id)

    @asynccontextmanager
    async def _operation(self, name: str) -> AsyncGenerator[None]:
        """Bounds, measures and types the errors of one operation."""
        try:
            with metrics.REDIS.labels(name).time():
                async with asyncio.timeout(self._timeout_s):
                    yield
        except (TimeoutError, redis_errors.TimeoutError) as error:
            metrics.REDIS_ERRORS.labels(name).inc()
            raise HopUnavailable(HOP, f"no answer within {self._timeout_s:g} s") from error
        except (OSError, redis_errors.ConnectionError) as error:
            metrics.REDIS_ERRORS.labels(name).inc()
            # Where Redis is, and what it says of the password, is the operator's business: callers are told its name.
            log.warning("redis_failed", operation=name, detail=str(error))
            raise HopUnavailable(HOP) from error
        except _OUT_OF_ORDER as error:
            metrics.REDIS_ERRORS.labels(name).inc()
            raise HopUnavailable(HOP, str(error)) from error


_OUT_OF_ORDER = (redis_errors.ReadOnlyError, redis_errors.OutOfMemoryError, redis_errors.ClusterDownError)
"""Answers by which Redis says that it cannot serve now. Others are defects of ours."""


def _no_session(session_id: str) -> NotFound:
    return NotFound(f"no session {session_id} is known, or it was forgotten", field="session_id")


def _turns(values: Any) -> tuple[Turn, ...]:
    turns = []
    for value in values:
        fields = json.loads(value)
        turns.append(
            Turn(fields["id"], fields["position"], fields["user"], fields["agent"], TurnState(fields["state"]))
        )
    return tuple(sorted(turns, key=lambda turn: turn.position))
