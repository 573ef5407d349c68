"""The canary's objects, made from those of the stable side."""

import copy
from typing import Any

from maatu_canary import models
from maatu_canary.change import Change
from maatu_canary.kubectl import Object
from maatu_canary.release import TRACK, Component, container

MANAGED_BY = "app.kubernetes.io/managed-by"
TOOL = "maatu-canary"
# Marks by which Helm, Argo CD and Flux know what is theirs: with them the canary would be adopted or pruned. And our own.
_OWNERS = (
    "helm.sh/",
    "meta.helm.sh/",
    "argocd.argoproj.io/",
    "kustomize.toolkit.fluxcd.io/",
    "helm.toolkit.fluxcd.io/",
    "kubectl.kubernetes.io/last-applied-configuration",
    "deployment.kubernetes.io/",
    "maatu.dev/canary-",
)


def canary_deployment(stable: Object, component: Component, change: Change, replicas: int) -> Object:
    """A second Deployment of the component, with the change; its pods are told apart by the track label."""
    made = _named(stable, component.canary)
    spec = copy.deepcopy(stable["spec"])
    spec["replicas"] = replicas
    spec["selector"]["matchLabels"][TRACK] = "canary"
    template = spec["template"]
    template["metadata"]["labels"][TRACK] = "canary"
    template["metadata"].pop("creationTimestamp", None)
    for name in ("affinity", "topologySpreadConstraints"):
        _follow_track(template["spec"].get(name))
    made["spec"] = spec
    init, args = models.init_container(template["spec"]), models.init_args(component.name, template["spec"], change)
    # The init container knows the stable side's models; the pod would start before its own are there, and crash until then.
    if init is not None and args is not None:
        init["args"] = args
    apply(change, container(made, component.name))
    return made


def canary_service(stable: Object, component: Component) -> Object:
    """A Service of the canary's pods."""
    made = _named(stable, component.canary)
    spec = copy.deepcopy(stable["spec"])
    spec["selector"][TRACK] = "canary"
    if spec.get("clusterIP") != "None":  # an address of its own cannot be had twice; a headless Service has none
        spec.pop("clusterIP", None)
    spec.pop("clusterIPs", None)
    for item in spec.get("ports", []):
        item.pop("nodePort", None)
    made["spec"] = spec
    return made


def apply(change: Change, target: Object) -> None:
    """Writes a change into a container."""
    if change.image is not None:
        target["image"] = change.image
    env = [item for item in target.get("env", []) if item["name"] not in change.env]
    target["env"] = env + [{"name": name, "value": value} for name, value in change.env.items()]


def _named(stable: Object, name: str) -> Object:
    metadata = stable["metadata"]
    labels = _without_owners(metadata.get("labels", {}))
    return {
        "apiVersion": stable["apiVersion"],
        "kind": stable["kind"],
        "metadata": {
            "name": name,
            "namespace": metadata["namespace"],
            "labels": {**labels, MANAGED_BY: TOOL, TRACK: "canary"},
            "annotations": _without_owners(metadata.get("annotations", {})),
        },
    }


def _without_owners(marks: dict[str, str]) -> dict[str, str]:
    return {key: value for key, value in marks.items() if not key.startswith(_OWNERS)}


def _follow_track(part: Any) -> None:
    """Has rules about where pods lie look at the canary's pods, not at the stable ones."""
    if isinstance(part, list):
        for item in part:
            _follow_track(item)
    elif isinstance(part, dict):
        labels = part.get("matchLabels")
        if isinstance(labels, dict) and labels.get(TRACK) == "stable":
            labels[TRACK] = "canary"
        for item in part.values():
            _follow_track(item)
