"""At which commit a hub model is pulled, and what `maatu models list` shows of it; the real client against a hub of our own."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import huggingface_hub.constants
import pytest
from typer.testing import CliRunner

from maatu_client.models.catalog import HUB
from maatu_client.models.cli import models_app
from maatu_client.models.entries import HubModel
from maatu_client.models.fake_hub import COMMIT, FakeHub
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.models import ModelStore

NEWER = "f" * 40
PINNED = replace(HUB["whisper-small"], revision=COMMIT)
UNPINNED = replace(PINNED, revision=None)
FILES = {"config.json": b"{}", "model.bin": b"weights", "tokenizer.json": b"{}", "vocabulary.txt": b"a\n"}
HUB_FILES = {PINNED.repository: FILES}

runner = CliRunner(env={"COLUMNS": "220"})


@pytest.fixture(autouse=True)
def _own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


def pull(root: Path, model: HubModel, endpoint: str | None, **options: Any) -> str:
    """Pulls and returns the source that the manifest names."""
    store = ModelStore(root / "models")
    Puller(store, WheelCache(root / "wheels"), hub_endpoint=endpoint).pull([model], **options)
    return store.verify(model.name).source


def damage(root: Path) -> None:
    (root / "models" / "whisper-small" / "model.bin").write_bytes(b"cut")


def test_every_hub_model_but_one_is_pinned_to_a_commit() -> None:
    revisions = {part.repository: part.revision for model in HUB.values() for part in model.parts.values()}
    # Nothing that is published names a commit of this one; the first pull records it.
    assert [repository for repository, revision in revisions.items() if revision is None] == [
        "vasista22/whisper-kannada-medium"
    ]
    assert all(re.fullmatch("[0-9a-f]{40}", revision) for revision in revisions.values() if revision)


def test_a_pinned_model_is_pulled_at_its_commit_from_a_fake_hub_with_a_newer_one(tmp_path: Path) -> None:
    with FakeHub(HUB_FILES, commits=[NEWER]) as hub:
        assert pull(tmp_path, PINNED, hub.endpoint).endswith(f"@{COMMIT}")
        assert not any("main" in request for request in hub.requested)
        hub.requested.clear()
        pull(tmp_path, PINNED, hub.endpoint)
        assert hub.requested == []


def test_a_catalogue_that_moved_on_to_another_commit_replaces_the_model_from_a_fake_hub(tmp_path: Path) -> None:
    with FakeHub(HUB_FILES, commits=[NEWER]) as hub:
        pull(tmp_path, PINNED, hub.endpoint)
        assert pull(tmp_path, replace(PINNED, revision=NEWER), hub.endpoint).endswith(f"@{NEWER}")


def test_an_unpinned_model_keeps_to_the_commit_it_was_first_pulled_at_from_a_fake_hub(tmp_path: Path) -> None:
    with FakeHub(HUB_FILES, commits=[NEWER]) as hub:
        assert pull(tmp_path, UNPINNED, hub.endpoint, revision=NEWER).endswith(f"@{NEWER}")
        damage(tmp_path)
        assert pull(tmp_path, UNPINNED, hub.endpoint).endswith(f"@{NEWER}")
        assert pull(tmp_path, UNPINNED, hub.endpoint, revision="main").endswith(f"@{COMMIT}")


def test_files_that_were_brought_by_hand_are_not_replaced(tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    for name, content in FILES.items():
        (tmp_path / "brought" / name).write_bytes(content)
    assert pull(tmp_path, PINNED, None, directory=tmp_path / "brought") == f"{PINNED.repository}@local"
    assert pull(tmp_path, PINNED, None) == f"{PINNED.repository}@local"


def test_the_list_shows_the_commit_that_is_installed_or_pinned(tmp_path: Path) -> None:
    with FakeHub(HUB_FILES, commits=[NEWER]) as hub:
        pull(tmp_path, UNPINNED, hub.endpoint, revision=NEWER)
    lines = runner.invoke(models_app, ["list", "--models-dir", str(tmp_path / "models")]).stdout.splitlines()
    shown = {line.split()[0]: line for line in lines}
    assert "f" * 8 in shown["whisper-small"]
    assert "0a363e91" in shown["whisper-large-v3-turbo"]
