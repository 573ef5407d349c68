"""What NetworkPolicies let through, as a cluster's network decides it (Kubernetes documentation, "Network Policies")."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field

from tests.chart.helm import NAMESPACE
from tests.chart.rendering import Manifest, Rendered


@dataclass(frozen=True)
class Peer:
    """One end of a connection."""

    labels: Mapping[str, str] = field(default_factory=dict)
    """Of its pod; none for an address outside the cluster."""
    namespace: str | None = NAMESPACE
    """Where its pod is; None for an address outside the cluster."""
    address: str = "203.0.113.7"
    """Of an end outside the cluster."""
    ports: Mapping[str, int] = field(default_factory=dict)
    """Named ports of its pod."""

    @classmethod
    def of(cls, workload: Manifest) -> "Peer":
        """A pod that a rendered workload makes."""
        template = workload["spec"]["template"]
        offered = [port for container in template["spec"]["containers"] for port in container.get("ports", [])]
        ports = {port["name"]: port["containerPort"] for port in offered if "name" in port}
        return cls(template["metadata"]["labels"], ports=ports)


def lets_through(rendered: Rendered, source: Peer, target: Peer, port: int, protocol: str = "TCP") -> bool:
    """A connection may leave its source and enter its target. Ends outside the release's namespace have no policy of ours."""
    leaves = _permits(rendered, source, target, port, protocol, direction="Egress")
    enters = _permits(rendered, target, source, port, protocol, direction="Ingress")
    return leaves and enters


def is_guarded(rendered: Rendered, peer: Peer, direction: str) -> bool:
    """Some policy decides over a pod's connections in that direction: what none permits is refused."""
    return bool(_policies(rendered, peer, direction))


def _policies(rendered: Rendered, peer: Peer, direction: str) -> list[Manifest]:
    if peer.namespace != NAMESPACE:
        return []
    return [
        policy
        for policy in rendered.kind("NetworkPolicy")
        if direction in policy["spec"]["policyTypes"] and _matches(policy["spec"]["podSelector"], peer.labels)
    ]


def _permits(rendered: Rendered, own: Peer, other: Peer, port: int, protocol: str, *, direction: str) -> bool:
    policies = _policies(rendered, own, direction)
    served = own if direction == "Ingress" else other
    peers_key = "from" if direction == "Ingress" else "to"
    for policy in policies:
        for rule in policy["spec"].get(direction.lower()) or []:
            ends = rule.get(peers_key)
            if (not ends or any(_is_end(end, other) for end in ends)) and _has_port(rule, served, port, protocol):
                return True
    return not policies


def _is_end(end: Manifest, peer: Peer) -> bool:
    if "ipBlock" in end:
        if peer.namespace is not None:
            return False
        address = ipaddress.ip_address(peer.address)
        inside = address in ipaddress.ip_network(end["ipBlock"]["cidr"])
        return inside and not any(address in ipaddress.ip_network(part) for part in end["ipBlock"].get("except", []))
    if peer.namespace is None:
        return False
    if "namespaceSelector" in end:
        if not _matches(end["namespaceSelector"], {"kubernetes.io/metadata.name": peer.namespace}):
            return False
    elif peer.namespace != NAMESPACE:
        return False
    return _matches(end.get("podSelector", {}), peer.labels)


def _has_port(rule: Manifest, served: Peer, port: int, protocol: str) -> bool:
    ports = rule.get("ports")
    if not ports:
        return True
    for entry in ports:
        if entry.get("protocol", "TCP") != protocol:
            continue
        first = entry.get("port")
        if isinstance(first, str):
            first = served.ports.get(first, -1)
        if first is None or first <= port <= entry.get("endPort", first):
            return True
    return False


def _matches(selector: Manifest, labels: Mapping[str, str]) -> bool:
    expressions = {
        "In": lambda value, values: value in values,
        "NotIn": lambda value, values: value not in values,
        "Exists": lambda value, values: value is not None,
        "DoesNotExist": lambda value, values: value is None,
    }
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items()) and all(
        expressions[part["operator"]](labels.get(part["key"]), part.get("values", []))
        for part in selector.get("matchExpressions", [])
    )
