"""Where pods run: GPUs, spot nodes, spread, priority."""

from typing import Any

import pytest

from tests.chart.helm import Helm
from tests.chart.rendering import COMPONENTS, Rendered

WHOLE_GPU = "nvidia.com/gpu"


def gpus(rendered: Rendered, component: str) -> dict[str, int]:
    """The GPU resources that a component's container asks for."""
    limits = rendered.container(component)["resources"]["limits"]
    return {name: count for name, count in limits.items() if name.startswith("nvidia.com/")}


def tolerates(rendered: Rendered, component: str, taint: dict[str, str]) -> bool:
    """A component's pods may run on nodes with a taint."""
    return any(
        item.get("key", taint["key"]) == taint["key"]
        and item.get("effect", taint["effect"]) == taint["effect"]
        and (item.get("operator") == "Exists" or item.get("value", "") == taint["value"])
        for item in rendered.pod(component).get("tolerations", [])
    )


@pytest.mark.parametrize("file", ["values.yaml", "values-local.yaml"])
def test_a_cluster_without_gpus_is_asked_for_none(helm: Helm, file: str) -> None:
    rendered = helm.template(file)
    assert [gpus(rendered, component) for component in COMPONENTS] == [{}] * len(COMPONENTS)


@pytest.mark.parametrize("file", ["values-eks.yaml", "values-gke.yaml"])
def test_light_services_share_a_gpu_and_speech_has_its_own(helm: Helm, file: str) -> None:
    rendered = helm.template(file)
    assert gpus(rendered, "tts") == {WHOLE_GPU: 1}
    assert gpus(rendered, "gateway") == {}
    for component in ("stt", "translate"):
        asked = gpus(rendered, component)
        assert list(asked.values()) == [1], "a share is asked for one by one (failRequestsGreaterThanOne)"
    pools = {component: rendered.pod(component).get("nodeSelector", {}) for component in ("stt", "translate", "tts")}
    assert pools["stt"] == pools["translate"]
    assert pools["tts"] != pools["stt"], "the shared pool and the one of speech are two"


@pytest.mark.parametrize(("file", "value"), [("values-eks.yaml", "true"), ("values-gke.yaml", "present")])
def test_pods_with_a_gpu_tolerate_its_taint_and_the_others_do_not(helm: Helm, file: str, value: str) -> None:
    rendered = helm.template(file)
    taint = {"key": "nvidia.com/gpu", "value": value, "effect": "NoSchedule"}
    for component in COMPONENTS:
        assert tolerates(rendered, component, taint) == bool(gpus(rendered, component)), component


def test_speech_runs_on_an_a10g_at_amazon_and_on_an_l4_at_google(helm: Helm) -> None:
    def text(file: str) -> str:
        pod = helm.template(file).pod("tts")
        return str([pod.get("nodeSelector"), pod.get("affinity")]).lower()

    assert "a10g" in text("values-eks.yaml") or "g5" in text("values-eks.yaml")
    assert "nvidia-l4" in text("values-gke.yaml")


@pytest.mark.parametrize("file", ["values-eks.yaml", "values-gke.yaml"])
def test_the_services_are_told_to_use_the_gpu_they_have(helm: Helm, file: str) -> None:
    rendered = helm.template(file)
    for component, name in (("stt", "DEVICE"), ("translate", "DEVICE"), ("tts", "PARLER_DEVICE")):
        environment = rendered.environment(component)
        if gpus(rendered, component):
            assert environment[f"MAATU_{component.upper()}_{name}"].startswith("cuda"), component


def test_a_laptop_holds_the_local_values(helm: Helm) -> None:
    """Eight gibibytes and four cores, with the cluster's own pods beside ours."""
    rendered = helm.template("values-local.yaml")
    cpu_m, memory_mib = 0.0, 0.0
    for item in rendered.kind("Deployment"):
        for container in item["spec"]["template"]["spec"]["containers"]:
            requests = container["resources"]["requests"]
            cpu_m += item["spec"]["replicas"] * millicores(str(requests["cpu"]))
            memory_mib += item["spec"]["replicas"] * mebibytes(str(requests["memory"]))
    assert cpu_m <= 3_000
    assert memory_mib <= 6_144


def millicores(quantity: str) -> float:
    """ "500m" and "2" in thousandths of a core."""
    return float(quantity[:-1]) if quantity.endswith("m") else 1_000 * float(quantity)


def mebibytes(quantity: str) -> float:
    """ "512Mi" and "1Gi" in mebibytes."""
    return float(quantity[:-2]) * {"Mi": 1, "Gi": 1024}[quantity[-2:]]


def test_replicas_are_spread(helm: Helm) -> None:
    rendered = helm.template("values-eks.yaml")
    for component in COMPONENTS:
        constraints = rendered.pod(component)["topologySpreadConstraints"]
        keys = {item["topologyKey"] for item in constraints}
        assert keys == {"topology.kubernetes.io/zone", "kubernetes.io/hostname"}
        labels = rendered.deployment(component)["spec"]["template"]["metadata"]["labels"]
        for item in constraints:
            assert item["labelSelector"]["matchLabels"].items() <= labels.items()


def test_spot_nodes_are_preferred_not_required_and_drained_in_their_time(helm: Helm) -> None:
    spot: dict[str, Any] = {
        "enabled": True,
        "nodeLabels": {"karpenter.sh/capacity-type": "spot"},
        "tolerations": [{"key": "spot", "operator": "Exists", "effect": "NoSchedule"}],
        "graceSeconds": 15,
    }
    rendered = helm.template(values={"spot": spot})
    for component in COMPONENTS:
        pod = rendered.pod(component)
        on_spot = component != "gateway"
        assert tolerates(rendered, component, {"key": "spot", "value": "", "effect": "NoSchedule"}) == on_spot
        affinity = pod.get("affinity", {}).get("nodeAffinity", {})
        assert ("preferredDuringSchedulingIgnoredDuringExecution" in affinity) == on_spot
        assert "requiredDuringSchedulingIgnoredDuringExecution" not in affinity
        if on_spot:
            # Google takes a node away after 30 s, of which pods get 15 s in the end.
            assert pod["terminationGracePeriodSeconds"] <= 30
            assert float(rendered.environment(component)[f"MAATU_{component.upper()}_DRAIN_GRACE_S"]) <= 15


def test_a_priority_is_a_class_of_the_release_s_own(helm: Helm) -> None:
    rendered = helm.template(values={"priorityClass": {"create": True}})
    (made,) = rendered.kind("PriorityClass")
    assert {rendered.pod(component)["priorityClassName"] for component in COMPONENTS} == {made["metadata"]["name"]}
    assert not helm.template().kind("PriorityClass")
