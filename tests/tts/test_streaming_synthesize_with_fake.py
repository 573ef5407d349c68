"""StreamingSynthesize over real gRPC, with the fake engine."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.errors import (
    DeadlineExceeded,
    InvalidRequest,
    InvalidSequence,
    InvalidText,
    MaatuError,
    UnsupportedLanguage,
)
from maatu_tts.engine.fake import FakeEngine, FakeScript

Request = tts_pb2.StreamingSynthesizeRequest
CONFIG = Request(
    config=tts_pb2.SynthesisOptions(
        voice=common_pb2.Voice(language_code="en-US"),
        format=common_pb2.AudioFormat(encoding=common_pb2.AUDIO_ENCODING_LINEAR16, sample_rate_hz=16_000),
    )
)
FLUSH = Request(flush=tts_pb2.FlushText())
END = Request(end_of_input=common_pb2.EndOfInput())


def text(value: str) -> Request:
    return Request(text=value)


def kinds(responses: list[tts_pb2.StreamingSynthesizeResponse]) -> list[str]:
    """The messages in order, a run of audio counting once."""
    names = [str(response.WhichOneof("event")) for response in responses]
    return [name for at, name in enumerate(names) if at == 0 or names[at - 1] != name]


async def test_text_in_pieces_is_spoken_clause_by_clause(client: Any, fake: FakeEngine) -> None:
    pieces = ["Hel", "lo my fr", "iend, how ", "are you? I a", "m fine. Go", "od", "bye"]
    responses = await client.dictate(CONFIG, *map(text, pieces), END)
    assert kinds(responses) == ["started", *["clause", "audio"] * 4, "summary"]
    clauses = [response.clause for response in responses if response.WhichOneof("event") == "clause"]
    assert [clause.text for clause in clauses] == ["Hello my friend,", "how are you?", "I am fine.", "Goodbye"]
    assert [clause.clause_index for clause in clauses] == [0, 1, 2, 3]
    assert [clause.offset.ToMilliseconds() for clause in clauses] == [0, 600, 1_200, 1_800]
    chunks = [response.audio for response in responses if response.WhichOneof("event") == "audio"]
    assert [chunk.sequence for chunk in chunks] == list(range(len(chunks)))
    end_ns = chunks[-1].offset.ToNanoseconds() + chunks[-1].duration.ToNanoseconds()
    assert responses[-1].summary.audio_duration.ToNanoseconds() == end_ns == 2_000_000_000
    assert [utterance.text for utterance in fake.utterances] == [clause.text for clause in clauses]


async def test_a_clause_is_spoken_before_the_text_ends_and_a_flush_ends_a_clause(client: Any) -> None:
    call = client.stub.StreamingSynthesize()
    await call.write(CONFIG)
    assert (await call.read()).started.engine == "fake"
    await call.write(text("Let me see"))
    await call.write(FLUSH)
    assert (await call.read()).clause.text == "Let me see"
    assert (await call.read()).HasField("audio")
    await call.write(END)
    assert (await client.rest(call))[-1].HasField("summary")


async def test_the_next_clause_is_made_while_the_one_before_goes_out(client: Any, fake: FakeEngine, until: Any) -> None:
    call = client.stub.StreamingSynthesize()
    for request in (CONFIG, text("One two three. Four five six. Seven"), END):
        await call.write(request)
    assert (await call.read()).HasField("started")
    # Nobody has read any audio yet.
    await until(lambda: len(fake.utterances) == 3)
    assert len(await client.rest(call)) > 3


async def test_what_cannot_be_spoken_is_passed_over(client: Any, fake: FakeEngine) -> None:
    responses = await client.dictate(CONFIG, text("😀\n"), text("*Yes* <b>indeed</b>\n"), text("…"), END)
    assert [utterance.text for utterance in fake.utterances] == ["Yes indeed"]
    assert kinds(responses) == ["started", "clause", "audio", "summary"]


BAD: list[tuple[list[Request], type[MaatuError], str, str | None]] = [
    ([], InvalidSequence, "UNEXPECTED_MESSAGE", "config"),
    ([text("a"), CONFIG], InvalidSequence, "AUDIO_BEFORE_CONFIG", "config"),
    ([END], InvalidSequence, "AUDIO_BEFORE_CONFIG", "config"),
    ([Request()], InvalidSequence, "AUDIO_BEFORE_CONFIG", "config"),
    ([CONFIG, CONFIG, END], InvalidSequence, "DUPLICATE_CONFIG", "config"),
    ([CONFIG, text("Hello."), CONFIG, END], InvalidSequence, "DUPLICATE_CONFIG", "config"),
    ([CONFIG, Request(), END], InvalidSequence, "UNEXPECTED_MESSAGE", None),
    ([CONFIG, text("Hello.")], InvalidSequence, "UNEXPECTED_MESSAGE", "end_of_input"),
    ([CONFIG, END], InvalidText, "EMPTY_TEXT", "text"),
    ([CONFIG, text("😀 …"), FLUSH, END], InvalidText, "EMPTY_TEXT", "text"),
    ([CONFIG, *[text("a" * 2_500)] * 9, END], InvalidText, "TEXT_TOO_LONG", "text"),
    (
        [Request(config=tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="fi"))), END],
        UnsupportedLanguage,
        "UNSUPPORTED_LANGUAGE",
        "config.voice.language_code",
    ),
    (
        [
            Request(
                config=tts_pb2.SynthesisOptions(voice=common_pb2.Voice(language_code="en"), speaking_rate=9),
            ),
            END,
        ],
        InvalidRequest,
        "INVALID_FIELD",
        "config.speaking_rate",
    ),
]


@pytest.mark.parametrize(("requests", "kind", "reason", "field"), BAD, ids=range(len(BAD)))
async def test_messages_in_a_wrong_order_are_refused(
    client: Any, fake: FakeEngine, requests: list[Request], kind: type[MaatuError], reason: str, field: str | None
) -> None:
    error = await client.refusal(client.dictate(*requests))
    assert type(error) is kind
    assert (error.reason, error.field) == (reason, field)
    assert (fake.admitted, fake.running) == (0, 0)


async def test_a_message_after_the_end_is_refused(client: Any, fake: FakeEngine) -> None:
    fake.script.gate = asyncio.Event()
    call = client.stub.StreamingSynthesize()
    for request in (CONFIG, text("One two three."), END, text("four")):
        await call.write(request)
    assert (await call.read()).HasField("started")
    asyncio.get_running_loop().call_later(0.05, fake.script.gate.set)
    error = await client.refusal(client.rest(call))
    assert (type(error), error.reason) == (InvalidSequence, "UNEXPECTED_MESSAGE")


async def test_a_client_that_does_not_half_close_gets_its_summary(client: Any) -> None:
    call = client.stub.StreamingSynthesize()
    for request in (CONFIG, text("One two three."), END):
        await call.write(request)
    async with asyncio.timeout(2):
        assert (await client.rest(call))[-1].HasField("summary")


async def test_a_silent_client_is_told_so(serving: Callable[..., Any]) -> None:
    fake = FakeEngine()
    async with serving(fake, idle_timeout_s=0.05) as client:
        call = client.stub.StreamingSynthesize()
        await call.write(CONFIG)
        error = await client.refusal(client.rest(call))
        assert (type(error), error.reason) == (DeadlineExceeded, "IDLE_TIMEOUT")
        assert fake.admitted == 0


async def test_a_client_that_vanishes_in_mid_sentence_leaves_nothing_behind(
    serving: Callable[..., Any], until: Any
) -> None:
    fake = FakeEngine(FakeScript(gate=asyncio.Event()), streams=1)
    async with serving(fake) as client:
        call = client.stub.StreamingSynthesize()
        await call.write(CONFIG)
        await call.write(text("One two three. Four"))
        await until(lambda: fake.running == 1)
        call.cancel()
        await until(lambda: fake.admitted == fake.running == 0)
