"""The real Piper with its embedded voice."""

import asyncio
import functools
import itertools
import shutil
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from piper import PiperVoice

from maatu.v1 import common_pb2
from maatu_runtime.audio import Samples
from maatu_runtime.errors import ModelFailed, ModelNotInstalled, Unsupported
from maatu_tts.engine.base import Utterance
from maatu_tts.engine.espeak import EspeakEngine
from maatu_tts.engine.piper import PiperEngine
from maatu_tts.engine.piper_vocoder import Part
from maatu_tts.engine.piper_voice import Voice

CLAUSE = "The weather is lovely today, and we might walk along the river."


load_once = functools.cache(Voice)
"""Loads a voice, which takes two seconds, for all tests of this file."""


@pytest.fixture
def unstarted(models_dir: Path, monkeypatch: pytest.MonkeyPatch) -> PiperEngine:
    monkeypatch.setattr("maatu_tts.engine.piper.Voice", load_once)
    return PiperEngine(lambda: [models_dir / "piper-en_US-joe-medium"], streams=8)


@pytest.fixture
async def piper(unstarted: PiperEngine) -> AsyncIterator[PiperEngine]:
    await unstarted.warm_up()
    yield unstarted
    await unstarted.close()


async def speak(engine: PiperEngine, text: str, rate: float = 1.0) -> Samples:
    utterance = Utterance(text, engine.voices[0], speaking_rate=rate)
    return np.concatenate([part.samples async for part in engine.synthesize(utterance)])


def loudness(samples: Samples) -> float:
    voiced = samples[np.abs(samples) > 0.02]
    return float(20 * np.log10(np.sqrt(np.mean(voiced**2))))


async def test_its_voice(models_dir: Path) -> None:
    piper = PiperEngine(lambda: [models_dir / "piper-en_US-joe-medium"])
    assert piper.voices == []
    await piper.warm_up()
    [voice] = piper.voices
    assert (voice.name, [str(language) for language in voice.languages]) == ("en_US-joe-medium", ["en-US"])
    assert voice.sample_rate_hz == 22_050
    assert piper.status().warmup_s > 0
    await piper.close()


async def test_a_clause_lasts_as_long_as_people_take_and_follows_the_rate(piper: PiperEngine) -> None:
    normal = await speak(piper, CLAUSE)
    assert 2.5 < len(normal) / 22_050 < 5.0
    assert 0.3 < np.abs(normal).max() <= 1.0
    assert len(await speak(piper, CLAUSE, 2.0)) / len(normal) == pytest.approx(0.55, abs=0.15)


async def test_clauses_are_equally_loud(piper: PiperEngine) -> None:
    levels = [loudness(await speak(piper, text)) for text in ("Yes.", "Hello there!", CLAUSE, "It is five o'clock.")]
    assert max(levels) - min(levels) < 6.0
    assert -20.0 < float(np.mean(levels)) < -13.0


async def test_who_leaves_stops_the_network_at_once(piper: PiperEngine) -> None:
    audio = piper.synthesize(Utterance(" ".join([CLAUSE] * 60), piper.voices[0]))  # many seconds of work
    first = asyncio.ensure_future(anext(audio))
    async with asyncio.timeout(5):
        while piper.status().slots_in_use == 0:
            await asyncio.sleep(0.001)
    async with asyncio.timeout(1):
        first.cancel()
        await asyncio.gather(first, return_exceptions=True)
    assert piper.status().slots_in_use == 0
    assert len(await speak(piper, "Next.")) > 0


async def test_who_leaves_after_the_first_part_costs_one_window_more_at_most(
    piper: PiperEngine, monkeypatch: pytest.MonkeyPatch
) -> None:
    windows = watch_windows(monkeypatch)
    audio = piper.synthesize(Utterance(" ".join([CLAUSE] * 60), piper.voices[0]))
    await anext(audio)
    begun = len(windows)
    await audio.aclose()
    assert (piper.status().slots_in_use, piper.status().queue_depth) == (0, 0)
    # The window that was running may have ended before it was told to, and the next one begun.
    assert len(windows) <= begun + 2
    left = len(windows)
    await speak(piper, "Next.")
    assert windows[left:] == [0, 1][: len(windows) - left]


def watch_windows(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The windows as they begin, each as its number within its utterance."""
    windows: list[int] = []
    speaking = Voice.speak

    def watched(self: Voice, *args: Any, **kwargs: Any) -> Iterator[Part]:
        parts = speaking(self, *args, **kwargs)
        for number in itertools.count():
            windows.append(number)
            part = next(parts)
            yield part
            if part.is_last:
                return

    monkeypatch.setattr(Voice, "speak", watched)
    return windows


@pytest.mark.parametrize("workers", [1, 2])
async def test_four_at_once_take_turns_window_by_window(
    models_dir: Path, monkeypatch: pytest.MonkeyPatch, workers: int
) -> None:
    monkeypatch.setattr("maatu_tts.engine.piper.Voice", load_once)
    engine = PiperEngine(lambda: [models_dir / "piper-en_US-joe-medium"], workers=workers)
    await engine.warm_up()
    windows = watch_windows(monkeypatch)
    spoken = await asyncio.gather(*(speak(engine, CLAUSE) for _ in range(4)))
    assert all(len(samples) > 50_000 for samples in spoken)
    # Everybody's first window begins before anybody's second one, everybody's second before anybody's third.
    assert windows[:8] == [0] * 4 + [1] * 4
    await engine.close()


async def test_parts_grow_and_what_need_not_stream_comes_in_fewer(piper: PiperEngine) -> None:
    text = f"{CLAUSE} {CLAUSE}"
    parts = {
        streaming: [
            len(part.samples) async for part in piper.synthesize(Utterance(text, piper.voices[0], streaming=streaming))
        ]
        for streaming in (True, False)
    }
    assert parts[True][0] == 12 * 256
    assert len(parts[False]) < len(parts[True])


async def test_a_network_that_breaks_is_a_failed_model(piper: PiperEngine, monkeypatch: pytest.MonkeyPatch) -> None:
    def unknown_phoneme(self: PiperVoice, phonemes: list[str]) -> list[int]:
        return [1, 100_000, 2]

    monkeypatch.setattr(PiperVoice, "phonemes_to_ids", unknown_phoneme)
    with pytest.raises(ModelFailed, match="en_US-joe-medium"):
        await speak(piper, CLAUSE)
    monkeypatch.undo()
    assert len(await speak(piper, "Still here.")) > 0


async def test_the_fingerprint_of_a_voice_does_not_depend_on_others(
    piper: PiperEngine, models_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("maatu_tts.engine.piper.Voice", load_once)
    other = tmp_path / "other"
    shutil.copytree(models_dir / "piper-en_US-joe-medium", other)
    settings = other / "en_US-joe-medium.onnx.json"
    settings.write_text(settings.read_text().replace('"noise_scale"', '"noise_scale" '))
    for file in list(other.glob("en_US-joe-medium.onnx*")):
        file.rename(file.with_name(file.name.replace("joe", "ann")))
    both = PiperEngine(lambda: [models_dir / "piper-en_US-joe-medium", other])
    await both.warm_up()
    joe, ann = both.voices
    assert both.fingerprint(joe) == piper.fingerprint(piper.voices[0]) != both.fingerprint(ann)
    await both.close()


async def test_a_missing_voice_is_named(tmp_path: Path) -> None:
    engine = PiperEngine(lambda: [tmp_path])
    with pytest.raises(ModelNotInstalled, match=tmp_path.name):
        await engine.warm_up()
    await engine.close()


async def test_english_goes_to_piper_and_kannada_to_espeak(
    serving: Callable[..., Any], unstarted: PiperEngine, linear16: common_pb2.AudioFormat
) -> None:
    async with serving(unstarted, EspeakEngine(), routes={"en": "piper", "*": "espeak"}) as client:
        english, kannada = await asyncio.gather(
            client.say(CLAUSE, voice=common_pb2.Voice(language_code="en-GB"), format=linear16),
            client.say("ನಮಸ್ಕಾರ", format=linear16),
        )
        assert (english[0].started.engine, english[0].started.voice_name) == ("piper", "en_US-joe-medium")
        assert kannada[0].started.engine == "espeak"
        summary = english[-1].summary
        assert 0 < summary.time_to_first_chunk.ToNanoseconds() < summary.audio_duration.ToNanoseconds() / 2
        assert summary.compute_time.ToNanoseconds() > 0
        # The voice begins within 20 ms: what silence it had before was trimmed.
        samples = np.frombuffer(b"".join(response.audio.audio for response in english[1:-1]), "<i2")
        assert np.argmax(np.abs(samples) > 150) < 320


async def test_four_clients_at_once_are_all_served_whole(
    serving: Callable[..., Any], unstarted: PiperEngine, linear16: common_pb2.AudioFormat
) -> None:
    async with serving(unstarted) as client:
        voice = common_pb2.Voice(language_code="en")
        alone = await client.say(CLAUSE, voice=voice, format=linear16)
        answers = await asyncio.gather(*(client.say(CLAUSE, voice=voice, format=linear16) for _ in range(4)))
        expected_s = alone[-1].summary.audio_duration.ToNanoseconds() / 1e9
        for answer in answers:
            assert answer[-1].summary.audio_duration.ToNanoseconds() / 1e9 == pytest.approx(expected_s, rel=0.2)


async def test_a_long_text_lets_a_short_one_pass(
    serving: Callable[..., Any], unstarted: PiperEngine, until: Any
) -> None:
    async with serving(unstarted) as client:
        voice = common_pb2.Voice(language_code="en")
        ended = []

        async def say(name: str, text: str) -> None:
            await client.say(text, voice=voice)
            ended.append(name)

        long = [asyncio.create_task(say(f"long {i}", f"{CLAUSE} " * 6)) for i in range(2)]
        await until(lambda: unstarted.status().slots_in_use == 2)
        await say("short", "Yes, of course.")
        await asyncio.gather(*long)
        assert ended[0] == "short"


async def test_what_piper_cannot_do_is_said(serving: Callable[..., Any], unstarted: PiperEngine) -> None:
    async with serving(unstarted) as client:
        voice = common_pb2.Voice(language_code="en")
        for fields in ({"seed": 1}, {"temperature": 0.5}):
            error = await client.refusal(client.say("a", voice=voice, **fields))
            assert type(error) is Unsupported
