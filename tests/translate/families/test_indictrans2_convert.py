"""Checkpoints of IndicTrans2: every layout of the weights, and what is refused."""

import json
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ctranslate2
import pytest
import torch
from safetensors.torch import load_file, save_file

from maatu_client.models import indictrans2
from maatu_runtime.errors import Unsupported
from tests.translate.families import reference_indictrans2 as reference

CODES = ("eng_Latn", "kan_Knda", "hin_Deva", "lus_Latn")
SHARED = reference.Kind("en-indic", layernorm_embedding=True, shared=True)
SOURCE = ["eng_Latn", "kan_Knda", "▁G", "ood", "▁morning", "</s>"]


@pytest.fixture(scope="module")
def original(
    tmp_path_factory: pytest.TempPathFactory, train_sentencepiece: Callable[..., Path], corpus: Sequence[str]
) -> Path:
    directory = tmp_path_factory.mktemp("indictrans2")
    pieces = [
        train_sentencepiece(directory, name, text=text, vocab_size=size)
        for name, text, size in (("model.SRC", corpus[:8], 150), ("model.TGT", corpus[21:24], 90))
    ]
    source, target = reference.dictionary(pieces[0], CODES), reference.dictionary(pieces[1])
    model = reference.build(SHARED, len(source) + reference.UNUSED, len(target))
    reference.save(directory, SHARED, model, source, target)
    return directory


@pytest.fixture
def checkpoint(original: Path, tmp_path: Path) -> Path:
    """A copy, to be changed."""
    return Path(shutil.copytree(original, tmp_path / "checkpoint"))


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    path = tmp_path / "converted"
    path.mkdir()
    return path


def tokens(directory: Path) -> list[str]:
    translator = ctranslate2.Translator(str(directory), device="cpu", intra_threads=1)
    hypothesis: list[str] = translator.translate_batch([SOURCE], beam_size=1, max_decoding_length=20)[0].hypotheses[0]
    return hypothesis


def change(checkpoint: Path, **changes: torch.Tensor | None) -> None:
    """Puts tensors in (dots for double underscores), or takes them out."""
    path = checkpoint / "model.safetensors"
    held = load_file(path)
    for key, tensor in changes.items():
        name = key.replace("__", ".")
        held.pop(name, None)
        if tensor is not None:
            held[name] = tensor
    save_file(held, path, metadata={"format": "pt"})


def settings(checkpoint: Path, **changes: Any) -> None:
    path = checkpoint / "config.json"
    config = json.loads(path.read_text()) | changes
    path.write_text(json.dumps({name: value for name, value in config.items() if value is not None}))


def as_bin(checkpoint: Path) -> None:
    held = load_file(checkpoint / "model.safetensors")
    torch.save(held | {"model.encoder.version": torch.tensor([3.0])}, checkpoint / "pytorch_model.bin")


def as_shards(checkpoint: Path, name: str, save: Callable[[dict[str, torch.Tensor], Path], Any]) -> None:
    held = load_file(checkpoint / "model.safetensors")
    names = sorted(held)
    stem, suffix = name.rsplit(".", 1)
    weight_map: dict[str, str] = {}
    for number, part in enumerate((names[::2], names[1::2]), 1):
        file = f"{stem}-{number:05}-of-00002.{suffix}"
        save({key: held[key] for key in part}, checkpoint / file)
        weight_map |= dict.fromkeys(part, file)
    (checkpoint / f"{name}.index.json").write_text(json.dumps({"weight_map": weight_map}))


LAYOUTS: dict[str, Callable[[Path], None]] = {
    "pytorch_model.bin": as_bin,
    "shards of safetensors": lambda path: as_shards(path, "model.safetensors", save_file),
    "shards of PyTorch": lambda path: as_shards(path, "pytorch_model.bin", torch.save),
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_every_layout_of_the_weights_gives_the_same_model(
    original: Path, checkpoint: Path, destination: Path, layout: str, tmp_path: Path
) -> None:
    LAYOUTS[layout](checkpoint)
    (checkpoint / "model.safetensors").unlink()
    indictrans2.convert(checkpoint, destination, "float32")
    (tmp_path / "other").mkdir()
    indictrans2.convert(original, tmp_path / "other", "float32")
    assert (destination / "model.bin").read_bytes() == (tmp_path / "other" / "model.bin").read_bytes()


def test_a_shared_projection_need_not_be_there(original: Path, checkpoint: Path, destination: Path) -> None:
    expected = destination.with_name("expected")
    expected.mkdir()
    indictrans2.convert(original, expected, "float32")
    change(checkpoint, lm_head__weight=None)
    indictrans2.convert(checkpoint, destination, "float32")
    assert (destination / "model.bin").read_bytes() == (expected / "model.bin").read_bytes()


@pytest.mark.parametrize(
    "quantization", ["int8", "int8_float32", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16"]
)
def test_every_type_of_ctranslate2_can_be_had(original: Path, destination: Path, quantization: str) -> None:
    indictrans2.convert(original, destination, quantization)
    assert tokens(destination)


def test_half_precision_weights_are_read(checkpoint: Path, destination: Path) -> None:
    path = checkpoint / "model.safetensors"
    save_file({name: tensor.bfloat16() for name, tensor in load_file(path).items()}, path)
    indictrans2.convert(checkpoint, destination, "int8")
    assert tokens(destination)


def test_what_it_wrote_is_all_that_the_service_needs(original: Path, destination: Path) -> None:
    indictrans2.convert(original, destination, "int8")
    assert {path.name for path in destination.iterdir()} == {
        "config.json", "model.bin", "model.SRC", "model.TGT", "source_vocabulary.json", "target_vocabulary.json",
        "translation.json",
    }  # fmt: skip
    description = json.loads((destination / "translation.json").read_text())
    assert description == {"sources": ["eng_Latn"], "targets": ["kan_Knda", "hin_Deva"]}


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"model__decoder__layers__1__fc1__weight": None}, r"lacks the tensor model\.decoder\.layers\.1\.fc1\.weight"),
     ({"model__encoder__layernorm_embedding__bias": None}, r"lacks the tensor model\.encoder\.layernorm_embedding\.bias"),
     ({"model__encoder__layers__0__fc1__weight": torch.zeros(3, 4)}, r"fc1\.weight has the shape \[3, 4\].* says \[64, 32\]"),
     ({"model__decoder__layers__2__fc1__weight": torch.zeros(3)}, r"1 tensors that are none .* model\.decoder\.layers\.2\.fc1"),
     ({"base_model__lora_A": torch.zeros(3)}, r"1 tensors that are none .* base_model\.lora_A first")],
)  # fmt: skip
def test_every_tensor_is_accounted_for(
    checkpoint: Path, destination: Path, changes: dict[str, torch.Tensor | None], message: str
) -> None:
    change(checkpoint, **changes)
    with pytest.raises(Unsupported, match=message):
        indictrans2.convert(checkpoint, destination, "float32")


def test_a_projection_of_its_own_has_to_be_there(checkpoint: Path, destination: Path) -> None:
    settings(checkpoint, share_decoder_input_output_embed=False)
    change(checkpoint, lm_head__weight=None)
    with pytest.raises(Unsupported, match=r"lacks the tensor lm_head\.weight"):
        indictrans2.convert(checkpoint, destination, "float32")


@pytest.mark.parametrize(
    ("changes", "message"),
    [({"model_type": "m2m_100"}, "of the type m2m_100, not indictrans2"),
     ({"model_type": "RotaryIndicTrans"}, "of the type RotaryIndicTrans, not indictrans2"),
     ({"encoder_ffn_dim": None}, "does not say its encoder_ffn_dim"),
     ({"decoder_layers": "2"}, "does not say its decoder_layers"),
     ({"decoder_normalize_before": False}, "normalise last"),
     ({"activation_function": "gelu_new"}, "gelu_new"),
     ({"decoder_embed_dim": 48}, "not the same"),
     ({"encoder_vocab_size": 100}, r"dict\.SRC\.json is not that of the model, which has 100 tokens")],
)  # fmt: skip
def test_another_architecture_is_refused(checkpoint: Path, changes: dict[str, Any], message: str) -> None:
    settings(checkpoint, **changes)
    with pytest.raises(Unsupported, match=message):
        indictrans2.check(checkpoint)


@pytest.mark.parametrize("name", ["dict.SRC.json", "dict.TGT.json", "model.SRC", "model.TGT", "config.json"])
def test_a_missing_file_is_named_before_anything_is_loaded(checkpoint: Path, name: str) -> None:
    (checkpoint / name).unlink()
    with pytest.raises(Unsupported, match=name):
        indictrans2.check(checkpoint)


def test_a_missing_shard_is_named(checkpoint: Path, destination: Path) -> None:
    as_shards(checkpoint, "model.safetensors", save_file)
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / "model-00002-of-00002.safetensors").unlink()
    with pytest.raises(Unsupported, match=r"no model-00002-of-00002\.safetensors"):
        indictrans2.check(checkpoint)


@pytest.mark.parametrize("name", ["model.safetensors", "pytorch_model.bin", "model.safetensors.index.json"])
def test_weights_that_cannot_be_read_are_named(checkpoint: Path, destination: Path, name: str) -> None:
    (checkpoint / "model.safetensors").unlink()
    (checkpoint / name).write_bytes(b"\x00\x01 no weights" * 20)
    with pytest.raises(Unsupported, match=f"{name} cannot be read"):
        indictrans2.convert(checkpoint, destination, "float32")


class Touch:
    """Pickled, it makes a file where it is read."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> Any:
        return Path.touch, (self.path,)


def test_code_in_the_weights_is_not_run(checkpoint: Path, destination: Path, tmp_path: Path) -> None:
    (checkpoint / "model.safetensors").unlink()
    torch.save({"model": Touch(tmp_path / "run")}, checkpoint / "pytorch_model.bin")
    with pytest.raises(Unsupported, match=r"pytorch_model\.bin cannot be read"):
        indictrans2.convert(checkpoint, destination, "float32")
    assert not (tmp_path / "run").exists()


def test_code_beside_the_weights_is_not_run(checkpoint: Path, destination: Path, tmp_path: Path) -> None:
    for name in ("configuration", "modeling", "tokenization"):
        (checkpoint / f"{name}_indictrans.py").write_text(f"open({str(tmp_path / 'run')!r}, 'w')")
    indictrans2.convert(checkpoint, destination, "float32")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [("[1]", "cannot be read"), ("{", "cannot be read"), ('{"a": 1}', "has no <s>"),
     ('{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 2}', "one id to several"),
     ('{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 99999}', "it has a at 99999"),
     ('{"<s>": 0, "<pad>": 1, "</s>": 2, "<unk>": 3, "a": 4}', "no language codes")],
)  # fmt: skip
def test_a_dictionary_that_is_none_is_refused(checkpoint: Path, content: str, message: str) -> None:
    (checkpoint / "dict.SRC.json").write_text(content)
    with pytest.raises(Unsupported, match=rf"dict\.SRC\.json.* {message}"):
        indictrans2.check(checkpoint)
