"""Values to switch on, each with what it needs beside it."""

from typing import Any

from tests.chart.rendering import COMPONENTS

Values = dict[str, Any]
HOPS = ("stt", "translate", "agent", "tts")


def every(value: Values, components: tuple[str, ...] = COMPONENTS) -> Values:
    """The same values for components."""
    return {"components": dict.fromkeys(components, value)}


def merged(*parts: Values) -> Values:
    """Values over values."""
    whole: Values = {}
    for part in parts:
        for key, value in part.items():
            both = isinstance(value, dict) and isinstance(whole.get(key), dict)
            whole[key] = merged(whole[key], value) if both else value
    return whole


def scaled(metric: str, *components: str, **more: Any) -> Values:
    """These components autoscaled on a metric."""
    return merged(
        every({"autoscaling": {"enabled": True, "metric": metric, **more}}, components),
        {"autoscaling": {"prometheusAddress": "http://prometheus.monitoring:9090"}},
    )


def targets(*hops: str) -> Values:
    """The gateway finds these hops elsewhere."""
    settings = {f"{hop}_target": f"dns:///{hop}.voice.svc:443" for hop in hops}
    return {"components": {"gateway": {"settings": settings}, **{hop: {"enabled": False} for hop in hops}}}


def with_agent_api(profile: str) -> Values:
    """A profile whose agent asks an API."""
    url = {"settings": {"openai_base_url": "http://vllm.models:8000/v1"}}
    return {"profile": profile, "components": {"agent": url}}


GPU = {"gpu": {"enabled": True}}
ON_CUDA: Values = {
    "stt": {**GPU, "settings": {"device": "cuda"}},
    "translate": {**GPU, "settings": {"device": "cuda"}},
    "tts": {**GPU, "settings": {"engines": {"*": "parler"}, "parler_device": "cuda"}},
}
"""What a component needs to run on a GPU, by component."""
PROFILES: dict[str, Values] = {
    "embedded": {"profile": "embedded"},
    "low-latency": {"profile": "low-latency"},
    "balanced": with_agent_api("balanced"),
    "high-quality": merged(with_agent_api("high-quality"), every(GPU, ("stt", "translate"))),
    "kannada-gpu": merged(with_agent_api("kannada-gpu"), every(GPU, ("stt", "translate", "tts"))),
}
"""Each profile with the GPUs and the API that it needs."""
MODELS: dict[str, Values] = {
    **PROFILES,
    "GPUs": {"components": ON_CUDA},
    "runtime class": {"components": ON_CUDA, "gpu": {"runtimeClassName": "nvidia", "tolerations": []}},
}
"""What a values file says itself where it is made for GPUs."""

_POD = {
    "env": [{"name": "MAATU_LOG_LEVEL", "value": "debug"}],
    "envFrom": [{"configMapRef": {"name": "more", "optional": True}}],
    "nodeSelector": {"pool": "voice"},
    "tolerations": [{"key": "voice", "operator": "Exists"}],
    "affinity": {"podAntiAffinity": {}},
    "podAnnotations": {"example.com/checked": "yes"},
    "rollout": {"maxSurge": "25%", "maxUnavailable": 1},
}
_ONE_AGENT = {"components": {"agent": {"replicas": 1, "autoscaling": {"enabled": False}}}}
_TLS_ENDS_BEFORE = {"tls": {"gateway": False}, "edge": {"host": "voice.example.com"}}


def _only(namespace: str) -> list[Values]:
    return [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": namespace}}}]


SWITCHES: dict[str, Values] = {
    "nothing more": {},
    "names": {"nameOverride": "voice", "fullnameOverride": "talk", "commonLabels": {"team": "voice"}},
    "images": {
        "image": {"registry": "registry.example.com", "tag": "1.2", "pullPolicy": "Always", "pullSecrets": ["key"]}
    },
    "pods": every(_POD),
    "no spread, no budgets": every({"topologySpread": {"enabled": False}, "pdb": {"enabled": False}}),
    "no tts": targets("tts"),
    "gateway alone": targets(*HOPS),
    "scaled on sessions": scaled("sessions", "gateway"),
    "scaled on slots": scaled("slots", "tts"),
    "scaled on capacity": scaled("capacity", "stt", "translate", "agent"),
    "scaled on cpu": scaled("cpu", *COMPONENTS),
    "existing claim": {"models": {"cache": {"type": "existing", "existingClaim": "weights"}}},
    "models per pod": {"models": {"cache": {"type": "pod"}}},
    "claim of a class": {"models": {"cache": {"storageClass": "shared", "size": "200Gi", "keep": False}}},
    "no pull": {"models": {"pull": {"enabled": False}}},
    "more models": {"models": {"extra": ["whisper-small"]}},
    "no redis": merged(_ONE_AGENT, {"redis": {"enabled": False}}),
    "redis elsewhere": {"redis": {"enabled": False, "external": {"url": "redis://redis.example.com:6379/0"}}},
    "redis of a secret": {"redis": {"enabled": False, "external": {"existingSecret": "redis", "key": "url"}}},
    "spans to a collector": {"otel": {"endpoint": "http://collector.observability:4317"}},
    "own collector": {"otel": {"collector": {"enabled": True, "exportTo": "tempo.observability:4317"}}},
    "tls generated": {"tls": {"internal": True, "gateway": True}},
    "tls existing": {"tls": {"internal": True, "source": "existing", "existingSecret": "certificates"}},
    "tls of cert-manager": {"tls": {"internal": True, "gateway": True, "source": "certManager"}},
    "tls of an issuer": {
        "tls": {
            "gateway": True,
            "source": "certManager",
            "certManager": {"issuerRef": {"name": "ca", "kind": "ClusterIssuer"}},
        }
    },
    "gateway's own certificate": {
        "tls": {"gateway": True, "gatewaySecret": "public"},
        "edge": {"type": "loadBalancer", "host": "voice.example.com"},
    },
    "keys": {"secrets": {"openaiApiKey": "sk-1", "hubToken": "hf_1"}},
    "keys of a secret": {"secrets": {"existingSecret": "keys"}},
    "no policies": {"networkPolicy": {"enabled": False}},
    "policies for named peers": {
        "networkPolicy": {
            "clients": _only("apps"),
            "metricsFrom": _only("monitoring"),
            "egress": {"agent": [{"to": [{"ipBlock": {"cidr": "10.0.0.0/8"}}], "ports": [{"port": 8000}]}]},
        }
    },
    "load balancer": {
        "edge": {
            "type": "loadBalancer",
            "annotations": {"example.com/a": "b"},
            "loadBalancer": {"sourceRanges": ["10.0.0.0/8"]},
        }
    },
    "ingress": merged(_TLS_ENDS_BEFORE, {"edge": {"type": "ingress", "tlsSecret": "cert"}}),
    "route": merged(
        _TLS_ENDS_BEFORE,
        {"edge": {"type": "grpcRoute", "grpcRoute": {"parentRefs": [{"name": "edge", "namespace": "infra"}]}}},
    ),
    "route and gateway": merged(
        _TLS_ENDS_BEFORE,
        {
            "edge": {
                "type": "grpcRoute",
                "tlsSecret": "cert",
                "grpcRoute": {"gatewayClassName": "gke-l7-global-external-managed"},
            }
        },
    ),
    "monitoring": {
        "monitoring": {name: {"enabled": True} for name in ("serviceMonitor", "prometheusRule", "dashboard")}
    },
    "priority": {"priorityClass": {"create": True}},
    "priority of a class": {"priorityClass": {"name": "important"}},
    "spot": {
        "spot": {
            "enabled": True,
            "nodeLabels": {"spot": "true"},
            "tolerations": [{"key": "spot", "operator": "Exists"}],
        }
    },
}
"""A value or a few that belong together, over any values file."""
EVERYTHING = merged(
    *(
        SWITCHES[name]
        for name in (
            "pods",
            "scaled on sessions",
            "scaled on slots",
            "scaled on capacity",
            "more models",
            "keys",
            "tls generated",
            "own collector",
            "load balancer",
            "monitoring",
            "priority",
            "spot",
        )
    )
)
"""All that goes together."""
