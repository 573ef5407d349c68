"""watch: compares both sides over their metrics pages, and aborts by itself past the limits."""

from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.canary.api_store import Object
from tests.canary.conftest import Cluster

NEW = "registry/maatu-stt:0.2.0"
SHORT = ("--for", "120", "--interval", "60")


@dataclass(frozen=True)
class Load:
    """What one pod does in a second."""

    calls: float = 10.0
    failed: float = 0.0
    """Share of the calls."""
    slow: float = 0.01
    """Share of the first outputs that take 0.3 to 0.5 s instead of up to 0.05 s."""

    def page(self, seconds: float) -> str:
        """The metrics page after so long."""
        calls = 1_000 + int(self.calls * seconds)  # it was there before the watch began
        slow, failed = int(calls * self.slow), int(calls * self.failed)
        first, ended = "maatu_stt_final_delay_seconds_bucket", "maatu_rpc_duration_seconds_count"
        counts = {"0.05": calls - slow, "0.3": calls - slow, "0.5": calls, "+Inf": calls}
        lines = [f'{first}{{model="m",le="{bound}"}} {count}' for bound, count in counts.items()]
        for code, count in {"OK": calls - failed, "INTERNAL": failed}.items():
            lines.append(f'{ended}{{service="stt",method="StreamingRecognize",code="{code}"}} {count}')
        return "\n".join([*lines, ""])


@pytest.fixture
def under_load(cluster: Cluster) -> Callable[[Load, Load], Cluster]:
    """A cluster with a canary of stt at 10 %, and what both sides do."""
    cluster.scale("stt", 1)
    cluster.ok("start", "stt", NEW)
    cluster.ok("weight", "stt", "10")
    began = cluster.clock.now

    def loaded(stable: Load, canary: Load) -> Cluster:
        def page(pod: Object) -> str:
            labels = pod["metadata"]["labels"]
            if labels["app.kubernetes.io/component"] == "gateway":
                return cluster.gateway_page()
            return (stable if labels["maatu.dev/track"] == "stable" else canary).page(cluster.clock.now - began)

        cluster.server.metrics = page
        return cluster

    return loaded


def is_there(cluster: Cluster) -> bool:
    """Whether the canary is in the cluster and gets traffic."""
    return "talk-maatu-stt-canary" in cluster.names("deployments") and cluster.traffic()["stt"]["percent"] == 10


def test_a_canary_as_good_as_the_stable_side_is_healthy(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load(calls=1.0))
    text = cluster.ok("watch", "stt", *SHORT)
    assert "no worse" in text
    assert is_there(cluster)


@pytest.mark.parametrize(("canary", "reason"), [(Load(slow=0.3), "first output"), (Load(failed=0.1), "errors")])
def test_a_canary_past_a_limit_is_aborted(
    under_load: Callable[[Load, Load], Cluster], canary: Load, reason: str
) -> None:
    cluster = under_load(Load(), canary)
    status, text = cluster.run("watch", "stt", *SHORT)
    assert status == 3
    assert f"past the limit ({reason}): aborting" in text
    assert "talk-maatu-stt-canary" not in cluster.names("deployments")
    assert cluster.traffic() == {}


def test_of_a_canary_that_serves_nothing_nothing_is_said(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load(calls=0))
    status, text = cluster.run("watch", "stt", *SHORT)
    assert status == 4
    assert "too few requests to tell" in text
    assert is_there(cluster)


def test_limits_can_be_widened(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load(failed=0.1))
    cluster.ok("watch", "stt", *SHORT, "--max-error-increase", "0.2")
    assert is_there(cluster)


def restart(cluster: Cluster, times: int) -> None:
    """Has the containers of the canary's pods crash so often."""
    for pod in cluster.server.store.list("pods"):
        if "canary" in pod["metadata"]["name"]:
            pod["status"]["containerStatuses"][0]["restartCount"] += times


@pytest.mark.parametrize("each", [1, 2])
def test_a_canary_that_crashes_again_and_again_is_aborted(
    under_load: Callable[[Load, Load], Cluster], each: int
) -> None:
    cluster = under_load(Load(), Load())
    restart(cluster, 7)
    cluster.clock.on_sleep = lambda _: restart(cluster, each)
    status, text = cluster.run("watch", "stt", "--for", "180", "--interval", "60")
    assert status == 3
    assert f"restarts of a canary pod: {4 if each == 2 else 3}, allowed 2" in text
    assert "past the limit (restarts): aborting" in text


def test_restarts_before_the_watch_are_no_fault_of_the_canary(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load())
    restart(cluster, 7)
    cluster.clock.on_sleep = lambda _: restart(cluster, 1)
    text = cluster.ok("watch", "stt", *SHORT)
    assert "restarts of a canary pod: 2, allowed 2" in text
    assert is_there(cluster)


def test_a_pod_that_comes_during_the_watch_counts_from_nought(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load())

    def a_second_pod_comes_and_crashes(_: float) -> None:
        cluster.clock.on_sleep = lambda _: None
        patch = {"spec": {"replicas": 2}}
        cluster.server.store.patch("deployments", "talk-maatu-stt-canary", patch, strategic=False)
        restart(cluster, 3)

    cluster.clock.on_sleep = a_second_pod_comes_and_crashes
    status, text = cluster.run("watch", "stt", *SHORT)
    assert status == 3
    assert "past the limit (restarts): aborting" in text


def test_pods_that_cannot_be_asked_are_named(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load())
    cluster.server.metrics = lambda _: None
    status, text = cluster.run("watch", "stt", "--for", "0")
    assert status == 4
    assert "no metrics page from talk-maatu-stt-" in text


def test_the_watch_ends_when_somebody_else_ends_the_canary(under_load: Callable[[Load, Load], Cluster]) -> None:
    cluster = under_load(Load(), Load())

    def somebody_aborts(_: float) -> None:
        cluster.clock.on_sleep = lambda _: None
        cluster.server.store.delete("deployments", "talk-maatu-stt-canary")

    cluster.clock.on_sleep = somebody_aborts
    status, text = cluster.run("watch", "stt", *SHORT)
    assert status == 4
    assert "somebody ended the canary" in text
