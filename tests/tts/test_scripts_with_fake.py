"""Text in a script that the voice does not read, over real gRPC, with fake engines."""

from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.errors import UnsupportedLanguage
from maatu_tts.engine.base import Capabilities
from maatu_tts.engine.fake import FakeEngine

INDIC = FakeEngine(languages=["hi-IN", "kn-IN", "mr-IN", "te-IN"], name="indic", capabilities=Capabilities(tokens=True))
ENGLISH = FakeEngine(languages=["en-US"], name="english")


@pytest.fixture
async def both(serving: Callable[..., Any]) -> AsyncIterator[Any]:
    INDIC.utterances.clear()
    ENGLISH.utterances.clear()
    async with serving(INDIC, ENGLISH, routes={"en": "english", "*": "indic"}) as client:
        yield client


@pytest.mark.parametrize(
    ("voice", "text", "script", "able"),
    [
        ("english-en-US", "ನಮಸ್ಕಾರ", "Kannada", "voices that do: indic-kn-IN"),
        ("english-en-US", "नमस्ते दुनिया", "Devanagari", "voices that do: indic-hi-IN, indic-mr-IN"),
        ("indic-kn-IN", "OK: नमस्ते दुनिया", "Devanagari", "voices that do: indic-hi-IN, indic-mr-IN"),
        ("indic-kn-IN", "Привет", "Cyrillic", "no voice here does"),
        ("english-en-US", "你好，世界", "Han", "no voice here does"),
    ],
)
async def test_the_error_names_voices_that_read_the_script(
    both: Any, voice: str, text: str, script: str, able: str
) -> None:
    error = await both.refusal(both.say(text, voice=common_pb2.Voice(name=voice)))
    assert (type(error), error.reason, error.field) == (UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "text")
    assert error.message == f"the voice {voice} does not read {script} script; {able}"
    assert (INDIC.utterances, ENGLISH.utterances) == ([], [])


@pytest.mark.parametrize(
    ("voice", "text"),
    [
        ("indic-kn-IN", "ನನ್ನ Bluetooth headphone ಎಲ್ಲಿ?"),
        ("indic-kn-IN", "The doctor is in."),
        ("english-en-US", "In Hindi, hello is नमस्ते, and it is easy."),
        ("english-en-US", "42"),
    ],
)
async def test_words_of_another_language_are_spoken(both: Any, voice: str, text: str) -> None:
    assert (await both.say(text, voice=common_pb2.Voice(name=voice)))[-1].HasField("summary")


async def test_a_stream_is_checked_clause_by_clause(both: Any) -> None:
    requests = [
        tts_pb2.StreamingSynthesizeRequest(
            config=tts_pb2.SynthesisOptions(voice=common_pb2.Voice(name="english-en-US"))
        ),
        tts_pb2.StreamingSynthesizeRequest(text="This is fine. ಇದು ಸರಿಯಲ್ಲ. And this comes too late."),
        tts_pb2.StreamingSynthesizeRequest(end_of_input=common_pb2.EndOfInput()),
    ]
    error = await both.refusal(both.dictate(*requests))
    assert (type(error), error.field) == (UnsupportedLanguage, "text")
    assert "indic-kn-IN" in error.message
    assert all(utterance.text == "This is fine." for utterance in ENGLISH.utterances)
    assert (ENGLISH.admitted, ENGLISH.running) == (0, 0)


async def test_many_able_voices_are_named_in_part(serving: Callable[..., Any]) -> None:
    many = FakeEngine(languages=[f"hi-0{number:02}" for number in range(12)], name="many")
    async with serving(many, ENGLISH, routes={"en": "english", "*": "many"}) as client:
        error = await client.refusal(client.say("नमस्ते", voice=common_pb2.Voice(name="english-en-US")))
        assert error.message.endswith("many-hi-007 and 4 more (see ListVoices)")
