"""What helm rendered, as objects that can be asked questions."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

COMPONENTS = ("gateway", "stt", "translate", "agent", "tts")
RELEASE = "maatu"
"""Name of the release; the objects' names begin with it."""

Manifest = dict[str, Any]


@dataclass(frozen=True)
class Rendered:
    """The objects of one `helm template`."""

    objects: Sequence[Manifest]

    def kind(self, kind: str) -> list[Manifest]:
        """All objects of a kind."""
        return [item for item in self.objects if item["kind"] == kind]

    def named(self, kind: str, name: str) -> Manifest:
        """The one object of that kind and name."""
        found = [item for item in self.kind(kind) if item["metadata"]["name"] == name]
        assert len(found) == 1, (
            f"{len(found)} of {kind}/{name}; there are {[o['metadata']['name'] for o in self.kind(kind)]}"
        )
        return found[0]

    def deployment(self, component: str, fullname: str = RELEASE) -> Manifest:
        """The Deployment of a component."""
        return self.named("Deployment", f"{fullname}-{component}")

    def pod(self, component: str, fullname: str = RELEASE) -> Manifest:
        """The pod's spec of a component."""
        spec: Manifest = self.deployment(component, fullname)["spec"]["template"]["spec"]
        return spec

    def container(self, component: str, fullname: str = RELEASE) -> Manifest:
        """The container of a component that serves; it is named as the component."""
        found = [item for item in self.pod(component, fullname)["containers"] if item["name"] == component]
        assert len(found) == 1
        return dict(found[0])

    def environment(self, component: str, fullname: str = RELEASE) -> dict[str, str]:
        """The container's variables as its process sees them: secrets and ConfigMaps read, $(NAME) put in."""
        return container_environment(self, self.container(component, fullname))


def data_of(rendered: Rendered, kind: str, name: str) -> dict[str, str]:
    """The content of a rendered Secret or ConfigMap as text."""
    item = rendered.named(kind, name)
    plain = {**item.get("data", {}), **item.get("stringData", {})}
    if kind == "Secret":
        plain.update({key: base64.b64decode(value).decode() for key, value in item.get("data", {}).items()})
    return plain


def container_environment(rendered: Rendered, container: Manifest) -> dict[str, str]:
    """A container's variables as its process sees them. What only a cluster knows (fieldRef) reads 127.0.0.1."""
    variables: dict[str, str] = {}
    for source in container.get("envFrom", []):
        for reference, kind in (("configMapRef", "ConfigMap"), ("secretRef", "Secret")):
            if reference in source and not source[reference].get("optional", False):
                variables |= data_of(rendered, kind, source[reference]["name"])
    for entry in container.get("env", []):
        origin = entry.get("valueFrom", {})
        value = _expanded(entry.get("value", ""), variables)
        for reference, kind in (("configMapKeyRef", "ConfigMap"), ("secretKeyRef", "Secret")):
            if reference in origin:
                value = data_of(rendered, kind, origin[reference]["name"])[origin[reference]["key"]]
        if "fieldRef" in origin:
            value = "127.0.0.1"
        variables[entry["name"]] = value
    return variables


def _expanded(text: str, known: dict[str, str]) -> str:
    """A value with $(NAME) put in, as the kubelet does it: names not defined before stay, "$$" is a plain "$"."""
    return re.sub(r"\$(\$|\(([^)]*)\))", lambda found: "$" if found[1] == "$" else known.get(found[2], found[0]), text)
