"""Checkpoints that are broken, incomplete or of another kind are refused, with what is wrong; forms of a tensor are one."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor

from maatu_runtime.errors import ModelNotInstalled
from maatu_tts.engine.parler.loader import ParlerModel, load_model

Checkpoints = Callable[[str], Path]
Load = Callable[..., ParlerModel]


@pytest.fixture
def copy(checkpoint: Checkpoints, tmp_path: Path) -> Callable[[str], Path]:
    """A copy of a variant, to be broken."""

    def make(variant: str) -> Path:
        return Path(shutil.copytree(checkpoint(variant), tmp_path / variant))

    return make


def rewrite(directory: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    tensors = load_file(directory / "model.safetensors")
    change(tensors)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})


def refusal(directory: Path) -> str:
    with pytest.raises(ModelNotInstalled) as caught:
        load_model(directory)
    return str(caught.value)


@pytest.mark.parametrize(
    "name",
    [
        "text_encoder.encoder.block.1.layer.0.SelfAttention.q.weight",
        "text_encoder.shared.weight",
        "decoder.model.decoder.embed_tokens.8.weight",
        "decoder.model.decoder.layers.1.encoder_attn.k_proj.weight",
        "decoder.model.decoder.layer_norm.bias",
        "decoder.model.decoder.embed_positions.weights",
        "decoder.lm_heads.4.weight",
        "embed_prompts.weight",
        "audio_encoder.quantizer.quantizers.3.codebook.weight",
        "audio_encoder.decoder.block.2.res_unit3.snake2.alpha",
        "audio_encoder.decoder.block.0.conv_t1.bias",
    ],
)
def test_a_missing_tensor_is_named(copy: Checkpoints, name: str) -> None:
    directory = copy("endless")
    rewrite(directory, lambda tensors: tensors.pop(name))
    stored_as = name.replace("text_encoder.shared", "text_encoder.encoder.embed_tokens")
    assert f"does not fit its config.json: {stored_as} is missing. " in refusal(directory)


@pytest.mark.parametrize("variant", ["cross", "projected", "fused"])
def test_variants_miss_what_only_they_have(copy: Checkpoints, variant: str) -> None:
    own = {
        "cross": "embed_positions.weights",
        "projected": "enc_to_dec_proj.weight",
        "fused": "decoder.lm_heads.weight",
    }[variant]
    directory = copy(variant)
    rewrite(directory, lambda tensors: tensors.pop(own))
    assert f"{own} is missing" in refusal(directory)


def test_mis_shaped_tensors_are_named_with_both_shapes(copy: Checkpoints) -> None:
    directory = copy("endless")

    def change(tensors: dict[str, Tensor]) -> None:
        tensors["decoder.lm_heads.0.weight"] = torch.zeros(1024, 64)
        tensors["audio_encoder.decoder.conv1.weight"] = torch.zeros(64, 64, 5)
        tensors["decoder.model.decoder.layers.0.fc1.weight"] = torch.zeros(64, 128)

    rewrite(directory, change)
    message = refusal(directory)
    assert "decoder.lm_heads.0.weight is [1024, 64], not [1088, 64]" in message
    assert "audio_encoder.decoder.conv1.weight is [64, 64, 5], not [64, 64, 7]" in message
    assert "decoder.model.decoder.layers.0.fc1.weight is [64, 128], not [128, 64]" in message
    assert "more" not in message


def test_of_many_problems_eight_are_named_and_the_others_counted(copy: Checkpoints) -> None:
    directory = copy("endless")

    def change(tensors: dict[str, Tensor]) -> None:
        for book in range(9):
            del tensors[f"decoder.lm_heads.{book}.weight"]
        for layer in range(2):
            tensors[f"decoder.model.decoder.layers.{layer}.fc2.weight"] = torch.zeros(1)

    rewrite(directory, change)
    message = refusal(directory)
    assert len(re.findall(r" is missing| is \[", message)) == 8
    assert "; and 3 more. " in message
    assert "maatu models pull" in message


def test_a_config_of_other_sizes_does_not_fit(copy: Checkpoints) -> None:
    directory = copy("endless")
    config = json.loads((directory / "config.json").read_text())
    config["decoder"]["num_hidden_layers"] = 3
    (directory / "config.json").write_text(json.dumps(config))
    assert "decoder.model.decoder.layers.2.self_attn.q_proj.weight is missing" in refusal(directory)


@pytest.mark.parametrize("kept", [0, 7, 1_000, 500_000])
def test_a_truncated_file_is_told(copy: Checkpoints, kept: int) -> None:
    file = copy("endless") / "model.safetensors"
    file.write_bytes(file.read_bytes()[:kept])
    message = refusal(file.parent)
    assert str(file) in message
    assert "is broken" in message


def test_a_file_of_something_else_is_told(copy: Checkpoints) -> None:
    directory = copy("endless")
    (directory / "model.safetensors").write_bytes(b"<html>404 Not Found</html>" * 100)
    assert "model.safetensors is broken" in refusal(directory)


def test_a_directory_without_weights_says_how_to_get_them(copy: Checkpoints) -> None:
    directory = copy("endless")
    (directory / "model.safetensors").unlink()
    assert "no model.safetensors" in refusal(directory)


def test_missing_parts_of_an_index_are_named(copy: Checkpoints) -> None:
    directory = copy("sharded")
    for part in (1, 3):
        (directory / f"model-{part:05}-of-00003.safetensors").unlink()
    assert "model-00001-of-00003.safetensors, model-00003-of-00003.safetensors missing" in refusal(directory)


@pytest.mark.parametrize("content", ["{", "[]", '{"metadata": {}}', '{"weight_map": ["a"]}', '{"weight_map": 5}'])
def test_a_broken_index_is_told(copy: Checkpoints, content: str) -> None:
    directory = copy("sharded")
    (directory / "model.safetensors.index.json").write_text(content)
    assert "model.safetensors.index.json is broken" in refusal(directory)


def test_a_broken_part_is_told(copy: Checkpoints) -> None:
    file = copy("sharded") / "model-00002-of-00003.safetensors"
    file.write_bytes(file.read_bytes()[:-1])
    assert f"{file} is broken" in refusal(file.parent)


def test_an_unknown_activation_is_refused(copy: Checkpoints) -> None:
    directory = copy("endless")
    config = json.loads((directory / "config.json").read_text())
    config["decoder"]["activation_function"] = "swishglu"
    (directory / "config.json").write_text(json.dumps(config))
    assert "'swishglu'" in refusal(directory)


def test_a_missing_tokenizer_is_told(copy: Checkpoints) -> None:
    directory = copy("endless")
    for file in directory.glob("tokenizer*"):
        file.unlink()
    assert f"no tokenizer.json in {directory}" in refusal(directory)


def test_parts_and_a_single_file_are_one_model(load: Load) -> None:
    whole, parts = load("endless").decoder.state_dict(), load("sharded").decoder.state_dict()
    assert whole.keys() == parts.keys()
    assert all(torch.equal(parts[name], tensor) for name, tensor in whole.items())


def test_the_text_encoders_embedding_may_have_its_other_name(copy: Checkpoints, load: Load) -> None:
    directory = copy("endless")
    old, new = "text_encoder.shared.weight", "text_encoder.encoder.embed_tokens.weight"
    rewrite(directory, lambda tensors: tensors.update({new: tensors.pop(old)}))
    voice = "A clear voice."
    assert torch.equal(load_model(directory).describe(voice).states, load("endless").describe(voice).states)


def test_what_is_stored_in_halves_is_computed_in_float32(load: Load) -> None:
    halves, whole = load("half"), load("endless")
    assert halves.activations == torch.float32
    assert halves.decoder.embeddings.dtype == torch.float32
    assert torch.equal(halves.decoder.embeddings, whole.decoder.embeddings.bfloat16().float())


def test_descriptions_have_their_own_tokenizer_where_there_is_one(load: Load) -> None:
    two, one = load("projected"), load("endless")
    text = "A clear voice."
    assert two.prompt_ids(text)[0] == 1
    assert two.description_ids(text)[-1] == 1
    assert two.prompt_ids(text) != two.description_ids(text)
    assert one.prompt_ids(text) == one.description_ids(text)
