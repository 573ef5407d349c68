"""The converter on what fine-tunes of Whisper look like: files that are missing, others in their place, ids that do not fit."""

import json
from collections.abc import Callable
from pathlib import Path
from shutil import copyfile
from typing import Any

import pytest

from maatu_client.models import whisper
from maatu_client.models.alignment_heads import alignment_heads
from maatu_runtime.errors import Unsupported

BASE = {"decoder_layers": 6, "decoder_attention_heads": 8, "num_mel_bins": 80, "vocab_size": 51865}
LANGUAGES = list(range(50259, 50358))


@pytest.fixture
def fine_tune(tmp_path: Path, models_dir: Path) -> Path:
    """A Whisper of the layers and heads of tiny, narrow and with random weights."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(1)
    model: Any = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=51865,
            d_model=24,
            encoder_layers=1,
            encoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_layers=4,
            decoder_attention_heads=6,
            decoder_ffn_dim=32,
        )
    )
    directory = tmp_path / "fine-tune"
    model.save_pretrained(directory)
    copyfile(models_dir / "whisper-base" / "tokenizer.json", directory / "tokenizer.json")
    return directory


def converted(source: Path, tokenizer: Path | None = None) -> tuple[Path, dict[str, Any]]:
    """The converted model's directory and its config.json."""
    destination = source.parent / "converted"
    destination.mkdir()
    whisper.check(source, tokenizer)
    whisper.convert(source, destination, "int8", tokenizer)
    config: dict[str, Any] = json.loads((destination / "config.json").read_text())
    return destination, config


def edited(path: Path, **changes: object) -> None:
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def as_of_2022(directory: Path) -> None:
    """No tokenizer.json, no generation_config.json, weights as PyTorch saves them."""
    import torch
    from safetensors.torch import load_file

    torch.save(load_file(directory / "model.safetensors"), directory / "pytorch_model.bin")
    (directory / "model.safetensors").unlink()
    (directory / "generation_config.json").unlink()
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    (directory / "tokenizer.json").unlink()
    (directory / "vocab.json").write_text(json.dumps(tokenizer["model"]["vocab"]))
    merges = [merge if isinstance(merge, str) else " ".join(merge) for merge in tokenizer["model"]["merges"]]
    (directory / "merges.txt").write_text("\n".join(["#version: 0.2", *merges]), encoding="utf-8")
    added = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    (directory / "added_tokens.json").write_text(json.dumps(added))


def test_a_fine_tune_of_2022_is_completed(fine_tune: Path, models_dir: Path) -> None:
    import tokenizers

    as_of_2022(fine_tune)
    directory, config = converted(fine_tune)
    assert config["lang_ids"] == LANGUAGES
    assert config["alignment_heads"] == [[2, 2], [3, 0], [3, 2], [3, 3], [3, 4], [3, 5]]
    assert json.loads((directory / "preprocessor_config.json").read_text()) == {"feature_size": 80}
    text = " The weather is fine. ಹವಾಮಾನ ಚೆನ್ನಾಗಿದೆ."
    expected = tokenizers.Tokenizer.from_file(str(models_dir / "whisper-base" / "tokenizer.json"))
    actual = tokenizers.Tokenizer.from_file(str(directory / "tokenizer.json"))
    assert actual.encode(text, add_special_tokens=False).ids == expected.encode(text, add_special_tokens=False).ids
    assert actual.token_to_id("<|kn|>") == expected.token_to_id("<|kn|>")


@pytest.mark.parametrize("from_model_config", [True, False])
def test_alignment_heads_that_the_model_names_are_kept(fine_tune: Path, from_model_config: bool) -> None:
    changes = {"alignment_heads": [[1, 5], [2, 0]], "_from_model_config": from_model_config}
    edited(fine_tune / "generation_config.json", **changes)
    assert converted(fine_tune)[1]["alignment_heads"] == [[1, 5], [2, 0]]


def test_ids_that_the_model_does_not_have_are_dropped(fine_tune: Path) -> None:
    ids = {"suppress_tokens": [-1, 1, 60_000], "begin_suppress_tokens": [220, 51_865]}
    edited(fine_tune / "generation_config.json", **ids, alignment_heads=[[9, 9]])
    config = converted(fine_tune)[1]
    assert (config["suppress_ids"], config["suppress_ids_begin"]) == ([1], [220])
    assert config["alignment_heads"][0] == [2, 2]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, (3, 1)),
        ({"vocab_size": 51864}, (3, 3)),
        ({"decoder_layers": 32, "decoder_attention_heads": 20}, (10, 12)),
        ({"decoder_layers": 32, "decoder_attention_heads": 20, "num_mel_bins": 128, "vocab_size": 51866}, (7, 0)),
        ({"decoder_layers": 4, "decoder_attention_heads": 20, "num_mel_bins": 128, "vocab_size": 51866}, (2, 4)),
    ],
)
def test_a_models_shape_tells_its_alignment_heads(changes: dict[str, int], expected: tuple[int, int]) -> None:
    config = BASE | changes
    heads = alignment_heads(config, {})
    assert heads is not None
    assert heads[0] == expected
    assert all(layer < config["decoder_layers"] and head < config["decoder_attention_heads"] for layer, head in heads)


def test_a_shape_of_its_own_has_the_heads_that_the_converter_chooses() -> None:
    assert alignment_heads(BASE | {"decoder_layers": 2}, {}) is None


def without_tensor(directory: Path) -> None:
    from safetensors.torch import load_file, save_file

    tensors = load_file(directory / "model.safetensors")
    del tensors["model.decoder.layers.1.fc1.weight"]
    save_file(tensors, directory / "model.safetensors", {"format": "pt"})


def without_special_tokens(directory: Path) -> None:
    as_of_2022(directory)
    (directory / "added_tokens.json").unlink()
    (directory / "tokenizer_config.json").write_text("{}")


def with_the_tokenizer_of_large_v3(directory: Path) -> None:
    tokenizer = json.loads((directory / "tokenizer.json").read_text())
    for token in tokenizer["added_tokens"]:
        token["id"] += token["id"] > 50357
    later = {"<|yue|>": 50358}
    tokenizer["added_tokens"].append({**tokenizer["added_tokens"][0], "content": "<|yue|>", "id": later["<|yue|>"]})
    tokenizer["added_tokens"].sort(key=lambda token: token["id"])
    (directory / "tokenizer.json").write_text(json.dumps(tokenizer))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (without_tensor, "lacks 1 of the model's tensors, model.decoder.layers.1.fc1.weight first"),
        (
            without_special_tokens,
            "it has no <|startoftranscript|>. Name the model it is a fine-tune of, such as openai/whi",
        ),
        (with_the_tokenizer_of_large_v3, "which has 51865 tokens: it has <|notimestamps|> at 50364"),
        (
            lambda directory: (directory / "tokenizer.json").unlink(),
            "has no tokenizer: expected tokenizer.json, or vocab.j",
        ),
        (
            lambda directory: (directory / "model.safetensors").write_bytes(
                b"version https://git-lfs.github.com/spec/v1"
            ),
            "model.safetensors is a pointer of Git LFS",
        ),
    ],
)
def test_what_would_recognise_nothing_is_refused(
    fine_tune: Path, spoil: Callable[[Path], object], message: str
) -> None:
    spoil(fine_tune)
    with pytest.raises(Unsupported) as raised:
        converted(fine_tune)
    assert message in raised.value.message


def test_a_tokenizer_of_another_directory_completes_a_fine_tune(fine_tune: Path, models_dir: Path) -> None:
    (fine_tune / "tokenizer.json").unlink()
    _, config = converted(fine_tune, models_dir / "whisper-base")
    assert config["lang_ids"] == LANGUAGES
