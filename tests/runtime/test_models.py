"""The model directory."""

import json
import os
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from maatu_runtime.errors import ModelNotInstalled
from maatu_runtime.models import MANIFEST, Manifest, ModelStore, sha256_of


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path / "models")


def install(store: ModelStore, name: str = "tiny", content: bytes = b"weights") -> Path:
    with (
        store.lock(name),
        store.install(
            name,
            family="whisper",
            format="ctranslate2-int8",
            licence="MIT",
            source="tiny==1",
            created_by={"maker": "1.0"},
        ) as staging,
    ):
        (staging / "model.bin").write_bytes(content)
        (staging / "sub").mkdir()
        (staging / "sub" / "config.json").write_text("{}")
    return store.root / name


def visible(store: ModelStore) -> list[str]:
    """What lies in the model directory, apart from lock files."""
    return sorted(entry.name for entry in store.root.iterdir() if not entry.name.startswith(".lock-"))


def test_an_installed_model_is_found_with_its_manifest(store: ModelStore) -> None:
    directory = install(store)
    assert store.path("tiny") == directory
    manifest = store.manifest("tiny")
    assert (manifest.family, manifest.licence, manifest.created_by) == ("whisper", "MIT", {"maker": "1.0"})
    assert set(manifest.files) == {"model.bin", "sub/config.json"}
    assert manifest.files["model.bin"].size == 7
    assert manifest.files["model.bin"].sha256 == sha256_of(directory / "model.bin")
    assert store.installed() == [manifest]
    assert visible(store) == ["tiny"]


def test_a_missing_model_says_which_command_gets_it(store: ModelStore) -> None:
    with pytest.raises(
        ModelNotInstalled, match=r"whisper-base is not ready .*no such directory.*maatu models pull whisper-base"
    ) as raised:
        store.path("whisper-base")
    assert raised.value.metadata == {"model": "whisper-base"}
    assert store.installed() == []
    assert store.directories() == []


@pytest.mark.parametrize("name", ["", "../etc", "a/b", ".staging-tiny", "-x", "a\nb"])
def test_a_name_that_is_no_name_is_refused(store: ModelStore, name: str) -> None:
    with pytest.raises(ModelNotInstalled, match="not the name of a model"):
        store.path(name)
    with pytest.raises(ModelNotInstalled, match="not the name of a model"), store.lock(name):
        pass


def truncate(directory: Path) -> None:
    (directory / "model.bin").write_bytes(b"wei")


def remove_a_file(directory: Path) -> None:
    (directory / "sub" / "config.json").unlink()


def remove_the_manifest(directory: Path) -> None:
    (directory / MANIFEST).unlink()


def garble_the_manifest(directory: Path) -> None:
    (directory / MANIFEST).write_text('{"name": "tiny", ')


def strip_the_manifest(directory: Path) -> None:
    (directory / MANIFEST).write_text('{"name": "tiny"}')


def rename_in_the_manifest(directory: Path) -> None:
    manifest = json.loads((directory / MANIFEST).read_text())
    (directory / MANIFEST).write_text(json.dumps({**manifest, "name": "other"}))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (truncate, "model.bin has 3 bytes instead of 7"),
        (remove_a_file, "sub/config.json is missing"),
        (remove_the_manifest, "no manifest.json, so it was not installed to the end"),
        (garble_the_manifest, "manifest.json cannot be read"),
        (strip_the_manifest, "manifest.json cannot be read"),
        (rename_in_the_manifest, "that of the model other"),
    ],
)
def test_a_damaged_model_is_not_ready(store: ModelStore, damage: Callable[[Path], None], message: str) -> None:
    damage(install(store))
    with pytest.raises(ModelNotInstalled, match=message):
        store.path("tiny")
    assert store.installed() == []
    assert store.directories() == ["tiny"]


def test_verify_finds_content_that_changed_without_changing_size(store: ModelStore) -> None:
    directory = install(store)
    store.verify("tiny")
    (directory / "model.bin").write_bytes(b"Weights")
    store.path("tiny")
    with pytest.raises(ModelNotInstalled, match=r"model\.bin is not the file that was installed"):
        store.verify("tiny")


def test_verify_of_touched_files_reads_only_files_newer_than_the_manifest(store: ModelStore) -> None:
    directory = install(store)
    manifest_ns = (directory / MANIFEST).stat().st_mtime_ns
    (directory / "model.bin").write_bytes(b"Weights")
    os.utime(directory / "model.bin", ns=(manifest_ns, manifest_ns))
    store.verify("tiny", only_touched=True)
    os.utime(directory / "model.bin", ns=(manifest_ns + 1, manifest_ns + 1))
    with pytest.raises(ModelNotInstalled, match="SHA-256"):
        store.verify("tiny", only_touched=True)


def test_an_interrupted_installation_leaves_nothing(store: ModelStore) -> None:
    with (
        pytest.raises(KeyboardInterrupt),
        store.install("tiny", family="f", format="f", licence="l", source="s", created_by={}) as staging,
    ):
        (staging / "model.bin").write_bytes(b"half")
        raise KeyboardInterrupt
    assert visible(store) == []


def test_an_interrupted_replacement_keeps_the_old_model(store: ModelStore) -> None:
    install(store)
    with (
        pytest.raises(KeyboardInterrupt),
        store.install("tiny", family="f", format="f", licence="l", source="s", created_by={}),
    ):
        raise KeyboardInterrupt
    assert store.verify("tiny").family == "whisper"
    assert visible(store) == ["tiny"]


def test_a_replacement_takes_the_place_of_the_old_model(store: ModelStore) -> None:
    install(store)
    directory = install(store, content=b"better weights")
    assert (directory / "model.bin").read_bytes() == b"better weights"
    store.verify("tiny")
    assert visible(store) == ["tiny"]


def test_what_a_killed_installation_left_is_never_a_model_and_is_cleared_away(store: ModelStore) -> None:
    staging = store.root / ".staging-tiny+1"
    staging.mkdir(parents=True)
    (store.root / ".staging-tiny-too+1").mkdir()
    (staging / "stale.bin").write_bytes(b"stale")
    (staging / MANIFEST).write_text(_manifest("tiny").model_dump_json())
    assert store.installed() == []
    directory = install(store)
    assert not (directory / "stale.bin").exists()
    assert visible(store) == [".staging-tiny-too+1", "tiny"]


def test_a_model_set_aside_by_a_process_that_was_killed_comes_back_when_the_next_installation_fails(
    store: ModelStore,
) -> None:
    install(store).rename(store.root / ".discarded-tiny")
    with (
        pytest.raises(RuntimeError),
        store.install("tiny", family="f", format="f", licence="l", source="s", created_by={}),
    ):
        raise RuntimeError
    store.verify("tiny")


def test_a_model_without_files_is_not_installed(store: ModelStore) -> None:
    with (
        pytest.raises(ValueError, match="no files"),
        store.install("tiny", family="f", format="f", licence="l", source="s", created_by={}),
    ):
        pass
    assert visible(store) == []


def test_the_lock_lets_one_in_at_a_time_and_says_when_it_waits(store: ModelStore) -> None:
    waiting = threading.Event()
    order: list[str] = []

    def second() -> None:
        with store.lock("tiny", on_wait=waiting.set):
            order.append("second")

    thread = threading.Thread(target=second)
    with store.lock("tiny"), store.lock("another"):
        thread.start()
        assert waiting.wait(timeout=10)
        order.append("first")
    thread.join(timeout=10)
    assert order == ["first", "second"]


def test_the_embedded_models_are_installed_whole(models_dir: Path) -> None:
    manifests = {manifest.name: manifest for manifest in ModelStore(models_dir).installed()}
    assert {
        "whisper-tiny.en",
        "whisper-base",
        "smollm2-135m-instruct",
        "gemma-3-270m",
        "piper-en_US-joe-medium",
    } <= set(manifests)
    assert manifests["gemma-3-270m"].licence == "Gemma Terms of Use"
    assert "GEMMA_TERMS.html" in manifests["gemma-3-270m"].files


def _manifest(name: str) -> Manifest:
    return Manifest(name=name, family="f", format="f", licence="l", source="s", created_by={}, files={})
