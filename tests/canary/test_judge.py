"""Comparing two sides by what their metrics pages say."""

import re
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest

from maatu_canary import judge
from maatu_canary.judge import Limits, Side
from maatu_canary.pages import Pod, Series, increase, parse
from maatu_canary.watch import Counts

ROOT = Path(__file__).resolve().parents[2]
INFINITE = float("inf")


def side(slow: int, total: int, failures: int = 0) -> Side:
    """A side of which `slow` first outputs took 0.2 to 0.5 s, the others 0.05 to 0.1 s."""
    buckets = (
        (0.05, 0.0),
        (0.1, float(total - slow)),
        (0.2, float(total - slow)),
        (0.5, float(total)),
        (INFINITE, float(total)),
    )
    return Side(buckets, total, failures)


def breached(stable: Side, canary: Side, limits: Limits = Limits()) -> set[str]:  # noqa: B008 - it is frozen
    return {finding.name for finding in judge.compare(stable, canary, limits) if finding.breached}


def test_equal_sides_are_within_the_limits() -> None:
    assert breached(side(10, 1000), side(1, 100)) == set()


def test_a_slower_canary_is_past_the_limit() -> None:
    assert breached(side(10, 1000), side(30, 100)) == {"first output"}


def test_a_failing_canary_is_past_the_limit() -> None:
    assert breached(side(0, 1000, 5), side(0, 100, 10)) == {"errors"}


def test_a_canary_that_answers_nothing_but_errors_is_past_the_limit() -> None:
    nothing = Side((), 60, 60)
    assert breached(side(0, 1000), nothing) == {"errors"}


def test_one_unlucky_call_in_fifty_is_chance() -> None:
    assert breached(side(0, 1000), side(1, 50, 1)) == set()


def test_failures_of_both_sides_alike_are_not_the_canarys() -> None:
    assert breached(side(0, 1000, 200), side(0, 100, 22)) == set()


@pytest.mark.parametrize(
    ("stable", "canary"), [(side(0, 49, 49), side(49, 49, 49)), (side(0, 10), side(500, 500, 500))]
)
def test_few_requests_tell_nothing(stable: Side, canary: Side) -> None:
    assert breached(stable, canary) == set()
    assert not any(finding.enough for finding in judge.compare(stable, canary, Limits()))


def test_differences_below_the_buckets_are_no_difference() -> None:
    quick = Side(((0.005, 1000.0), (INFINITE, 1000.0)), 1000, 0)
    slower = Side(((0.005, 0.0), (0.01, 1000.0), (INFINITE, 1000.0)), 1000, 0)
    assert breached(quick, slower) == set()


def test_quantiles_are_those_of_prometheus() -> None:
    buckets = ((0.1, 50.0), (0.2, 90.0), (0.4, 100.0), (INFINITE, 100.0))
    assert judge.quantile(buckets, 0.95) == pytest.approx(0.3)
    assert judge.quantile(buckets, 0.5) == pytest.approx(0.1)
    assert judge.quantile(((0.1, 0.0), (INFINITE, 10.0)), 0.95) == 0.1
    assert judge.above(buckets, 0.3) == pytest.approx(5.0)
    assert judge.above(buckets, 0.15) == pytest.approx(30.0)
    assert judge.above(buckets, 1.0) == 0.0


def test_the_lower_bound_is_wilsons() -> None:
    assert judge.lower_bound(10, 100) == pytest.approx(0.0458, abs=5e-4)  # z = 2.576
    assert judge.lower_bound(0, 100) == pytest.approx(0.0, abs=1e-12)
    assert judge.lower_bound(0, 0) == 0.0


def test_a_real_page_is_read() -> None:
    registry = CollectorRegistry()
    first = Histogram(
        "maatu_rpc_first_response_seconds", "-", ["service", "method"], buckets=(0.1, 1.0), registry=registry
    )
    ended = Histogram("maatu_rpc_duration_seconds", "-", ["service", "method", "code"], registry=registry)
    odd = Counter("maatu_odd", "-", ["text"], registry=registry)
    odd.labels('a "b", {c}\\\n').inc()
    for seconds in (0.05, 0.5, 5.0):
        first.labels("translate", "Translate").observe(seconds)
    first.labels("translate", "ListLanguages").observe(0.01)
    for code, times in {"OK": 5, "CANCELLED": 2, "INVALID_ARGUMENT": 3, "INTERNAL": 1, "UNAVAILABLE": 1}.items():
        for _ in range(times):
            ended.labels("translate", "Translate", code).observe(1.0)
    ended.labels("translate", "ListLanguages", "INTERNAL").observe(1.0)
    text = generate_latest(registry).decode()
    found = judge.side("translate", parse(text, judge.names("translate")))
    assert found == Side(((0.1, 1.0), (1.0, 2.0), (INFINITE, 3.0)), 12, 2)
    assert next(iter(parse(text, {"maatu_odd_total"}))).label("text") == 'a "b", {c}\\\n'


def test_turns_of_the_gateway_fail_by_their_outcome() -> None:
    page = {
        Series(judge.TURNS, frozenset({("outcome", outcome)})): count
        for outcome, count in {"report": 7.0, "interrupted": 2.0, "status": 1.0}.items()
    }
    assert judge.side("gateway", page) == Side((), 10, 1)


def test_the_metrics_exist_in_the_services() -> None:
    for component, name in judge.FIRST_OUTPUT.items():
        own = ROOT / "services" / component / "src" / f"maatu_{component}" / "metrics.py"
        shared = ROOT / "libs" / "runtime" / "src" / "maatu_runtime" / "metrics.py"
        assert f'"{name}"' in own.read_text() + shared.read_text()
    protos = ROOT / "protos" / "maatu" / "v1"
    for component, methods in judge.METHODS.items():
        assert methods <= set(re.findall(r"rpc (\w+)\(", (protos / f"{component}.proto").read_text()))


def test_a_counter_that_fell_was_begun_anew() -> None:
    series = Series("calls")
    assert increase({series: 10.0}, {series: 12.0}) == {series: 2.0}
    assert increase({series: 10.0}, {series: 3.0}) == {series: 3.0}
    assert increase({}, {series: 3.0}) == {series: 3.0}


def pod(name: str, calls: float | None) -> Pod:
    return Pod(name, "ns", name, True, 0, 9101, None if calls is None else {Series("calls"): calls})


def test_only_what_happened_lately_counts() -> None:
    counts = Counts(window_s=60)
    lately = []
    readings: list[tuple[float, list[Pod]]] = [
        (0, [pod("a", 1000), pod("b", None)]),
        (30, [pod("a", 1010), pod("b", 500)]),  # b was there before, so its 500 are old
        (60, [pod("a", 1010), pod("c", 7)]),  # c is new
        (91, [pod("a", 1020), pod("c", 7)]),
        (200, []),
    ]
    for at, pods in readings:
        counts.add(at, pods)
        lately.append(sum(counts.lately().values()))
    assert lately == [0, 10, 17, 17, 0]
