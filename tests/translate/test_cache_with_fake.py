"""The translation cache: in memory, and in a real Redis that processes share; the engines are fakes."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from functools import partial
from typing import Any

import pytest
from prometheus_client import REGISTRY
from redis.asyncio import Redis
from structlog.testing import capture_logs

from maatu_agent.redis_process import RedisProcess
from maatu_translate import service
from maatu_translate.cache import SharedTranslations, TranslationCache
from maatu_translate.engine.base import Context, Direction, Output, Sentence
from maatu_translate.engine.fake import FakeEngine

HOLA = Sentence("Hola.", Direction("es", "en"))
HELLO = Output("Hello.")


@pytest.fixture
async def shared(redis: RedisProcess) -> AsyncIterator[SharedTranslations]:
    shared = SharedTranslations(redis.url, ttl_s=60, timeout_s=1.0)
    yield shared
    await shared.close()


def count(outcome: str) -> float:
    return REGISTRY.get_sample_value("maatu_translate_cache_total", {"outcome": outcome}) or 0.0


async def test_what_was_said_is_known_by_model_sentence_and_context_with_fake() -> None:
    cache = TranslationCache(10)
    cache.keep("m 1", HOLA, HELLO)
    assert await cache.recall("m 1", HOLA) == HELLO
    in_context = Sentence(HOLA.text, HOLA.direction, Context("Adiós.", "Bye."))
    for model, sentence in [
        ("m 2", HOLA),
        ("m 1", in_context),
        ("m 1", replace(HOLA, careful=True)),
        ("m 1", Sentence("Hola.", Direction("es", "fr"))),
    ]:
        assert await cache.recall(model, sentence) is None


async def test_the_least_used_is_forgotten_with_fake() -> None:
    cache = TranslationCache(2)
    sentences = [Sentence(text, HOLA.direction) for text in ("uno", "dos", "tres")]
    for sentence in sentences[:2]:
        cache.keep("m", sentence, HELLO)
    assert await cache.recall("m", sentences[0]) == HELLO
    cache.keep("m", sentences[2], HELLO)
    assert [await cache.recall("m", sentence) for sentence in sentences] == [HELLO, None, HELLO]


async def test_another_process_finds_it_in_redis_with_fake(redis: RedisProcess, shared: SharedTranslations) -> None:
    said = Output("¡Hello", truncated=True, alternatives=(Output("Hi"), Output("He", truncated=True)))
    TranslationCache(10, shared).keep("m 1", HOLA, said)
    await shared.settled()
    other = TranslationCache(10, shared)
    hits, shared_hits = count("hit"), count("shared_hit")
    for _ in range(2):
        assert await other.recall("m 1", HOLA) == said
    assert (count("hit"), count("shared_hit")) == (hits + 1, shared_hits + 1)
    assert await other.recall("m 2", HOLA) is None
    async with Redis.from_url(redis.url) as client:
        [key] = await client.keys()
        assert isinstance(key, bytes)
        assert key.startswith(b"maatu:translate:2:")
        assert b"Hola" not in key
        assert 59_000 < await client.pttl(key) <= 60_000


@pytest.mark.parametrize(
    "rubbish",
    [b"", b"\xff", b"{}", b"[]", b"1", b'["Hello."]', b'["ab"]', b'["Hi", true]', b'[["Hi", 1]]', b'[["Hi", true], 1]'],
)
async def test_rubbish_in_redis_is_not_a_translation_with_fake(
    redis: RedisProcess, shared: SharedTranslations, rubbish: bytes
) -> None:
    cache = TranslationCache(10, shared)
    cache.keep("m", HOLA, HELLO)
    await shared.settled()
    async with Redis.from_url(redis.url) as client:
        [key] = await client.keys()
        await client.set(key, rubbish)
    assert await TranslationCache(10, shared).recall("m", HOLA) is None


async def test_one_pod_says_what_another_translated_with_fake(
    redis: RedisProcess, serving: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The 10 ms of a look-up may be over on a busy machine; the translation would be made again then.
    monkeypatch.setattr(service, "SharedTranslations", partial(SharedTranslations, timeout_s=1.0))
    engines = [FakeEngine(), FakeEngine()]
    for engine in engines:
        async with serving(engine, cache_redis_url=redis.url) as client:
            answers = [await client.translate("Hola. Adiós.") for _ in range(2)]
            async with Redis.from_url(redis.url) as keys, asyncio.timeout(5):
                while len(await keys.keys()) < 2:
                    await asyncio.sleep(0.001)
        assert [answer.text for answer in answers] == ["[en] Hola. [en] Adiós."] * 2
        assert answers[1].summary.cached
    assert sorted(engines[0].seen) == ["Adiós.", "Hola."]
    assert engines[1].seen == []


async def test_without_redis_translations_go_on_with_fake(redis: RedisProcess, serving: Callable[..., Any]) -> None:
    await redis.stop()
    errors = REGISTRY.get_sample_value("maatu_translate_cache_redis_errors_total") or 0.0
    with capture_logs() as logs:
        async with serving(FakeEngine(), cache_redis_url=redis.url) as client:
            assert (await client.translate("Hola.")).text == "[en] Hola."
            assert (await client.translate("Hola.")).summary.cached
    assert (REGISTRY.get_sample_value("maatu_translate_cache_redis_errors_total") or 0.0) > errors
    assert [line["event"] for line in logs].count("translation_cache_redis_failed") == 1
