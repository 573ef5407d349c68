"""Is an object one that the API server takes? Kubernetes' own kinds by kubernetes-validate, the others by their models.

KEDA, cert-manager and the Prometheus operator publish their custom resources; the packages cloudcoil-models-… are made from
them. The Gateway API has no such package: the fields of its Gateway and GRPCRoute that are needed are written down here (source:
kubernetes-sigs/gateway-api v1.3.0, config/crd/standard/gateway.networking.k8s.io_{gateways,grpcroutes}.yaml).
"""

import copy
import functools
from typing import Any

import jsonschema  # type: ignore[import-untyped]
from cloudcoil.models.cert_manager import v1 as cert_manager
from cloudcoil.models.keda import v1alpha1 as keda
from cloudcoil.models.prometheus_operator import v1 as prometheus
from kubernetes_validate import utils  # type: ignore[import-untyped]

from tests.chart.rendering import Manifest

OLDEST = "1.30"

_MODELS: dict[tuple[str, str], Any] = {
    ("cert-manager.io/v1", "Certificate"): cert_manager.Certificate,
    ("cert-manager.io/v1", "Issuer"): cert_manager.Issuer,
    ("keda.sh/v1alpha1", "ScaledObject"): keda.ScaledObject,
    ("keda.sh/v1alpha1", "TriggerAuthentication"): keda.TriggerAuthentication,
    ("monitoring.coreos.com/v1", "PodMonitor"): prometheus.PodMonitor,
    ("monitoring.coreos.com/v1", "PrometheusRule"): prometheus.PrometheusRule,
    ("monitoring.coreos.com/v1", "ServiceMonitor"): prometheus.ServiceMonitor,
}


def _closed(properties: dict[str, Any], *required: str) -> dict[str, Any]:
    return {"type": "object", "properties": properties, "required": list(required), "additionalProperties": False}


def _many(items: dict[str, Any], most: int) -> dict[str, Any]:
    return {"type": "array", "items": items, "minItems": 1, "maxItems": most}


_TEXT = {"type": "string", "minLength": 1, "maxLength": 253}
_PORT = {"type": "integer", "minimum": 1, "maximum": 65_535}
_HOSTNAME = {**_TEXT, "pattern": r"^(\*\.)?[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$"}
_REFERENCE = {"group": {"type": "string"}, "kind": _TEXT, "name": _TEXT, "namespace": _TEXT, "port": _PORT}
_METHOD = _closed({"type": {"enum": ["Exact", "RegularExpression"]}, "service": _TEXT, "method": _TEXT})
_HEADER = _closed({"type": {"enum": ["Exact", "RegularExpression"]}, "name": _TEXT, "value": _TEXT}, "name", "value")
_BACKEND = _closed({**_REFERENCE, "weight": {"type": "integer", "minimum": 0, "maximum": 1_000_000}}, "name", "port")
_RULE = _closed(
    {
        "name": _TEXT,
        "matches": _many(_closed({"method": _METHOD, "headers": _many(_HEADER, 16)}), 64),
        "backendRefs": _many(_BACKEND, 16),
    },
    "backendRefs",
)
_LISTENER = _closed(
    {
        "name": _TEXT,
        "protocol": {"enum": ["HTTP", "HTTPS", "TLS"]},
        "port": _PORT,
        "hostname": _HOSTNAME,
        "tls": _closed(
            {"mode": {"enum": ["Terminate", "Passthrough"]}, "certificateRefs": _many(_closed(_REFERENCE, "name"), 64)}
        ),
        "allowedRoutes": _closed(
            {
                "namespaces": _closed({"from": {"enum": ["All", "Selector", "Same"]}}),
                "kinds": _many(_closed({"group": _TEXT, "kind": _TEXT}, "kind"), 8),
            }
        ),
    },
    "name",
    "port",
    "protocol",
)


def _resource(kind: str, spec: dict[str, Any]) -> dict[str, Any]:
    """The schema of a kind of the Gateway API."""
    names = {"apiVersion": {"const": "gateway.networking.k8s.io/v1"}, "kind": {"const": kind}}
    return _closed(
        {**names, "metadata": {"type": "object", "required": ["name"]}, "spec": spec}, *names, "metadata", "spec"
    )


_GATEWAY_API = {
    "Gateway": _resource(
        "Gateway",
        _closed({"gatewayClassName": _TEXT, "listeners": _many(_LISTENER, 64)}, "gatewayClassName", "listeners"),
    ),
    "GRPCRoute": _resource(
        "GRPCRoute",
        _closed(
            {
                "parentRefs": _many(_closed({**_REFERENCE, "sectionName": _TEXT}, "name"), 32),
                "hostnames": _many(_HOSTNAME, 16),
                "rules": _many(_RULE, 16),
            },
            "parentRefs",
            "rules",
        ),
    ),
}
_FALLBACKS = {"enum": ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]}
"""KEDA's fallback.behavior, which is younger than the models (2.17)."""

# Read once for each kind and version instead of once for each object: a tenth of the time.
utils.schema_contents = functools.cache(utils.schema_contents)


def kubernetes_versions() -> list[str]:
    """The versions that objects are held against: OLDEST to the newest at hand, "1.30"."""
    versions = {utils.major_minor(version) for version in utils.all_versions()}
    return sorted((v for v in versions if _number(v) >= _number(OLDEST)), key=_number)


def complaint(manifest: Manifest, version: str) -> str | None:
    """What a version of Kubernetes would refuse an object for, with the place in the object; None where it takes it.

    Fields that the kind does not have are refused, as `kubectl apply` does with --validate=strict.
    """
    try:
        if custom := _custom_schema(manifest["apiVersion"], manifest["kind"]):
            jsonschema.Draft202012Validator(custom).validate(manifest)
        else:
            utils.validate(manifest, version, strict=True)
    except jsonschema.ValidationError as error:
        name = f"{manifest['kind']}/{manifest['metadata'].get('name')}"
        return f"Kubernetes {version}, {name}: {'.'.join(map(str, error.absolute_path))}: {error.message[:300]}"
    except utils.SchemaNotFoundError as error:
        return str(error.message)
    return None


@functools.cache
def _custom_schema(api_version: str, kind: str) -> dict[str, Any] | None:
    if api_version == "gateway.networking.k8s.io/v1":
        return _GATEWAY_API.get(kind)
    model = _MODELS.get((api_version, kind))
    if model is None:
        return None
    schema = _without_unknown(model.model_json_schema())
    if kind == "ScaledObject":
        schema["$defs"]["Fallback"]["properties"]["behavior"] = _FALLBACKS
    return schema


def _without_unknown(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema with each of its objects closed: the models let unknown fields pass."""
    closed = copy.deepcopy(schema)
    for part in (closed, *closed.get("$defs", {}).values()):
        if "properties" in part:
            part.setdefault("additionalProperties", False)
    return closed


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
