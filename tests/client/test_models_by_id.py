"""Whisper models of the hub by their id: the real hub client against a hub of our own on the loopback, or without one."""

import json
import struct
from collections.abc import Mapping
from pathlib import Path
from shutil import copyfile
from typing import Any

import huggingface_hub.constants
import pytest
from typer.testing import CliRunner

from maatu_client.models import convert, repository, whisper_repository
from maatu_client.models.cli import models_app
from maatu_client.models.fake_hub import COMMIT, FakeHub
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import MaatuError, ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore

CONVERTED = "someone/faster-whisper-mine"
INSTALLED = "someone--faster-whisper-mine"
CARD = b"---\nlanguage: kn\nlicense: apache-2.0\n---\n# A model\n"
FILES = {
    "config.json": b'{"alignment_heads": [[0, 0]]}',
    "model.bin": struct.pack("<IH", 6, 12) + b"WhisperSpec\0 the weights",
    "tokenizer.json": b"{}",
    "vocabulary.json": b"[]",
    "README.md": CARD,
    "notes.pdf": b"not wanted",
}
CHECKPOINT = "someone/whisper-kn"

runner = CliRunner(env={"COLUMNS": "220"})


@pytest.fixture(autouse=True)
def _own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Path:
    """A small Whisper with random weights, as fine-tunes are published."""
    import torch
    from transformers import WhisperConfig, WhisperForConditionalGeneration

    torch.manual_seed(1)
    model: Any = WhisperForConditionalGeneration(
        WhisperConfig(
            vocab_size=51865,
            d_model=16,
            encoder_layers=1,
            encoder_attention_heads=2,
            encoder_ffn_dim=32,
            decoder_layers=1,
            decoder_attention_heads=2,
            decoder_ffn_dim=32,
        )
    )
    directory = tmp_path_factory.mktemp("checkpoint")
    model.save_pretrained(directory)
    copyfile(models_dir / "whisper-base" / "tokenizer.json", directory / "tokenizer.json")
    (directory / "README.md").write_bytes(CARD)
    return directory


def contents(directory: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def without(*names: str) -> dict[str, bytes]:
    return {name: content for name, content in FILES.items() if name not in names}


def pull(root: Path, repository: str = CONVERTED, *, endpoint: str | None = None, **options: Any) -> ModelStore:
    store = ModelStore(root / "models")
    Puller(store, WheelCache(root / "wheels"), hub_endpoint=endpoint).pull_repository(repository, **options)
    return store


def refusal(root: Path, files: Mapping[str, bytes], error: type[MaatuError], **options: Any) -> str:
    """The message with which a repository of these files is not installed; nothing is left of it."""
    with FakeHub({CONVERTED: files}) as hub, pytest.raises(error) as raised:
        pull(root, endpoint=hub.endpoint, **options)
    assert ModelStore(root / "models").directories() == []
    return raised.value.message


def test_a_converted_model_of_a_fake_hub_is_installed_by_its_id_and_then_left_alone(tmp_path: Path) -> None:
    with FakeHub({CONVERTED: FILES}) as hub:
        store = pull(tmp_path, endpoint=hub.endpoint)
        manifest = store.verify(INSTALLED)
        assert manifest.source == f"{CONVERTED}@{COMMIT}"
        assert (manifest.family, manifest.format, manifest.licence) == ("whisper", "ctranslate2", "apache-2.0")
        assert sorted(manifest.files) == ["config.json", "model.bin", "tokenizer.json", "vocabulary.json"]
        assert not any("notes" in request for request in hub.requested)
        hub.requested.clear()
        pull(tmp_path, endpoint=hub.endpoint)
        pull(tmp_path, endpoint=hub.endpoint, verify=True, quantization="int8")
        pull(tmp_path, endpoint=hub.endpoint, revision=COMMIT)
        assert hub.requested == []


def test_what_the_cache_has_of_a_fake_hub_is_installed_by_its_id_without_a_hub(tmp_path: Path) -> None:
    with FakeHub({CONVERTED: FILES}) as hub:
        pull(tmp_path, endpoint=hub.endpoint)
    assert pull(tmp_path / "other", endpoint=hub.endpoint).verify(INSTALLED).source.endswith(COMMIT)


def test_a_damaged_model_that_was_pulled_by_its_id_is_put_right_from_a_fake_hub(tmp_path: Path) -> None:
    with FakeHub({CONVERTED: FILES}) as hub:
        store = pull(tmp_path, endpoint=hub.endpoint)
        (store.root / INSTALLED / "model.bin").write_bytes(b"cut")
        with pytest.raises(ModelNotInstalled, match=f"`maatu models pull {CONVERTED}`"):
            store.path(INSTALLED)
        pull(tmp_path, endpoint=hub.endpoint).verify(INSTALLED)


def test_a_revision_of_a_fake_hub_is_pinned_and_recorded_as_its_commit(tmp_path: Path) -> None:
    with FakeHub({CONVERTED: FILES}) as hub:
        assert pull(tmp_path, endpoint=hub.endpoint, revision="v1").verify(INSTALLED).source.endswith(COMMIT)
        assert any("revision/v1" in request for request in hub.requested)
        with pytest.raises(ModelNotInstalled, match=f"{CONVERTED} has no revision v9"):
            pull(tmp_path, endpoint=hub.endpoint, revision="v9")


def test_an_id_that_a_fake_hub_does_not_know_is_named(tmp_path: Path) -> None:
    with FakeHub({}) as hub, pytest.raises(ModelNotInstalled, match=f"the hub has no {CONVERTED}, or keeps it private"):
        pull(tmp_path, endpoint=hub.endpoint)


def test_without_a_hub_the_message_says_which_files_of_an_id_to_put_where(tmp_path: Path) -> None:
    with FakeHub({}) as closed:
        pass
    with pytest.raises(ModelNotInstalled) as raised:
        pull(tmp_path, endpoint=closed.endpoint)
    message = raised.value.message
    assert f"the model {CONVERTED} is not ready: the hub does not give {CONVERTED}" in message
    files = "config.json, model.bin, tokenizer.json, vocabulary.json or vocabulary.txt"
    assert f"put {files} of the hub model {CONVERTED} into a directory DIR" in message
    assert f"`maatu models pull {CONVERTED} --from DIR`" in message


def test_files_of_an_id_that_were_brought_by_hand_are_installed(tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    for name, content in FILES.items():
        (tmp_path / "brought" / name).write_bytes(content)
    manifest = pull(tmp_path, directory=tmp_path / "brought").verify(INSTALLED)
    assert manifest.source == f"{CONVERTED}@local"


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("tokenizer.json", "tokenizer.json"),
        ("vocabulary.json", "vocabulary.json or vocabulary.txt"),
        ("model.bin",) * 2,
    ],
)
def test_what_a_converted_repository_of_a_fake_hub_lacks_is_named(tmp_path: Path, missing: str, named: str) -> None:
    assert f"{named} missing in" in refusal(tmp_path, without(missing), ModelNotInstalled)


def test_a_tokenizer_that_a_fake_hub_does_not_have_can_be_brought(tmp_path: Path) -> None:
    (tmp_path / "words").mkdir()
    (tmp_path / "words" / "tokenizer.json").write_bytes(b"brought")
    with FakeHub({CONVERTED: without("tokenizer.json")}) as hub:
        store = pull(tmp_path, endpoint=hub.endpoint, tokenizer=tmp_path / "words")
    assert (store.path(INSTALLED) / "tokenizer.json").read_bytes() == b"brought"


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            {**FILES, "model.bin": struct.pack("<IH", 6, 16) + b"TransformerSpec\0"},
            "is no Whisper model in CTranslate2's",
        ),
        ({"config.json": b'{"model_type": "llama"}', "model.safetensors": b"x"}, "of the type llama, not whisper"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b"x"}, "holds an adapter"),
        ({"config.json": b'{"model_type": "whisper"}', "model.safetensors": b"x"}, "has no tokenizer"),
    ],
)
def test_a_repository_of_a_fake_hub_that_is_no_whisper_model_is_refused(
    tmp_path: Path, files: dict[str, bytes], message: str
) -> None:
    assert message in refusal(tmp_path, files, Unsupported)
    assert not list((tmp_path / "hub").rglob("*.safetensors"))


def test_a_checkpoint_of_a_fake_hub_is_converted_on_the_way_out_of_one_kind_of_weights(
    tmp_path: Path, checkpoint: Path
) -> None:
    files = {
        **contents(checkpoint),
        "pytorch_model.bin": b"the same weights once more",
        "model.fp32-00001-of-00002.safetensors": b"and again",
        "checkpoint-1000/model.safetensors": b"of the training",
    }
    with FakeHub({CHECKPOINT: files}) as hub:
        store = pull(tmp_path, CHECKPOINT, endpoint=hub.endpoint)
        fetched = {line.rpartition("/")[2] for line in hub.requested if line.startswith("GET") and "resolve" in line}
        assert fetched == {*contents(checkpoint)}
        hub.requested.clear()
        pull(tmp_path, CHECKPOINT, endpoint=hub.endpoint, quantization="int8")
        assert hub.requested == []
    manifest = store.verify("someone--whisper-kn")
    assert (manifest.format, manifest.licence) == ("ctranslate2-int8", "apache-2.0")
    assert manifest.source == f"{CHECKPOINT}@{COMMIT}"
    assert "transformers" in manifest.created_by
    assert json.loads((store.root / manifest.name / "preprocessor_config.json").read_text()) == {"feature_size": 80}


def test_weights_in_several_files_of_a_fake_hub_are_found_by_their_index(tmp_path: Path) -> None:
    parts = ["pytorch_model-00001-of-00002.bin", "pytorch_model-00002-of-00002.bin"]
    index = json.dumps({"weight_map": {"a": parts[0], "b": parts[1], "c": parts[0]}}).encode()
    files = {
        "config.json": b'{"model_type": "whisper"}',
        "pytorch_model.bin.index.json": index,
        **dict.fromkeys(parts, b"x"),
    }
    with FakeHub({CHECKPOINT: files}) as hub:
        model = whisper_repository.describe(CHECKPOINT, endpoint=hub.endpoint, brings_tokenizer=False)
        assert list(model.files) == ["config.json", "pytorch_model.bin.index.json", *parts]
        assert (model.revision, model.converter) == (COMMIT, "whisper")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("org/name", True),
        ("Systran/faster-whisper-small.en", True),
        ("name", False),
        ("a/b/c", False),
        ("./a", False),
        ("../a", False),
        ("/a/b", False),
        ("~/a", False),
        ("a--b/c", False),
        ("a/..", False),
        ("org/", False),
    ],
)
def test_ids_of_the_hub_are_told_from_names_and_paths(name: str, expected: bool) -> None:
    assert repository.is_hub_id(name) is expected


def test_pull_and_convert_by_id_as_typed_with_a_fake_hub(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory = ["--models-dir", str(tmp_path / "models")]
    files = {name: content for name, content in contents(checkpoint).items() if name != "tokenizer.json"}
    words = {"tokenizer.json": contents(checkpoint)["tokenizer.json"]}
    with FakeHub({CONVERTED: FILES, CHECKPOINT: files, "openai/whisper-tiny": words}) as hub:
        template = huggingface_hub.constants.HUGGINGFACE_CO_URL_TEMPLATE
        monkeypatch.setattr(
            huggingface_hub.constants,
            "HUGGINGFACE_CO_URL_TEMPLATE",
            template.replace(huggingface_hub.constants.ENDPOINT, hub.endpoint),
        )
        monkeypatch.setattr(huggingface_hub.constants, "ENDPOINT", hub.endpoint)
        result = runner.invoke(models_app, ["pull", CONVERTED, *directory])
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, f"{INSTALLED}: ready")

        result = runner.invoke(models_app, ["convert", "whisper", "--from", CONVERTED, *directory])
        assert result.exit_code == 1
        assert f"the name {INSTALLED} is taken" in result.stderr
        result = runner.invoke(models_app, ["convert", "whisper", "--from", CONVERTED, "--name", "other", *directory])
        assert f"{CONVERTED} is converted already: `maatu models pull {CONVERTED}`" in result.stderr

        arguments = ["convert", "whisper", "--from", CHECKPOINT, "--name", "kannada", *directory]
        result = runner.invoke(models_app, arguments)
        assert result.exit_code == 1
        assert "has no tokenizer" in result.stderr
        assert "such as openai/whisper-tiny, or a directory with its tokenizer.json: --tokenizer" in result.stderr
        result = runner.invoke(
            models_app, [*arguments, "--tokenizer", "openai/whisper-tiny", "--quantization", "float32"]
        )
        assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "kannada: ready")
    manifest = ModelStore(tmp_path / "models").verify("kannada")
    assert (manifest.format, manifest.source) == ("ctranslate2-float32", f"{CHECKPOINT}@{COMMIT}")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["pull", "whisper-base", "--revision", "v1"], "--revision goes with exactly one hub model"),
        (["pull", "whisper-small", "c/d", "--revision", "v1"], "--revision goes with exactly one hub model"),
        (["pull", "a/b", "c/d", "--quantization", "int8"], "go with exactly one ORG/NAME"),
        (["pull", "a/b", "whisper-small", "--from", "."], "exactly one hub model"),
        (["pull", "a/b", "--tokenizer", "absent"], "there is no directory absent"),
        (["convert", "whisper", "--from", "absent"], "there is no file or directory absent"),
        (["convert", "gguf-decoder", "--from", "org/name"], "there is no file or directory org/name"),
        (["convert", "whisper", "--from", ".", "--revision", "v1"], "--revision goes with a checkpoint of the hub"),
    ],
)
def test_options_that_do_not_go_together_are_refused(tmp_path: Path, arguments: list[str], message: str) -> None:
    result = runner.invoke(models_app, [*arguments, "--models-dir", str(tmp_path)])
    assert result.exit_code == 2
    assert message in " ".join(result.stderr.split())


def test_an_interrupted_conversion_leaves_nothing(
    tmp_path: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupted(family: str, source: Path, destination: Path, *_: object, **__: object) -> dict[str, str]:
        (destination / "model.bin").write_bytes(b"half")
        raise KeyboardInterrupt

    monkeypatch.setattr(convert, "convert", interrupted)
    arguments = ["convert", "whisper", "--from", str(checkpoint), "--name", "mine"]
    result = runner.invoke(models_app, [*arguments, "--models-dir", str(tmp_path / "models")])
    assert result.exit_code == 130
    assert [entry.name for entry in (tmp_path / "models").iterdir()] == [".lock-mine"]
