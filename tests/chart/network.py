"""Who reaches whom among the objects of a rendered chart: Services, their pods and ports, and NetworkPolicies."""

import re
from collections.abc import Mapping

from tests.chart.helm import NAMESPACE
from tests.chart.rendering import Manifest, Rendered


def selects(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    """A Service's or policy's selector meets a pod's labels."""
    return all(labels.get(key) == value for key, value in selector.items())


def workloads(rendered: Rendered) -> list[Manifest]:
    """What makes pods that stay."""
    return [*rendered.kind("Deployment"), *rendered.kind("StatefulSet")]


def workload_behind(rendered: Rendered, service: Manifest) -> Manifest:
    """The one workload whose pods a Service selects."""
    selector = service["spec"]["selector"]
    found = [item for item in workloads(rendered) if selects(selector, item["spec"]["template"]["metadata"]["labels"])]
    assert len(found) == 1, f"{service['metadata']['name']} selects {[item['metadata']['name'] for item in found]}"
    return found[0]


def container_port(rendered: Rendered, service_name: str, port: int) -> tuple[str, int]:
    """Where a call of SERVICE:PORT ends: name of the workload and port of its container.

    A headless Service is only a name of its pods' addresses: the caller's port must be the container's itself.
    """
    service = rendered.named("Service", service_name)
    workload = workload_behind(rendered, service)
    entry = next(entry for entry in service["spec"]["ports"] if entry["port"] == port)
    target = entry.get("targetPort", port)
    for container in workload["spec"]["template"]["spec"]["containers"]:
        for offered in container.get("ports", []):
            if target in (offered.get("name"), offered["containerPort"]):
                reached = int(offered["containerPort"])
                if service["spec"].get("clusterIP") == "None":
                    assert reached == port, f"{service_name} is headless: port {port} is not translated to {reached}"
                return workload["metadata"]["name"], reached
    raise AssertionError(f"{service_name}:{port} ends at no port of {workload['metadata']['name']}")


def named_services(rendered: Rendered, value: str) -> list[tuple[str, str, int]]:
    """(text, Service, port) of each Service of the chart that a variable's value names, HOST:PORT or full DNS name."""
    names = sorted((item["metadata"]["name"] for item in rendered.kind("Service")), key=len, reverse=True)
    domain = rf"(?:\.{NAMESPACE}(?:\.svc(?:\.[a-z.]+)?)?)?"
    pattern = rf"(?<![\w.-])({'|'.join(map(re.escape, names))}){domain}:(\d+)"
    return [(match[0], match[1], int(match[2])) for match in re.finditer(pattern, value)] if names else []
