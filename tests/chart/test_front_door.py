"""Where clients come in: nothing, a load balancer, an Ingress, or a route of the Gateway API."""

import pytest

from tests.chart.helm import Helm
from tests.chart.switches import SWITCHES

GRPC_PORT = 50050


def test_by_default_nobody_outside_comes_in(helm: Helm) -> None:
    rendered = helm.template()
    assert not [item for item in rendered.kind("Service") if item["spec"].get("type", "ClusterIP") != "ClusterIP"]
    assert not rendered.kind("Ingress") + rendered.kind("GRPCRoute") + rendered.kind("Gateway")


def test_a_load_balancer_ends_at_the_gateway_s_grpc_port(helm: Helm) -> None:
    (service,) = [
        item
        for item in helm.template(values=SWITCHES["load balancer"]).kind("Service")
        if item["spec"].get("type") == "LoadBalancer"
    ]
    (port,) = service["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (443, "grpc")
    assert service["spec"]["selector"]["app.kubernetes.io/component"] == "gateway"
    assert service["spec"]["loadBalancerSourceRanges"] == ["10.0.0.0/8"]
    assert service["metadata"]["annotations"]["example.com/a"] == "b"


def test_an_ingress_speaks_grpc_to_the_gateway_over_tls(helm: Helm) -> None:
    (ingress,) = helm.template(values=SWITCHES["ingress"]).kind("Ingress")
    assert ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/backend-protocol"] == "GRPC"
    assert ingress["spec"]["tls"] == [{"hosts": ["voice.example.com"], "secretName": "cert"}]
    (rule,) = ingress["spec"]["rules"]
    (path,) = rule["http"]["paths"]
    assert path["backend"]["service"]["name"] == "maatu-gateway"


@pytest.mark.parametrize("switch", ["route", "route and gateway"])
def test_a_route_can_be_split_for_a_canary(helm: Helm, switch: str) -> None:
    rendered = helm.template(values=SWITCHES[switch])
    (route,) = rendered.kind("GRPCRoute")
    assert route["spec"]["hostnames"] == ["voice.example.com"]
    (rule,) = route["spec"]["rules"]
    (backend,) = rule["backendRefs"]
    assert (backend["name"], backend["port"]) == ("maatu-gateway", GRPC_PORT)
    assert backend["weight"] > 0
    assert "matches" not in rule, "health and reflection come in as well"


def test_a_gateway_of_the_chart_ends_tls_and_takes_the_route(helm: Helm) -> None:
    rendered = helm.template(values=SWITCHES["route and gateway"])
    (gateway,), (route,) = rendered.kind("Gateway"), rendered.kind("GRPCRoute")
    (listener,) = gateway["spec"]["listeners"]
    assert (listener["protocol"], listener["port"], listener["tls"]["mode"]) == ("HTTPS", 443, "Terminate")
    assert listener["tls"]["certificateRefs"] == [{"kind": "Secret", "name": "cert"}]
    (parent,) = route["spec"]["parentRefs"]
    assert (parent["name"], parent["sectionName"]) == (gateway["metadata"]["name"], listener["name"])


@pytest.mark.parametrize(("tls", "protocol"), [({}, "kubernetes.io/h2c"), ({"gateway": True}, "https")])
def test_proxies_are_told_that_it_is_http_2(helm: Helm, tls: dict[str, bool], protocol: str) -> None:
    service = helm.template(values={"tls": tls}).named("Service", "maatu-gateway")
    ports = {port["name"]: port for port in service["spec"]["ports"]}
    assert ports["grpc"]["appProtocol"] == protocol
