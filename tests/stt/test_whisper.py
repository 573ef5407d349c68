"""The real models on recorded and on generated speech."""

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from piper import PiperVoice, SynthesisConfig

from maatu_runtime.audio import Resampler, read_audio
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import InvalidRequest, ModelFailed, ModelNotInstalled, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_runtime.models import ModelStore
from maatu_stt import metrics
from maatu_stt.engine.base import DecodeRequest, RecognitionOptions, Transcription, Urgency, Word
from maatu_stt.engine.recognizer import WhisperRecognizer
from maatu_stt.engine.scheduler import SchedulerSettings
from maatu_stt.engine.tokens import earlier_tokens
from maatu_stt.engine.whisper import WhisperEngine, WhisperSettings
from maatu_tts.engine.base import Utterance
from maatu_tts.engine.espeak import EspeakEngine

RATE_HZ = 16_000
JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"
KENNEDY = "and so my fellow americans ask not what your country can do for you ask what you can do for your country"
SPANISH = ("¿Qué es la inteligencia artificial?", "La casa es muy grande.")


@pytest.fixture(scope="module")
def tiny(models_dir: Path) -> WhisperEngine:
    return WhisperEngine("whisper-tiny.en", ModelStore(models_dir).path("whisper-tiny.en"), WhisperSettings())


@pytest.fixture(scope="module")
def base(models_dir: Path) -> WhisperEngine:
    return WhisperEngine("whisper-base", ModelStore(models_dir).path("whisper-base"), WhisperSettings())


@pytest.fixture(scope="module")
def kennedy() -> Samples:
    return read_audio(JFK, RATE_HZ)


@pytest.fixture(scope="module")
def piper(models_dir: Path) -> Callable[[str], Samples]:
    """Speaks English."""
    directory = ModelStore(models_dir).path("piper-en_US-joe-medium")
    voice = PiperVoice.load(str(directory / "en_US-joe-medium.onnx"))

    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)  # the same samples every time

    def speak(text: str) -> Samples:
        samples = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(text, steady)])
        return at_16_khz(samples, voice.config.sample_rate)

    return speak


@pytest.fixture
async def spanish() -> list[Samples]:
    """The Spanish sentences, spoken by eSpeak NG."""
    engine = EspeakEngine(streams=1)
    await engine.warm_up()
    voice = next(voice for voice in engine.voices if voice.name == "espeak-es")
    spoken = []
    for sentence in SPANISH:
        pieces = [part.samples async for part in engine.synthesize(Utterance(sentence, voice))]
        spoken.append(at_16_khz(np.concatenate(pieces), voice.sample_rate_hz))
    await engine.close()
    return spoken


def at_16_khz(samples: Samples, rate_hz: int) -> Samples:
    resampler = Resampler(rate_hz, RATE_HZ)
    quiet = np.zeros(RATE_HZ // 5, np.float32)
    return np.concatenate([quiet, resampler.push(samples.astype(np.float32)), resampler.flush(), quiet])


def words(text: str) -> str:
    return " ".join(re.findall(r"[^\W_]+", text.casefold()))


def unaccented(text: str) -> str:
    return "".join(c for c in unicodedata.normalize("NFD", words(text)) if not unicodedata.combining(c))


def decode(engine: WhisperEngine, samples: Samples, *languages: str, **options: Any) -> Transcription:
    tags = tuple(Language.parse(tag) for tag in languages)
    return only(engine.decode([DecodeRequest(samples, RecognitionOptions(languages=tags, **options))]))


def only(answers: list[Transcription | ModelFailed]) -> Transcription:
    (answer,) = answers
    assert isinstance(answer, Transcription)
    return answer


@pytest.mark.parametrize("name", ["tiny", "base"])
def test_kennedy_is_understood(name: str, kennedy: Samples, request: pytest.FixtureRequest) -> None:
    engine: WhisperEngine = request.getfixturevalue(name)
    transcription = decode(engine, kennedy, "en-US")
    assert words(transcription.text) == KENNEDY
    assert (transcription.language, transcription.model) == ("en-US", engine.name)
    assert 0.5 < transcription.confidence <= 1
    assert transcription.compute_s > 0


@pytest.mark.parametrize(
    "sentence", ["What is the capital of France?", "Yes.", "I need to cancel my appointment on Friday."]
)
def test_sentences_of_piper_are_understood_once(
    tiny: WhisperEngine, piper: Callable[[str], Samples], sentence: str
) -> None:
    assert words(decode(tiny, piper(sentence), "en").text) == words(sentence)


def test_spanish_goes_all_the_way(base: WhisperEngine, spanish: list[Samples]) -> None:
    """Shows the path, not the accuracy: eSpeak's Spanish is hard for the base model, which gets about every second word
    of longer sentences wrong, padded to 30 s or not. These two it understands."""
    for sentence, samples in zip(SPANISH, spanish, strict=True):
        transcription = decode(base, samples, "es-ES")
        assert unaccented(transcription.text) == unaccented(sentence)
        assert transcription.language == "es-ES"


def test_the_language_is_detected(base: WhisperEngine, spanish: list[Samples], kennedy: Samples) -> None:
    assert decode(base, spanish[1]).language == "es"
    assert decode(base, kennedy).language == "en"
    heard = decode(base, spanish[1], "fr-CA", "es-MX")
    assert heard.language == "es-MX"
    assert 0.3 < heard.language_probability < 1
    assert decode(base, spanish[1], "es-MX").language_probability == 1


def test_words_have_their_times(tiny: WhisperEngine, kennedy: Samples) -> None:
    said = [word for word in decode(tiny, kennedy, "en", word_times=True).words if word.is_spoken]
    assert words("".join(word.text for word in said)) == KENNEDY
    times = [(word.start_s or 0.0, word.end_s or 0.0) for word in said]
    assert all(start <= end for start, end in times)
    assert times == sorted(times)
    assert all(0 < word.confidence <= 1 for word in said)
    # Where Kennedy pauses: after "Americans", "not" and the first "you". A word's start may fall into the pause before it.
    pauses = (4, 6, 13, 21)
    assert [words(said[index].text) for index in pauses] == ["americans", "not", "you", "country"]
    assert [times[index][1] for index in pauses] == pytest.approx([2.2, 4.4, 7.6, 10.5], abs=0.7)


def test_a_decode_begins_with_the_committed_words_whatever_they_are(tiny: WhisperEngine, kennedy: Samples) -> None:
    first = decode(tiny, kennedy, "en").words
    # "And so my fellow Canadians": the model cannot have it from the audio.
    wrong = Word(" Canadians", tuple(tiny._hf_tokenizer.encode(" Canadians", add_special_tokens=False).ids))
    # Whether a comma comes before depends on the processor's rounding.
    place = [word.text for word in first].index(" Americans")
    committed = (*first[:place], wrong)
    request = DecodeRequest(kennedy, RecognitionOptions(languages=(Language("en"),)), committed=committed)
    second = only(tiny.decode([request]))
    assert second.words[: place + 1] == committed
    assert words(second.text) == KENNEDY.replace("americans", "canadians")
    assert not second.is_doubtful


def test_a_batch_says_what_each_of_its_utterances_says_alone(
    tiny: WhisperEngine, piper: Callable[[str], Samples], kennedy: Samples
) -> None:
    options = RecognitionOptions(languages=(Language("en"),), word_times=True)
    requests = [
        DecodeRequest(kennedy, options),
        DecodeRequest(piper("What is the capital of France?"), options),
        DecodeRequest(kennedy[: 3 * RATE_HZ], options, committed=decode(tiny, kennedy, "en").words[:3]),
        DecodeRequest(np.zeros(RATE_HZ, np.float32), options),
    ]
    assert len({tiny.batch_key(request) for request in requests}) == 1
    together = tiny.decode(requests)
    for request, answer in zip(requests, together, strict=True):
        assert isinstance(answer, Transcription)
        assert words(answer.text) == words(only(tiny.decode([request])).text)
    (first, *_) = together
    assert isinstance(first, Transcription)
    assert first.words[-1].end_s == pytest.approx(10.5, abs=0.7)


def test_what_cannot_share_a_batch_has_keys_of_its_own(base: WhisperEngine, kennedy: Samples) -> None:
    english, spanish = (RecognitionOptions(languages=(Language(code),)) for code in ("en", "es"))
    plain = DecodeRequest(kennedy, english)
    assert base.batch_key(plain) == base.batch_key(DecodeRequest(kennedy, spanish))
    for other in (
        replace(plain, context="And so"),
        replace(plain, timed=True),
        replace(plain, options=RecognitionOptions(word_times=True)),
        replace(plain, samples=np.tile(kennedy, 3)),
    ):
        assert base.batch_key(plain) != base.batch_key(other)
    # Long contexts are cut to one length, so that they can.
    long, longer = (replace(plain, context="ask not what your country can do for you " * times) for times in (6, 9))
    assert base.batch_key(long) == base.batch_key(longer)


@pytest.mark.parametrize("error", [RuntimeError, ValueError, IndexError])
def test_one_bad_request_costs_the_others_of_its_batch_nothing(
    tiny: WhisperEngine, kennedy: Samples, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    options = RecognitionOptions(languages=(Language("en"),))
    good, bad = DecodeRequest(kennedy, options), DecodeRequest(kennedy[:RATE_HZ], options)
    attempt = tiny._attempt

    def out_of_memory(requests: Sequence[DecodeRequest], length: int, beam_size: int) -> Any:
        if any(request is bad for request in requests):
            raise error("out of memory")
        return attempt(requests, length, beam_size)

    monkeypatch.setattr(tiny, "_attempt", out_of_memory)
    fine, failed = tiny.decode([good, bad])
    assert isinstance(fine, Transcription)
    assert words(fine.text) == KENNEDY
    assert isinstance(failed, ModelFailed)
    assert "out of memory" in failed.message


def test_a_suspicious_decode_is_done_again_padded(models_dir: Path, kennedy: Samples) -> None:
    # With no silence after it the model says this piece again and again.
    directory = ModelStore(models_dir).path("whisper-tiny.en")
    engine = WhisperEngine("guarded", directory, WhisperSettings(margin=0, beam_size=1))
    piece = kennedy[: 3 * RATE_HZ]
    again = metrics.FALLBACKS.labels("guarded", "too_long")
    before = again._value.get()
    text = words(decode(engine, piece, "en").text)
    assert again._value.get() == before + 1
    assert text.startswith("and so")
    assert text.endswith("fellow americans")
    assert text.count("fellow") == 1


def test_an_utterance_longer_than_the_model_hears_is_decoded_in_windows(tiny: WhisperEngine, kennedy: Samples) -> None:
    said = decode(tiny, np.tile(kennedy, 3), "en", word_times=True)
    assert words(said.text).count("what your country can do for you") == 3
    assert words(said.text).count("ask what you can do for your country") == 3
    starts = [word.start_s or 0.0 for word in said.words]
    assert starts == sorted(starts)
    assert starts[-1] == pytest.approx(32.2, abs=0.7)


def test_hotwords_are_spelt_as_given(tiny: WhisperEngine, piper: Callable[[str], Samples]) -> None:
    speech = piper("Tell Kathryn that I am late.")
    assert "Kathryn" not in decode(tiny, speech, "en").text
    assert "Kathryn" in decode(tiny, speech, "en", hotwords=("Kathryn",)).text


@pytest.mark.parametrize("token", ["<|startoftranscript|>", "<|endoftext|>", "<|notimestamps|>"])
def test_special_tokens_in_what_a_caller_writes_are_text(tiny: WhisperEngine, kennedy: Samples, token: str) -> None:
    options = RecognitionOptions((Language("en"),), hotwords=(token,), initial_prompt=token)
    request = DecodeRequest(kennedy, options, context=token)
    prompt, *written = earlier_tokens(tiny._tokenizer("en"), request)
    assert prompt == tiny._hf_tokenizer.token_to_id("<|startofprev|>")
    assert max(written) < tiny._tokenizer("en").eot
    assert words(only(tiny.decode([request])).text).endswith("what you can do for your country")


def test_noise_and_silence_are_decoded_without_a_failure(tiny: WhisperEngine) -> None:
    rng = np.random.default_rng(3)
    for samples in (np.zeros(160, np.float32), rng.normal(0, 0.01, RATE_HZ).astype(np.float32)):
        assert len(decode(tiny, samples, "en").text) < 40


async def test_the_recogniser_chooses_the_model_by_language(models_dir: Path, kennedy: Samples) -> None:
    models = {"en": "whisper-tiny.en", "*": "whisper-base"}
    recognizer = WhisperRecognizer(models, ModelStore(models_dir).path, WhisperSettings(), SchedulerSettings())
    await recognizer.warm_up()
    try:
        for tags, options, model in [
            (("en-GB",), {}, "whisper-tiny.en"),
            (("en-GB", "en-US"), {}, "whisper-tiny.en"),
            (("es",), {}, "whisper-base"),
            (("en", "es"), {}, "whisper-base"),
            ((), {}, "whisper-base"),
            (("en",), {"model": "whisper-base"}, "whisper-base"),
        ]:
            asked = RecognitionOptions(languages=tuple(map(Language.parse, tags)), **options)  # type: ignore[arg-type]
            recognizer.check(asked)
            decode = recognizer.start(DecodeRequest(kennedy[: 3 * RATE_HZ], asked), Urgency.FINAL)
            assert decode is not None
            assert (await decode.result()).model == model
        assert recognizer.capacity() == (0, 4)
        with pytest.raises(UnsupportedLanguage, match="does not know"):
            recognizer.check(RecognitionOptions(languages=(Language("tlh"),)))
        with pytest.raises(UnsupportedLanguage, match="does not know"):
            recognizer.check(RecognitionOptions(languages=(Language("es"),), model="whisper-tiny.en"))
        with pytest.raises(InvalidRequest, match=r"whisper-base, whisper-tiny\.en") as caught:
            recognizer.check(RecognitionOptions(model="../secrets"))
        assert caught.value.field == "config.model"
    finally:
        await recognizer.close()


async def test_a_model_that_is_missing_ends_the_warm_up_with_the_command_that_gets_it(tmp_path: Path) -> None:
    recognizer = WhisperRecognizer(
        {"*": "whisper-base"}, ModelStore(tmp_path).path, WhisperSettings(), SchedulerSettings()
    )
    with pytest.raises(ModelNotInstalled, match="maatu models pull whisper-base"):
        await recognizer.warm_up()
    await recognizer.close()
