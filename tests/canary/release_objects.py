"""A release as the chart makes it, as far as the canary needs to know."""

import copy

from tests.canary.api_store import NAMESPACE, Object

PORTS = {"gateway": 50050, "stt": 50051, "translate": 50052, "agent": 50053, "tts": 50054}
SETTINGS = {
    "stt": {"MODELS": '{"en": "whisper-tiny.en", "*": "whisper-base"}'},
    "translate": {"MODELS": '["gemma-3-270m"]'},
}
INIT = {"stt": ["smart-turn-v3", "whisper-base", "whisper-tiny.en"], "translate": ["gemma-3-270m"]}
HELM_MARKS = {"meta.helm.sh/release-name": "talk", "meta.helm.sh/release-namespace": NAMESPACE}


def labels(component: str) -> dict[str, str]:
    """The labels of a component's pods."""
    return {
        "app.kubernetes.io/name": "maatu",
        "app.kubernetes.io/instance": "talk",
        "app.kubernetes.io/component": component,
        "maatu.dev/track": "stable",
    }


def object_labels(component: str) -> dict[str, str]:
    """The labels of a component's Deployment and Service."""
    return {**labels(component), "app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/part-of": "maatu"}


def deployment(component: str, replicas: int) -> Object:
    """A component's Deployment."""
    port = PORTS[component]
    spread = {"maxSkew": 1, "topologyKey": "zone", "labelSelector": {"matchLabels": labels(component)}}
    prefix = f"MAATU_{component.upper()}_"
    env = [{"name": f"{prefix}PORT", "value": str(port)}]
    env += [{"name": prefix + name, "value": value} for name, value in SETTINGS.get(component, {}).items()]
    waits = {"name": "models", "command": ["sh", "-c", "…", "models"], "args": INIT.get(component, [])}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {
            "name": f"talk-maatu-{component}",
            "labels": {**object_labels(component), "helm.sh/chart": "maatu-0.1.0"},
            "annotations": {**HELM_MARKS, "deployment.kubernetes.io/revision": "3", "team": "speech"},
        },
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": labels(component)},
            "template": {
                "metadata": {"labels": {**labels(component), "app.kubernetes.io/version": "0.1.0"}},
                "spec": {
                    "topologySpreadConstraints": [spread],
                    **({"initContainers": [waits]} if component in INIT else {}),
                    "containers": [
                        {
                            "name": component,
                            "image": f"registry/maatu-{component}:0.1.0",
                            "env": env,
                            "ports": [
                                {"name": "grpc", "containerPort": port},
                                {"name": "metrics", "containerPort": port - 40950},
                            ],
                        }
                    ],
                },
            },
        },
    }


def service(component: str) -> Object:
    """A component's headless Service."""
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {
            "name": f"talk-maatu-{component}",
            "labels": object_labels(component),
            "annotations": dict(HELM_MARKS),
        },
        "spec": {
            "clusterIP": "None",
            "clusterIPs": ["None"],
            "selector": labels(component),
            "ports": [{"name": "grpc", "port": PORTS[component], "targetPort": "grpc"}],
        },
    }


def route() -> Object:
    """The GRPCRoute in front of the gateway."""
    backend = {"group": "", "kind": "Service", "name": "talk-maatu-gateway", "port": 50050, "weight": 100}
    match = {"method": {"type": "Exact", "service": "maatu.v1.VoiceGateway"}}
    return {
        "apiVersion": "gateway.networking.k8s.io/v1",
        "kind": "GRPCRoute",
        "metadata": {
            "name": "talk-maatu",
            "labels": {key: labels("gateway")[key] for key in list(labels("gateway"))[:2]},
        },
        "spec": {
            "parentRefs": [{"name": "edge"}],
            "rules": [
                {"matches": [match], "backendRefs": [backend]},
                {"backendRefs": [copy.deepcopy(backend)]},
                {"backendRefs": [{"name": "elsewhere", "port": 1, "weight": 1}]},
            ],
        },
    }
