"""A stand-in for the Hugging Face hub, for tests of what is fetched from it."""

import json
import threading
from collections.abc import Collection, Mapping
from hashlib import sha1
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

COMMIT = "0123456789abcdef0123456789abcdef01234567"
_REVISIONS = ("main", "v1", COMMIT)


class FakeHub:
    """As much of the hub's HTTP interface as a snapshot download uses, on the loopback while the context lasts.

    Args:
        repositories: The files of each at its only commit, `COMMIT`, which "main" and the tag "v1" stand for too.
        gated: Repositories whose files are refused, as the hub refuses those who did not accept the terms.
    """

    def __init__(self, repositories: Mapping[str, Mapping[str, bytes]], gated: Collection[str] = ()) -> None:
        self.requested: list[str] = []
        """Method and path of each request."""
        digests = {
            (repository, name): sha1(content).hexdigest()
            for repository, files in repositories.items()
            for name, content in files.items()
        }
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
                name = rest.removeprefix(f"resolve/{COMMIT}/")
                if not files:
                    self._send(b"", {"X-Error-Code": "RepoNotFound"}, body=False, status=404)
                elif rest.startswith("revision/") and rest.removeprefix("revision/") not in _REVISIONS:
                    self._send(b"", {"X-Error-Code": "RevisionNotFound"}, body=False, status=404)
                elif rest.startswith("revision/"):
                    self._send(json.dumps({"id": repository, "sha": COMMIT, "siblings": []}).encode(), {}, body=body)
                elif rest == f"tree/{COMMIT}":
                    tree = [
                        {"type": "file", "path": name, "size": len(content), "oid": digests[repository, name]}
                        for name, content in files.items()
                    ]
                    self._send(json.dumps(tree).encode(), {}, body=body)
                elif name in files and repository in gated:
                    self._send(b"", {"X-Error-Code": "GatedRepo"}, body=False, status=401)
                elif name in files:
                    headers = {"ETag": f'"{digests[repository, name]}"', "X-Repo-Commit": COMMIT}
                    self._send(files[name], headers, body=body)
                else:
                    self.send_error(404)

            def _send(self, content: bytes, headers: dict[str, str], *, body: bool, status: int = 200) -> None:
                self.send_response(status)
                for key, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(key, value)
                self.end_headers()
                if body:
                    self.wfile.write(content)

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
