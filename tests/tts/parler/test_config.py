"""What a checkpoint says of itself is read, and refused where it makes no sense."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maatu_runtime.errors import ModelNotInstalled
from maatu_tts.engine.parler.config import ParlerConfig, SamplingConfig


@pytest.fixture
def directory(checkpoint: Callable[[str], Path], tmp_path: Path) -> Path:
    """A checkpoint's configuration, to be changed."""
    for name in ("config.json", "generation_config.json"):
        shutil.copy(checkpoint("endless") / name, tmp_path)
    return tmp_path


def change(directory: Path, edit: Callable[[dict[str, Any]], object], name: str = "config.json") -> None:
    fields = json.loads((directory / name).read_text())
    edit(fields)
    (directory / name).write_text(json.dumps(fields))


def refusal(directory: Path) -> str:
    with pytest.raises(ModelNotInstalled) as caught:
        ParlerConfig.read(directory)
    return str(caught.value)


def test_reads_the_fields(directory: Path) -> None:
    config = ParlerConfig.read(directory)
    assert (config.decoder.hidden, config.decoder.layers, config.decoder.heads) == (64, 2, 4)
    assert (config.decoder.head_size, config.decoder.codebooks, config.decoder.vocabulary) == (16, 9, 1088)
    assert (config.decoder.bos, config.decoder.eos) == (1025, 1024)
    assert (config.codec.hop, config.codec.sample_rate_hz) == (512, 44_100)
    assert config.codec.frame_rate == pytest.approx(86.13, abs=0.01)
    assert config.sampling.min_new_tokens == 10
    assert not config.prompt_cross_attention


def test_key_value_heads_follow_the_heads_where_nothing_is_said(directory: Path) -> None:
    def edit(fields: dict[str, Any]) -> None:
        fields["decoder"] |= {"num_key_value_heads": 2, "num_cross_attention_key_value_heads": None}

    change(directory, edit)
    decoder = ParlerConfig.read(directory).decoder
    assert (decoder.key_value_heads, decoder.cross_key_value_heads) == (2, 2)
    change(directory, lambda fields: fields["decoder"].pop("num_key_value_heads"))
    decoder = ParlerConfig.read(directory).decoder
    assert (decoder.key_value_heads, decoder.cross_key_value_heads) == (4, 4)


def test_a_codec_that_says_no_sizes_has_the_published_ones(directory: Path) -> None:
    def edit(fields: dict[str, Any]) -> None:
        fields["audio_encoder"] = {"model_type": "dac", "num_codebooks": 9}

    change(directory, edit)
    codec = ParlerConfig.read(directory).codec
    assert (codec.channels, codec.latent, codec.codebook_width, codec.codebook_size) == (1536, 1024, 8, 1024)
    assert (codec.hop, codec.sample_rate_hz) == (512, 44_100)


def test_sampling_has_defaults_and_may_be_greedy(directory: Path) -> None:
    (directory / "generation_config.json").write_text("{}")
    assert ParlerConfig.read(directory).sampling == SamplingConfig(1.0, 50, 1.0, 0, 2580)
    (directory / "generation_config.json").write_text('{"temperature": null, "top_k": 0, "top_p": null}')
    assert ParlerConfig.read(directory).sampling == SamplingConfig(0.0, 0, 1.0, 0, 2580)
    (directory / "generation_config.json").unlink()
    assert ParlerConfig.read(directory).sampling.top_k == 50


def test_a_missing_configuration_is_told(tmp_path: Path) -> None:
    assert f"{tmp_path / 'config.json'} cannot be read" in refusal(tmp_path)


@pytest.mark.parametrize("name", ["config.json", "generation_config.json"])
@pytest.mark.parametrize(
    ("content", "why"),
    [(b"{'a'}", "is no JSON"), (b"", "is no JSON"), (b"\xff\xfe", "is no JSON"), (b"[]", "no object")],
)
def test_what_is_no_json_is_told(directory: Path, name: str, content: bytes, why: str) -> None:
    (directory / name).write_bytes(content)
    message = refusal(directory)
    assert str(directory / name) in message
    assert why in message


@pytest.mark.parametrize("kind", ["t5", None])
def test_other_models_are_refused(directory: Path, kind: str | None) -> None:
    change(directory, lambda fields: fields.update(model_type=kind))
    assert f"holds a {kind!r}, not a Parler-TTS checkpoint" in refusal(directory)


@pytest.mark.parametrize("name", ["decoder", "audio_encoder", "text_encoder", "vocab_size"])
def test_a_missing_field_is_named(directory: Path, name: str) -> None:
    change(directory, lambda fields: fields.pop(name))
    assert f"lacks the field '{name}'" in refusal(directory)


@pytest.mark.parametrize(
    "name", ["vocab_size", "hidden_size", "num_hidden_layers", "num_attention_heads", "ffn_dim", "num_codebooks"]
)
def test_a_missing_field_of_the_decoder_is_named(directory: Path, name: str) -> None:
    change(directory, lambda fields: fields["decoder"].pop(name))
    assert f"lacks the field '{name}'" in refusal(directory)


@pytest.mark.parametrize("name", ["decoder", "audio_encoder"])
@pytest.mark.parametrize("value", [None, 5, "none"])
def test_a_part_that_is_no_object_is_told(directory: Path, name: str, value: object) -> None:
    change(directory, lambda fields: fields.update({name: value}))
    assert "has a field of a wrong type" in refusal(directory)
