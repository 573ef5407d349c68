"""Models of the hub: the real hub client against a hub of our own on the loopback, against none, and without one."""

import json
import socket
import threading
from collections.abc import Iterator
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import huggingface_hub.constants
import pytest

from maatu_client.models.catalog import HUB
from maatu_client.models.entries import HubModel
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import ModelNotInstalled, Unsupported
from maatu_runtime.models import ModelStore

MODEL = HUB["whisper-small"]
COMMIT = "0123456789abcdef0123456789abcdef01234567"
FILES = {
    "config.json": b"{}",
    "model.bin": b"the weights",
    "tokenizer.json": b"{}",
    "vocabulary.txt": b"a\nb\n",
    "README.md": b"not wanted",
}


class FakeHub:
    """As much of the hub's HTTP interface as a snapshot download uses, for one repository."""

    def __init__(self, repository: str, files: dict[str, bytes]) -> None:
        self.requested: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                hub.requested.append(f"{self.command} {self.path}")

            def _answer(self, *, body: bool) -> None:
                path = self.path.partition("?")[0]
                if path == f"/api/models/{repository}/revision/main":
                    self._send(json.dumps({"id": repository, "sha": COMMIT, "siblings": []}).encode(), {}, body=body)
                elif path == f"/api/models/{repository}/tree/{COMMIT}":
                    tree = [
                        {"type": "file", "path": name, "size": len(content), "oid": sha1(content).hexdigest()}
                        for name, content in files.items()
                    ]
                    self._send(json.dumps(tree).encode(), {}, body=body)
                elif (name := path.removeprefix(f"/{repository}/resolve/{COMMIT}/")) in files:
                    headers = {"ETag": f'"{sha1(files[name]).hexdigest()}"', "X-Repo-Commit": COMMIT}
                    self._send(files[name], headers, body=body)
                else:
                    self.send_error(404)

            def _send(self, content: bytes, headers: dict[str, str], *, body: bool) -> None:
                self.send_response(200)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if body:
                    self.wfile.write(content)

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> "FakeHub":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


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
    root: Path, model: HubModel = MODEL, *, directory: Path | None = None, endpoint: str | None = None
) -> ModelStore:
    store = ModelStore(root / "models")
    Puller(store, WheelCache(root / "wheels"), hub_endpoint=endpoint).pull([model], directory=directory)
    return store


def test_a_snapshot_of_a_fake_hub_is_installed_with_its_revision(tmp_path: Path) -> None:
    with FakeHub(MODEL.repository, FILES) as hub:
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
    with FakeHub(MODEL.repository, FILES) as hub:
        pull(tmp_path, endpoint=hub.endpoint)
    other = tmp_path / "other"
    assert pull(other, endpoint=closed_endpoint).verify("whisper-small").source.endswith(COMMIT)


def test_a_fake_hub_that_lacks_a_file_is_named_with_the_file(tmp_path: Path) -> None:
    files = {name: content for name, content in FILES.items() if name != "vocabulary.txt"}
    with FakeHub(MODEL.repository, files) as hub, pytest.raises(ModelNotInstalled, match=r"vocabulary\.txt missing"):
        pull(tmp_path, endpoint=hub.endpoint)
    assert ModelStore(tmp_path / "models").directories() == []


def test_without_a_hub_the_message_says_which_files_to_put_where(tmp_path: Path, closed_endpoint: str) -> None:
    with pytest.raises(ModelNotInstalled) as raised:
        pull(tmp_path, endpoint=closed_endpoint)
    message = raised.value.message
    assert "the model whisper-small is not ready: the hub does not give it" in message
    assert "put these files of the hub model Systran/faster-whisper-small into a directory DIR: " in message
    assert "config.json, model.bin, tokenizer.json, vocabulary.txt" in message
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
