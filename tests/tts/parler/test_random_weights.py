"""Random-weight checkpoints have the published layout."""

import json
import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from tokenizers import Tokenizer
from transformers import DacConfig, DacModel, T5Config, T5EncoderModel

from maatu_tts.engine.parler.random_weights import MINI, TINY, Codec, write_checkpoint
from maatu_tts.engine.parler.random_weights.codec import descript_codec, transformers_codec
from maatu_tts.engine.parler.random_weights.tensors import Spec, decoder, joints, text_encoder

SENTENCES = ["Good morning.", "ನಮಸ್ಕಾರ, ಹೇಗಿದ್ದೀರಿ?", "नमस्ते 2026 🙂", ""]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_checkpoint(tmp_path_factory.mktemp("checkpoint"), TINY)


def part(checkpoint: Path, prefix: str) -> dict[str, torch.Tensor]:
    tensors = load_file(checkpoint / "model.safetensors")
    return {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}


def config_of(checkpoint: Path, part: str) -> dict[str, Any]:
    config: dict[str, Any] = json.loads((checkpoint / "config.json").read_text())[part]
    return config


def millions(specs: list[Spec]) -> float:
    return round(sum(math.prod(spec.shape) for spec in specs) / 1e6, 1)


def test_mini_has_the_published_number_of_parameters() -> None:
    parts = {
        "text encoder": list(text_encoder(MINI)),
        "decoder": list(decoder(MINI, fused_heads=False, rope=False, mean_frames=None)),
        "codec": list(descript_codec(MINI, "descript")),
        "prompt embeddings": list(joints(MINI, prompt_cross_attention=False)),
    }
    expected = {"text encoder": 341.2, "decoder": 427.1, "codec": 76.7, "prompt embeddings": 32.9}
    assert {name: millions(specs) for name, specs in parts.items()} == expected
    assert millions([spec for specs in parts.values() for spec in specs]) == 877.8


def test_text_encoder_loads_into_t5(checkpoint: Path) -> None:
    encoder = T5EncoderModel(T5Config(**config_of(checkpoint, "text_encoder"))).train(False)
    tensors = part(checkpoint, "text_encoder.")
    # The stack's own embedding is the shared one: files hold it once.
    encoder.load_state_dict(tensors | {"encoder.embed_tokens.weight": tensors["shared.weight"]})
    with torch.inference_mode():
        states = encoder(torch.tensor([[5, 6, 7, 1]])).last_hidden_state
    assert 0.5 < states.std() < 2.0


def test_codec_loads_into_transformers_dac_and_is_audible(checkpoint: Path) -> None:
    codec = DacModel(DacConfig(**config_of(checkpoint, "audio_encoder")))
    codec.load_state_dict(part(checkpoint, "audio_encoder."))
    codes = torch.randint(0, 1024, (1, TINY.codebooks, 20), generator=torch.Generator().manual_seed(1))
    with torch.inference_mode():
        audio = codec.decode(audio_codes=codes).audio_values
    assert audio.shape[-1] == 20 * 512
    assert 0.05 < audio.std() < 0.6
    assert audio.abs().max() < 1.0


@pytest.mark.parametrize(
    ("codec", "direction"),
    [("descript", "weight_v"), ("descript-parametrized", "parametrizations.weight.original1")],
)
def test_descript_codec_has_each_convolution_in_two_tensors(codec: Codec, direction: str) -> None:
    specs = {spec.name: spec.shape for spec in descript_codec(TINY, codec)}
    assert specs[f"audio_encoder.model.decoder.model.0.{direction}"] == (1536, 1024, 7)
    assert not any(name.endswith("conv.weight") for name in specs)
    # A convolution has as many norms as slices along its first dimension.
    norms = sum(math.prod(shape) for shape in specs.values() if len(shape) == 3 and shape[1:] == (1, 1))
    published = replace(TINY, codec_encoder_hidden=64, codec_decoder_hidden=1536)
    weights = sum(math.prod(spec.shape) for spec in transformers_codec(published))
    assert sum(math.prod(shape) for shape in specs.values()) == weights + norms


def test_no_head_prefers_ids_above_the_codes(checkpoint: Path) -> None:
    for codebook in range(TINY.codebooks):
        head = part(checkpoint, f"decoder.lm_heads.{codebook}.")["weight"]
        assert head.shape == (1088, TINY.hidden)
        assert head[:1024].abs().sum(dim=1).min() > 0
        assert not head[1024:].any()


def test_fused_heads_hold_the_same_rows_in_one_matrix(checkpoint: Path, tmp_path: Path) -> None:
    fused = part(write_checkpoint(tmp_path, TINY, fused_heads=True), "decoder.lm_heads.")["weight"]
    separate = [part(checkpoint, f"decoder.lm_heads.{codebook}.")["weight"] for codebook in range(TINY.codebooks)]
    assert torch.equal(fused, torch.cat(separate))


def test_variants_have_their_tensors(tmp_path: Path) -> None:
    size = replace(TINY, key_value_heads=2, cross_key_value_heads=1, text_encoder_hidden=48)
    write_checkpoint(tmp_path, size, prompt_cross_attention=True, rope=True)
    with safe_open(tmp_path / "model.safetensors", "pt") as file:
        names = set(file.keys())
        assert file.get_slice("decoder.model.decoder.layers.0.self_attn.k_proj.weight").get_shape() == [32, 64]
        assert file.get_slice("decoder.model.decoder.layers.0.encoder_attn.v_proj.weight").get_shape() == [16, 64]
        assert file.get_slice("enc_to_dec_proj.weight").get_shape() == [64, 48]
    assert "embed_positions.weights" in names
    assert "decoder.model.decoder.embed_positions.weights" not in names


def test_the_seed_decides_the_weights(checkpoint: Path, tmp_path: Path) -> None:
    same = write_checkpoint(tmp_path / "same", TINY, seed=0)
    other = write_checkpoint(tmp_path / "other", TINY, seed=1)
    assert (same / "model.safetensors").read_bytes() == (checkpoint / "model.safetensors").read_bytes()
    assert (other / "model.safetensors").read_bytes() != (checkpoint / "model.safetensors").read_bytes()


def test_halves_in_bfloat16_and_splits_into_shards(checkpoint: Path, tmp_path: Path) -> None:
    write_checkpoint(tmp_path, TINY, dtype=torch.bfloat16, shards=3)
    places = json.loads((tmp_path / "model.safetensors.index.json").read_text())["weight_map"]
    found = {name: load_file(tmp_path / file)[name] for name, file in places.items()}
    whole = load_file(checkpoint / "model.safetensors")
    assert len(set(places.values())) == 3
    assert found.keys() == whole.keys()
    assert all(torch.equal(found[name], tensor.bfloat16()) for name, tensor in whole.items())


def test_one_tokenizer_ends_texts_as_t5_does(checkpoint: Path) -> None:
    tokenizer = Tokenizer.from_file(str(checkpoint / "tokenizer.json"))
    assert not (checkpoint / "description_tokenizer").exists()
    for sentence in SENTENCES:
        encoding = tokenizer.encode(sentence)
        assert encoding.ids[-1] == tokenizer.token_to_id("</s>") == 1
        assert max(encoding.ids) < TINY.prompt_vocabulary
    assert tokenizer.decode(tokenizer.encode("Good morning.").ids) == "Good morning."
    assert tokenizer.token_to_id("<unk>") in tokenizer.encode("ನಮಸ್ಕಾರ").ids
    assert tokenizer.encode("ﬁne").ids == tokenizer.encode("fine").ids


def test_separate_tokenizers_as_the_indic_model_has_them(tmp_path: Path) -> None:
    write_checkpoint(tmp_path, TINY, separate_description_tokenizer=True)
    prompt = Tokenizer.from_file(str(tmp_path / "tokenizer.json"))
    description = Tokenizer.from_file(str(tmp_path / "description_tokenizer" / "tokenizer.json"))
    for sentence in SENTENCES:
        assert prompt.encode(sentence).ids[0] == prompt.token_to_id("<s>") == 1
        assert max(prompt.encode(sentence).ids) < TINY.prompt_vocabulary
        assert prompt.decode(prompt.encode(sentence).ids) == sentence
        assert description.encode(sentence).ids[-1] == description.token_to_id("</s>") == 1


def test_a_vocabulary_too_small_for_the_tokenizer_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="more than 100"):
        write_checkpoint(tmp_path, replace(TINY, prompt_vocabulary=100))
