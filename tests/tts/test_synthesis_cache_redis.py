"""Recordings that processes share, in a real Redis, and what happens where there is none."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from maatu_agent.redis_process import RedisProcess
from maatu_tts.engine.fake import FakeEngine
from maatu_tts.shared_recordings import SharedRecordings
from maatu_tts.synthesis_cache import SynthesisCache


class Clock:
    """Stands still until it is moved."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def shared(redis: RedisProcess, clock: Clock) -> AsyncIterator[SharedRecordings]:
    shared = SharedRecordings(redis.url, ttl_s=60, timeout_s=1.0, clock=clock)
    yield shared
    await shared.close()


def errors() -> float:
    return REGISTRY.get_sample_value("maatu_tts_synthesis_cache_redis_errors_total") or 0.0


async def test_what_is_stored_is_found_for_a_while(redis: RedisProcess, shared: SharedRecordings) -> None:
    await shared.warm_up()
    assert await shared.get("key") is None
    shared.put("key", b"\0\xffsamples")
    await shared.settled()
    assert await shared.get("key") == b"\0\xffsamples"
    async with Redis.from_url(redis.url) as client:
        [name] = await client.keys()
        assert name == b"maatu:tts:recording:1:key"
        assert 59_000 < await client.pttl(name) <= 60_000


async def test_one_pod_speaks_what_another_made_with_fake(redis: RedisProcess, serving: Callable[..., Any]) -> None:
    engines = [FakeEngine(name="pods"), FakeEngine(name="pods")]
    summaries = []
    for engine in engines:
        shared = SharedRecordings(redis.url, ttl_s=60, timeout_s=1.0)
        async with serving(engine, cache=SynthesisCache(4_000_000, shared=shared)) as client:
            summaries += [
                (await client.say("good morning"))[-1].summary,
                (await client.say("good morning"))[-1].summary,
            ]
            await shared.settled()
    assert [summary.cached for summary in summaries] == [False, True, True, True]
    assert [len(engine.utterances) for engine in engines] == [1, 0]
    assert len({summary.audio_duration.ToNanoseconds() for summary in summaries}) == 1
    for store, hits in (("memory", 2), ("redis", 1)):
        labels = {"engine": "pods", "store": store}
        assert REGISTRY.get_sample_value("maatu_tts_synthesis_cache_hits_total", labels) == hits


async def test_text_is_not_to_be_read_in_redis_with_fake(redis: RedisProcess, serving: Callable[..., Any]) -> None:
    shared = SharedRecordings(redis.url, ttl_s=60, timeout_s=1.0)
    async with serving(FakeEngine(), cache=SynthesisCache(4_000_000, shared=shared)) as client:
        await client.say("a secret")
        await shared.settled()
    async with Redis.from_url(redis.url) as raw:
        [name] = await raw.keys()
        assert b"secret" not in name
        assert b"secret" not in (await raw.get(name) or b"")


async def test_what_is_no_recording_is_a_miss_with_fake(redis: RedisProcess, serving: Callable[..., Any]) -> None:
    for rate in (22_050, 16_000):
        engine = FakeEngine(sample_rate_hz=rate)
        shared = SharedRecordings(redis.url, ttl_s=60, timeout_s=1.0)
        async with serving(engine, cache=SynthesisCache(4_000_000, shared=shared)) as client:
            assert not (await client.say("one"))[-1].summary.cached
            await shared.settled()
        async with Redis.from_url(redis.url) as raw:
            for name in await raw.keys():
                await raw.set(name, b"rubbish")
    shared = SharedRecordings(redis.url, ttl_s=60, timeout_s=1.0)
    engine = FakeEngine()
    async with serving(engine, cache=SynthesisCache(4_000_000, shared=shared)) as client:
        assert not (await client.say("one"))[-1].summary.cached
        assert len(engine.utterances) == 1


async def test_without_redis_nothing_fails_and_the_log_says_so_once_a_minute_with_fake(
    tmp_path: Path, serving: Callable[..., Any], clock: Clock
) -> None:
    before = errors()
    shared = SharedRecordings(f"unix://{tmp_path}/nobody", ttl_s=60, clock=clock)
    engine = FakeEngine()
    with capture_logs() as lines:
        async with serving(engine, cache=SynthesisCache(4_000_000, shared=shared)) as client:
            for seconds in (0, 6, 6, 60):
                clock.now_s += seconds
                summary = (await client.say(f"after {seconds} {clock.now_s:.0f}"))[-1].summary
                assert not summary.cached
                await shared.settled()
            assert (await client.say("after 0 100"))[-1].summary.cached  # what lies in memory
        assert len(engine.utterances) == 4
    warnings = [line for line in lines if line["event"] == "synthesis_cache_redis_failed"]
    assert [line["failures"] for line in warnings] == [1, 4]
    assert errors() == before + 4


async def test_a_redis_that_does_not_answer_is_waited_for_once(until: Any, clock: Clock, tmp_path: Path) -> None:
    connections: list[asyncio.StreamWriter] = []

    async def silent(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connections.append(writer)
        await reader.read()
        writer.close()

    server = await asyncio.start_unix_server(silent, str(tmp_path / "socket"))
    shared = SharedRecordings(f"unix://{tmp_path}/socket", ttl_s=60, timeout_s=0.01, clock=clock)
    assert await shared.get("key") is None
    assert len(connections) == 1
    for _ in range(100):
        assert await shared.get("key") is None
        shared.put("key", b"value")
    assert len(connections) == 1
    clock.now_s += 6.0
    assert await shared.get("key") is None
    await until(lambda: len(connections) == 2)  # it is asked again, and nobody waits
    assert await shared.get("key") is None
    await shared.close()
    server.close()
    await server.wait_closed()


async def test_a_redis_that_comes_back_is_used_again(
    redis: RedisProcess, shared: SharedRecordings, clock: Clock
) -> None:
    shared.put("key", b"value")
    await shared.settled()
    await redis.stop()
    assert await shared.get("key") is None
    await redis.start()
    assert await shared.get("key") is None
    clock.now_s += 6.0
    assert await shared.get("key") is None
    await shared.settled()
    shared.put("key", b"new")
    await shared.settled()
    assert await shared.get("key") == b"new"


async def test_a_full_redis_is_still_read(redis: RedisProcess, shared: SharedRecordings) -> None:
    shared.put("kept", b"value")
    await shared.settled()
    before = errors()
    async with Redis.from_url(redis.url) as client:
        await client.config_set("maxmemory", 1)
    shared.put("refused", b"value")
    await shared.settled()
    assert errors() == before + 1
    assert await shared.get("kept") == b"value"
    assert await shared.get("refused") is None


async def test_storing_is_given_up_where_redis_is_slower_than_the_engines(shared: SharedRecordings) -> None:
    for number in range(20):
        shared.put(str(number), b"value")
    await shared.settled()
    found = [await shared.get(str(number)) for number in range(20)]
    assert found == [b"value"] * 8 + [None] * 12
