"""A Whisper of the true architecture with random weights: converted by the real command, loaded, and compared with transformers."""

import json
from dataclasses import dataclass
from pathlib import Path
from shutil import copyfile
from typing import Any

import ctranslate2
import numpy as np
import pytest
import torch
from faster_whisper import WhisperModel
from numpy.typing import NDArray
from transformers import WhisperConfig, WhisperForConditionalGeneration
from typer.testing import CliRunner

from maatu_client.models.cli import models_app
from maatu_runtime.errors import ConfigurationError
from maatu_runtime.models import ModelStore
from maatu_stt.engine.loading import Placement, load_whisper, resolve_model
from maatu_stt.engine.whisper import WhisperEngine, WhisperSettings

NAME = "whisper-random"
STEPS = 12
PROMPT = ("<|startoftranscript|>", "<|kn|>", "<|transcribe|>", "<|notimestamps|>")


@dataclass(frozen=True)
class Pair:
    """One model twice."""

    reference: Any
    """In transformers."""
    checkpoint: Path
    store: ModelStore
    bands: int

    def features(self, frames: int = 3_000) -> NDArray[np.float32]:
        """A spectrogram [1, bands, frames] of the size of real ones."""
        return np.random.default_rng(7).uniform(-1, 1.5, (1, self.bands, frames)).astype(np.float32)

    def loaded(self, compute_type: str) -> WhisperModel:
        return load_whisper(NAME, resolve_model(NAME, self.store), Placement(compute_type=compute_type))


def large_v3_tokenizer(path: Path) -> None:
    """Adds Cantonese before the tasks, which is all that large-v3 changed."""
    tokenizer = json.loads(path.read_text(encoding="utf-8"))
    tokens = tokenizer["added_tokens"]
    for token in tokens:
        token["id"] += token["id"] > 50357
    position = next(index for index, token in enumerate(tokens) if token["id"] > 50357)
    tokens.insert(position, {**tokens[position - 1], "content": "<|yue|>", "id": 50358})
    path.write_text(json.dumps(tokenizer), encoding="utf-8")


@pytest.fixture(scope="module", params=[(80, 51865), (128, 51866)], ids=["80 bands", "128 bands"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Pair:
    """Narrow, but with every part of Whisper; converted without loss by `maatu models convert`."""
    bands, tokens = request.param
    torch.manual_seed(3)
    reference: Any = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=tokens,
            num_mel_bins=bands,
            d_model=64,
            encoder_layers=2,
            encoder_attention_heads=4,
            encoder_ffn_dim=128,
            decoder_layers=2,
            decoder_attention_heads=4,
            decoder_ffn_dim=128,
            init_std=0.3,
            eos_token_id=50257,
            bos_token_id=50257,
            pad_token_id=50257,
            decoder_start_token_id=50258,
            begin_suppress_tokens=None,
        )
    )
    reference.eval()
    root = tmp_path_factory.mktemp("converted")
    checkpoint = root / "checkpoint"
    reference.save_pretrained(checkpoint)
    copyfile(models_dir / "whisper-base" / "tokenizer.json", checkpoint / "tokenizer.json")
    if tokens == 51866:
        large_v3_tokenizer(checkpoint / "tokenizer.json")
    convert(checkpoint, root / "models", "--quantization", "float32")
    return Pair(reference, checkpoint, ModelStore(root / "models"), bands)


def convert(checkpoint: Path, models_dir: Path, *options: str) -> None:
    """Runs `maatu models convert whisper`."""
    arguments = ["convert", "whisper", "--from", str(checkpoint), "--name", NAME, "--models-dir", str(models_dir)]
    result = CliRunner().invoke(models_app, [*arguments, *options])
    assert result.exit_code == 0, result.output


def prompt_ids(model: WhisperModel) -> list[int]:
    return [model.hf_tokenizer.token_to_id(token) for token in PROMPT]


@pytest.mark.parametrize("frames", [3_000, 700])
def test_the_encoder_computes_what_transformers_computes(pair: Pair, frames: int) -> None:
    """Transformers takes 30 s only, CTranslate2 less as well."""
    model = pair.loaded("float32")
    features = pair.features(frames)
    encoded = np.array(model.encode(features[0]))
    assert encoded.shape == (1, frames // 2, 64)
    if frames == 3_000:
        with torch.no_grad():
            expected = pair.reference.model.encoder(torch.from_numpy(features)).last_hidden_state.numpy()
        np.testing.assert_allclose(encoded, expected, atol=2e-3)


def test_the_decoder_chooses_the_tokens_that_transformers_chooses(pair: Pair) -> None:
    model = pair.loaded("float32")
    features = pair.features()
    start = prompt_ids(model)
    result = model.model.generate(
        ctranslate2.StorageView.from_array(features),
        [start],
        beam_size=1,
        max_length=2 * STEPS,  # CTranslate2 decodes half as many at most, as Whisper's own code does
        suppress_blank=False,
        suppress_tokens=[],
        return_logits_vocab=True,
    )[0]
    with torch.no_grad():
        expected = pair.reference.generate(
            torch.from_numpy(features),
            decoder_input_ids=torch.tensor([start]),
            max_new_tokens=STEPS,
            do_sample=False,
        )[0].tolist()
        logits = pair.reference(torch.from_numpy(features), decoder_input_ids=torch.tensor([start])).logits[0, -1]
    chosen = expected[len(start) :] if expected[: len(start)] == start else expected
    assert len(set(chosen)) > 2, "the model says the same again and again, which compares nothing"
    assert len(chosen) == STEPS
    assert result.sequences_ids[0] == chosen
    np.testing.assert_allclose(np.array(result.logits[0][0]).ravel(), logits.numpy(), atol=2e-2)


def test_the_converted_files_say_what_a_service_needs(pair: Pair) -> None:
    directory = pair.store.path(NAME)
    config = json.loads((directory / "config.json").read_text())
    model = pair.loaded("float32")
    assert model.feature_extractor(np.zeros(16_000, np.float32)).shape[0] == pair.bands
    assert len(config["lang_ids"]) == (99 if pair.bands == 80 else 100)
    languages = model.model.detect_language(ctranslate2.StorageView.from_array(pair.features(400)))[0]
    assert {"<|kn|>", "<|en|>"} <= {language for language, _ in languages}
    encoded = model.encode(pair.features(400)[0])
    text = model.hf_tokenizer.encode(" hello world", add_special_tokens=False).ids
    (alignment,) = model.model.align(encoded, prompt_ids(model)[:3], [text], 400)
    assert len(alignment.text_token_probs) == len(text)


def test_a_fine_tune_in_int8_runs_in_the_engine(pair: Pair, tmp_path: Path) -> None:
    convert(pair.checkpoint, tmp_path / "models")
    store = ModelStore(tmp_path / "models")
    assert store.verify(NAME).format == "ctranslate2-int8"
    engine = WhisperEngine(NAME, resolve_model(NAME, store), WhisperSettings())
    engine.warm_up()
    exact = np.array(pair.loaded("float32").encode(pair.features(400)[0]))
    model = load_whisper(NAME, store.path(NAME), Placement(compute_type="int8"))
    rounded = np.array(model.encode(pair.features(400)[0]))
    assert np.corrcoef(exact.ravel(), rounded.ravel())[0, 1] > 0.98


def test_the_checkpoint_itself_is_refused_with_the_command_that_converts_it(pair: Pair) -> None:
    with pytest.raises(ConfigurationError, match=r"maatu models convert whisper --from .*checkpoint --name NAME"):
        load_whisper(str(pair.checkpoint), resolve_model(str(pair.checkpoint), pair.store), Placement())
