"""Waiting for the gateways: until they know of a share, until the canary's conversations have ended."""

from collections.abc import Callable
from dataclasses import dataclass

from maatu_canary import pages
from maatu_canary.clock import Clock
from maatu_canary.kubectl import Kubectl
from maatu_canary.release import COMPONENT, Component

# Metrics of the gateway (services/gateway/src/maatu_gateway/metrics.py).
HOP_PERCENT = "maatu_gateway_canary_percent"
HOP_CONVERSATIONS = "maatu_gateway_hop_conversations"
CONVERSATIONS = "maatu_gateway_conversations"
_POLL_S = 2.0
_EDGE_S = 10.0
"""A gateway of the Gateway API tells nobody when it has taken over a route; it takes a second or two."""


@dataclass(frozen=True)
class Times:
    """How long a step may wait, seconds."""

    rollout_s: int = 1200
    """For pods to be ready: models take minutes to load."""
    settle_s: float = 120.0
    """For the gateways to read the ConfigMap; a kubelet takes up to 90 s if nobody hurries it."""
    drain_s: float = 900.0
    """For conversations on the canary to end, when it is promoted."""


class Waiting:
    """Waits on behalf of one component's canary.

    Args:
        kubectl: Of the release's namespace.
        component: Whose canary.
        clock: Passes the time.
        times: How long to wait at most.
        say: Told what is being waited for.
    """

    def __init__(
        self, kubectl: Kubectl, component: Component, clock: Clock, times: Times, say: Callable[[str], None]
    ) -> None:
        self._kubectl = kubectl
        self._component = component
        self._clock = clock
        self._times = times
        self._say = say

    def conversations(self) -> int | None:
        """Conversations on the canary's side; None if a page that counts them cannot be read."""
        name = self._component.name
        if name == "gateway":
            series = pages.Series(CONVERSATIONS)
            found = pages.read_all(self._kubectl, self._component.selector("canary"), name, (CONVERSATIONS,))
        else:
            series = pages.Series(HOP_CONVERSATIONS, frozenset({("hop", name), ("side", "canary")}))
            found = self._gateways()
        counts = [pod.page.get(series, 0.0) if pod.page is not None else None for pod in found]
        return None if None in counts else int(sum(count or 0.0 for count in counts))

    def until_gateways_know(self, percent: int) -> None:
        """Waits until the page of every gateway says that this is the canary's share."""
        if self._component.name == "gateway":
            if not self._kubectl.dry_run:
                self._clock.sleep(_EDGE_S)
            return
        series = pages.Series(HOP_PERCENT, frozenset({("hop", self._component.name)}))

        def known() -> bool:
            return all(pod.page is not None and pod.page.get(series, 0.0) == percent for pod in self._gateways())

        self._until("the gateways to read the new share", known, self._times.settle_s)

    def until_left(self) -> None:
        """Waits until no conversation is on the canary's side."""
        self._until("the conversations on the canary to end", lambda: self.conversations() == 0, self._times.drain_s)

    def _gateways(self) -> list[pages.Pod]:
        selector = f"{self._component.release_selector},{COMPONENT}=gateway"
        return pages.read_all(self._kubectl, selector, "gateway", (HOP_PERCENT, HOP_CONVERSATIONS))

    def _until(self, what: str, holds: Callable[[], bool], at_most_s: float) -> None:
        if self._kubectl.dry_run:
            self._say(f"# wait for {what}, {at_most_s:g} s at most")
            return
        if holds():
            return
        self._say(f"waiting for {what}, {at_most_s:g} s at most")
        end = self._clock.time() + at_most_s
        while not holds():
            if self._clock.time() >= end:
                self._say(f"{at_most_s:g} s are over; going on without waiting for {what}")
                return
            self._clock.sleep(_POLL_S)
