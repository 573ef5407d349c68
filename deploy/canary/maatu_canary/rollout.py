"""What a rollout of a Deployment costs while it is under way."""

from maatu_canary.kubectl import Object


def leaves_no_pod(deployment: Object) -> bool:
    """Whether a rollout may take all old pods away before a new one is ready, whatever surge it is allowed."""
    replicas = int(deployment["spec"].get("replicas", 1))
    strategy = deployment["spec"].get("strategy", {})
    if strategy.get("type") == "Recreate":
        return replicas > 0
    rolling = strategy.get("rollingUpdate") or {}
    surge = _pods(rolling.get("maxSurge", "25%"), replicas, up=True)
    unavailable = _pods(rolling.get("maxUnavailable", "25%"), replicas, up=False)
    if surge == unavailable == 0:  # two shares that come to nought; the controller would be stuck and takes one
        unavailable = 1
    return 0 < replicas <= unavailable


def _pods(value: int | str, replicas: int, *, up: bool) -> int:
    """A number of pods, or a share of them ("25%"), as the Deployment controller rounds it."""
    if isinstance(value, int):
        return value
    share = int(value.removesuffix("%")) * replicas
    return -(-share // 100) if up else share // 100
