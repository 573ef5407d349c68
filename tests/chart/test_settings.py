"""What the chart tells the services: each variable is a setting of that service, and its value one that it takes."""

import importlib
import json
from typing import Any

import pytest

from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import ConfigurationError
from tests.chart.helm import CHART, VALUES_FILES, Helm
from tests.chart.rendering import COMPONENTS

SET_BY_THE_CHART = frozenset(
    [
        "host",
        "port",
        "metrics_port",
        "health_port",
        "drain_grace_s",
        "drain_notice_s",
        "tls_cert",
        "tls_key",
        "tls_client_ca",
        "traffic_file",
    ]
)
"""Settings that follow from other values of the chart."""


def config_class(component: str) -> type[ServiceConfig]:
    """The settings of a service."""
    found: type[ServiceConfig] = importlib.import_module(f"maatu_{component}.config").Config
    return found


def variables(config: type[ServiceConfig]) -> set[str]:
    """The variables that a service reads."""
    prefix = config.model_config["env_prefix"]
    return {
        field.validation_alias if isinstance(field.validation_alias, str) else f"{prefix}{name}".upper()
        for name, field in config.model_fields.items()
    }


def read(component: str, environment: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    """The settings as a process with that environment, and nothing else of ours, reads them."""
    for name in variables(config_class(component)):
        monkeypatch.delenv(name, raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return config_class(component).from_environment()


@pytest.mark.parametrize("file", VALUES_FILES)
@pytest.mark.parametrize("component", COMPONENTS)
def test_each_variable_is_a_setting_of_the_service(helm: Helm, file: str, component: str) -> None:
    environment = helm.template(file).environment(component)
    ours = {name for name in environment if name.startswith(("MAATU_", "OTEL_EXPORTER_OTLP_ENDPOINT"))}
    assert ours
    assert ours <= variables(config_class(component))


@pytest.mark.parametrize("file", VALUES_FILES)
@pytest.mark.parametrize("component", COMPONENTS)
def test_the_service_takes_its_environment(
    helm: Helm, file: str, component: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered = helm.template(file)
    config = read(component, rendered.environment(component), monkeypatch)
    ports = {port["name"]: port["containerPort"] for port in rendered.container(component)["ports"]}
    assert config.host == "0.0.0.0"
    health = {"health": config.health_port} if config.health_port is not None else {}
    assert {"grpc": config.port, "metrics": config.metrics_port, **health} == ports
    assert bool(health) == (config.tls_cert is not None)
    assert str(config.models_dir) == "/models"


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_schema_knows_each_setting(component: str) -> None:
    schema = json.loads((CHART / "values.schema.json").read_text("utf-8"))
    known = schema["properties"]["components"]["properties"][component]["properties"]["settings"]["properties"]
    fields = config_class(component).model_fields
    assert known.keys() == {
        name
        for name, field in fields.items()
        if name not in SET_BY_THE_CHART
        and not isinstance(field.validation_alias, str)
        and "SecretStr" not in str(field.annotation)
    }


def test_a_wrong_setting_would_be_noticed(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {**helm.template().environment("stt"), "MAATU_STT_BEAM_SIZE": "99"}
    with pytest.raises(ConfigurationError, match="MAATU_STT_BEAM_SIZE"):
        read("stt", environment, monkeypatch)


def test_settings_become_variables_lists_and_mappings_as_json(helm: Helm, monkeypatch: pytest.MonkeyPatch) -> None:
    settings: dict[str, dict[str, Any]] = {
        "stt": {"models": {"kn": "vaani--whisper-kannada", "*": "whisper-base"}, "adaptive_endpoint": False},
        "translate": {"languages": ["kn", "hi"], "max_batch_tokens": 2_000_000, "batch_wait_ms": 2.5},
        "agent": {"system_prompt": 'Say "yes": {{ .Values }} $(HOME) ಹೌದು', "temperature": 0},
        "tts": {"engines": {"kn": "espeak", "*": "espeak"}, "chunk_ms": 40},
    }
    rendered = helm.template(values={"components": {name: {"settings": given} for name, given in settings.items()}})
    for component, given in settings.items():
        config = read(component, rendered.environment(component), monkeypatch)
        for name, value in given.items():
            got = getattr(config, name)
            assert (list(got) if isinstance(got, tuple) else got) == value, (component, name)
