"""How long a clause of eight words takes: in the engine, and for a client over gRPC.

The embedded model, one thread, clauses of the public test sets one after another. The engine's time is what the service reports as
compute time; the client's includes it, gRPC, cutting and guards.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

from figures import Figure, figure
from translate_client import Answer, Client, service
from translate_sets import eight_words

ENGINE_MS = 220.0
ROUNDS = 3
DIRECTIONS = (("es", "en"), ("en", "es"))


async def _ask(client: Client, clauses: Sequence[str], direction: tuple[str, str], rounds: int) -> list[Answer]:
    return [await client.translate(clause, *direction) for _ in range(rounds) for clause in clauses]


async def measure(limit: int | None) -> list[Figure]:
    """Asks a service without a cache, then one with."""
    rows: list[Figure] = []
    settings: dict[str, Any] = {"workers": 1, "threads_per_worker": 1}
    async with service(cache_entries=0, **settings) as address, Client(address) as client:
        for direction in DIRECTIONS:
            answers = await _ask(client, eight_words(*direction)[:limit], direction, ROUNDS)
            assert not any(answer.cached for answer in answers)
            label = f"{direction[0]} → {direction[1]}, eight words"
            rows += [
                figure(f"{label}: the engine", [answer.compute_ms for answer in answers], "ms", at_most=ENGINE_MS),
                figure(f"{label}: over gRPC, uncached", [answer.took_ms for answer in answers], "ms"),
                figure(
                    f"{label}: what the service and gRPC add",
                    [answer.took_ms - answer.compute_ms for answer in answers],
                    "ms",
                ),
            ]
    async with service(**settings) as address, Client(address) as client:
        clauses = eight_words("en", "es")[:limit]
        await _ask(client, clauses, ("en", "es"), 1)
        cached = await _ask(client, clauses, ("en", "es"), ROUNDS)
        assert all(answer.cached for answer in cached)
        identity = await _ask(client, clauses, ("en", "en-GB"), ROUNDS)
        assert all(answer.text == clause for answer, clause in zip(identity, clauses * ROUNDS, strict=True))
    rows.append(figure("over gRPC, cached", [answer.took_ms for answer in cached], "ms"))
    rows.append(figure("over gRPC, identity", [answer.took_ms for answer in identity], "ms"))
    return rows


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many clauses in each direction.
    """
    return asyncio.run(measure(limit))
