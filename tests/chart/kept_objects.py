"""A cluster that holds Secrets and nothing else, for what the chart looks up there: `helm template --dry-run=server`."""

import json
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from tests.chart.helm import NAMESPACE
from tests.chart.rendering import Manifest

_KINDS = {
    "v1": ["Secret", "Service", "ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Pod"],
    "apps/v1": ["Deployment"],
    "batch/v1": ["Job"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
}
"""What it knows of, since helm asks for the kind of each object that it has rendered."""


def _discovery() -> dict[str, Any]:
    pages: dict[str, Any] = {"/version": {"major": "1", "minor": "33", "gitVersion": "v1.33.0"}}
    groups = []
    for version, kinds in _KINDS.items():
        resources = [
            {"name": re.sub("y$", "ie", kind.lower()) + "s", "kind": kind, "namespaced": True, "verbs": ["get"]}
            for kind in kinds
        ]
        path = f"/apis/{version}" if "/" in version else f"/api/{version}"
        pages[path] = {"kind": "APIResourceList", "groupVersion": version, "resources": resources}
        if "/" in version:
            served = {"groupVersion": version, "version": "v1"}
            groups.append({"name": version.partition("/")[0], "versions": [served], "preferredVersion": served})
    pages["/api"] = {"kind": "APIVersions", "versions": ["v1"]}
    pages["/apis"] = {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
    return pages


@contextmanager
def cluster_with(secrets: Iterable[Manifest]) -> Iterator[tuple[str, ...]]:
    """Options with which helm renders for a cluster that holds these Secrets, while the context is open."""
    held = {f"/api/v1/namespaces/{NAMESPACE}/secrets/{item['metadata']['name']}": item for item in secrets}
    known = _discovery() | held

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = self.path.partition("?")[0]
            missing = {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
            answer = known.get(path)
            body = json.dumps(answer or missing).encode()
            self.send_response(200 if answer else 404)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
            """Nobody reads it."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            url = f"http://127.0.0.1:{server.server_address[1]}"
            yield "--is-upgrade", "--dry-run=server", "--disable-openapi-validation", "--kube-apiserver", url
        finally:
            server.shutdown()
            thread.join()
