"""Autoscaling: on what is scarce, slowly down, and never against the Deployment."""

import importlib
import re

import promql_parser
import pytest
from prometheus_client import REGISTRY

from tests.chart.helm import CHART, Helm
from tests.chart.rendering import COMPONENTS
from tests.chart.switches import scaled


def known_metrics() -> set[str]:
    """Names of the samples that the services publish."""
    for module in ("maatu_runtime.metrics", "maatu_gateway.metrics", "maatu_tts.metrics"):
        importlib.import_module(module)  # which registers them
    suffixes = ("", "_total", "_bucket", "_sum", "_count")
    return {metric.name + suffix for metric in REGISTRY.collect() for suffix in suffixes}


def test_by_default_nothing_scales_and_the_replicas_are_the_chart_s(helm: Helm) -> None:
    rendered = helm.template()
    assert not rendered.kind("HorizontalPodAutoscaler")
    assert not rendered.kind("ScaledObject")
    assert all("replicas" in rendered.deployment(name)["spec"] for name in COMPONENTS)


@pytest.mark.parametrize(("component", "metric"), [("agent", "cpu"), ("stt", "capacity"), ("tts", "slots")])
def test_an_upgrade_does_not_set_back_what_an_autoscaler_owns(helm: Helm, component: str, metric: str) -> None:
    rendered = helm.template(values=scaled(metric, component))
    assert [name for name in COMPONENTS if "replicas" not in rendered.deployment(name)["spec"]] == [component]


@pytest.mark.parametrize(
    ("component", "metric", "name"),
    [
        ("tts", "slots", "maatu_tts_slots_in_use"),
        ("gateway", "sessions", "maatu_gateway_conversations"),
        ("stt", "capacity", "maatu_capacity_in_use"),
    ],
)
def test_keda_asks_for_what_is_in_use_over_what_there_is(helm: Helm, component: str, metric: str, name: str) -> None:
    (scaled_object,) = helm.template(values=scaled(metric, component)).kind("ScaledObject")
    spec = scaled_object["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": f"maatu-{component}"}
    assert (spec["minReplicaCount"], spec["maxReplicaCount"]) == (1, 5)
    (trigger,) = spec["triggers"]
    assert trigger["type"] == "prometheus"
    assert trigger["metadata"]["serverAddress"] == "http://prometheus.monitoring:9090"
    assert 0 < float(trigger["metadata"]["threshold"]) < 1
    query = trigger["metadata"]["query"]
    assert name in query
    asked = set(re.findall(r"\bmaatu_\w+", query))
    assert asked <= known_metrics(), asked
    assert f'pod=~"maatu-{component}-.+"' in query
    assert f'pod!~"maatu-{component}-canary-.+"' in query


def scaling_query(helm: Helm, component: str, metric: str) -> str:
    """What KEDA asks Prometheus for a component, without its selectors."""
    (scaled_object,) = helm.template(values=scaled(metric, component)).kind("ScaledObject")
    query = scaled_object["spec"]["triggers"][0]["metadata"]["query"]
    promql_parser.parse(query)  # raises where it is none
    return re.sub(r"\{[^}]*\}", "", query)


@pytest.mark.parametrize(("component", "metric"), [("gateway", "sessions"), ("stt", "capacity"), ("tts", "slots")])
def test_pods_that_still_load_bring_no_more_pods(helm: Helm, component: str, metric: str) -> None:
    """They have no places yet. Counted as pods of size nought, each of them would call for another."""
    query = scaling_query(helm, component, metric)
    places = "maatu_tts_slots" if metric == "slots" else "maatu_capacity_places"
    size = re.search(rf"/ avg(?: by \(engine\) )?\({places}([^)]*)\)", query)
    assert size is not None, query
    assert size[1] == " > 0"
    assert query.endswith(f" or 0 * sum({places})"), "while all of them load, nothing is in use"


def test_requests_that_last_moments_are_counted_over_minutes(helm: Helm) -> None:
    in_use = "avg_over_time(maatu_capacity_in_use[2m])"
    assert f"sum({in_use})" in scaling_query(helm, "stt", "capacity")
    # The alert and the dashboard show what the autoscaler sees.
    for name in ("alerts.yaml", "dashboard.json"):
        text = re.sub(r"\{[^{}]*\}", "", (CHART / "files" / name).read_text(encoding="utf-8"))
        assert text.count("maatu_capacity_in_use") == text.count(in_use) > 0, name


def test_keda_keeps_the_pods_while_prometheus_is_away(helm: Helm) -> None:
    (scaled_object,) = helm.template(values=scaled("slots", "tts")).kind("ScaledObject")
    assert scaled_object["spec"]["fallback"]["replicas"] >= 1
    (trigger,) = scaled_object["spec"]["triggers"]
    assert trigger["metricType"] == "AverageValue", "KEDA's fallback works with averages only"


@pytest.mark.parametrize(("metric", "kind"), [("cpu", "HorizontalPodAutoscaler"), ("slots", "ScaledObject")])
def test_pods_come_quickly_and_go_slowly_one_by_one(helm: Helm, metric: str, kind: str) -> None:
    (item,) = helm.template(values=scaled(metric, "tts")).kind(kind)
    spec = item["spec"]
    behaviour = (spec if kind != "ScaledObject" else spec["advanced"]["horizontalPodAutoscalerConfig"])["behavior"]
    assert behaviour["scaleDown"]["stabilizationWindowSeconds"] == 900
    assert behaviour["scaleDown"]["policies"] == [{"type": "Pods", "value": 1, "periodSeconds": 60}]
    assert behaviour["scaleUp"]["stabilizationWindowSeconds"] == 0


def test_without_keda_the_cpu_decides(helm: Helm) -> None:
    (item,) = helm.template(values=scaled("cpu", "agent", target=0.55)).kind("HorizontalPodAutoscaler")
    assert item["spec"]["scaleTargetRef"]["name"] == "maatu-agent"
    (metric,) = item["spec"]["metrics"]
    assert metric["resource"]["target"] == {"type": "Utilization", "averageUtilization": 55}
