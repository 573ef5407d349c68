"""Reading Prometheus pages of pods, and what was counted between two readings."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias

from maatu_canary.errors import KubectlFailed
from maatu_canary.kubectl import Kubectl, Object

_SAMPLE = re.compile(r"([A-Za-z_:][\w:]*)(?:\{(.*)\})? (\S+)(?: \d+)?")
_LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')
_ESCAPE = re.compile(r"\\(.)")


@dataclass(frozen=True)
class Series:
    """One line of a page: a name and its labels."""

    name: str
    labels: frozenset[tuple[str, str]] = frozenset()

    def label(self, name: str) -> str:
        """The value of a label; empty if it has none of that name."""
        return dict(self.labels).get(name, "")


Page: TypeAlias = Mapping[Series, float]
"""What one pod's page said."""


def parse(text: str, names: Collection[str]) -> Page:
    """Reads the samples with these names out of a page in Prometheus' text format (version 0.0.4)."""
    page: dict[Series, float] = {}
    for line in text.splitlines():
        match = _SAMPLE.fullmatch(line)
        if match is not None and match[1] in names:
            labels = frozenset((name, _unescaped(value)) for name, value in _LABEL.findall(match[2] or ""))
            page[Series(match[1], labels)] = float(match[3])
    return page


def _unescaped(value: str) -> str:
    return _ESCAPE.sub(lambda match: {"n": "\n"}.get(match[1], match[1]), value)


def increase(before: Page, after: Page) -> Page:
    """What counters counted between two readings. One that fell was begun anew, so all of it is new."""
    return {
        series: value - before.get(series, 0.0) if value >= before.get(series, 0.0) else value
        for series, value in after.items()
    }


def total(pages: Iterable[Page]) -> Page:
    """The sum of pages, series by series."""
    sums: dict[Series, float] = {}
    for page in pages:
        for series, value in page.items():
            sums[series] = sums.get(series, 0.0) + value
    return sums


@dataclass(frozen=True)
class Pod:
    """A pod as far as it concerns us."""

    name: str
    namespace: str
    uid: str
    ready: bool
    restarts: int
    """How often its component's container was started again."""
    metrics_port: int | None
    """Of its Prometheus page."""
    page: Page | None = field(default=None, compare=False)
    """What its metrics page said; None if it could not be read."""


def pods(kubectl: Kubectl, selector: str, container: str) -> list[Pod]:
    """The pods with these labels that run and are not on their way out, without their pages."""
    return [
        _pod(item, container)
        for item in kubectl.list("pods", selector)
        if item.get("status", {}).get("phase") == "Running" and "deletionTimestamp" not in item["metadata"]
    ]


def _pod(item: Object, container: str) -> Pod:
    metadata, status = item["metadata"], item["status"]
    ready = any(it["type"] == "Ready" and it["status"] == "True" for it in status.get("conditions", []))
    restarts = sum(it["restartCount"] for it in status.get("containerStatuses", []) if it["name"] == container)
    ports = [
        port["containerPort"]
        for it in item["spec"]["containers"]
        if it["name"] == container
        for port in it.get("ports", [])
        if port.get("name") == "metrics"
    ]
    return Pod(metadata["name"], metadata["namespace"], metadata["uid"], ready, restarts, ports[0] if ports else None)


def read_all(kubectl: Kubectl, selector: str, container: str, names: Collection[str]) -> list[Pod]:
    """The pods with these labels, with their pages where the API server gets an answer from them."""
    return [replace(pod, page=_read(kubectl, pod, names)) for pod in pods(kubectl, selector, container)]


def _read(kubectl: Kubectl, pod: Pod, names: Collection[str]) -> Page | None:
    path = f"/api/v1/namespaces/{pod.namespace}/pods/{pod.name}:{pod.metrics_port}/proxy/metrics"
    try:
        return parse(kubectl.raw(path), names)
    except KubectlFailed:
        return None
