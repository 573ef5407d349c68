"""The audio model of turn ends: its features against the reference implementation, and what it hears."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from faster_whisper.utils import get_assets_path
from piper import PiperVoice, SynthesisConfig
from transformers import WhisperFeatureExtractor

from maatu_runtime.audio import Resampler, read_audio
from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import ConfigurationError
from maatu_runtime.models import ModelStore
from maatu_stt.engine.smart_turn import HEARD, MODEL, SmartTurn

RATE_HZ = 16_000
JFK = Path(__file__).resolve().parent.parent / "data" / "jfk.flac"
PAUSE = np.zeros(RATE_HZ // 5, np.float32)
"""What it is asked after."""


@pytest.fixture(scope="module")
def smart_turn(models_dir: Path) -> SmartTurn:
    return SmartTurn(ModelStore(models_dir).path(MODEL))


@pytest.fixture(scope="module")
def kennedy() -> Samples:
    return read_audio(JFK, RATE_HZ)


@pytest.fixture(scope="module")
def say(models_dir: Path) -> Callable[[str], Samples]:
    """Speaks English; the same samples every time."""
    directory = ModelStore(models_dir).path("piper-en_US-joe-medium")
    voice = PiperVoice.load(str(directory / "en_US-joe-medium.onnx"))
    steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)

    def speak(text: str) -> Samples:
        spoken = np.concatenate([chunk.audio_float_array for chunk in voice.synthesize(text, steady)])
        resampler = Resampler(voice.config.sample_rate, RATE_HZ)
        return np.concatenate([resampler.push(spoken.astype(np.float32)), resampler.flush()])

    return speak


@pytest.mark.parametrize("seconds", [0.0, 0.001, 0.5, 3.0, 8.0, 11.0])
def test_the_features_are_those_the_model_was_trained_with(
    smart_turn: SmartTurn, kennedy: Samples, seconds: float
) -> None:
    samples = kennedy[: round(seconds * RATE_HZ)]
    padded = np.concatenate([np.zeros(HEARD, np.float32), samples])[-HEARD:]
    extract: Any = WhisperFeatureExtractor
    reference = extract(chunk_length=8)(
        padded, sampling_rate=RATE_HZ, do_normalize=True, return_tensors="np"
    ).input_features[0]
    features = smart_turn.features(samples)
    assert features.dtype == np.float32
    assert features.shape == reference.shape == (80, 800)
    np.testing.assert_allclose(features, reference, atol=1e-4)


@pytest.mark.parametrize(
    "sentence",
    [
        "My flight was cancelled this morning.",
        "I left my keys at the office.",
        "We need a room with two beds and a view.",
    ],
)
def test_a_whole_sentence_is_likelier_to_be_the_end_than_a_piece_of_it(
    smart_turn: SmartTurn, say: Callable[[str], Samples], sentence: str
) -> None:
    speech = say(sentence)
    whole = smart_turn.probability(np.concatenate([speech, PAUSE]))
    half = smart_turn.probability(np.concatenate([speech[: len(speech) // 2], PAUSE]))
    assert whole > 0.8
    assert half < whole - 0.1


def test_a_person_who_pauses_in_a_sentence_is_not_done(smart_turn: SmartTurn, kennedy: Samples) -> None:
    # "… ask not ‖ what your country can do for you ‖ ask what you can do for your country."
    for pause_s in (4.6, 8.1):
        assert smart_turn.probability(kennedy[: round(pause_s * RATE_HZ)]) < 0.2
    assert smart_turn.probability(kennedy[: round(10.7 * RATE_HZ)]) > 0.8


def test_only_the_last_eight_seconds_count(smart_turn: SmartTurn, kennedy: Samples) -> None:
    last = smart_turn.probability(kennedy[-HEARD:])
    assert smart_turn.probability(kennedy) == last
    assert smart_turn.probability(np.concatenate([np.ones(HEARD, np.float32), kennedy])) == last


def test_silence_before_short_audio_changes_nothing(smart_turn: SmartTurn, kennedy: Samples) -> None:
    short = kennedy[: 2 * RATE_HZ]
    padded = np.concatenate([np.zeros(3 * RATE_HZ, np.float32), short])
    assert smart_turn.probability(padded) == smart_turn.probability(short)


@pytest.mark.parametrize("length", [0, 1, 159, 400, RATE_HZ, HEARD, HEARD + 1])
@pytest.mark.parametrize("level", [0.0, 1e-30, 1.0])
def test_it_gives_a_probability_whatever_it_hears(smart_turn: SmartTurn, length: int, level: float) -> None:
    noise = np.random.default_rng(5).normal(0, 1, length).clip(-1, 1).astype(np.float32)
    assert 0.0 <= smart_turn.probability(noise * np.float32(level)) <= 1.0


def test_the_samples_are_left_as_they_were(smart_turn: SmartTurn, kennedy: Samples) -> None:
    samples = kennedy.copy()
    samples.flags.writeable = False
    smart_turn.probability(samples)
    np.testing.assert_array_equal(samples, kennedy)


def test_two_threads_at_once_hear_what_one_hears(smart_turn: SmartTurn, kennedy: Samples) -> None:
    pieces = [kennedy[: round(seconds * RATE_HZ)] for seconds in (2.5, 4.6, 8.1, 10.7)]
    alone = [smart_turn.probability(piece) for piece in pieces]
    with ThreadPoolExecutor(2) as threads:
        assert list(threads.map(smart_turn.probability, pieces * 3)) == alone * 3


def _write_nothing(path: Path) -> None:
    """A model that is not there."""


def _write_half(path: Path) -> None:
    path.write_bytes(b"\x08\x07half a file")


@pytest.mark.parametrize("write", [_write_nothing, _write_half])
def test_a_file_that_does_not_load_is_a_wrong_configuration_that_names_the_remedy(
    tmp_path: Path, write: Callable[[Path], None]
) -> None:
    write(tmp_path / "model.onnx")
    with pytest.raises(ConfigurationError, match=r"does not load(?s:.*)`maatu models pull smart-turn-v3 --verify`"):
        SmartTurn(tmp_path)


def test_a_truncated_model_is_a_wrong_configuration(models_dir: Path, tmp_path: Path) -> None:
    whole = (ModelStore(models_dir).path(MODEL) / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(ConfigurationError, match="maatu models pull smart-turn-v3"):
        SmartTurn(tmp_path)


def test_another_model_under_its_name_is_a_wrong_configuration(tmp_path: Path) -> None:
    (tmp_path / "model.onnx").symlink_to(Path(get_assets_path()) / "silero_vad_v6.onnx")
    with pytest.raises(ConfigurationError, match="holds another model"):
        SmartTurn(tmp_path)
