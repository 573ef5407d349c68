"""A stand-in for the Hugging Face hub, for tests of what is fetched from it."""

import json
import threading
from collections.abc import Collection, Mapping
from hashlib import sha1, sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_REVISIONS = ("main", "v1", COMMIT)
_LFS = (".bin", ".safetensors")


class FakeHub:
    """As much of the hub's HTTP interface as a snapshot download uses, on the loopback while the context lasts.

    Weights are kept in its LFS, as the hub keeps them: named by their SHA-256, other files as git objects. It gives a part of a
    file where it is asked for one (Range).

    Args:
        repositories: The files of each at its only commit, `COMMIT`, which "main", the tag "v1" and `commits` stand for too.
        gated: Repositories whose files are refused, as the hub refuses those who did not accept the terms.
        commits: Further commits.
    """

    def __init__(
        self,
        repositories: Mapping[str, Mapping[str, bytes]],
        gated: Collection[str] = (),
        commits: Collection[str] = (),
    ) -> None:
        self.requested: list[str] = []
        """Method and path of each request."""
        self.ranges: list[str] = []
        """The part of a file that was asked for, of each request for one."""
        self.breaks_at: dict[str, int] = {}
        """Files whose transfer breaks off, by name, and after how many of their bytes."""
        self.corrupted: set[str] = set()
        """Names of files that are sent with another content than they have."""
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_HEAD(self) -> None:
                self._answer(body=False)

            def do_GET(self) -> None:
                self._answer(body=True)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's name
                hub.requested.append(f"{self.command} {self.path}")

            def _answer(self, *, body: bool) -> None:
                path = self.path.partition("?")[0].removeprefix("/api/models")
                repository, _, rest = path[1:].partition("/")
                repository, rest = repository + "/" + rest.partition("/")[0], rest.partition("/")[2]
                files = repositories.get(repository, {})
                kind, _, rest = rest.partition("/")
                revision, _, name = rest.partition("/")
                if not files:
                    self._send(b"", {"X-Error-Code": "RepoNotFound"}, body=False, status=404)
                elif revision not in (*_REVISIONS, *commits):
                    self._send(b"", {"X-Error-Code": "RevisionNotFound"}, body=False, status=404)
                elif kind == "revision":
                    answer: dict[str, Any] = {
                        "id": repository,
                        "sha": revision if revision in commits else COMMIT,
                        "siblings": [],
                    }
                    if "blobs=" in self.path:
                        answer["siblings"] = [_sibling(name, content) for name, content in files.items()]
                    self._send(json.dumps(answer).encode(), {}, body=body)
                elif kind == "tree":
                    tree = [_entry(name, content) for name, content in files.items()]
                    self._send(json.dumps(tree).encode(), {}, body=body)
                elif name in files and repository in gated:
                    self._send(b"", {"X-Error-Code": "GatedRepo"}, body=False, status=401)
                elif name in files:
                    headers = {"ETag": f'"{_name_of(name, files[name])}"', "X-Repo-Commit": revision}
                    self._send_file(name, files[name], headers, body=body)
                else:
                    self.send_error(404)

            def _send_file(self, name: str, content: bytes, headers: dict[str, str], *, body: bool) -> None:
                start = 0
                if asked := self.headers.get("Range"):
                    hub.ranges.append(f"{name} {asked}")
                    start = int(asked.removeprefix("bytes=").partition("-")[0])
                    headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
                if name in hub.corrupted:
                    content = bytes(byte ^ 1 for byte in content)
                end = max(hub.breaks_at.get(name, len(content)) - start, 0) if body else None
                self._send(content[start:], headers, body=body, status=206 if asked else 200, end=end)

            def _send(
                self, content: bytes, headers: dict[str, str], *, body: bool, status: int = 200, end: int | None = None
            ) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if body:
                    self.wfile.write(content[:end])

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self._server.server_port}"
        """Address, for where a mirror of the hub can be named."""
        self._thread = threading.Thread(target=self._server.serve_forever)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _name_of(name: str, content: bytes) -> str:
    """How the hub names a content: by its SHA-256 in LFS, else as a git object."""
    if name.endswith(_LFS):
        return sha256(content).hexdigest()
    return sha1(b"blob %d\0" % len(content) + content).hexdigest()


def _entry(name: str, content: bytes) -> dict[str, Any]:
    """A file in the listing of a repository."""
    entry: dict[str, Any] = {"type": "file", "path": name, "size": len(content), "oid": sha1(content).hexdigest()}
    if name.endswith(_LFS):
        entry["lfs"] = {"oid": _name_of(name, content), "size": len(content), "pointerSize": 134}
    return entry


def _sibling(name: str, content: bytes) -> dict[str, Any]:
    """A file in the description of a repository."""
    sibling: dict[str, Any] = {"rfilename": name, "size": len(content), "blobId": sha1(content).hexdigest()}
    if name.endswith(_LFS):
        sibling["lfs"] = {"sha256": _name_of(name, content), "size": len(content), "pointerSize": 134}
    return sibling
