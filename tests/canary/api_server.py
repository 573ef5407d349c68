"""A small Kubernetes API server on a loopback port: enough of the protocol for a real kubectl."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar
from urllib.parse import parse_qs, urlsplit

from tests.canary.api_forward import forward
from tests.canary.api_store import CORE_KINDS, KINDS, NAMESPACE, ApiError, Kind, Object, Store

_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"


class ApiServer(ThreadingHTTPServer):
    """Serves one namespace. Tests read and set `store` directly and pull these levers."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.store = Store()
        self.kinds: tuple[Kind, ...] = KINDS
        self.changes: list[str] = []
        """Changes that clients asked for: "POST deployments maatu-stt-canary"."""
        self.metrics: Callable[[Object], str | None] = lambda _: ""
        """The metrics page of a pod; None: it does not answer."""
        self.forwards: dict[str, int] = {}
        """Where port-forwards lead, by the track of the pod: a local port."""
        self.loses_answer: Callable[[str], bool] = lambda _: False
        """Whether a change is made, but its answer never arrives."""
        self.before_change: Callable[[str], None] = lambda _: None
        """Called with each change before it is made."""
        self.stopping = threading.Event()


@contextmanager
def api_server() -> Iterator[ApiServer]:
    """A server that runs while the context is open."""
    server = ApiServer()
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield server
    finally:
        server.stopping.set()
        with server.store.changed:
            server.store.changed.notify_all()
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: ApiServer
    _patches: ClassVar = {"application/merge-patch+json": False, "application/strategic-merge-patch+json": True}

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Tests read `changes` instead."""

    def do_GET(self) -> None:
        self._serve(self._read)

    def do_POST(self) -> None:
        if self.path.partition("?")[0].endswith("/portforward"):
            self._forward()
        else:
            self._serve(self._change)

    def do_PUT(self) -> None:
        self._serve(self._change)

    def do_PATCH(self) -> None:
        self._serve(self._change)

    def do_DELETE(self) -> None:
        self._serve(self._change)

    def _serve(self, handle: Callable[[str, dict[str, str]], object]) -> None:
        parts = urlsplit(self.path)
        query = {key: values[0] for key, values in parse_qs(parts.query).items()}
        try:
            answer = handle(parts.path, query)
        except ApiError as error:
            status = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": error.code}
            self._answer(error.code, {**status, "reason": error.reason, "message": str(error)})
            return
        if answer is not None:
            self._answer(200, answer)

    def _answer(self, code: int, body: object, content_type: str = "application/json") -> None:
        text = body if isinstance(body, str) else json.dumps(body)
        data = text.encode()
        self.send_response(code)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _read(self, path: str, query: dict[str, str]) -> object:
        if path in ("/api", "/apis"):
            self._answer(200, _discovery(core=path == "/api", kinds=self.server.kinds), _DISCOVERY)
            return None
        if path == "/version":
            return {"major": "1", "minor": "35", "gitVersion": "v1.35.0"}
        if path.endswith("/portforward"):
            raise ApiError(400, "BadRequest", "no websockets here; kubectl falls back to SPDY")
        if "/proxy/" in path:
            return self._proxied(path)
        kind, name = self._located(path)
        if name is not None:
            return self.server.store.get(kind.plural, name)
        if query.get("watch") in ("true", "1"):
            self._watch(kind, query)
            return None
        items = [item for item in self.server.store.list(kind.plural) if _selected(item, query)]
        version = str(self.server.store.version)
        return {
            "kind": f"{kind.kind}List",
            "apiVersion": kind.api_version,
            "metadata": {"resourceVersion": version},
            "items": items,
        }

    def _proxied(self, path: str) -> str:
        name, _, port = path.split("/pods/")[1].split("/")[0].partition(":")
        pod = self.server.store.get("pods", name)
        ports = [it for container in pod["spec"]["containers"] for it in container.get("ports", [])]
        page = self.server.metrics(pod)
        if page is None or {"name": "metrics", "containerPort": int(port)} not in ports:
            raise ApiError(503, "ServiceUnavailable", f"error trying to reach {name}:{port}")
        return page

    def _change(self, path: str, query: dict[str, str]) -> object:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        server, store = self.server, self.server.store
        kind, name = self._located(path)
        sent = json.loads(body) if body else {}
        label = f"{self.command} {kind.plural} {name or sent['metadata']['name']}"
        server.before_change(label)
        server.changes.append(label)
        match self.command:
            case "POST":
                answer = store.create(kind.plural, sent)
            case "PUT":
                answer = store.replace(kind.plural, sent)
            case "PATCH":
                strategic = self._patches[self.headers["Content-Type"]]
                if strategic and kind.group not in ("", "apps"):
                    raise ApiError(415, "UnsupportedMediaType", "custom resources have no strategic merge patch")
                answer = store.patch(kind.plural, name or "", sent, strategic=strategic)
            case _:
                store.delete(kind.plural, name or "")
                answer = {"kind": "Status", "apiVersion": "v1", "status": "Success"}
        if server.loses_answer(label):
            self.close_connection = True
            return None
        return answer

    def _watch(self, kind: Kind, query: dict[str, str]) -> None:
        if "sendInitialEvents" in query:
            raise ApiError(400, "BadRequest", "sendInitialEvents is not offered here; kubectl falls back to a list")
        since = int(query.get("resourceVersion") or 0)
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        store = self.server.store
        while not self.server.stopping.is_set():
            with store.changed:
                news = [event for event in store.events if event[0] > since]
                if not news:
                    store.changed.wait(1.0)
            for version, plural, type_, item in news:
                since = version
                if plural == kind.plural and _selected(item, query):
                    line = json.dumps({"type": type_, "object": item}).encode() + b"\n"
                    try:
                        self.wfile.write(f"{len(line):x}\r\n".encode() + line + b"\r\n")
                    except OSError:  # kubectl has seen enough
                        self.close_connection = True
                        return
        self.close_connection = True

    def _forward(self) -> None:
        name = self.path.split("/pods/")[1].split("/")[0]
        track = self.server.store.get("pods", name)["metadata"]["labels"]["maatu.dev/track"]
        self.send_response(101)
        self.send_header("Connection", "Upgrade")
        self.send_header("Upgrade", "SPDY/3.1")
        self.send_header("X-Stream-Protocol-Version", "portforward.k8s.io")
        self.end_headers()
        self.wfile.flush()
        forward(self.connection, self.server.forwards[track])
        self.close_connection = True

    def _located(self, path: str) -> tuple[Kind, str | None]:
        """The kind and name that a path speaks of: /apis/apps/v1/namespaces/maatu/deployments/maatu-stt."""
        steps = path.strip("/").split("/")
        group = "" if steps[0] == "api" else steps[1]
        rest = steps[2:] if steps[0] == "api" else steps[3:]
        if len(rest) not in (3, 4) or rest[:2] != ["namespaces", NAMESPACE]:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        for kind in self.server.kinds:
            if (kind.group, kind.plural) == (group, rest[2]):
                return kind, rest[3] if len(rest) == 4 else None
        raise ApiError(404, "NotFound", "the server could not find the requested resource")


def _selected(item: Object, query: dict[str, str]) -> bool:
    metadata = item["metadata"]
    labels = metadata.get("labels", {})
    pairs = [term.split("=") for term in query.get("labelSelector", "").split(",") if term]
    names = [term.split("=") for term in query.get("fieldSelector", "").split(",") if term]
    return all(labels.get(key) == value for key, value in pairs) and all(
        key == "metadata.name" and metadata["name"] == value for key, value in names
    )


def _discovery(*, core: bool, kinds: tuple[Kind, ...]) -> Object:
    groups: dict[str, list[Kind]] = {}
    for kind in kinds:
        if (kind in CORE_KINDS) == core:
            groups.setdefault(kind.group, []).append(kind)
    items = [
        {
            "metadata": {"name": group},
            "versions": [{"version": "v1", "freshness": "Current", "resources": [_resource(kind) for kind in known]}],
        }
        for group, known in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2", "metadata": {}, "items": items}


def _resource(kind: Kind) -> Object:
    return {
        "resource": kind.plural,
        "responseKind": {"group": kind.group, "version": "v1", "kind": kind.kind},
        "scope": "Namespaced",
        "singularResource": kind.kind.lower(),
        "verbs": ["create", "delete", "get", "list", "patch", "update", "watch"],
    }
