"""32 clients at once against the same requests one at a time, and what batching adds to a lone request.

A sequence-to-sequence model of the size of OPUS-MT with random weights, whose translations are made as long as their sources
(translate_random.py). The service is a process with one worker of one thread and no cache; the clients are in this process, each
with a connection of its own, and send their next request when the last is answered.
"""

import asyncio
import sys
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from typing import Any

from figures import Figure, figure
from translate_client import Client, service
from translate_random import MARIAN, ROOT, installed
from translate_sets import test_set

DIRECTION = ("en", "es")
CLIENTS = 32
REQUESTS = 4
"""Of each client in a round."""
ROUNDS = 3
LONE_REQUESTS = 60
_SETTINGS: dict[str, Any] = {"cache_entries": 0, "workers": 1, "threads_per_worker": 1, "second_attempt": False}


def shares(texts: Sequence[str], clients: int, requests: int) -> list[list[str]]:
    """What each client asks for. Texts go round, one after another."""
    return [[texts[(client + turn * clients) % len(texts)] for turn in range(requests)] for client in range(clients)]


async def _ask(client: Client, texts: Sequence[str]) -> list[float]:
    return [(await client.translate(text, *DIRECTION)).took_ms for text in texts]


async def together(clients: Sequence[Client], asked: Sequence[Sequence[str]]) -> tuple[float, list[float]]:
    """All clients at once: requests a second, and milliseconds of each."""
    began = time.perf_counter()
    answers = await asyncio.gather(*(_ask(client, texts) for client, texts in zip(clients, asked, strict=True)))
    times = [took for of_one in answers for took in of_one]
    return len(times) / (time.perf_counter() - began), times


async def throughput(texts: Sequence[str], rounds: int) -> list[Figure]:
    """Rounds of the same requests, one at a time and by 32 clients at once, in turn."""
    asked = shares(texts, CLIENTS, REQUESTS)
    everything = [text for turn in zip(*asked, strict=True) for text in turn]
    alone: list[float] = []
    at_once: list[float] = []
    alone_ms: list[float] = []
    at_once_ms: list[float] = []
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(service(MARIAN, models_dir=ROOT, **_SETTINGS))
        clients = [await stack.enter_async_context(Client(address)) for _ in range(CLIENTS)]
        await together(clients, [texts[:1] for texts in asked])  # connections
        for _ in range(rounds):
            rate, times = await together(clients[:1], [everything])
            alone.append(rate)
            alone_ms += times
            rate, times = await together(clients, asked)
            at_once.append(rate)
            at_once_ms += times
            print(f"load: {alone[-1]:.1f} requests/s one at a time, {rate:.1f} by {CLIENTS} at once", file=sys.stderr)
    return [
        figure(
            f"{CLIENTS} clients at once, against the same requests one at a time", at_once, "requests/s", baseline=alone,
            ratio_at_least=3, larger_is_better=True,
        ),
        figure(f"{CLIENTS} clients at once: a request", at_once_ms, "ms"),
        figure("one at a time: a request", alone_ms, "ms"),
    ]  # fmt: skip


async def lone(texts: Sequence[str], requests: int) -> list[Figure]:
    """A client that is alone with a service that batches, and with one that does not: the same requests, in turn."""
    async with (
        service(MARIAN, models_dir=ROOT, name="translate_batching", **_SETTINGS) as batching,
        service(MARIAN, models_dir=ROOT, name="translate_single", max_batch=1, batch_wait_ms=0, **_SETTINGS) as single,
        Client(batching) as with_batching,
        Client(single) as without,
    ):
        for client in (with_batching, without):
            await client.translate(texts[0], *DIRECTION)
        times: tuple[list[float], list[float]] = ([], [])
        for number in range(requests):
            text = texts[number % len(texts)]
            for of_one, client in zip(times, (with_batching, without), strict=True):
                of_one.append((await client.translate(text, *DIRECTION)).took_ms)
    added = [mine - other for mine, other in zip(*times, strict=True)]
    return [
        figure("a lone request, against a service that does not batch", times[0], "ms", baseline=times[1]),
        figure("what batching adds to a lone request", added, "ms", at_most=5),
    ]


async def measure(limit: int | None) -> list[Figure]:
    """Both."""
    texts = [pair.source for pair in test_set(*DIRECTION)]
    return await throughput(texts, min(ROUNDS, limit or ROUNDS)) + await lone(texts, limit or LONE_REQUESTS)


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many rounds and lone requests.
    """
    installed(MARIAN)
    return asyncio.run(measure(limit))
