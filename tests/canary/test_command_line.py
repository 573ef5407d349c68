"""What the command refuses, and what it shows without doing it."""

import json
import shlex
import subprocess

import pytest

from tests.canary.api_store import GRPC_ROUTES
from tests.canary.conftest import Cluster

NEW = "registry/maatu-stt:0.2.0"


def test_dry_run_shows_the_calls_and_makes_none(cluster: Cluster) -> None:
    text = cluster.ok("start", "stt", NEW, "--dry-run")
    assert cluster.server.changes == []
    calls = [line for line in text.splitlines() if "kubectl --kubeconfig" in line]
    kubectl = cluster.options[1]
    verbs = [" ".join(shlex.split(call.removeprefix(kubectl))[2:4]) for call in calls]
    assert verbs == [
        "create --validate=false",
        "create --validate=false",
        "rollout status",
        "create --validate=false",
        "annotate pods",
    ]
    manifests = [json.loads(part.split("\nEOF")[0]) for part in text.split("<<'EOF'\n")[1:]]
    assert [item["kind"] for item in manifests] == ["Deployment", "Service", "ConfigMap"]


@pytest.mark.parametrize("step", [("weight", "stt", "10"), ("promote", "stt"), ("abort", "stt")])
def test_dry_run_of_later_steps_changes_nothing(cluster: Cluster, step: tuple[str, ...]) -> None:
    cluster.ok("start", "stt", NEW)
    changes = len(cluster.server.changes)
    before = cluster.clock.now
    text = cluster.ok(*step, "--dry-run")
    assert len(cluster.server.changes) == changes
    assert cluster.clock.now == before
    assert "kubectl --kubeconfig" in text


def test_what_dry_run_shows_can_be_run(cluster: Cluster) -> None:
    script = cluster.ok("start", "stt", NEW, "--dry-run").splitlines()
    runnable = "\n".join(line for line in script if not line.startswith(("waiting", "the canary")))
    done = subprocess.run(["bash", "-e"], input=runnable, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert cluster.image("stt", canary=True) == NEW
    assert cluster.traffic()["stt"]["percent"] == 0


@pytest.mark.parametrize("step", [("weight", "stt", "10"), ("promote", "stt"), ("watch", "stt")])
def test_steps_need_a_canary(cluster: Cluster, step: tuple[str, ...]) -> None:
    status, text = cluster.run(*step)
    assert status == 2
    assert "no canary of stt" in text or "no running canary of stt" in text
    assert cluster.server.changes == []


def test_the_gateway_needs_a_route(cluster: Cluster) -> None:
    cluster.server.kinds = tuple(kind for kind in cluster.server.kinds if kind != GRPC_ROUTES)
    status, text = cluster.run("start", "gateway", "registry/maatu-gateway:0.2.0")
    assert status == 1
    assert "GRPCRoute" in text
    assert cluster.server.changes == []


def test_a_release_that_lacks_the_component_is_named(cluster: Cluster) -> None:
    status, text = cluster.run("start", "stt", NEW, "--release", "other")
    assert status == 1
    assert "release other has no Deployment of the component stt" in text


def test_of_several_releases_one_must_be_named(cluster: Cluster) -> None:
    other = json.loads(json.dumps(cluster.deployment("stt")).replace("talk", "walk"))
    other["metadata"] = {key: other["metadata"][key] for key in ("name", "labels")}
    other.pop("status")
    cluster.server.store.create("deployments", other)
    status, text = cluster.run("status", "stt")
    assert status == 2
    assert "talk, walk: name one with --release" in text
    assert "no canary" in cluster.ok("status", "--release", "talk")


@pytest.mark.parametrize(
    "arguments",
    [
        ("start", "vad", NEW),
        ("weight", "stt", "101"),
        ("weight", "stt", "-1"),
        ("weight", "stt", "many"),
        ("start", "stt", NEW, "--replicas", "0"),
        ("watch", "stt", "--for", "inf"),
        ("become", "stt"),
    ],
)
def test_wrong_arguments_are_refused(cluster: Cluster, arguments: tuple[str, ...]) -> None:
    with pytest.raises(SystemExit) as refused:
        cluster.run(*arguments)
    assert refused.value.code == 2


def test_a_kubectl_that_cannot_be_run_is_named(cluster: Cluster) -> None:
    cluster.options[1] = "/nowhere/kubectl"
    status, text = cluster.run("status")
    assert status == 1
    assert "/nowhere/kubectl" in text


def test_a_damaged_traffic_map_is_not_written_over(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    cluster.server.store.patch("configmaps", "talk-maatu-traffic", {"data": {"traffic.json": "{"}}, strategic=False)
    status, text = cluster.run("weight", "stt", "10")
    assert status == 1
    assert "traffic.json in the ConfigMap of traffic is damaged" in text
    assert cluster.server.store.get("configmaps", "talk-maatu-traffic")["data"] == {"traffic.json": "{"}
