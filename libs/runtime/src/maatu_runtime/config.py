"""Configuration: the environment is read once, at start, into one frozen object, and checked.

Each service derives its own `Config` from `ServiceConfig` with an `env_prefix`, so that the field `endpoint_silence_ms` of
the stt service is set by MAATU_STT_ENDPOINT_SILENCE_MS. Settings that all services share keep one name for all of them
(MAATU_MODELS_DIR, MAATU_REDIS_URL, OTEL_EXPORTER_OTLP_ENDPOINT). Lists and mappings are written as JSON. A variable with a
service's prefix that is no setting of it is an error: a misspelt one would leave the default in force, and nobody would know.
"""

import ast
import difflib
import inspect
import itertools
import os
import re
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from pydantic import Field, ValidationError
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

from maatu_runtime.errors import ConfigurationError

_SERVICE_LINK = re.compile(r"\w+_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT_\d+_(TCP|UDP|SCTP)(_\w+)?)")
"""What Kubernetes tells a pod of the Services beside it, unless `enableServiceLinks` is false: a Service named maatu-gateway
gives it MAATU_GATEWAY_SERVICE_HOST."""
_SERVICE_LINK_PORT = re.compile(r"(tcp|udp|sctp)://\S+:\d+")
"""And what MAATU_GATEWAY_CANARY_PORT holds, of a Service named maatu-gateway-canary."""


class ServiceConfig(BaseSettings):
    """What every service can be told. Durations carry their unit in the name."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True, populate_by_name=True)

    host: str = "127.0.0.1"
    """Address to listen on; "0.0.0.0" in a container."""
    port: int = Field(default=0, ge=0, le=65535)
    """gRPC port; 0 takes a free one, which the line "listening" in the log names."""
    metrics_port: int = Field(default=0, ge=0, le=65535)
    """Port of the Prometheus page /metrics; 0 takes a free one."""
    health_port: int | None = Field(default=None, ge=0, le=65535)
    """gRPC port without TLS that answers grpc.health.v1 and nothing else, for who cannot speak TLS, such as the kubelet's probes; 0
    takes a free one; none: health is asked at the port of the service."""
    max_concurrent_requests: int = Field(default=64, ge=1)
    """Requests of one method served at once; one more is refused with RESOURCE_EXHAUSTED."""
    write_timeout_s: float = Field(default=60.0, gt=0)
    """How long a response may wait for a client that does not read; then its call ends, and its place is free."""
    drain_grace_s: float = Field(default=30.0, ge=0)
    """After SIGTERM, how long running requests may take to finish."""
    drain_notice_s: float = Field(default=0.0, ge=0)
    """After SIGTERM, how long the server says NOT_SERVING before it refuses new requests: time for endpoints to notice."""
    tls_cert: Path | None = None
    """PEM file with the server's certificate chain; with tls_key it turns TLS on. Renewed files count from then on."""
    tls_key: Path | None = None
    """PEM file with the server's private key."""
    tls_client_ca: Path | None = None
    """PEM file with the authority of client certificates; it turns mutual TLS on."""
    tls_ca: Path | None = Field(default=None, validation_alias="MAATU_TLS_CA")
    """PEM file with the authority of the services this one calls; it turns TLS on towards them."""
    models_dir: Path = Field(default=Path("build/models"), validation_alias="MAATU_MODELS_DIR")
    """Where `maatu models pull` puts models."""
    otlp_endpoint: str | None = Field(default=None, validation_alias="OTEL_EXPORTER_OTLP_ENDPOINT")
    """OTLP/gRPC collector for spans, for example "http://localhost:4317"; none: spans go nowhere."""
    log_level: str = Field(default="info", validation_alias="MAATU_LOG_LEVEL", pattern="^(debug|info|warning|error)$")
    """Least severe log lines written."""
    log_format: str = Field(default="json", validation_alias="MAATU_LOG_FORMAT", pattern="^(json|console)$")
    """"json" for collectors, "console" for people."""

    @classmethod
    def from_environment(cls) -> Self:
        """Reads and checks the environment.

        Raises:
            ConfigurationError: names each variable that is wrong and why.
        """
        prefix = cls.model_config.get("env_prefix", "")
        wrong = _unknown(cls, prefix, os.environ)
        try:
            config = cls()
        except ValidationError as error:
            wrong += [
                f"{_variable(cls, prefix, str(issue['loc'][0]) if issue['loc'] else '')}: {issue['msg']}"
                for issue in error.errors()
            ]
        except SettingsError as error:  # lists and mappings are JSON
            wrong.append(f"{error}: {error.__cause__}")
        if wrong:
            raise ConfigurationError("\n  ".join(["these settings are wrong:", *wrong]))
        return config

    @classmethod
    def describe(cls) -> str:
        """Every setting as a line for --help: its variable, its default and what it means."""
        meanings = _meanings(cls)
        prefix = cls.model_config.get("env_prefix", "")
        lines = []
        for name, field in cls.model_fields.items():
            default = field.get_default(call_default_factory=True)
            lines.append(f"  {_variable(cls, prefix, name)} (default {default!r})\n      {meanings.get(name, '')}")
        return "\n".join(lines)


def _variable(config: type[ServiceConfig], prefix: str, name: str) -> str:
    """The environment variable that sets a field."""
    field = config.model_fields.get(name)
    if field is None or not isinstance(field.validation_alias, str):
        return name if name.isupper() else (prefix + name).upper()
    return field.validation_alias


def _unknown(config: type[ServiceConfig], prefix: str, environment: Mapping[str, str]) -> list[str]:
    """Each variable that has a service's prefix and is none of its settings, with the settings that may be meant."""
    if not prefix:
        return []
    # Those that all services share may be set for one of them too: `populate_by_name`.
    known = {name.upper(): _variable(config, prefix, name) for name in config.model_fields}
    lines = []
    for variable, value in environment.items():
        name = variable.upper()  # case does not count, and empty is not set
        if not name.startswith(prefix) or name.removeprefix(prefix) in known or not value:
            continue
        if _SERVICE_LINK.fullmatch(name) or (name.endswith("_PORT") and _SERVICE_LINK_PORT.fullmatch(value)):
            continue
        near = [known[match] for match in difflib.get_close_matches(name.removeprefix(prefix), known)]
        lines.append(f"{variable}: there is no such setting" + (f"; is {' or '.join(near)} meant?" if near else ""))
    return lines


def _meanings(config: type[ServiceConfig]) -> dict[str, str]:
    """The docstring under each field, of the class and those it derives from."""
    meanings: dict[str, str] = {}
    for cls in reversed(config.__mro__):
        if not issubclass(cls, ServiceConfig):
            continue
        body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
        assert isinstance(body, ast.ClassDef)
        for declared, following in itertools.pairwise(body.body):
            match declared, following:
                case ast.AnnAssign(target=ast.Name(id=name)), ast.Expr(value=ast.Constant(value=str(text))):
                    meanings[name] = " ".join(text.split())
    return meanings
