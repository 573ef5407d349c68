"""The objects of a small API server: what etcd, the Deployment controller and the kubelets do, as far as kubectl sees it."""

import copy
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

Object = dict[str, Any]
NAMESPACE = "maatu"


@dataclass(frozen=True)
class Kind:
    """A kind of object that the server knows."""

    group: str
    kind: str
    plural: str

    @property
    def api_version(self) -> str:
        return f"{self.group}/v1" if self.group else "v1"


DEPLOYMENTS = Kind("apps", "Deployment", "deployments")
GRPC_ROUTES = Kind("gateway.networking.k8s.io", "GRPCRoute", "grpcroutes")
CORE_KINDS = (
    Kind("", "ConfigMap", "configmaps"),
    Kind("", "Pod", "pods"),
    Kind("", "Service", "services"),
    Kind("", "ServiceAccount", "serviceaccounts"),
)
KINDS = (*CORE_KINDS, DEPLOYMENTS, GRPC_ROUTES)


class ApiError(Exception):
    """An answer with a Status object."""

    def __init__(self, code: int, reason: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason


@dataclass
class Store:
    """Objects by (plural, name), all in one namespace."""

    objects: dict[tuple[str, str], Object] = field(default_factory=dict)
    events: list[tuple[int, str, str, Object]] = field(default_factory=list)
    """(version, plural, type, object) of every change."""
    is_broken: Callable[[Object], bool] = lambda _: False
    """Whether the pods of a Deployment never become ready."""
    changed: threading.Condition = field(default_factory=threading.Condition)
    _version: int = 100

    @property
    def version(self) -> int:
        """Of the last change."""
        return self._version

    def get(self, plural: str, name: str) -> Object:
        """An object; NotFound otherwise."""
        found = self.objects.get((plural, name))
        if found is None:
            raise ApiError(404, "NotFound", f'{plural} "{name}" not found')
        return found

    def list(self, plural: str) -> list[Object]:
        """The objects of a kind."""
        with self.changed:
            return [item for (kind, _), item in sorted(self.objects.items()) if kind == plural]

    def create(self, plural: str, object_: Object) -> Object:
        """Creates an object; AlreadyExists if there is one of its name."""
        name = object_["metadata"]["name"]
        if (plural, name) in self.objects:
            raise ApiError(409, "AlreadyExists", f'{plural} "{name}" already exists')
        if "resourceVersion" in object_["metadata"] or "uid" in object_["metadata"] or "status" in object_:
            raise ApiError(400, "BadRequest", "what the server sets must not be set on objects to be created")
        return self._put(plural, copy.deepcopy(object_), None)

    def replace(self, plural: str, object_: Object) -> Object:
        """Writes an object; Conflict if it changed since it was read."""
        old = self.get(plural, object_["metadata"]["name"])
        if object_["metadata"].get("resourceVersion") not in (None, old["metadata"]["resourceVersion"]):
            raise ApiError(
                409, "Conflict", "the object has been modified; please apply your changes to the latest version"
            )
        return self._put(plural, copy.deepcopy(object_), old)

    def patch(self, plural: str, name: str, patch: Object, *, strategic: bool) -> Object:
        """Changes some fields."""
        old = self.get(plural, name)
        return self._put(plural, _merged(old, patch, strategic=strategic), old)

    def delete(self, plural: str, name: str) -> None:
        """Deletes an object, and the pods of a Deployment."""
        gone = self.get(plural, name)
        with self.changed:
            del self.objects[plural, name]
            self._note(plural, "DELETED", gone)
        if plural == "deployments":
            self._set_pods(gone, 0)

    def roll_out(self, name: str) -> None:
        """Does for a Deployment what its controller does: pods of the present template, and a status."""
        deployment = self.get("deployments", name)
        replicas = deployment["spec"]["replicas"]
        ready = 0 if self.is_broken(deployment) else replicas
        conditions = [{"type": "Available", "status": "True"}]
        if ready < replicas:
            reason = "ProgressDeadlineExceeded"
            conditions = [{"type": "Progressing", "status": "False", "reason": reason, "message": "too slow"}]
        deployment["status"] = {
            "observedGeneration": deployment["metadata"]["generation"],
            "replicas": replicas,
            "updatedReplicas": replicas,
            "readyReplicas": ready,
            "availableReplicas": ready,
            "conditions": conditions,
        }
        self._set_pods(deployment, replicas, is_ready=ready == replicas)

    def _put(self, plural: str, object_: Object, old: Object | None) -> Object:
        metadata = object_["metadata"]
        metadata.setdefault("namespace", NAMESPACE)
        with self.changed:
            metadata["uid"] = old["metadata"]["uid"] if old is not None else f"uid-{self._version}"
            if plural == "deployments":
                same = old is not None and old["spec"] == object_["spec"]
                before = old["metadata"]["generation"] if old is not None else 0
                metadata["generation"] = before if same else before + 1
                if old is not None and old["spec"]["selector"] != object_["spec"]["selector"]:
                    raise ApiError(422, "Invalid", "spec.selector: field is immutable")
            self.objects[plural, metadata["name"]] = object_
            if plural == "deployments":
                self.roll_out(metadata["name"])
            self._note(plural, "MODIFIED" if old is not None else "ADDED", object_)
        return object_

    def _set_pods(self, deployment: Object, replicas: int, *, is_ready: bool = True) -> None:
        name, template = deployment["metadata"]["name"], deployment["spec"]["template"]
        generation = deployment["metadata"]["generation"]
        wanted = {f"{name}-{generation}-{index}" for index in range(replicas)}
        with self.changed:
            for plural, pod in [*self.objects]:
                owner = self.objects[plural, pod].get("metadata", {}).get("ownerReferences", [{}])[0].get("name")
                if plural == "pods" and owner == name and pod not in wanted:
                    self._note(plural, "DELETED", self.objects.pop((plural, pod)))
            for pod in sorted(wanted):
                if ("pods", pod) not in self.objects:
                    self._put("pods", _pod(pod, name, template, is_ready=is_ready), None)

    def _note(self, plural: str, type_: str, object_: Object) -> None:
        self._version += 1
        object_["metadata"]["resourceVersion"] = str(self._version)
        self.events.append((self._version, plural, type_, copy.deepcopy(object_)))
        self.changed.notify_all()


def _pod(name: str, owner: str, template: Object, *, is_ready: bool) -> Object:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": name,
            "namespace": NAMESPACE,
            "labels": dict(template["metadata"]["labels"]),
            "ownerReferences": [{"kind": "ReplicaSet", "name": owner, "uid": "-", "apiVersion": "apps/v1"}],
        },
        "spec": copy.deepcopy(template["spec"]),
        "status": {
            "phase": "Running",
            "conditions": [{"type": "Ready", "status": "True" if is_ready else "False"}],
            "containerStatuses": [{"name": it["name"], "restartCount": 0} for it in template["spec"]["containers"]],
        },
    }


def _merged(old: Any, patch: Any, *, strategic: bool) -> Any:
    """A JSON merge patch (RFC 7386); a strategic one also merges lists of named entries by their names."""
    if isinstance(patch, dict):
        merged = dict(old) if isinstance(old, dict) else {}
        for key, value in patch.items():
            if value is None:
                merged.pop(key, None)
            else:
                merged[key] = _merged(merged.get(key), value, strategic=strategic)
        return copy.deepcopy(merged)
    named = isinstance(patch, list) and all(isinstance(item, dict) and "name" in item for item in patch)
    if strategic and named and isinstance(old, list):
        entries = {item["name"]: item for item in old}
        for item in patch:
            if item.get("$patch") == "delete":
                entries.pop(item["name"], None)
            else:
                entries[item["name"]] = _merged(entries.get(item["name"]), item, strategic=True)
        return list(entries.values())
    return copy.deepcopy(patch)
