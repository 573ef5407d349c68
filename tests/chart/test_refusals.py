"""Values that are wrong are refused before anything is made, with a message that names the value."""

from typing import Any

import pytest

from tests.chart.helm import Helm

WRONG: list[tuple[str, Any]] = [
    ("nameOverride", "Not A Name"),
    ("commonLabels", {"team": 3}),
    ("image.pullPolicy", "Sometimes"),
    ("image.pullSecrets", "registry-key"),
    ("profile", "turbo"),
    ("gpu.tolerations", "nvidia.com/gpu"),
    ("components.speech", {"enabled": True}),
    ("components.gateway.gpu", {"enabled": True}),
    ("components.stt.enabled", "yes"),
    ("components.stt.replica", 2),
    ("components.stt.replicas", -1),
    ("components.stt.replicas", "two"),
    ("components.stt.image.digest", "latest"),
    ("components.stt.settings", ["beam_size"]),
    ("components.stt.settings", {"Beam-Size": 2}),
    ("components.stt.env", {"MAATU_LOG_LEVEL": "debug"}),
    ("components.stt.resources", {"request": {"cpu": 1}}),
    ("components.stt.topologySpread.whenUnsatisfiable", "Never"),
    ("components.translate.drain.graceSeconds", -1),
    ("components.translate.startup.failureThreshold", 0),
    ("components.agent.autoscaling.metric", "memory"),
    ("components.agent.autoscaling.target", 1.5),
    ("components.agent.autoscaling.maxReplicas", 0),
    ("components.agent.pdb.maxUnavailable", "all"),
    ("components.tts.gpu.count", 0),
    ("components.tts.gpu.resource", "gpu"),
    ("models.cache.type", "s3"),
    ("models.cache.size", "twenty"),
    ("models.cache.accessMode", "ReadWrite"),
    ("models.extra", "whisper-small"),
    ("redis.maxMemoryMb", 0),
    ("redis.external.url", "http://redis:6379"),
    ("otel.endpoint", "collector:4317"),
    ("tls.source", "letsencrypt"),
    ("tls.days", 0),
    ("networkPolicy.enabled", "true"),
    ("networkPolicy.egress.redis", []),
    ("edge.type", "nodePort"),
    ("edge.host", "voice example"),
    ("edge.loadBalancer.port", 70_000),
    ("monitoring.serviceMonitor.interval", "fast"),
    ("monitoring.dashboards", {"enabled": True}),
    ("autoscaling.scaleDown.pods", 0),
    ("autoscaling.prometheusAddress", "prometheus"),
    ("priorityClass.value", 2_000_000_000),
    ("spot.components", ["redis"]),
    ("replicaCount", 3),
]

CONTRADICTIONS: list[tuple[str, dict[str, Any]]] = [
    ("models.cache.existingClaim", {"models": {"cache": {"type": "existing"}}}),
    ("tls.existingSecret", {"tls": {"internal": True, "source": "existing"}}),
    ("edge.host", {"edge": {"type": "ingress", "tlsSecret": "cert"}}),
    ("edge.grpcRoute", {"edge": {"type": "grpcRoute", "host": "voice.example.com"}}),
    (
        "autoscaling.prometheusAddress",
        {"components": {"tts": {"autoscaling": {"enabled": True, "metric": "slots"}}}},
    ),
    (
        "minReplicas",
        {"components": {"agent": {"autoscaling": {"enabled": True, "metric": "cpu", "minReplicas": 6}}}},
    ),
]


def nested(path: str, value: Any) -> dict[str, Any]:
    """{"a": {"b": value}} for "a.b"."""
    for name in reversed(path.split(".")):
        value = {name: value}
    return dict(value)


@pytest.mark.parametrize(("path", "value"), WRONG, ids=[f"{path}={value}" for path, value in WRONG])
def test_a_wrong_value_is_refused_by_its_name(helm: Helm, path: str, value: Any) -> None:
    message = helm.refusal(nested(path, value))
    assert "values don't meet the specifications of the schema" in message
    place, _, name = path.rpartition(".")
    by_place = "/" + path.replace(".", "/")
    by_key = f"additional properties '{name}' not allowed"
    assert by_place in message or (
        by_key in message and f"'/{place.replace('.', '/')}'".replace("'/'", "''") in message
    )


@pytest.mark.parametrize(("name", "values"), CONTRADICTIONS, ids=[name for name, _ in CONTRADICTIONS])
def test_values_that_do_not_fit_together_are_refused_by_name(helm: Helm, name: str, values: dict[str, Any]) -> None:
    assert name in helm.refusal(values)


def test_there_are_enough_wrong_values() -> None:
    assert len({path for path, _ in WRONG}) >= 30
