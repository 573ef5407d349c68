"""Bad input, each with its type and field, over real gRPC, with a fake engine that has tokens."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.errors import (
    CapacityExceeded,
    InvalidRequest,
    InvalidText,
    MaatuError,
    NotFound,
    Quota,
    Unsupported,
    UnsupportedLanguage,
)
from maatu_tts.engine.fake import FakeEngine, FakeScript


def dictation(text: str, **fields: Any) -> list[tts_pb2.StreamingSynthesizeRequest]:
    fields = {"voice": common_pb2.Voice(language_code="en-US"), **fields}
    return [
        tts_pb2.StreamingSynthesizeRequest(config=tts_pb2.SynthesisOptions(**fields)),
        tts_pb2.StreamingSynthesizeRequest(text=text),
        tts_pb2.StreamingSynthesizeRequest(end_of_input=common_pb2.EndOfInput()),
    ]


def chunks(**fields: Any) -> dict[str, Any]:
    return {"chunks": common_pb2.StreamingParameters(**fields)}


def described(description: str) -> dict[str, Any]:
    return {"voice": common_pb2.Voice(language_code="en", description=description)}


NAN, INFINITE = float("nan"), float("inf")
DURATION = common_pb2.StreamingParameters()
DURATION.chunk_duration.FromMilliseconds(100)
BAD: list[tuple[str, dict[str, Any], type[MaatuError], str, str | None]] = [
    ("", {}, InvalidText, "EMPTY_TEXT", "text"),
    (" \n\t ", {}, InvalidText, "EMPTY_TEXT", "text"),
    ("<speak><break time='1s'/></speak> **", {}, InvalidText, "EMPTY_TEXT", "text"),
    ("😀👍🏽 👨‍👩‍👧", {}, InvalidText, "EMPTY_TEXT", "text"),
    ("word " * 4_000, {}, InvalidText, "TEXT_TOO_LONG", "text"),
    ("a", {"voice": common_pb2.Voice(name="nobody")}, NotFound, "VOICE_NOT_FOUND", "options.voice.name"),
    (
        "a",
        {"voice": common_pb2.Voice(language_code="fi")},
        UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
        "options.voice.language_code",
    ),
    ("a", chunks(chunk_tokens=24), InvalidRequest, "INVALID_FIELD", "options.chunks.chunk_tokens"),
    ("a", chunks(chunk_tokens=201), InvalidRequest, "INVALID_FIELD", "options.chunks.chunk_tokens"),
    ("a", chunks(chunk_tokens=2**32 - 1), InvalidRequest, "INVALID_FIELD", "options.chunks.chunk_tokens"),
    ("a", chunks(first_chunk_tokens=0), InvalidRequest, "INVALID_FIELD", "options.chunks.first_chunk_tokens"),
    ("a", chunks(first_chunk_tokens=51), InvalidRequest, "INVALID_FIELD", "options.chunks.first_chunk_tokens"),
    (
        "a",
        chunks(chunk_tokens=30, first_chunk_tokens=31),
        InvalidRequest,
        "INVALID_FIELD",
        "options.chunks.first_chunk_tokens",
    ),
    ("a", {"chunks": DURATION}, Unsupported, "UNSUPPORTED_BY_ENGINE", "options.chunks.chunk_duration"),
    ("a", {"speaking_rate": NAN}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate"),
    ("a", {"speaking_rate": INFINITE}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate"),
    ("a", {"speaking_rate": -INFINITE}, InvalidRequest, "INVALID_FIELD", "options.speaking_rate"),
    ("a", {"speaking_rate": 1.2}, Unsupported, "UNSUPPORTED_BY_ENGINE", "options.speaking_rate"),
    ("a", {"temperature": NAN}, InvalidRequest, "INVALID_FIELD", "options.temperature"),
    ("a", {"temperature": INFINITE}, InvalidRequest, "INVALID_FIELD", "options.temperature"),
    ("a", {"temperature": 2.01}, InvalidRequest, "INVALID_FIELD", "options.temperature"),
    ("a", described("x" * 501), InvalidRequest, "INVALID_FIELD", "options.voice.description"),
    ("a", described("a deep\x00 voice"), InvalidRequest, "INVALID_FIELD", "options.voice.description"),
    ("a", described("a deep\x1b[31m voice"), InvalidRequest, "INVALID_FIELD", "options.voice.description"),
]


@pytest.mark.parametrize(("text", "fields", "kind", "reason", "field"), BAD, ids=range(len(BAD)))
async def test_bad_input_is_refused_with_its_type_and_field(
    tokens_client: Any,
    tokens: FakeEngine,
    text: str,
    fields: dict[str, Any],
    kind: type[MaatuError],
    reason: str,
    field: str,
) -> None:
    error = await tokens_client.refusal(tokens_client.say(text, tts_pb2.SynthesisOptions(**fields)))
    assert (type(error), error.reason) == (kind, reason)
    # from_status gives the field of errors that are the caller's to mend.
    assert error.field == field
    assert (tokens.utterances, tokens.admitted) == ([], 0)


GOOD: list[dict[str, Any]] = [
    chunks(chunk_tokens=25, first_chunk_tokens=25),
    chunks(chunk_tokens=200, first_chunk_tokens=1, adaptive=True),
    {"speaking_rate": 1.0},
    {"temperature": 0.0},
    {"temperature": 2.0},
    {"seed": 2**64 - 1},
    described("x" * 500),
]


@pytest.mark.parametrize("fields", GOOD, ids=range(len(GOOD)))
async def test_the_ends_of_each_range_are_good(tokens_client: Any, fields: dict[str, Any]) -> None:
    assert (await tokens_client.say("one", tts_pb2.SynthesisOptions(**fields)))[-1].HasField("summary")


async def test_a_description_has_single_spaces(tokens_client: Any, tokens: FakeEngine) -> None:
    await tokens_client.say("one", **described("  A deep\r\n\tvoice,  ಸ್ಪಷ್ಟ. "))
    assert tokens.utterances[0].description == "A deep voice, ಸ್ಪಷ್ಟ."


async def test_a_stream_holds_20_000_characters_and_no_more(tokens_client: Any, tokens: FakeEngine) -> None:
    tokens.script.word_ms = 1
    responses = await tokens_client.dictate(*dictation("word " * 4_000))
    assert responses[-1].HasField("summary")
    assert sum(len(utterance.text.split()) for utterance in tokens.utterances) == 4_000
    error = await tokens_client.refusal(tokens_client.dictate(*dictation("word " * 4_000 + "x")))
    assert (type(error), error.reason, error.field) == (InvalidText, "TEXT_TOO_LONG", "text")


async def test_a_stream_is_refused_for_its_config_as_well(tokens_client: Any) -> None:
    for fields, field in (
        (chunks(chunk_tokens=24), "config.chunks.chunk_tokens"),
        ({"temperature": NAN}, "config.temperature"),
        (described("a\x07"), "config.voice.description"),
    ):
        error = await tokens_client.refusal(tokens_client.dictate(*dictation("one", **fields)))
        assert (type(error), error.field) == (InvalidRequest, field)


async def test_a_full_house_says_when_to_come_back(serving: Callable[..., Any], until: Any) -> None:
    engine = FakeEngine(FakeScript(gate=asyncio.Event(), retry_after_s=2.5), streams=1, name="full")
    async with serving(engine) as client:
        speaking = asyncio.create_task(client.say("one two"))
        await until(lambda: engine.running == 1)
        for call in (client.say("one"), client.dictate(*dictation("one"))):
            error = await client.refusal(call)
            assert isinstance(error, CapacityExceeded)
            assert (error.reason, error.retry_after_s, error.quota) == (
                "CAPACITY_EXCEEDED",
                2.5,
                Quota("tts/full", 1),
            )
        assert engine.script.gate is not None
        engine.script.gate.set()
        await speaking
