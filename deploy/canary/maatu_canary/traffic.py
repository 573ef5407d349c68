"""How many conversations go to a canary: the ConfigMap that gateways read, and the GRPCRoute in front of them."""

import copy
import hashlib
import json
from dataclasses import dataclass
from typing import Any

from maatu_canary.clone import MANAGED_BY, TOOL
from maatu_canary.errors import AlreadyThere, CanaryError, Conflict, UnknownKind
from maatu_canary.kubectl import Kubectl, Object
from maatu_canary.pages import pods
from maatu_canary.release import COMPONENT, INSTANCE, NAME, Component

KEY = "traffic.json"
ROUTES = "grpcroutes.gateway.networking.k8s.io"
_ATTEMPTS = 5


@dataclass(frozen=True)
class Entry:
    """What the ConfigMap says of one component's canary."""

    target: str
    """Where its pods are, for the gateways: "dns:///maatu-stt-canary:50051"."""
    percent: int
    """Its share of new conversations."""
    id: str
    """The canary's generation; the gateways draw anew for a new one."""


class Traffic:
    """The traffic of one component.

    Args:
        kubectl: Of the release's namespace.
        component: Whose canary.
    """

    def __init__(self, kubectl: Kubectl, component: Component) -> None:
        self._kubectl = kubectl
        self._component = component

    def entry(self) -> Entry | None:
        """What is set at present; None: the gateways know of no canary."""
        table = _table(self._kubectl.get("configmap", self._component.traffic))
        found = table.get(self._component.name)
        return Entry(**found) if found is not None else None

    def set(self, entry: Entry | None) -> None:
        """Sends a share of new conversations to the canary; None: forgets the canary.

        Raises:
            CanaryError: the gateway's traffic is to be split, and it has no GRPCRoute.
        """
        self._write(entry)
        if self._component.name == "gateway":
            self._weigh_routes(entry.percent if entry is not None else None)
        self._hurry(entry)

    def routes(self) -> list[Object]:
        """The release's GRPCRoutes that lead to the gateway."""
        try:
            routes = self._kubectl.list(ROUTES, self._component.release_selector)
        except UnknownKind:
            return []
        return [route for route in routes if any(self._leads_here(rule) for rule in _rules(route))]

    def route_percent(self) -> int | None:
        """The canary's weight in the first GRPCRoute; None if it is in none."""
        for route in self.routes():
            for rule in _rules(route):
                for backend in rule.get("backendRefs", []):
                    if backend["name"] == self._component.canary:
                        return int(backend.get("weight", 1))
        return None

    def _write(self, entry: Entry | None) -> None:
        for _ in range(_ATTEMPTS):
            current = self._kubectl.get("configmap", self._component.traffic)
            table = _table(current)
            if entry is None and self._component.name not in table:
                return
            if entry is None:
                del table[self._component.name]
            elif table.get(self._component.name) == entry.__dict__:
                return
            else:
                table[self._component.name] = dict(entry.__dict__)
            text = json.dumps(table, indent=2, sort_keys=True)
            try:
                if current is None:
                    self._kubectl.create(self._new_map(text))
                else:
                    self._kubectl.replace({**current, "data": {**(current.get("data") or {}), KEY: text}})
            except (Conflict, AlreadyThere):
                continue  # somebody sets the traffic of another component just now
            return
        raise CanaryError(f"the ConfigMap {self._component.traffic} changes all the time; try again")

    def _weigh_routes(self, percent: int | None) -> None:
        for _ in range(_ATTEMPTS):
            routes = self.routes()
            if not routes and percent is not None:
                raise CanaryError(
                    "the gateway's traffic is split by a GRPCRoute, and this release has none (edge.type)"
                )
            try:
                for route in routes:
                    weighed = copy.deepcopy(route)
                    for rule in _rules(weighed):
                        if self._leads_here(rule):
                            rule["backendRefs"] = self._weighed(rule["backendRefs"], percent)
                    if weighed != route:
                        self._kubectl.replace(weighed)
            except Conflict:
                continue
            return
        raise CanaryError("the GRPCRoute changes all the time; try again")

    def _weighed(self, backends: list[Object], percent: int | None) -> list[Object]:
        stable = next(backend for backend in backends if backend["name"] == self._component.stable)
        others = [it for it in backends if it["name"] not in (self._component.stable, self._component.canary)]
        if percent is None:
            return [{**stable, "weight": 100}, *others]
        canary = {**stable, "name": self._component.canary, "weight": percent}
        return [{**stable, "weight": 100 - percent}, canary, *others]

    def _leads_here(self, rule: Object) -> bool:
        return any(backend["name"] == self._component.stable for backend in rule.get("backendRefs", []))

    def _hurry(self, entry: Entry | None) -> None:
        """Touches the gateways' pods: a kubelet looks at the ConfigMaps of a pod that changed at once, otherwise each minute."""
        selector = f"{self._component.release_selector},{COMPONENT}=gateway"
        names = [pod.name for pod in pods(self._kubectl, selector, "gateway")]
        if names:
            digest = hashlib.sha256(f"{self._component.name} {entry}".encode()).hexdigest()[:12]
            self._kubectl.annotate("pods", names, f"maatu.dev/traffic={digest}")

    def _new_map(self, text: str) -> Object:
        component = self._component
        return {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {
                "name": component.traffic,
                "namespace": component.namespace,
                "labels": {NAME: component.application, INSTANCE: component.instance, MANAGED_BY: TOOL},
            },
            "data": {KEY: text},
        }


def _rules(route: Object) -> list[Object]:
    rules: list[Object] = route["spec"].get("rules", [])
    return rules


def _table(traffic: Object | None) -> dict[str, Any]:
    text = ((traffic or {}).get("data") or {}).get(KEY, "{}")
    try:
        table = json.loads(text)
    except ValueError as error:
        raise CanaryError(f"{KEY} in the ConfigMap of traffic is damaged, repair or delete it: {error}") from None
    if not isinstance(table, dict):
        raise CanaryError(f"{KEY} in the ConfigMap of traffic is damaged, repair or delete it: it holds no object")
    return table
