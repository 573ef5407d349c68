"""What is known of the canaries of a release."""

from typing import Any

from maatu_canary.state import read_state
from maatu_canary.steps import Canary


def describe(canary: Canary) -> dict[str, Any] | None:
    """A component's canary in figures, ready for JSON; None if there is nothing left of one."""
    deployment, entry = canary.deployment(), canary.traffic.entry()
    if deployment is None and entry is None:
        return None
    known: dict[str, Any] = {
        "component": canary.component.name,
        "percent": entry.percent if entry is not None else None,
    }
    if canary.component.name == "gateway":
        known["percent"] = canary.traffic.route_percent()
    if deployment is None:
        return {**known, "phase": "aborting"}  # interrupted between its two deletions and forgetting its traffic
    state, status = read_state(deployment), deployment.get("status", {})
    return {
        **known,
        "phase": state.phase,
        "id": state.id,
        "image": state.change.image,
        "env": dict(state.change.env),
        "ready": status.get("readyReplicas", 0),
        "replicas": deployment["spec"]["replicas"],
        "conversations": canary.waiting.conversations(),
    }


def line(known: dict[str, Any]) -> str:
    """The same for people."""
    name, phase = known["component"], known["phase"]
    if "id" not in known:
        return f"{name}: rests of a canary; run abort again"
    what = ", ".join([*([known["image"]] if known["image"] else []), *(f"{k}={v}" for k, v in known["env"].items())])
    share = f"{known['percent']} %" if known["percent"] is not None else "no share yet"
    talks = "unknown" if known["conversations"] is None else known["conversations"]
    todo = {"running": "", "promoting": "; run promote or abort again", "aborting": "; run abort again"}[phase]
    return (
        f"{name}: {phase}, {share}, {known['ready']} of {known['replicas']} pods ready, "
        f"conversations: {talks}, since {known['id']}: {what}{todo}"
    )
