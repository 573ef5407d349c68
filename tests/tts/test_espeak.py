"""The real eSpeak NG."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from maatu.v1 import common_pb2, tts_pb2
from maatu_runtime.audio import Samples
from maatu_tts.engine.base import EngineVoice, Utterance
from maatu_tts.engine.espeak import EspeakEngine

TEXTS = {
    "kn": "ಇಂದು ಹವಾಮಾನ ತುಂಬಾ ಚೆನ್ನಾಗಿದೆ, ನಾವು ನದಿಯ ದಡದಲ್ಲಿ ನಡೆಯಬಹುದು.",
    "hi": "आज मौसम बहुत अच्छा है, हम नदी के किनारे टहल सकते हैं।",
    "ta": "இன்று வானிலை நன்றாக உள்ளது, நாம் ஆற்றங்கரையில் நடக்கலாம்.",
    "es": "Hoy hace muy buen tiempo y podemos pasear por la orilla del río.",
    "en": "The weather is lovely today, and we might walk along the river.",
}


@pytest.fixture
async def espeak() -> AsyncIterator[EspeakEngine]:
    engine = EspeakEngine(streams=8)
    await engine.warm_up()
    yield engine
    await engine.close()


def voice(engine: EspeakEngine, name: str) -> EngineVoice:
    return next(voice for voice in engine.voices if voice.name == name)


async def speak(engine: EspeakEngine, name: str, text: str, rate: float = 1.0) -> Samples:
    utterance = Utterance(text, voice(engine, name), speaking_rate=rate)
    return np.concatenate([part.samples async for part in engine.synthesize(utterance)])


def envelope(samples: Samples) -> NDArray[np.float64]:
    """Loudness over time in 50 steps: what tells one sentence from another."""
    return np.array([np.sqrt(np.mean(part.astype(np.float64) ** 2)) for part in np.array_split(samples, 50)])


async def test_over_a_hundred_languages_are_served(espeak: EspeakEngine) -> None:
    codes = {language.code for voice in espeak.voices for language in voice.languages}
    assert len(codes) > 100
    assert {"kn", "hi", "ta", "te", "ml", "mr", "bn", "gu", "pa", "or", "as", "ur", "es", "en", "zh", "ja"} <= codes
    assert len({voice.name for voice in espeak.voices}) == len(espeak.voices)


@pytest.mark.parametrize("language", TEXTS)
async def test_languages_are_audible_and_differ(espeak: EspeakEngine, language: str) -> None:
    name = f"espeak-{language}"
    samples = await speak(espeak, name, TEXTS[language])
    assert 2.0 < len(samples) / voice(espeak, name).sample_rate_hz < 7.0
    assert 0.2 < np.abs(samples).max() <= 1.0
    other = await speak(espeak, "espeak-fi", TEXTS[language])
    assert len(other) != len(samples)


async def test_its_fingerprint_is_the_version_of_the_library(espeak: EspeakEngine) -> None:
    assert espeak.fingerprint(voice(espeak, "espeak-kn")).startswith("1.")


async def test_voice_and_rate_of_one_text_do_not_stay_for_the_next(espeak: EspeakEngine) -> None:
    first = await speak(espeak, "espeak-kn", TEXTS["kn"])
    await speak(espeak, "espeak-es", TEXTS["es"], rate=1.8)
    assert len(await speak(espeak, "espeak-kn", TEXTS["kn"])) == pytest.approx(len(first), rel=0.01)


async def test_concurrent_utterances_do_not_mix(espeak: EspeakEngine) -> None:
    alone = [await speak(espeak, f"espeak-{language}", text) for language, text in TEXTS.items()]
    together = await asyncio.gather(*(speak(espeak, f"espeak-{language}", text) for language, text in TEXTS.items()))
    for mine, one in zip(together, alone, strict=True):
        assert len(mine) == pytest.approx(len(one), rel=0.01)
        assert np.corrcoef(envelope(mine), envelope(one))[0, 1] > 0.95
    strangers = np.corrcoef(envelope(together[0]), envelope(alone[3]))[0, 1]
    assert strangers < 0.7


@pytest.mark.parametrize(("rate", "ratio"), [(0.5, 2.0), (2.0, 0.5)])
async def test_the_speaking_rate_changes_the_length(espeak: EspeakEngine, rate: float, ratio: float) -> None:
    normal = len(await speak(espeak, "espeak-es", TEXTS["es"]))
    assert len(await speak(espeak, "espeak-es", TEXTS["es"], rate)) / normal == pytest.approx(ratio, rel=0.25)


async def test_who_leaves_stops_the_library(espeak: EspeakEngine) -> None:
    utterance = Utterance(TEXTS["en"] * 3, voice(espeak, "espeak-en"))
    async with aclosing(espeak.synthesize(utterance)) as audio:
        assert len((await anext(audio)).samples) > 0
    assert (espeak.status().slots_in_use, espeak.status().queue_depth) == (0, 0)
    assert len(await speak(espeak, "espeak-en", "Still here.")) > 0


async def test_a_kannada_clause_over_grpc(serving: Callable[..., Any], linear16: common_pb2.AudioFormat) -> None:
    async with serving(EspeakEngine()) as client:
        responses = await client.say(TEXTS["kn"], format=linear16)
        assert (responses[0].started.engine, responses[0].started.voice_name) == ("espeak", "espeak-kn")
        assert 3.0 < responses[-1].summary.audio_duration.ToNanoseconds() / 1e9 < 6.0
        samples = np.frombuffer(b"".join(response.audio.audio for response in responses[1:-1]), "<i2")
        # The voice begins within 20 ms and ends with a pause that keeps clauses apart.
        assert np.argmax(np.abs(samples) > 300) < 320
        assert np.abs(samples[-1_600:]).max() < 300


async def test_default_voices_of_languages_over_grpc(serving: Callable[..., Any]) -> None:
    async with serving(EspeakEngine()) as client:
        listed = (await client.stub.ListVoices(tts_pb2.ListVoicesRequest())).voices
        names = {voice.name for voice in listed}
        assert {"espeak-kn", "espeak-en-us", "espeak-es", "espeak-cmn"} <= names
        spoken = {}
        for tag in ("kn-IN", "en-US", "en-AU", "es-MX", "ru-RU", "zh-CN", "pt-BR", "fr-CA", "vi"):
            responses = await client.say("1 2", voice=common_pb2.Voice(language_code=tag))
            spoken[tag] = responses[0].started.voice_name
        assert spoken == {
            "kn-IN": "espeak-kn",
            "en-US": "espeak-en-us",
            "en-AU": "espeak-en",
            "es-MX": "espeak-es-419",
            "ru-RU": "espeak-ru",
            "zh-CN": "espeak-cmn",
            "pt-BR": "espeak-pt-br",
            "fr-CA": "espeak-fr",
            "vi": "espeak-vi",
        }


async def test_text_with_control_characters_and_percent_signs_is_harmless(serving: Callable[..., Any]) -> None:
    async with serving(EspeakEngine()) as client:
        for text in ("a\x00b", "%s %n %d", "<audio src='x'/>a", "\u202eabc", "a" * 2_000, "१२३ 123 ೧೨೩"):
            assert (await client.say(text))[-1].summary.audio_duration.ToNanoseconds() > 0
