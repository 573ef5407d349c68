"""Models of the hub: the real hub client against a hub of our own on the loopback, against none, and without one."""

import re
import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import huggingface_hub.constants
import pytest

from maatu_client.models.catalog import HUB
from maatu_client.models.entries import HubFiles, HubModel
from maatu_client.models.fake_hub import COMMIT, FakeHub
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore

# At whatever commit the hub of a test has.
MODEL = replace(HUB["whisper-small"], revision=None)
FILES = {
    "config.json": b"{}",
    "model.bin": b"the weights",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
    "README.md": b"not wanted",
}
TWO_PARTS = HubModel(
    name="two-parts",
    family="test",
    format="test",
    licence="MIT",
    summary="for tests",
    repository="one/model",
    files=["config.json", "part-1-of-2", "part-2-of-2"],
    extra={"words": HubFiles("other/words", files=["words.json"], optional_files=["*.txt"])},
)
TWO_REPOSITORIES = {
    "one/model": {"config.json": b"{}", "part-1-of-2": b"1", "part-2-of-2": b"2"},
    "other/words": {"words.json": b"[]", "more.txt": b"more", "weights.bin": b"not wanted"},
}


@pytest.fixture(autouse=True)
def _own_hub_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.fixture
def closed_endpoint() -> Iterator[str]:
    """An address at which nothing listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield f"http://127.0.0.1:{bound.getsockname()[1]}"


def pull(
    root: Path,
    model: HubModel = MODEL,
    *,
    directory: Path | None = None,
    endpoint: str | None = None,
    steps: list[str] | None = None,
) -> ModelStore:
    store = ModelStore(root / "models")

    def report(name: str, step: str) -> None:
        if steps is not None:
            steps.append(step)

    Puller(store, WheelCache(root / "wheels"), report, hub_endpoint=endpoint).pull([model], directory=directory)
    return store


def test_a_snapshot_of_a_fake_hub_is_installed_with_its_revision(tmp_path: Path) -> None:
    with FakeHub({MODEL.repository: FILES}) as hub:
        store = pull(tmp_path, endpoint=hub.endpoint)
        manifest = store.verify("whisper-small")
        assert manifest.source == f"Systran/faster-whisper-small@{COMMIT}"
        assert set(manifest.files) == {"config.json", "model.bin", "tokenizer.json", "vocabulary.txt"}
        assert (store.path("whisper-small") / "model.bin").read_bytes() == b"the weights"
        assert not any("README" in request for request in hub.requested)
        hub.requested.clear()
        pull(tmp_path, endpoint=hub.endpoint)
        assert hub.requested == []


def test_what_the_hub_cache_has_is_installed_without_a_hub(tmp_path: Path, closed_endpoint: str) -> None:
    with FakeHub({MODEL.repository: FILES}) as hub:
        pull(tmp_path, endpoint=hub.endpoint)
    other = tmp_path / "other"
    assert pull(other, endpoint=closed_endpoint).verify("whisper-small").source.endswith(COMMIT)


def test_a_fake_hub_that_lacks_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    files = {name: content for name, content in FILES.items() if name != "vocabulary.txt"}
    with FakeHub({MODEL.repository: files}) as hub, pytest.raises(ModelNotInstalled, match=r"vocabulary\.txt missing"):
        pull(tmp_path, endpoint=hub.endpoint)
    assert ModelStore(tmp_path / "models").directories() == []


def test_without_a_hub_the_message_says_which_files_to_put_where(tmp_path: Path, closed_endpoint: str) -> None:
    with pytest.raises(ModelNotInstalled) as raised:
        pull(tmp_path, endpoint=closed_endpoint)
    message = raised.value.message
    assert "the model whisper-small is not ready: the hub does not give Systran/faster-whisper-small" in message
    files = "config.json, model.bin, tokenizer.json, vocabulary.txt"
    assert f"put {files} of the hub model Systran/faster-whisper-small into a directory DIR; then run" in message
    assert "`maatu models pull whisper-small --from DIR`" in message
    assert raised.value.metadata == {"model": "whisper-small"}


def test_files_brought_by_hand_are_installed(tmp_path: Path) -> None:
    brought = tmp_path / "brought"
    brought.mkdir()
    for name, content in FILES.items():
        (brought / name).write_bytes(content)
    manifest = pull(tmp_path, directory=brought).verify("whisper-small")
    assert manifest.source == "Systran/faster-whisper-small@local"
    assert "README.md" not in manifest.files


def test_files_brought_by_hand_that_are_not_complete_are_refused(tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "config.json").write_text("{}")
    with pytest.raises(ModelNotInstalled, match=r"model\.bin, tokenizer\.json, vocabulary\.txt missing in"):
        pull(tmp_path, directory=tmp_path / "brought")


def test_a_model_that_needs_converting_is_checked_before_it_is_converted(tmp_path: Path) -> None:
    model = HUB["whisper-kannada-medium"]
    (tmp_path / "brought").mkdir()
    for name in model.files:
        (tmp_path / "brought" / name).write_text('{"model_type": "bert"}')
    with pytest.raises(Unsupported, match="of the type bert, not whisper"):
        pull(tmp_path, model, directory=tmp_path / "brought")
    assert ModelStore(tmp_path / "models").directories() == []


def test_a_model_of_two_repositories_of_a_fake_hub_is_installed_as_one(tmp_path: Path) -> None:
    with FakeHub(TWO_REPOSITORIES) as hub:
        store = pull(tmp_path, TWO_PARTS, endpoint=hub.endpoint)
        manifest = store.verify("two-parts")
        assert manifest.source == f"one/model@{COMMIT}, other/words@{COMMIT}"
        assert sorted(manifest.files) == [
            "config.json",
            "part-1-of-2",
            "part-2-of-2",
            "words/more.txt",
            "words/words.json",
        ]
        assert (store.path("two-parts") / "words" / "words.json").read_bytes() == b"[]"
        hub.requested.clear()
        pull(tmp_path, TWO_PARTS, endpoint=hub.endpoint)
        assert hub.requested == []


def test_a_model_of_two_repositories_that_are_brought_by_hand_is_installed_as_one(tmp_path: Path) -> None:
    (tmp_path / "brought" / "words").mkdir(parents=True)
    for folder, files in zip((".", "words"), TWO_REPOSITORIES.values(), strict=True):
        for name, content in files.items():
            (tmp_path / "brought" / folder / name).write_bytes(content)
    manifest = pull(tmp_path, TWO_PARTS, directory=tmp_path / "brought").verify("two-parts")
    assert manifest.source == "one/model@local, other/words@local"
    assert "words/words.json" in manifest.files
    assert "words/weights.bin" not in manifest.files


def test_what_is_missing_of_two_repositories_is_told_with_its_place(tmp_path: Path) -> None:
    (tmp_path / "brought").mkdir()
    (tmp_path / "brought" / "config.json").write_text("{}")
    with pytest.raises(ModelNotInstalled) as raised:
        pull(tmp_path, TWO_PARTS, directory=tmp_path / "brought")
    message = raised.value.message
    assert f"part-1-of-2, part-2-of-2 missing in {tmp_path / 'brought'}; words.json missing in" in message
    assert "put config.json, part-1-of-2, part-2-of-2 of the hub model one/model into a directory DIR; and " in message
    assert "and words.json of the hub model other/words into DIR/words; then run" in message


def test_what_came_before_a_fake_hub_failed_is_not_fetched_again(tmp_path: Path) -> None:
    with FakeHub({"one/model": TWO_REPOSITORIES["one/model"]}) as hub, pytest.raises(ModelNotInstalled):
        pull(tmp_path, TWO_PARTS, endpoint=hub.endpoint)
    with FakeHub(TWO_REPOSITORIES) as hub:
        pull(tmp_path, TWO_PARTS, endpoint=hub.endpoint)
        assert not [line for line in hub.requested if line.startswith("GET /one/model/resolve")]
        assert [line for line in hub.requested if line.startswith("GET /other/words/resolve")]


def test_a_repository_of_a_fake_hub_with_terms_to_accept_says_how(tmp_path: Path) -> None:
    with FakeHub(TWO_REPOSITORIES, gated=["one/model"]) as hub, pytest.raises(ModelNotInstalled) as raised:
        pull(tmp_path, TWO_PARTS, endpoint=hub.endpoint)
    message = raised.value.message
    assert "one/model is given only to those who accepted its terms" in message
    assert "HF_TOKEN" in message
    assert "--from DIR" in message
    assert ModelStore(tmp_path / "models").directories() == []


def test_the_bytes_that_came_from_a_fake_hub_are_told_while_they_come(tmp_path: Path) -> None:
    steps: list[str] = []
    with FakeHub({MODEL.repository: {**FILES, "model.bin": bytes(24_000_000)}}) as hub:
        pull(tmp_path, endpoint=hub.endpoint, steps=steps)
    told = [step for step in steps if step.startswith("downloading: ")]
    assert told
    assert re.fullmatch(r"downloading: [1-9][\d.]* MB of 24\.0 MB", told[-1])
    assert steps[0] == "downloading"
    assert steps[-3:] == ["copying", "installing", "ready"]
