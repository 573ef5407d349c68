"""Watching a canary: looks at both sides again and again, and aborts the canary when it is past a limit."""

import enum
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field

from maatu_canary import judge, pages, probe
from maatu_canary.clock import Clock
from maatu_canary.errors import WrongUse
from maatu_canary.judge import Finding, Limits
from maatu_canary.kubectl import Kubectl
from maatu_canary.pages import Page, Pod
from maatu_canary.probe import Probe
from maatu_canary.release import port
from maatu_canary.state import read_state
from maatu_canary.steps import Canary


class Outcome(enum.Enum):
    """How a watch ended; the value is the exit status."""

    HEALTHY = 0
    ABORTED = 3
    UNDECIDED = 4


@dataclass(frozen=True)
class Plan:
    """How long and how closely to look. Times in seconds."""

    for_s: float = 1800.0
    """How long to watch."""
    interval_s: float = 15.0
    """Between two looks."""
    window_s: float = 600.0
    """How far back the figures that are compared reach."""
    max_restarts: int = 2
    """Of a canary's container since the watch began: more of them abort it."""
    limits: Limits = field(default_factory=Limits)
    probe: Probe | None = None
    """Recordings to transcribe before the rest, for stt."""


class Counts:
    """What the pods of one side counted of late.

    Args:
        window_s: How far back.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._pages: dict[str, Page] = {}
        self._before: set[str] | None = None
        self._increases: deque[tuple[float, Page]] = deque()

    def add(self, at: float, pods: Collection[Pod]) -> None:
        """Takes in a reading. Pods that were there at the first one count from their first page, later ones from zero."""
        if self._before is None:
            self._before = {pod.uid for pod in pods}
        new = []
        for pod in pods:
            if pod.page is None:
                continue
            known = self._pages.get(pod.uid, pod.page if pod.uid in self._before else {})
            new.append(pages.increase(known, pod.page))
            self._pages[pod.uid] = pod.page
        self._increases.append((at, pages.total(new)))
        while self._increases[0][0] < at - self._window_s:
            self._increases.popleft()

    def lately(self) -> Page:
        """What all pods of the side counted within the window."""
        return pages.total(page for _, page in self._increases)


def watch(canary: Canary, kubectl: Kubectl, plan: Plan, clock: Clock, say: Callable[[str], None]) -> Outcome:
    """Watches until the time is over, the canary is past a limit and has been aborted, or somebody ended it.

    Raises:
        WrongUse: there is no canary, or it is being promoted or aborted.
        CanaryError: the probe set cannot be transcribed by the stable side.
    """
    component = canary.component
    if not _is_running(canary):
        raise WrongUse(f"there is no running canary of {component.name} to watch")
    if plan.probe is not None:
        at = port(canary.stable, component.name, "grpc")
        finding = probe.compare(plan.probe, kubectl, component, at)
        say(finding.text)
        if finding.breached:
            return _abort(canary, [finding], say)
    sides = {track: Counts(plan.window_s) for track in ("stable", "canary")}
    names = judge.names(component.name)
    restarts_before: dict[str, int] | None = None
    end = clock.time() + plan.for_s
    while True:
        now = clock.time()
        found = {track: pages.read_all(kubectl, component.selector(track), component.name, names) for track in sides}
        for track, counts in sides.items():
            counts.add(now, found[track])
        if restarts_before is None:  # what went before, such as waiting for a model, is no fault of what is tried
            restarts_before = {pod.uid: pod.restarts for pod in found["canary"]}
        stable, its = (judge.side(component.name, counts.lately()) for counts in sides.values())
        restarts = _restarts(found["canary"], restarts_before, plan.max_restarts)
        findings = [*judge.compare(stable, its, plan.limits), restarts]
        say("; ".join([*(finding.text for finding in findings), *_unread(found)]))
        if any(finding.breached for finding in findings):
            return _abort(canary, [finding for finding in findings if finding.breached], say)
        if now >= end:
            return _judged(findings, plan.limits, say)
        clock.sleep(plan.interval_s)
        if not _is_running(canary):
            say("somebody ended the canary, or is about to")
            return Outcome.UNDECIDED


def _is_running(canary: Canary) -> bool:
    deployment = canary.deployment()
    return deployment is not None and read_state(deployment).phase == "running"


def _restarts(pods: Sequence[Pod], before: Mapping[str, int], most: int) -> Finding:
    seen = max((pod.restarts - before.get(pod.uid, 0) for pod in pods), default=0)
    return Finding("restarts", f"restarts of a canary pod: {seen}, allowed {most}", True, seen > most)


def _unread(found: dict[str, list[Pod]]) -> list[str]:
    silent = [pod.name for pods in found.values() for pod in pods if pod.page is None]
    return [f"no metrics page from {', '.join(silent)}"] if silent else []


def _abort(canary: Canary, breaches: Sequence[Finding], say: Callable[[str], None]) -> Outcome:
    say(f"past the limit ({', '.join(finding.name for finding in breaches)}): aborting")
    canary.abort()
    return Outcome.ABORTED


def _judged(findings: Sequence[Finding], limits: Limits, say: Callable[[str], None]) -> Outcome:
    if all(finding.enough for finding in findings):
        say("the canary is no worse than the stable side")
        return Outcome.HEALTHY
    say(f"too few requests to tell: each side needs {limits.min_requests}; the canary is left as it is")
    return Outcome.UNDECIDED
