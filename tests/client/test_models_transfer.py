"""Transfers from the hub that break off, and files that come damaged: the real hub client against a hub of our own."""

from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub.constants
import huggingface_hub.file_download
import pytest

from maatu_client.models import hub_transfer
from maatu_client.models.catalog import HUB
from maatu_client.models.fake_hub import COMMIT, FakeHub
from maatu_client.models.hub import NotFetched
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.models import ModelStore

MODEL = replace(HUB["whisper-small"], revision=None)
WEIGHTS = bytes(range(256)) * 400
FILES = {"config.json": b"{}", "model.bin": WEIGHTS, "tokenizer.json": b"{}", "vocabulary.txt": b"a\nb\n"}
HALF = len(WEIGHTS) // 2


@pytest.fixture(autouse=True)
def _own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))
    # The client keeps whole pieces of this many bytes; it waits a second before it tries again.
    monkeypatch.setattr(huggingface_hub.constants, "DOWNLOAD_CHUNK_SIZE", 1024)
    monkeypatch.setattr(huggingface_hub.file_download, "time", SimpleNamespace(sleep=lambda seconds: None))


def pull(root: Path, hub: FakeHub) -> ModelStore:
    store = ModelStore(root / "models")
    Puller(store, WheelCache(root / "wheels"), hub_endpoint=hub.endpoint).pull([MODEL])
    return store


def test_a_transfer_that_a_fake_hub_broke_off_goes_on_where_it_was_in_the_next_pull(tmp_path: Path) -> None:
    with FakeHub({MODEL.repository: FILES}) as hub:
        hub.breaks_at["model.bin"] = HALF
        with pytest.raises(NotFetched, match=f"the hub does not give {MODEL.repository}"):
            pull(tmp_path, hub)
        assert ModelStore(tmp_path / "models").directories() == []
        assert set(hub.ranges) == {f"model.bin bytes={HALF}-"}, "the pull itself tries again before it gives up"
        hub.breaks_at.clear()
        hub.ranges.clear()
        store = pull(tmp_path, hub)
        assert hub.ranges == [f"model.bin bytes={HALF}-"]
    assert (store.path("whisper-small") / "model.bin").read_bytes() == WEIGHTS
    assert not list((tmp_path / "hub").rglob("*.incomplete"))


def test_what_is_longer_than_the_file_of_a_fake_hub_is_begun_anew(tmp_path: Path) -> None:
    with FakeHub({MODEL.repository: FILES}) as hub:
        hub.breaks_at["model.bin"] = HALF
        with pytest.raises(NotFetched):
            pull(tmp_path, hub)
        (incomplete,) = (tmp_path / "hub").rglob("*.incomplete")
        incomplete.write_bytes(WEIGHTS + b"more")
        hub.breaks_at.clear()
        assert (pull(tmp_path, hub).path("whisper-small") / "model.bin").read_bytes() == WEIGHTS


@pytest.mark.parametrize("name", ["model.bin", "vocabulary.txt"])
def test_a_file_that_a_fake_hub_sends_damaged_is_named_removed_and_not_installed(tmp_path: Path, name: str) -> None:
    with FakeHub({MODEL.repository: FILES}) as hub:
        hub.corrupted.add(name)
        with pytest.raises(NotFetched, match=f"{name} of {MODEL.repository} did not come as the hub has it"):
            pull(tmp_path, hub)
        assert ModelStore(tmp_path / "models").directories() == []
        hub.corrupted.clear()
        assert (pull(tmp_path, hub).path("whisper-small") / name).read_bytes() == FILES[name]


def test_a_file_that_was_damaged_in_the_cache_is_fetched_again_from_a_fake_hub(tmp_path: Path) -> None:
    with FakeHub({MODEL.repository: FILES}) as hub:
        pull(tmp_path, hub)
        snapshot = tmp_path / "hub" / "models--Systran--faster-whisper-small" / "snapshots" / COMMIT
        (snapshot / "model.bin").resolve().write_bytes(WEIGHTS[::-1])
        other = tmp_path / "other"
        with pytest.raises(NotFetched, match=r"model\.bin"):
            pull(other, hub)
        assert (pull(other, hub).path("whisper-small") / "model.bin").read_bytes() == WEIGHTS


def test_files_that_are_no_links_into_the_cache_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "model.bin").write_bytes(b"x")
    (tmp_path / "other.bin").symlink_to(tmp_path / "model.bin")
    assert hub_transfer.remove_damaged(tmp_path, ["*"]) == []
