"""The URL of a Redis server as a setting."""

from typing import Annotated, TypeAlias

from pydantic import AfterValidator, SecretStr
from redis import exceptions as redis_errors
from redis.asyncio import Redis


def _check(url: SecretStr) -> SecretStr:
    try:
        if "://" not in url.get_secret_value():
            raise ValueError  # "redis:6379" would be database 6379 of this machine
        # The library reads the URL at once, but its options at the first connection: which is made here, not connected.
        Redis.from_url(url.get_secret_value()).connection_pool.make_connection()  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, redis_errors.RedisError):
        # What the library says of it may hold the password, or a part of it.
        raise ValueError(
            'not a URL of Redis such as "redis://:password@host:6379/0", "rediss://…" or "unix:///path"; '
            'in a password, "/", "?", "#" and "%" are written %2F, %3F, %23 and %25'
        ) from None
    return url


RedisUrl: TypeAlias = Annotated[SecretStr, AfterValidator(_check)]
"""Ends the start of a service where it cannot be one; no message shows it."""
