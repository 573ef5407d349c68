"""The chart and the Dockerfiles agree: user, program, ports."""

import re

import pytest

from tests.chart.helm import ROOT, Helm
from tests.chart.rendering import COMPONENTS
from tests.chart.switches import ON_CUDA


def dockerfile(component: str) -> str:
    """The recipe of a service's image."""
    return (ROOT / "services" / component / "Dockerfile").read_text(encoding="utf-8")


@pytest.mark.parametrize("component", COMPONENTS)
def test_the_chart_starts_the_program_of_the_image(helm: Helm, component: str) -> None:
    (entrypoint,) = re.findall(r"^ENTRYPOINT \[(.*)\]$", dockerfile(component), re.MULTILINE)
    container = helm.template().container(component)
    own = re.findall(r'"([^"]*)"', entrypoint)
    assert [*container.get("command", own), *container.get("args", [])] == own


@pytest.mark.parametrize("component", COMPONENTS)
def test_user_and_ports_are_the_image_s(helm: Helm, component: str) -> None:
    rendered = helm.template()
    security = rendered.pod(component)["securityContext"]
    assert re.findall(r"^USER (.*)$", dockerfile(component), re.MULTILINE) == [
        f"{security['runAsUser']}:{security['runAsGroup']}"
    ]
    (exposed,) = re.findall(r"^EXPOSE (.*)$", dockerfile(component), re.MULTILINE)
    assert [int(port) for port in exposed.split()] == [
        port["containerPort"] for port in rendered.container(component)["ports"]
    ]


@pytest.mark.parametrize("component", COMPONENTS)
def test_a_component_without_a_gpu_takes_the_plain_image(helm: Helm, component: str) -> None:
    version = helm.run("show", "chart", str(ROOT / "deploy" / "helm" / "maatu")).stdout
    (app_version,) = re.findall(r'^appVersion: "?([^"\n]+)"?$', version, re.MULTILINE)
    assert helm.template().container(component)["image"] == f"maatu-{component}:{app_version}"


@pytest.mark.parametrize("component", list(ON_CUDA))
def test_a_component_with_a_gpu_takes_the_cuda_image(helm: Helm, component: str) -> None:
    values = {
        "image": {"registry": "registry.example.com/team/", "tag": "1.2"},
        "components": {component: ON_CUDA[component]},
    }
    image = helm.template(values=values).container(component)["image"]
    assert image == f"registry.example.com/team/maatu-{component}:1.2-cuda"


def test_a_digest_wins_over_a_tag(helm: Helm) -> None:
    digest = f"sha256:{'0a' * 32}"
    values = {"image": {"tag": "1.2"}, "components": {"tts": {"image": {"tag": "1.3", "digest": digest}}}}
    assert helm.template(values=values).container("tts")["image"] == f"maatu-tts@{digest}"
