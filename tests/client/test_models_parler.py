"""Parler-TTS in the catalogue: what is checked of its files before they are installed, on tiny ones."""

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from maatu_client.models.catalog import HUB
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import ModelNotInstalled
from maatu_runtime.models import ModelStore
from maatu_tts.engine.parler.checkpoint import Checkpoint
from maatu_tts.engine.parler.config import ParlerConfig
from maatu_tts.engine.parler.random_weights import TINY, write_checkpoint

NAMES = ["parler-mini", "parler-large", "parler-indic"]
CONFIG = {"model_type": "parler_tts", "text_encoder": {}, "audio_encoder": {}, "decoder": {}}
TOKENIZER = {"version": "1.0", "model": {"type": "Unigram", "vocab": [["a", 0.0]]}}


def write_safetensors(path: Path, *names: str) -> None:
    """Tensors of four bytes each, one after the other."""
    tensors = {
        name: {"dtype": "F32", "shape": [1], "data_offsets": [4 * place, 4 * place + 4]}
        for place, name in enumerate(names)
    }
    header = json.dumps({"__metadata__": {"format": "pt"}, **tensors}).encode()
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4 * len(names)))


def write_tokenizer(directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "tokenizer.json").write_text(json.dumps(TOKENIZER))
    (directory / "tokenizer_config.json").write_text("{}")


def bring(directory: Path, name: str) -> Path:
    """Puts files into a directory as `maatu models pull NAME --from` wants them."""
    write_tokenizer(directory)
    (directory / "config.json").write_text(json.dumps(CONFIG))
    (directory / "generation_config.json").write_text("{}")
    if name == "parler-large":
        shards = ["model-00001-of-00002.safetensors", "model-00002-of-00002.safetensors"]
        for place, shard in enumerate(shards):
            write_safetensors(directory / shard, f"decoder.{place}", f"text_encoder.{place}")
        places = {f"{part}.{place}": shards[place] for part in ("decoder", "text_encoder") for place in (0, 1)}
        (directory / "model.safetensors.index.json").write_text(json.dumps({"weight_map": places}))
    else:
        write_safetensors(directory / "model.safetensors", "decoder.0", "text_encoder.0")
    if name == "parler-indic":
        write_tokenizer(directory / "description_tokenizer")
    return directory


def pull(root: Path, name: str, directory: Path) -> ModelStore:
    store = ModelStore(root / "models")
    Puller(store, WheelCache(root / "wheels")).pull([HUB[name]], directory=directory)
    return store


@pytest.mark.parametrize("name", NAMES)
def test_a_published_checkpoint_is_installed_as_it_comes(tmp_path: Path, name: str) -> None:
    brought = bring(tmp_path / "brought", name)
    store = pull(tmp_path, name, brought)
    manifest = store.verify(name)
    assert (manifest.family, manifest.format, manifest.licence) == ("parler", "safetensors", "Apache-2.0")
    for file in manifest.files:
        assert (store.path(name) / file).read_bytes() == (brought / file).read_bytes()
    assert ("description_tokenizer/tokenizer.json" in manifest.files) == (name == "parler-indic")


def test_the_indic_model_without_the_tokenizer_of_descriptions_says_where_it_comes_from(tmp_path: Path) -> None:
    brought = bring(tmp_path / "brought", "parler-mini")
    with pytest.raises(ModelNotInstalled) as raised:
        pull(tmp_path, "parler-indic", brought)
    assert (
        f"tokenizer.json, tokenizer_config.json missing in {brought / 'description_tokenizer'}" in raised.value.message
    )
    assert (
        "of the hub model google/flan-t5-large (revision 0613663d0d48ea86ba8cb3d7a44f0f65dc596a2a) into "
        "DIR/description_tokenizer; then run"
    ) in raised.value.message


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-1])


def point(path: Path) -> None:
    path.write_text("version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 3510000000\n")


@pytest.mark.parametrize(
    ("file", "damage", "defect"),
    [
        ("config.json", truncate, r"config\.json is no JSON"),
        ("config.json", lambda path: path.write_text("[]"), r"config\.json is no JSON object"),
        ("config.json", lambda path: path.write_text('{"model_type": "t5"}'), "of the type t5, not parler_tts"),
        ("config.json", lambda path: path.write_text("{}"), "of the type unknown, not parler_tts"),
        (
            "config.json",
            lambda path: path.write_text(json.dumps({**CONFIG, "decoder": None})),
            r"config\.json does not describe decoder",
        ),
        ("generation_config.json", truncate, r"generation_config\.json is no JSON"),
        ("tokenizer.json", truncate, r"brought/tokenizer\.json is no JSON"),
        ("tokenizer.json", lambda path: path.write_text("{}"), r"brought/tokenizer\.json has no vocabulary"),
        ("tokenizer_config.json", truncate, r"brought/tokenizer_config\.json is no JSON"),
        (
            "description_tokenizer/tokenizer.json",
            truncate,
            r"description_tokenizer/tokenizer\.json is no JSON",
        ),
        ("model.safetensors", truncate, r"model\.safetensors has \d+ bytes, but its header speaks of \d+"),
        ("model.safetensors", lambda path: path.write_bytes(path.read_bytes()[:20]), "only the beginning of one"),
        ("model.safetensors", lambda path: path.write_bytes(b""), "only the beginning of one"),
        (
            "model.safetensors",
            lambda path: path.write_bytes(b"PK\x03\x04" * 9),
            r"model\.safetensors is no safetensors",
        ),
        ("model.safetensors", point, r"model\.safetensors is a pointer of Git LFS"),
        (
            "model.safetensors",
            lambda path: path.write_bytes(struct.pack("<Q", 8) + b"not json"),
            r"model\.safetensors has a header that is no JSON",
        ),
        (
            "model.safetensors",
            lambda path: path.write_bytes(struct.pack("<Q", 9) + b'{"a": {}}'),
            r"header that does not say where its tensors are",
        ),
        ("model.safetensors", write_safetensors, r"header that does not say where its tensors are"),
    ],
)
def test_a_damaged_file_is_named_and_nothing_is_installed(
    tmp_path: Path, file: str, damage: Callable[[Path], object], defect: str
) -> None:
    brought = bring(tmp_path / "brought", "parler-indic")
    damage(brought / file)
    with pytest.raises(ModelNotInstalled, match=rf"(?s){defect}.*Remove it and get it again"):
        pull(tmp_path, "parler-indic", brought)
    assert ModelStore(tmp_path / "models").directories() == []


@pytest.mark.parametrize(
    ("file", "damage", "defect"),
    [
        ("model-00002-of-00002.safetensors", truncate, r"model-00002-of-00002\.safetensors has \d+ bytes"),
        (
            "model-00002-of-00002.safetensors",
            lambda path: write_safetensors(path, "decoder.1"),
            r"model-00002-of-00002\.safetensors lacks 1 tensors .* text_encoder\.1 first",
        ),
        ("model.safetensors.index.json", lambda path: path.write_text("{}"), r"index\.json has no weight_map"),
        (
            "model.safetensors.index.json",
            lambda path: path.write_text('{"weight_map": {"a": "model-3.safetensors"}}'),
            r"index\.json names model-3\.safetensors, which is not in",
        ),
    ],
)
def test_a_damaged_part_of_weights_in_several_files_is_named(
    tmp_path: Path, file: str, damage: Callable[[Path], object], defect: str
) -> None:
    brought = bring(tmp_path / "brought", "parler-large")
    damage(brought / file)
    with pytest.raises(ModelNotInstalled, match=defect):
        pull(tmp_path, "parler-large", brought)
    assert ModelStore(tmp_path / "models").directories() == []


@pytest.mark.parametrize(
    ("name", "layout"),
    [
        ("parler-mini", {"codec": "descript"}),
        ("parler-large", {"shards": 2}),
        ("parler-indic", {"fused_heads": True, "separate_description_tokenizer": True}),
    ],
)
def test_a_random_checkpoint_is_installed_and_read_by_the_engine(
    tmp_path: Path, name: str, layout: dict[str, Any]
) -> None:
    write_checkpoint(tmp_path / "brought", TINY, **layout)
    path = pull(tmp_path, name, tmp_path / "brought").path(name)
    assert ParlerConfig.read(path).decoder.fused_heads == layout.get("fused_heads", False)
    with Checkpoint(path) as checkpoint:
        assert "embed_prompts.weight" in checkpoint
