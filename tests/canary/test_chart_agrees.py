"""The tool on what the chart really renders."""

import json
import os
import re
import subprocess
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
import yaml

from tests.canary.api_store import KINDS, NAMESPACE, Object
from tests.canary.conftest import ROOT, Cluster

EDGE = {
    "type": "grpcRoute",
    "host": "talk.example.com",
    "tlsSecret": "edge",
    "grpcRoute": {"gatewayClassName": "any"},
}
CHART = ROOT / "deploy" / "helm" / "maatu"


def render(kubectl: Path, values: Object) -> list[Object]:
    """The objects of the chart that the API server of these tests knows."""
    command = [str(kubectl.with_name("helm")), "template", "talk", str(CHART), "-n", NAMESPACE, "-f", "-"]
    done = subprocess.run(command, input=json.dumps(values), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return known(done.stdout)


def known(manifest: str) -> list[Object]:
    """Of all objects those that the API server of these tests knows."""
    kinds = {kind.kind for kind in KINDS} - {"Pod", "ServiceAccount"}
    return [item for item in yaml.safe_load_all(manifest) if item and item["kind"] in kinds]


@pytest.fixture
def installed(cluster: Cluster, kubectl: Path) -> Callable[[Object], Cluster]:
    """The cluster, with the chart's objects in it and no others, for values of the release beside those of the edge."""

    def install(values: Object) -> Cluster:
        store = cluster.server.store
        store.objects.clear()
        for item in render(kubectl, {**values, "edge": EDGE}):
            plural = next(kind.plural for kind in KINDS if kind.kind == item["kind"])
            if (plural, item["metadata"]["name"]) not in store.objects:
                store.create(plural, item)
        return cluster

    return install


@pytest.fixture
def rendered(installed: Callable[[Object], Cluster]) -> Cluster:
    """The cluster with a release that has no values but the edge's."""
    return installed({})


class Release:
    """What Helm remembers of a release, on which the commands that are printed can be tried.

    Args:
        cluster: Whose API server Helm asks.
        helm: The program.
        values: What the release was installed with.
        directory: For what Helm reads instead of a Secret.
    """

    def __init__(self, cluster: Cluster, helm: Path, values: Object, directory: Path) -> None:
        self._cluster = cluster
        self._helm = helm
        self._path = directory / "release.yaml"
        self.values = values

    def upgrade(self, said: str) -> list[Object]:
        """Runs the command that a promotion printed, as far as it goes without a cluster: what the chart then renders."""
        found = re.search(r"^  (helm .*)$", said, re.MULTILINE)
        assert found is not None, said
        chart = {"metadata": {"apiVersion": "v2", "name": "maatu", "version": "0.1.0"}}
        info = {"status": "deployed"}
        release = {
            "name": "talk",
            "namespace": NAMESPACE,
            "version": 1,
            "info": info,
            "chart": chart,
            "config": self.values,
        }
        self._path.write_text(json.dumps([release]))
        environment = {
            "PATH": f"{self._helm.parent}:{os.environ['PATH']}",
            "HOME": str(self._path.parent),
            "HELM_DRIVER": "memory",
            "HELM_MEMORY_DRIVER_DATA": str(self._path),
            "HELM_KUBEAPISERVER": f"http://127.0.0.1:{self._cluster.server.server_port}",
        }
        command = ["bash", "-o", "pipefail", "-c", f"{found[1]} --dry-run=client -o json"]
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        made = json.loads(done.stdout)
        self.values = made["config"]
        return known(made["manifest"])


def pod(items: Sequence[Object], component: str) -> Object:
    """What decides how a component's pods run: image, variables, and the models that they wait for or pull."""
    deployment = next(
        it for it in items if it["kind"] == "Deployment" and it["metadata"]["name"] == f"talk-maatu-{component}"
    )
    spec = deployment["spec"]["template"]["spec"]
    runs = spec["containers"][0]
    env = {it["name"]: yaml.safe_load(it.get("value", "null")) for it in runs["env"]}
    return {"image": runs["image"], "env": env, "models": [it["args"] for it in spec.get("initContainers", [])]}


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


OWN_MODELS = {"components": {"stt": {"settings": {"models": {"en": "whisper-tiny.en", "*": "whisper-base"}}}}}


@pytest.mark.parametrize(
    ("values", "changes"),
    [
        ({}, [("stt", "maatu-stt:9.9.9", "--set", "beam_size=1", "--set", 'models={"en": "a", "*": "b"}')]),
        ({}, [("translate", "nllb-200-distilled-600m")]),
        ({}, [("agent", "qwen2.5-0.5b-instruct", "--set", "max_tokens=50")]),
        ({}, [("tts", "maatu-tts@sha256:" + "a" * 64)]),
        # A mapping that loses a key: the profile's, and one of the release's own, which Helm merges with the new one.
        ({}, [("stt", "whisper-small")]),
        (OWN_MODELS, [("stt", "whisper-small")]),
        (
            {"components": {"tts": {"settings": {"engines": {"kn": "espeak", "*": "piper"}}}}},
            [("tts", "--set", 'engines={"*": "piper"}')],
        ),
        (OWN_MODELS, [("stt", "whisper-small"), ("stt", "kn=whisper-tiny"), ("stt", "whisper-base")]),
        ({"models": {"cache": {"type": "pod"}}}, [("stt", "whisper-small"), ("translate", "nllb-200-distilled-600m")]),
    ],
)
def test_the_printed_command_makes_the_chart_render_what_was_promoted(
    installed: Callable[[Object], Cluster],
    kubectl: Path,
    tmp_path: Path,
    values: Object,
    changes: list[tuple[str, ...]],
) -> None:
    cluster = installed(values)
    release = Release(cluster, kubectl.with_name("helm"), {**values, "edge": EDGE}, tmp_path)
    for change in changes:
        component = change[0]
        cluster.ok("start", *change)
        said = cluster.ok("promote", component)
        assert pod(release.upgrade(said), component) == pod([cluster.deployment(component)], component)


@pytest.mark.parametrize("cache", ["claim", "pod"])
def test_a_canary_waits_for_its_own_models_or_pulls_them(installed: Callable[[Object], Cluster], cache: str) -> None:
    cluster = installed({"models": {"cache": {"type": cache}}})
    cluster.ok("start", "stt", "whisper-small")
    assert pod([cluster.deployment("stt")], "stt")["models"] == [["smart-turn-v3", "whisper-base", "whisper-tiny.en"]]
    init = cluster.deployment("stt", canary=True)["spec"]["template"]["spec"]["initContainers"]
    assert [(it["name"], it["args"]) for it in init] == [("models", ["smart-turn-v3", "whisper-small"])]


def test_the_gateways_read_the_map_that_the_tool_writes(rendered: Cluster) -> None:
    rendered.ok("start", "stt", "maatu-stt:9.9.9")
    spec = rendered.deployment("gateway")["spec"]["template"]["spec"]
    maps = [volume["configMap"] for volume in spec["volumes"] if "configMap" in volume]
    assert {"name": "talk-maatu-traffic", "optional": True}.items() <= next(
        it.items() for it in maps if it["name"] == "talk-maatu-traffic"
    )
    assert rendered.env("gateway")["MAATU_GATEWAY_TRAFFIC_FILE"] == "/etc/maatu/traffic/traffic.json"
