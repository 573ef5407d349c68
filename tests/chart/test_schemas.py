"""The yardstick itself: what tests/chart/schemas.py refuses, and where it says the defect is."""

import pytest

from tests.chart.rendering import Manifest
from tests.chart.schemas import complaint, kubernetes_versions

DEPLOYMENT: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "one"},
    "spec": {"selector": {}, "template": {"spec": {"containers": [{"name": "one"}]}}},
}
ROUTE: Manifest = {
    "apiVersion": "gateway.networking.k8s.io/v1",
    "kind": "GRPCRoute",
    "metadata": {"name": "one"},
    "spec": {"parentRefs": [{"name": "edge"}], "rules": [{"backendRefs": [{"name": "gateway", "port": 50050}]}]},
}
SCALED: Manifest = {
    "apiVersion": "keda.sh/v1alpha1",
    "kind": "ScaledObject",
    "metadata": {"name": "one"},
    "spec": {"scaleTargetRef": {"name": "one"}, "triggers": [{"type": "prometheus", "metadata": {"query": "up"}}]},
}
MONITOR: Manifest = {
    "apiVersion": "monitoring.coreos.com/v1",
    "kind": "ServiceMonitor",
    "metadata": {"name": "one"},
    "spec": {"selector": {}, "endpoints": [{"port": "metrics"}]},
}
CERTIFICATE: Manifest = {
    "apiVersion": "cert-manager.io/v1",
    "kind": "Certificate",
    "metadata": {"name": "one"},
    "spec": {"secretName": "one", "issuerRef": {"name": "ca"}},
}
ALL = [DEPLOYMENT, ROUTE, SCALED, MONITOR, CERTIFICATE]


def test_the_versions_begin_with_the_oldest_supported_and_have_no_gap() -> None:
    versions = kubernetes_versions()
    assert versions == [f"1.{minor}" for minor in range(30, 30 + len(versions))]
    assert len(versions) >= 8


@pytest.mark.parametrize("manifest", ALL, ids=lambda manifest: manifest["kind"])
def test_a_sound_object_passes(manifest: Manifest) -> None:
    assert [complaint(manifest, version) for version in kubernetes_versions()] == [None] * len(kubernetes_versions())


@pytest.mark.parametrize("manifest", ALL, ids=lambda manifest: manifest["kind"])
def test_a_field_that_the_kind_does_not_have_is_refused(manifest: Manifest) -> None:
    said = complaint({**manifest, "spec": {**manifest["spec"], "replica": 1}}, "1.30")
    assert said is not None
    assert f"{manifest['kind']}/one: spec" in said
    assert "'replica'" in said


@pytest.mark.parametrize("manifest", ALL, ids=lambda manifest: manifest["kind"])
def test_a_spec_without_what_it_needs_is_refused(manifest: Manifest) -> None:
    assert complaint({**manifest, "spec": {}}, "1.30") is not None


def test_a_kind_without_a_schema_is_refused() -> None:
    said = complaint({"apiVersion": "example.com/v1", "kind": "Wish", "metadata": {"name": "one"}}, "1.30")
    assert said is not None
    assert "Wish" in said
