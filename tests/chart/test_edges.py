"""Who may talk to whom: NetworkPolicies refuse everything but the edges of the architecture, and every edge is open."""

import dataclasses
import itertools
from typing import Any

import pytest

from tests.chart.helm import VALUES_FILES, Helm
from tests.chart.network import container_port, named_services
from tests.chart.policies import Peer, is_guarded, lets_through
from tests.chart.rendering import COMPONENTS, Rendered
from tests.chart.switches import merged

GRPC = {"gateway": 50050, "stt": 50051, "translate": 50052, "agent": 50053, "tts": 50054}
HOPS = ("stt", "translate", "agent", "tts")
ON = {"networkPolicy": {"enabled": True}}
REDIS_PORT = 6379
OTLP_PORT = 4317
STRANGER = Peer({"app": "stranger"})
"""A pod of somebody else in the release's namespace."""
INTERNET = Peer(namespace=None)
DNS = Peer({"k8s-app": "kube-dns"}, namespace="kube-system")


@pytest.fixture
def rendered(helm: Helm) -> Rendered:
    """The chart with its policies."""
    return helm.template(values=ON)


def peer(rendered: Rendered, component: str, track: str = "stable") -> Peer:
    """A pod of a component."""
    stable = Peer.of(rendered.deployment(component))
    return dataclasses.replace(stable, labels={**stable.labels, "maatu.dev/track": track})


@pytest.mark.parametrize("component", [*COMPONENTS, "redis"])
@pytest.mark.parametrize("direction", ["Ingress", "Egress"])
def test_each_pod_is_guarded_in_both_directions(rendered: Rendered, component: str, direction: str) -> None:
    assert is_guarded(rendered, Peer.of(rendered.deployment(component)), direction)


@pytest.mark.parametrize("tracks", list(itertools.product(["stable", "canary"], repeat=2)), ids="-".join)
@pytest.mark.parametrize("hop", HOPS)
def test_the_gateway_reaches_each_hop_on_both_tracks(rendered: Rendered, hop: str, tracks: tuple[str, str]) -> None:
    assert lets_through(rendered, peer(rendered, "gateway", tracks[0]), peer(rendered, hop, tracks[1]), GRPC[hop])


@pytest.mark.parametrize(("source", "target"), list(itertools.permutations(COMPONENTS, 2)), ids=str)
def test_no_hop_reaches_another(rendered: Rendered, source: str, target: str) -> None:
    reached = lets_through(rendered, peer(rendered, source), peer(rendered, target), GRPC[target])
    assert reached == (source == "gateway")


@pytest.mark.parametrize("component", HOPS)
def test_strangers_reach_no_hop(rendered: Rendered, component: str) -> None:
    for source in (STRANGER, INTERNET, dataclasses.replace(STRANGER, namespace="elsewhere")):
        assert not lets_through(rendered, source, peer(rendered, component), GRPC[component])


def test_redis_is_reached_by_those_who_use_it_alone(rendered: Rendered) -> None:
    redis = Peer.of(rendered.deployment("redis"))
    reached = {name for name in COMPONENTS if lets_through(rendered, peer(rendered, name), redis, REDIS_PORT)}
    used = {name for name in COMPONENTS if any("redis://" in value for value in rendered.environment(name).values())}
    assert reached == used == {"agent", "translate", "tts"}
    for source in (STRANGER, INTERNET):
        assert not lets_through(rendered, source, redis, REDIS_PORT)


@pytest.mark.parametrize("component", [*COMPONENTS])
def test_names_are_resolved(rendered: Rendered, component: str) -> None:
    for protocol in ("UDP", "TCP"):
        assert lets_through(rendered, peer(rendered, component), DNS, 53, protocol)


@pytest.mark.parametrize("component", ["gateway", "stt", "translate", "tts"])
def test_nothing_but_the_agent_may_be_given_a_way_out(rendered: Rendered, component: str) -> None:
    assert not lets_through(rendered, peer(rendered, component), INTERNET, 443)


def test_the_models_are_fetched_over_https_and_by_the_job_alone(rendered: Rendered) -> None:
    jobs = rendered.kind("Job")
    assert jobs
    for job in jobs:
        assert lets_through(rendered, Peer.of(job), INTERNET, 443)
        for component in COMPONENTS:
            assert not lets_through(rendered, Peer.of(job), peer(rendered, component), GRPC[component])


PULL_URLS = {
    "HTTPS_PROXY": "http://proxy.example.com:3128",
    "ALL_PROXY": "socks5h://user:p%40ss@socks.example.com",
    "PIP_INDEX_URL": "http://$(USER):$(PASSWORD)@packages.example.com:8081/simple",
    "PIP_EXTRA_INDEX_URL": "http://a.example.com:8082/simple https://b.example.com:8083/simple",
    "HF_ENDPOINT": "http://hub.models.svc:8084",
    "PIP_FIND_LINKS": "file:///wheels",
    "HTTP_PROXY": "http://$(PROXY)",
    "NO_PROXY": "10.0.0.0/8,.svc",
}
"""Variables of the pull, as models.pull.env takes them."""


def pull_env(more: dict[str, Any]) -> dict[str, Any]:
    variables: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in PULL_URLS.items()]
    variables.append({"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "proxy", "key": "password"}}})
    return merged(ON, {"models": {"pull": {"env": variables}}}, more)


def reached_by_pull(rendered: Rendered, source: Peer) -> tuple[set[int], set[int]]:
    """Ports that a source reaches outside the cluster, and on pods of the namespace "models"."""
    hub = Peer(namespace="models")
    ports = (80, 443, 1080, 3128, 8081, 8082, 8083, 8084)
    outside, inside = ({port for port in ports if lets_through(rendered, source, end, port)} for end in (INTERNET, hub))
    return outside, inside


def test_the_job_reaches_the_proxy_and_the_indexes_of_its_variables(helm: Helm) -> None:
    rendered = helm.template(values=pull_env({}))
    (job,) = rendered.kind("Job")
    outside, inside = reached_by_pull(rendered, Peer.of(job))
    assert outside == {443, 1080, 3128, 8081, 8082, 8083}
    assert 8084 in inside
    for component in COMPONENTS:
        assert 3128 not in reached_by_pull(rendered, peer(rendered, component))[0], component


def test_pods_that_pull_for_themselves_reach_them_too(helm: Helm) -> None:
    rendered = helm.template(values=pull_env({"models": {"cache": {"type": "pod"}}}))
    for component in HOPS:
        outside, _ = reached_by_pull(rendered, peer(rendered, component))
        assert outside == {443, 1080, 3128, 8081, 8082, 8083}, component
    assert not reached_by_pull(rendered, peer(rendered, "gateway"))[0]


@pytest.mark.parametrize("file", VALUES_FILES)
def test_each_service_that_a_variable_names_is_there_and_may_be_reached(helm: Helm, file: str) -> None:
    rendered = helm.template(file, values={**ON, "otel": {"collector": {"enabled": True}}})
    named: dict[str, set[str]] = {}
    for component in COMPONENTS:
        for value in rendered.environment(component).values():
            for _, service, port in named_services(rendered, value):
                workload, reached = container_port(rendered, service, port)
                target = Peer.of(rendered.named("Deployment", workload))
                assert lets_through(rendered, peer(rendered, component), target, reached), (component, service)
                named.setdefault(component, set()).add(service)
    assert named["gateway"] >= {f"maatu-{hop}" for hop in HOPS}
    assert "maatu-redis" in named["agent"]


def test_calls_are_spread_over_the_pods_of_a_hop(rendered: Rendered) -> None:
    """gRPC sees all addresses of a headless Service only through its DNS resolver."""
    environment = rendered.environment("gateway")
    for hop in HOPS:
        target = environment[f"MAATU_GATEWAY_{hop.upper()}_TARGET"]
        assert target.startswith(f"dns:///maatu-{hop}")
        assert target.endswith(f":{GRPC[hop]}")
