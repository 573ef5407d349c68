"""The codec is DAC: as transformers decodes it, in every form in which checkpoints keep its tensors."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from transformers import DacConfig, DacModel

from maatu_runtime.errors import ModelNotInstalled
from maatu_tts.engine.parler.loader import ParlerModel, load_model

Load = Callable[..., ParlerModel]
BLOCKS = 4


def some_codes(frames: int, batch: int = 1) -> Tensor:
    return torch.randint(0, 1024, (batch, 9, frames), generator=torch.Generator().manual_seed(frames))


def test_decodes_as_transformers_does(checkpoint: Callable[[str], Path], load: Load) -> None:
    directory = checkpoint("endless")
    codec = DacModel(DacConfig(**json.loads((directory / "config.json").read_text())["audio_encoder"])).train(False)
    prefix = "audio_encoder."
    tensors = load_file(directory / "model.safetensors").items()
    codec.load_state_dict({name.removeprefix(prefix): tensor for name, tensor in tensors if name.startswith(prefix)})
    codes = some_codes(30, batch=2)
    with torch.inference_mode():
        expected = codec.decode(audio_codes=codes).audio_values
        samples = load("endless").codec(codes)
    assert samples.shape == (2, 30 * 512)
    torch.testing.assert_close(samples, expected.view_as(samples), atol=1e-5, rtol=0)
    assert samples.abs().max() > 0.1


def descript_names() -> dict[str, str]:
    """The package descript-audio-codec's name of each of the decoder's parts, by transformers' name of it."""
    names = {"conv1": "model.0", "snake1": f"model.{BLOCKS + 1}", "conv2": f"model.{BLOCKS + 2}"}
    for block in range(BLOCKS):
        theirs, ours = f"model.{block + 1}.block", f"block.{block}"
        names |= {f"{ours}.snake1": f"{theirs}.0", f"{ours}.conv_t1": f"{theirs}.1"}
        for unit in (1, 2, 3):
            for number, part in enumerate(("snake1", "conv1", "snake2", "conv2")):
                names[f"{ours}.res_unit{unit}.{part}"] = f"{theirs}.{unit + 1}.block.{number}"
    return {f"audio_encoder.decoder.{ours}": f"audio_encoder.model.decoder.{theirs}" for ours, theirs in names.items()}


@pytest.mark.parametrize(
    ("length", "direction"),
    [("weight_g", "weight_v"), ("parametrizations.weight.original0", "parametrizations.weight.original1")],
)
@pytest.mark.parametrize("renamed", [False, True])
def test_weight_norm_and_both_namings_are_the_same_codec(
    checkpoint: Callable[[str], Path], load: Load, tmp_path: Path, length: str, direction: str, renamed: bool
) -> None:
    directory = Path(shutil.copytree(checkpoint("endless"), tmp_path / "normed"))
    names = descript_names() if renamed else {}
    stored: dict[str, Tensor] = {}
    used = set()
    for name, tensor in load_file(directory / "model.safetensors").items():
        part, _, kind = name.rpartition(".")
        if renamed and name.startswith("audio_encoder.encoder."):
            continue
        used.add(part)
        own = names.get(part, part)
        if renamed and part.startswith("audio_encoder.quantizer."):
            own = own.replace("audio_encoder.", "audio_encoder.model.")
        if part.startswith("audio_encoder.") and kind == "weight" and tensor.dim() == 3:
            # Training leaves the direction at any length.
            stored[f"{own}.{direction}"] = tensor * 3.5
            stored[f"{own}.{length}"] = tensor.flatten(1).norm(dim=1).view(-1, 1, 1)
        else:
            stored[f"{own}.{kind}"] = tensor
    assert used >= names.keys()
    save_file(stored, directory / "model.safetensors", metadata={"format": "pt"})
    codes = some_codes(25)
    with torch.inference_mode():
        expected, samples = load("endless").codec(codes), load_model(directory).codec(codes)
    torch.testing.assert_close(samples, expected, atol=1e-5, rtol=0)


def test_a_weight_norm_of_which_half_is_missing_is_told(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    directory = Path(shutil.copytree(checkpoint("endless"), tmp_path / "normed"))
    tensors = load_file(directory / "model.safetensors")
    tensors["audio_encoder.decoder.conv1.weight_v"] = tensors.pop("audio_encoder.decoder.conv1.weight")
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(ModelNotInstalled, match=r"audio_encoder\.decoder\.conv1\.weight_g is missing"):
        load_model(directory)


def test_a_direction_of_zeros_is_silence_not_nan(checkpoint: Callable[[str], Path], tmp_path: Path) -> None:
    directory = Path(shutil.copytree(checkpoint("endless"), tmp_path / "normed"))
    tensors = load_file(directory / "model.safetensors")
    weight = tensors.pop("audio_encoder.decoder.conv2.weight")
    tensors["audio_encoder.decoder.conv2.weight_v"] = torch.zeros_like(weight)
    tensors["audio_encoder.decoder.conv2.weight_g"] = torch.ones(1, 1, 1)
    save_file(tensors, directory / "model.safetensors", metadata={"format": "pt"})
    with torch.inference_mode():
        assert load_model(directory).codec(some_codes(3)).isfinite().all()
