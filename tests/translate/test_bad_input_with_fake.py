"""What callers get wrong, and what only looks wrong, with the fake engine; and the list of languages."""

import unicodedata
from collections.abc import Callable
from typing import Any

import pytest

from maatu.v1 import translate_pb2
from maatu_runtime.errors import InvalidRequest, InvalidText, UnsupportedLanguage
from maatu_translate.engine.base import Output
from maatu_translate.engine.fake import FakeEngine


def letters(text: str) -> str:
    """What is written, composed."""
    return "".join(c for c in unicodedata.normalize("NFC", text) if not unicodedata.category(c).startswith(("C", "Z")))


@pytest.mark.parametrize("text", ["", " ", "\n\t \u3000\u00a0\n"])
async def test_an_empty_text_with_fake(client: Any, text: str) -> None:
    for target in ("en", "es"):
        error = await client.refusal(text, "es", target)
        assert (type(error), error.reason, error.field) == (InvalidText, "EMPTY_TEXT", "text")


async def test_a_long_text_with_fake(client: Any, fake: FakeEngine) -> None:
    error = await client.refusal("á" * 20_000)
    assert (type(error), error.reason, error.field) == (InvalidText, "TEXT_TOO_LONG", "text")
    assert "5000" in error.message
    assert "20000" in error.message
    assert fake.seen == []
    text = ("Hola. " * 900)[:5000]
    assert (await client.translate(text)).source_text == text


@pytest.mark.parametrize("tag", ["", "e", "español", "es_MX", "es-", "es mx", "e" * 5_000, "es\n", "😀"])
async def test_a_malformed_tag_is_named_with_fake(client: Any, tag: str) -> None:
    for field, pair in (("source_language_code", (tag, "en")), ("target_language_code", ("es", tag))):
        error = await client.refusal("Hola.", *pair)
        assert (type(error), error.reason, error.field) == (UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", field)
        assert len(error.message) < 200


@pytest.mark.parametrize(("source", "target"), [("es", "fr"), ("kn", "en"), ("es", "kn"), ("tlh", "en")])
async def test_a_pair_that_is_not_served_with_fake(client: Any, source: str, target: str) -> None:
    error = await client.refusal("Hola.", source, target)
    assert (type(error), error.field) == (UnsupportedLanguage, "target_language_code")
    assert f"{source} → {target}" in error.message
    for served in ("en → es", "en → kn", "es → en"):
        assert served in error.message


async def test_too_many_phrases_with_fake(client: Any) -> None:
    error = await client.refusal("Hola.", keep_phrases=["x"] * 101)
    assert (type(error), error.field) == (InvalidRequest, "keep_phrases")
    assert "100" in error.message
    assert (await client.translate("Hola.", keep_phrases=["x"] * 100)).text == "[en] Hola."


@pytest.mark.parametrize("model", ["gpt", "identity", "x" * 5_000])
async def test_an_unknown_model_with_fake(client: Any, model: str) -> None:
    error = await client.refusal("Hola.", model=model)
    assert (type(error), error.field) == (InvalidRequest, "model")
    assert '"fake"' in error.message
    assert len(error.message) < 200


async def test_the_model_served_may_be_named_with_fake(client: Any) -> None:
    assert (await client.translate("Hola.", model="fake")).summary.model == "fake"


async def test_a_long_context_or_phrase_with_fake(client: Any, fake: FakeEngine) -> None:
    for fields, name in (({"context": "á" * 5_001}, "context"), ({"keep_phrases": ["x", "y" * 5_001]}, "keep_phrases")):
        error = await client.refusal("Hola.", **fields)
        assert (type(error), error.reason, error.field) == (InvalidText, "TEXT_TOO_LONG", name)
    assert fake.seen == []


@pytest.mark.parametrize(
    "text",
    [
        "Hola\x00\x07 mundo.\x1b[0m",
        "¡Hola 😀! 👩‍👩‍👧 Bien. 🇪🇸",
        "... Hola. !!! ¿?",
        "Hola\r\nmundo.\u2028Adiós.\x85",
        "\ufeffHola\u200b.",
        "e\u0301l come\u0301 aqui\u0301.",
        "Hola " * 900,
    ],
    ids=["control", "emoji", "marks", "line-ends", "invisible", "combining", "one-sentence"],
)
async def test_unusual_text_loses_nothing_with_fake(client: Any, fake: FakeEngine, text: str) -> None:
    answer = await client.translate(text)
    assert answer.source_text == text
    # Controls and marks that write nothing do not reach the model.
    assert letters(answer.text.replace("[en] ", "")) == letters(text)
    assert answer.warnings == []
    assert all(any(map(str.isalnum, sentence)) for sentence in fake.seen)


async def test_right_to_left_text_loses_nothing_with_fake(
    serving: Callable[..., Any],
) -> None:
    text = "مرحبا بالعالم. كيف حالك اليوم؟ שלום"
    engine = FakeEngine({"مرحبا بالعالم.": Output("Hello, world.")})
    async with serving(engine) as client:
        answer = await client.translate(text)
    assert answer.source_text == text
    assert answer.text.startswith("Hello, world.")
    # "[en] …" is still Arabic: not English, so the source stays.
    assert answer.text.endswith("كيف حالك اليوم؟ שלום")
    assert {kind for kind, _ in answer.warnings} == {"SOURCE_TEXT_KEPT"}


@pytest.mark.parametrize("text", ["😀", " 👍🏽 🎉\n", "...", "\x00\x07", "¿?"])
async def test_text_without_letters_is_given_back_with_fake(client: Any, fake: FakeEngine, text: str) -> None:
    answer = await client.translate(text)
    assert (answer.text, answer.source_text, answer.summary.model) == (text, text, "identity")
    assert (answer.warnings, fake.seen) == ([], [])


async def test_languages_are_listed_with_fake(client: Any) -> None:
    answer = await client.stub.ListLanguages(translate_pb2.ListLanguagesRequest())
    assert [(pair.source_language_code, pair.target_language_code, pair.model) for pair in answer.pairs] == [
        ("en", "es", "fake"),
        ("en", "kn", "fake"),
        ("es", "en", "fake"),
    ]
