"""Steps that are cut off anywhere, run twice, or run by two people: the same command goes on from there."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter

import pytest

from tests.canary.api_store import ApiError, Object
from tests.canary.conftest import ROOT, Cluster

NEW = "registry/maatu-stt:0.2.0"


def contents(cluster: Cluster) -> Object:
    """Everything that matters in the cluster."""
    kept = {}
    for (plural, name), item in sorted(cluster.server.store.objects.items()):
        if plural != "pods":
            metadata = {key: item["metadata"].get(key) for key in ("labels", "annotations")}
            kept[f"{plural}/{name}"] = {"metadata": metadata, "spec": item.get("spec"), "data": item.get("data")}
    return kept


def until_done(cluster: Cluster, *step: str) -> int:
    """Runs a step again and again, losing the connection after each of its changes, twice; returns how often it was cut off."""
    lost: Counter[str] = Counter()

    def loses(change: str) -> bool:
        lost[change] += 1
        return lost[change] <= 2

    cluster.server.loses_answer = loses
    for attempt in range(30):
        status, text = cluster.run(*step)
        if status == 0:
            cluster.server.loses_answer = lambda _: False
            return attempt
        assert status == 1, text
        assert "kubectl" in text
    raise AssertionError(f"{step} is never done")


def test_steps_that_are_cut_off_after_each_change_end_as_if_they_had_not_been(cluster: Cluster) -> None:
    steps = (("start", "stt", NEW), ("weight", "stt", "10"), ("promote", "stt"))
    assert min(until_done(cluster, *step) for step in steps) > 2
    assert cluster.image("stt") == NEW
    assert cluster.traffic() == {}
    assert not [name for name in cluster.names("deployments") | cluster.names("services") if "canary" in name]


def test_an_abort_that_is_cut_off_after_each_change_leaves_the_release_as_it_was(cluster: Cluster) -> None:
    before = contents(cluster)
    cluster.ok("start", "stt", NEW, "--set", "beam_size=1")
    cluster.ok("weight", "stt", "10")
    assert until_done(cluster, "abort", "stt") > 4
    after = contents(cluster)
    assert after.pop("configmaps/talk-maatu-traffic")["data"] == {"traffic.json": "{}"}
    assert after == before


def test_each_step_can_be_run_twice(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    started = contents(cluster)
    cluster.clock.now += 3600
    cluster.ok("start", "stt", NEW)
    assert contents(cluster) == started  # the id included: the gateways do not draw anew
    cluster.ok("weight", "stt", "10")
    changes = len(cluster.server.changes)
    cluster.ok("weight", "stt", "10")
    assert {change.split()[1] for change in cluster.server.changes[changes:]} == {"pods"}
    cluster.ok("start", "stt", NEW)
    assert cluster.traffic()["stt"]["percent"] == 10  # start takes no traffic away
    cluster.ok("abort", "stt")
    assert "there is no canary" in cluster.ok("abort", "stt")


def test_the_command_killed_while_it_works_goes_on_when_run_again(cluster: Cluster) -> None:
    command = [sys.executable, str(ROOT / "deploy" / "canary" / "maatu-canary"), "start", "stt", NEW, *cluster.options]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:

        def kill(change: str) -> None:
            if "services" in change:
                os.kill(process.pid, signal.SIGKILL)

        cluster.server.before_change = kill
        assert process.wait(timeout=60) == -signal.SIGKILL
    assert "talk-maatu-stt-canary" in cluster.names("deployments")
    cluster.server.before_change = lambda _: None
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert cluster.traffic()["stt"]["percent"] == 0


def test_a_canary_whose_pods_do_not_become_ready_can_be_aborted(cluster: Cluster) -> None:
    cluster.server.store.is_broken = lambda item: "canary" in item["metadata"]["name"]
    status, text = cluster.run("start", "stt", NEW)
    assert status == 1
    assert "exceeded its progress deadline" in text
    status, text = cluster.run("weight", "stt", "10")
    assert status == 1
    assert "no pod of the canary of stt is ready" in text
    cluster.ok("abort", "stt")
    assert "talk-maatu-stt-canary" not in cluster.names("deployments")


def test_a_promotion_that_fails_can_be_taken_back(cluster: Cluster) -> None:
    before = cluster.deployment("stt")["spec"]
    cluster.ok("start", "stt", NEW, "--set", "beam_size=1", "--set", "port=50052")
    cluster.server.store.is_broken = lambda item: cluster.image("stt") == NEW
    assert cluster.run("promote", "stt")[0] == 1
    assert cluster.image("stt") == NEW
    assert cluster.run("weight", "stt", "10")[0] == 2
    assert cluster.run("watch", "stt")[0] == 2
    assert "promoting" in cluster.ok("status")
    cluster.ok("abort", "stt")
    assert cluster.deployment("stt")["spec"] == before


def test_the_models_that_pods_wait_for_go_back_with_a_promotion(cluster: Cluster) -> None:
    before = cluster.deployment("stt")["spec"]
    cluster.ok("start", "stt", "whisper-small")
    cluster.server.store.is_broken = lambda item: cluster.models("stt") == ["smart-turn-v3", "whisper-small"]
    assert cluster.run("promote", "stt")[0] == 1
    assert cluster.models("stt") == ["smart-turn-v3", "whisper-small"]
    cluster.ok("abort", "stt")
    assert cluster.deployment("stt")["spec"] == before


def test_a_promotion_that_failed_goes_on_when_run_again(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    cluster.server.store.is_broken = lambda item: cluster.image("stt") == NEW
    assert cluster.run("promote", "stt")[0] == 1
    cluster.server.store.is_broken = lambda _: False
    cluster.server.store.roll_out("talk-maatu-stt")
    cluster.ok("promote", "stt")
    assert cluster.image("stt") == NEW
    assert "talk-maatu-stt-canary" not in cluster.names("deployments")


def test_a_second_canary_of_a_component_is_refused(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    status, text = cluster.run("start", "stt", "registry/maatu-stt:0.3.0")
    assert status == 2
    assert f"there is a canary of stt already, of image {NEW}" in text
    assert cluster.image("stt", canary=True) == NEW


def test_two_people_setting_the_traffic_of_two_components_lose_nothing(cluster: Cluster) -> None:
    cluster.ok("start", "stt", NEW)
    cluster.ok("start", "tts", "registry/maatu-tts:0.2.0")
    store = cluster.server.store

    def somebody_is_quicker(change: str) -> None:
        if change == "PUT configmaps talk-maatu-traffic":
            cluster.server.before_change = lambda _: None
            table = cluster.traffic()
            table["tts"]["percent"] = 7
            text = json.dumps(table)
            store.patch("configmaps", "talk-maatu-traffic", {"data": {"traffic.json": text}}, strategic=False)

    cluster.server.before_change = somebody_is_quicker
    cluster.ok("weight", "stt", "10")
    assert {name: entry["percent"] for name, entry in cluster.traffic().items()} == {"stt": 10, "tts": 7}


def test_a_deployment_of_somebody_else_is_left_alone(cluster: Cluster) -> None:
    foreign = {**cluster.deployment("stt"), "metadata": {"name": "talk-maatu-stt-canary", "labels": {}}}
    foreign.pop("status")
    cluster.server.store.create("deployments", foreign)
    for step in (("start", "stt", NEW), ("weight", "stt", "1"), ("promote", "stt"), ("abort", "stt")):
        status, text = cluster.run(*step)
        assert status == 1
        assert "was not made by maatu-canary" in text
    assert "talk-maatu-stt-canary" in cluster.names("deployments")
    with pytest.raises(ApiError):
        cluster.traffic()
