"""The tool on what the chart really renders."""

import re
import shlex
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest
import yaml

from tests.canary.api_store import KINDS, NAMESPACE, Object
from tests.canary.conftest import ROOT, Cluster

EDGE = (
    "edge.type=grpcRoute",
    "edge.host=talk.example.com",
    "edge.tlsSecret=edge",
    "edge.grpcRoute.gatewayClassName=any",
)


def render(kubectl: Path, options: Sequence[str] = ()) -> list[Object]:
    """The objects of the chart that the API server of these tests knows."""
    chart = str(ROOT / "deploy" / "helm" / "maatu")
    edge = [argument for value in EDGE for argument in ("--set", value)]
    command = [str(kubectl.with_name("helm")), "template", "talk", chart, "-n", NAMESPACE, *edge, *options]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    known = {kind.kind for kind in KINDS}
    return [
        item for item in yaml.safe_load_all(done.stdout) if item and item["kind"] in known - {"Pod", "ServiceAccount"}
    ]


@pytest.fixture
def rendered(cluster: Cluster, kubectl: Path) -> Cluster:
    """The cluster, with the chart's objects in it and no others."""
    store = cluster.server.store
    store.objects.clear()
    for item in render(kubectl):
        plural = next(kind.plural for kind in KINDS if kind.kind == item["kind"])
        if (plural, item["metadata"]["name"]) not in store.objects:
            store.create(plural, item)
    return cluster


def container(items: Sequence[Object], component: str) -> Object:
    """The component's container."""
    for item in items:
        if item["kind"] == "Deployment" and item["metadata"]["name"].endswith(f"-{component}"):
            found: Object = item["spec"]["template"]["spec"]["containers"][0]
            return found
    raise AssertionError(component)


def tracks(part: object) -> set[str]:
    """Every value of the track label in an object."""
    if isinstance(part, dict):
        own = {value for key, value in part.items() if key == "maatu.dev/track" and isinstance(value, str)}
        return own.union(*(tracks(value) for value in part.values()))
    return set().union(*(tracks(item) for item in part)) if isinstance(part, list) else set()


@pytest.mark.parametrize("component", ["stt", "gateway"])
def test_a_canary_of_the_chart_looks_only_at_its_own_pods(rendered: Cluster, component: str) -> None:
    rendered.ok("start", component, f"maatu-{component}:9.9.9")
    for plural in ("deployments", "services"):
        made = rendered.server.store.get(plural, f"talk-maatu-{component}-canary")
        assert tracks({key: made[key] for key in ("metadata", "spec")}) == {"canary"}
    rendered.ok("weight", component, "10")
    if component == "gateway":
        assert rendered.weights() == [{"talk-maatu-gateway": 90, "talk-maatu-gateway-canary": 10}]
    rendered.ok("abort", component)
    if component == "gateway":
        assert rendered.weights() == [{"talk-maatu-gateway": 100}]


@pytest.mark.parametrize(
    "change",
    [
        ("stt", "maatu-stt:9.9.9", "--set", "beam_size=1", "--set", 'models={"en": "a", "*": "b"}'),
        ("translate", "nllb-200-distilled-600m"),
        ("agent", "qwen2.5-0.5b-instruct", "--set", "max_tokens=50"),
        ("tts", "maatu-tts@sha256:" + "a" * 64),
    ],
)
def test_the_printed_values_make_the_chart_render_what_was_promoted(
    rendered: Cluster, kubectl: Path, change: tuple[str, ...]
) -> None:
    component = change[0]
    rendered.ok("start", *change)
    text = rendered.ok("promote", component)
    found = re.search(r"^  helm upgrade .*--reuse-values (.*)$", text, re.MULTILINE)
    assert found is not None
    promised = container(render(kubectl, shlex.split(found[1])), component)
    runs = container([rendered.deployment(component)], component)
    assert promised["image"] == runs["image"]

    def env(item: Object) -> dict[str, object]:
        return {it["name"]: yaml.safe_load(it.get("value", "null")) for it in item["env"]}

    assert env(promised) == env(runs)


def test_the_gateways_read_the_map_that_the_tool_writes(rendered: Cluster) -> None:
    rendered.ok("start", "stt", "maatu-stt:9.9.9")
    spec = rendered.deployment("gateway")["spec"]["template"]["spec"]
    maps = [volume["configMap"] for volume in spec["volumes"] if "configMap" in volume]
    assert {"name": "talk-maatu-traffic", "optional": True}.items() <= next(
        it.items() for it in maps if it["name"] == "talk-maatu-traffic"
    )
    assert rendered.env("gateway")["MAATU_GATEWAY_TRAFFIC_FILE"] == "/etc/maatu/traffic/traffic.json"
