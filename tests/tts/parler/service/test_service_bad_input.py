"""Bad input, each with its type and field, over real gRPC, with Parler-TTS on a tiny random checkpoint."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.errors import InvalidRequest, InvalidText, MaatuError, NotFound, Unsupported, UnsupportedLanguage


@pytest.fixture(scope="module")
def engine(parler: Callable[..., Any]) -> Iterator[Any]:
    """One for all tests, with a voice of each language."""
    engine = parler(
        frames=10,
        languages="kn hi ta te ml bn gu pa or en",
        slots=1,
        waiting=0,
        prompt_tokens=64,
        description_tokens=32,
    )
    asyncio.run(engine.warm_up())
    close, engine.warm_up, engine.close = engine.close, _nothing, _nothing
    yield engine
    asyncio.run(close())


async def _nothing() -> None:
    """The engine is ready, and stays so."""


@pytest.fixture
async def client(engine: Any, serving: Callable[..., Any]) -> AsyncIterator[Any]:
    async with serving(engine) as client:
        yield client
    assert engine.status().slots_in_use == engine.status().queue_depth == 0


def chunks(**fields: Any) -> dict[str, Any]:
    return {"chunks": common_pb2.StreamingParameters(**fields)}


def voice(name: str = "", language_code: str = "", description: str = "") -> dict[str, Any]:
    return {"voice": common_pb2.Voice(name=name, language_code=language_code, description=description)}


DURATION = common_pb2.StreamingParameters()
DURATION.chunk_duration.FromMilliseconds(100)
BAD: list[tuple[str, dict[str, Any], type[MaatuError], str, str, str]] = [
    ("", {}, InvalidText, "EMPTY_TEXT", "text", "nothing"),
    (" \n\t", {}, InvalidText, "EMPTY_TEXT", "text", "nothing"),
    ("<speak><break time='1s'/></speak> **", {}, InvalidText, "EMPTY_TEXT", "text", "nothing"),
    ("😀👍🏽 👨‍👩‍👧 ❤️", {}, InvalidText, "EMPTY_TEXT", "text", "nothing"),
    ("ಪದ ಪದ " * 3_400, {}, InvalidText, "TEXT_TOO_LONG", "text", "20400 characters; at most 2000"),
    ("a", voice("nobody"), NotFound, "VOICE_NOT_FOUND", "options.voice.name", 'no voice is called "nobody"'),
    ("a", voice(language_code="fi"), UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "options.voice.language_code", "kn"),
    (
        "ನಮಸ್ಕಾರ",
        voice("parler-hi-divya", "kn"),
        UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
        "options.voice.language_code",
        "parler-kn-suresh",
    ),
    ("வணக்கம்", voice("parler-kn-anu"), UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "text", "parler-ta-jaya"),
    ("नमस्ते", voice(language_code="kn-IN"), UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "text", "parler-hi-rohit"),
    ("ನಮಸ್ಕಾರ", voice("parler-en-mary"), UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "text", "parler-kn-suresh"),
    ("Привет", {}, UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "text", "no voice here does"),
    ("a", chunks(chunk_tokens=24), InvalidRequest, "INVALID_FIELD", "options.chunks.chunk_tokens", "25 to 200"),
    ("a", chunks(chunk_tokens=201), InvalidRequest, "INVALID_FIELD", "options.chunks.chunk_tokens", "25 to 200"),
    (
        "a",
        chunks(first_chunk_tokens=0),
        InvalidRequest,
        "INVALID_FIELD",
        "options.chunks.first_chunk_tokens",
        "1 to 200",
    ),
    (
        "a",
        chunks(chunk_tokens=30, first_chunk_tokens=31),
        InvalidRequest,
        "INVALID_FIELD",
        "options.chunks.first_chunk_tokens",
        "longer than a chunk of 30",
    ),
    ("a", {"chunks": DURATION}, Unsupported, "UNSUPPORTED_BY_ENGINE", "options.chunks.chunk_duration", "chunk_tokens"),
    ("a", {"speaking_rate": 1.25}, Unsupported, "UNSUPPORTED_BY_ENGINE", "options.speaking_rate", "speaking rate"),
    ("a", {"speaking_rate": 3.0}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate", "0.5 to 2"),
    ("a", {"temperature": 2.5}, InvalidRequest, "INVALID_FIELD", "options.temperature", "0 to 2"),
    ("a", {"temperature": float("nan")}, InvalidRequest, "INVALID_FIELD", "options.temperature", "0 to 2"),
    (
        "a",
        voice(language_code="kn", description="x" * 501),
        InvalidRequest,
        "INVALID_FIELD",
        "options.voice.description",
        "501 characters; at most 500",
    ),
    (
        "a",
        voice(language_code="kn", description="a low\x00 voice"),
        InvalidRequest,
        "INVALID_FIELD",
        "options.voice.description",
        "U+0000",
    ),
]


@pytest.mark.parametrize(("text", "fields", "kind", "reason", "field", "told"), BAD, ids=range(len(BAD)))
async def test_bad_input_is_refused_with_its_type_and_field(
    client: Any,
    engine: Any,
    dictation: Callable[..., Any],
    text: str,
    fields: dict[str, Any],
    kind: type[MaatuError],
    reason: str,
    field: str,
    told: str,
) -> None:
    asked = len(engine.utterances)
    fields = {**voice(language_code="kn-IN"), **fields}
    errors = [await client.refusal(client.say(text, **fields))]
    if reason != "TEXT_TOO_LONG":  # a stream may be longer
        errors.append(await client.refusal(client.dictate(*dictation(text, **fields))))
    for error in errors:
        assert (type(error), error.reason) == (kind, reason)
        assert error.field == field or error.field == field.replace("options.", "config.")
        assert told in error.message
    assert len(engine.utterances) == asked


async def test_a_clause_of_too_many_tokens_is_refused_and_others_are_not(
    client: Any, engine: Any, speech: Any, dictation: Callable[..., Any]
) -> None:
    clause = "ಞ ಝ ಙ " * 30
    for call in (
        client.say(clause),
        client.dictate(*dictation(f"{clause}. ", voice=common_pb2.Voice(language_code="kn"))),
    ):
        error = await client.refusal(call)
        assert (type(error), error.reason, error.field) == (InvalidText, "TEXT_TOO_LONG", "text")
        assert "at most 64" in error.message
    assert speech(await client.say("ಒಂದು")).summary.tokens == 10


async def test_a_description_of_too_many_tokens_is_refused(client: Any, engine: Any, speech: Any) -> None:
    error = await client.refusal(client.say("a", **voice(language_code="kn", description="Shrill voices quiver. " * 8)))
    assert (type(error), error.reason) == (InvalidText, "TEXT_TOO_LONG")
    assert (error.field or "").endswith("voice.description")
    assert "at most 32" in error.message
    assert speech(await client.say("a", **voice(language_code="kn", description="A low voice."))).summary.tokens == 10


async def test_twenty_thousand_characters_are_a_stream(
    client: Any, engine: Any, speech: Any, dictation: Callable[..., Any]
) -> None:
    error = await client.refusal(client.dictate(*dictation("a" * 20_001)))
    assert (type(error), error.reason, error.field) == (InvalidText, "TEXT_TOO_LONG", "text")
    assert "20000" in error.message


async def test_a_foreign_clause_ends_a_stream_but_what_came_before_is_heard(
    client: Any, dictation: Callable[..., Any]
) -> None:
    messages = dictation("ಒಂದು ಎರಡು ಮೂರು.", "வணக்கம், நலமா?", voice=common_pb2.Voice(language_code="kn"))
    flush = tts_pb2.StreamingSynthesizeRequest(flush=tts_pb2.FlushText())
    call = client.stub.StreamingSynthesize()
    for message in (*messages[:2], flush):
        await call.write(message)
    kinds = [(await call.read()).WhichOneof("event") for _ in range(3)]
    assert kinds == ["started", "clause", "audio"]
    for message in messages[2:]:
        await call.write(message)
    error = await client.refusal(client.rest(call))
    assert (type(error), error.field) == (UnsupportedLanguage, "text")


async def test_markup_and_emoji_among_words_are_not_spoken(client: Any, engine: Any, speech: Any) -> None:
    heard = speech(await client.say("<b>ಒಂದು</b> 😀 **ಎರಡು** [ಮೂರು](https://example.org)"))
    assert heard.summary.tokens == 10
    assert engine.utterances[-1].text == "ಒಂದು ಎರಡು ಮೂರು"


@pytest.mark.parametrize(
    "fields",
    [
        chunks(chunk_tokens=25, first_chunk_tokens=25),
        chunks(chunk_tokens=200, first_chunk_tokens=1, adaptive=True),
        {"temperature": 2.0, "seed": 2**64 - 1, "speaking_rate": 1.0},
    ],
    ids=["short", "long", "sampled"],
)
async def test_the_ends_of_each_range_are_good(client: Any, speech: Any, fields: dict[str, Any]) -> None:
    assert speech(await client.say("ಒಂದು", **fields)).summary.tokens == 10


async def test_configured_chunks_stay_as_they_are_when_the_new_ones_are_wrong(client: Any) -> None:
    good = common_pb2.StreamingParameters(chunk_tokens=40, first_chunk_tokens=8, adaptive=False)
    await client.stub.ConfigureStreaming(tts_pb2.ConfigureStreamingRequest(chunks=good))
    for wrong, kind, field in (
        (common_pb2.StreamingParameters(chunk_tokens=24), InvalidRequest, "chunks.chunk_tokens"),
        (common_pb2.StreamingParameters(first_chunk_tokens=41), InvalidRequest, "chunks.first_chunk_tokens"),
        (DURATION, Unsupported, "chunks.chunk_duration"),
    ):
        request = tts_pb2.ConfigureStreamingRequest(chunks=wrong)
        error = await client.refusal(client.stub.ConfigureStreaming(request))
        assert (type(error), error.field) == (kind, field)
    status = await client.stub.GetOptimizationStatus(tts_pb2.GetOptimizationStatusRequest())
    assert status.chunks == good
