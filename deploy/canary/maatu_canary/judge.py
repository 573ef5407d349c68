"""Is the canary worse than the stable side? Compares what both counted over the same time.

Both questions are put as a share of events: calls that failed, and first outputs slower than the limit that the stable side's
95th percentile sets (5 % of them may be). A share counts as too large only when it is so beyond chance, by the lower
bound of Wilson's interval (Wilson 1927, "Probable inference, the law of succession, and statistical inference"), so that one
unlucky call among fifty aborts nothing.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

from maatu_canary.pages import Page

RPC_FIRST_RESPONSE = "maatu_rpc_first_response_seconds"
RPC_DURATION = "maatu_rpc_duration_seconds"
TURNS = "maatu_gateway_turns_total"
FIRST_OUTPUT: Mapping[str, str] = {
    "gateway": "maatu_gateway_voice_to_voice_seconds",
    "stt": "maatu_stt_final_delay_seconds",
    "translate": RPC_FIRST_RESPONSE,
    "agent": "maatu_agent_first_token_seconds",
    "tts": "maatu_tts_first_chunk_seconds",
}
"""The histogram of a component's first output, seconds; the gateway's is first audio."""
METHODS: Mapping[str, frozenset[str]] = {
    "stt": frozenset({"StreamingRecognize", "Recognize"}),
    "translate": frozenset({"Translate"}),
    "agent": frozenset({"Respond"}),
    "tts": frozenset({"Synthesize", "StreamingSynthesize"}),
}
"""The calls that are a component's work; the others (health, lists) tell nothing of it."""
CALLERS_CODES = frozenset(
    {"OK", "CANCELLED", "INVALID_ARGUMENT", "NOT_FOUND", "ALREADY_EXISTS", "UNAUTHENTICATED", "PERMISSION_DENIED"}
)
"""gRPC codes of calls that went well or that the caller got wrong or gave up; all others are failures."""

_SLOW_SHARE = 0.05
_SMALLEST_DIFFERENCE_S = 0.010
"""Differences below this are within the histograms' buckets, and nobody hears them."""
_Z = 2.576
"""99.5 % one-sided: the watch looks many times."""


@dataclass(frozen=True)
class Limits:
    """How much worse a canary may be."""

    p95_ratio: float = 1.25
    """Its 95th percentile of the time to the first output over the stable side's."""
    error_increase: float = 0.01
    """Its share of failed calls above the stable side's, 0 to 1."""
    min_requests: int = 50
    """Events of a kind that each side must have had before they are compared."""


@dataclass(frozen=True)
class Side:
    """What one side counted."""

    buckets: tuple[tuple[float, float], ...]
    """(upper bound in seconds, first outputs up to it), cumulative, rising, the last bound infinite; empty: none."""
    calls: int
    """Ended calls, or turns."""
    failures: int

    @property
    def outputs(self) -> int:
        """First outputs."""
        return round(self.buckets[-1][1]) if self.buckets else 0

    @property
    def error_rate(self) -> float:
        """Share of the calls that failed."""
        return self.failures / self.calls if self.calls else 0.0


@dataclass(frozen=True)
class Finding:
    """One comparison."""

    name: str
    text: str
    """For people."""
    enough: bool
    """There were enough events to tell."""
    breached: bool
    """The canary is past the limit."""


def names(component: str) -> frozenset[str]:
    """The samples on a metrics page that `side` needs."""
    first = f"{FIRST_OUTPUT[component]}_bucket"
    return frozenset({first, TURNS if component == "gateway" else f"{RPC_DURATION}_count"})


def side(component: str, counted: Page) -> Side:
    """Makes sense of what the pods of one side counted."""
    methods = METHODS.get(component)
    buckets: dict[float, float] = {}
    calls = failures = 0.0
    for series, value in counted.items():
        if methods is not None and series.label("method") and series.label("method") not in methods:
            continue
        if series.name == f"{FIRST_OUTPUT[component]}_bucket":
            bound = float(series.label("le"))
            buckets[bound] = buckets.get(bound, 0.0) + value
        elif series.name == TURNS:
            calls += value
            failures += value if series.label("outcome") == "status" else 0.0
        elif series.name == f"{RPC_DURATION}_count":
            calls += value
            failures += value if series.label("code") not in CALLERS_CODES else 0.0
    return Side(tuple(sorted(buckets.items())), round(calls), round(failures))


def compare(stable: Side, canary: Side, limits: Limits) -> list[Finding]:
    """The findings on errors and on the time to the first output."""
    return [_errors(stable, canary, limits), _first_output(stable, canary, limits)]


def _errors(stable: Side, canary: Side, limits: Limits) -> Finding:
    allowed = stable.error_rate + limits.error_increase
    enough = min(stable.calls, canary.calls) >= limits.min_requests
    text = (
        f"failed: canary {canary.error_rate:.1%} of {canary.calls}, stable {stable.error_rate:.1%} of {stable.calls}, "
        f"allowed {allowed:.1%}"
    )
    return Finding("errors", text, enough, enough and lower_bound(canary.failures, canary.calls) > allowed)


def _first_output(stable: Side, canary: Side, limits: Limits) -> Finding:
    enough = min(stable.outputs, canary.outputs) >= limits.min_requests
    if not enough:
        return Finding("first output", f"first outputs: canary {canary.outputs}, stable {stable.outputs}", False, False)
    usual, its = quantile(stable.buckets, 0.95), quantile(canary.buckets, 0.95)
    allowed = max(usual * limits.p95_ratio, usual + _SMALLEST_DIFFERENCE_S)
    slow = above(canary.buckets, allowed)
    text = (
        f"first output p95: canary {its * 1000:.0f} ms of {canary.outputs}, stable {usual * 1000:.0f} ms of {stable.outputs}, "
        f"allowed {allowed * 1000:.0f} ms"
    )
    return Finding("first output", text, True, lower_bound(slow, canary.outputs) > _SLOW_SHARE)


def quantile(buckets: tuple[tuple[float, float], ...], share: float) -> float:
    """A quantile out of a cumulative histogram, linear within a bucket, as Prometheus' histogram_quantile does it.

    In the last, infinite bucket it is that bucket's lower bound.
    """
    wanted = share * buckets[-1][1]
    low, below = 0.0, 0.0
    for bound, count in buckets:
        if count >= wanted and count > below:
            return low if math.isinf(bound) else low + (bound - low) * (wanted - below) / (count - below)
        low, below = bound, count
    return low


def above(buckets: tuple[tuple[float, float], ...], limit: float) -> float:
    """How many values lie above a limit, linear within a bucket; none, where the limit lies in the infinite one: who knows."""
    low, below = 0.0, 0.0
    for bound, count in buckets:
        if limit <= bound:
            return (
                0.0 if math.isinf(bound) else buckets[-1][1] - below - (limit - low) / (bound - low) * (count - below)
            )
        low, below = bound, count
    return 0.0


def lower_bound(hits: float, events: int) -> float:
    """The lower end of Wilson's interval for a share that was seen as `hits` of `events`."""
    if events == 0:
        return 0.0
    share, z2 = hits / events, _Z * _Z
    centre = share + z2 / (2 * events)
    spread = _Z * math.sqrt(share * (1 - share) / events + z2 / (4 * events * events))
    return (centre - spread) / (1 + z2 / events)
