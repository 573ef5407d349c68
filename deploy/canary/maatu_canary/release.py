"""What a component of a release is called in the cluster, and where it is."""

from dataclasses import dataclass

from maatu_canary.errors import CanaryError, NoSuchComponent, WrongUse
from maatu_canary.kubectl import Kubectl, Object

COMPONENTS = ("gateway", "stt", "translate", "agent", "tts")
TRACK = "maatu.dev/track"
"""Label that tells the stable pods ("stable") from the canary's ("canary")."""
NAME = "app.kubernetes.io/name"
INSTANCE = "app.kubernetes.io/instance"
COMPONENT = "app.kubernetes.io/component"
_PART_OF = "app.kubernetes.io/part-of"


@dataclass(frozen=True)
class Component:
    """One component of one release."""

    name: str
    """ "stt"."""
    fullname: str
    """What the names of all objects of the release begin with."""
    application: str
    """What the label `app.kubernetes.io/name` says: "maatu", unless the chart was told otherwise."""
    instance: str
    """The release."""
    namespace: str

    @property
    def stable(self) -> str:
        """Name of its Deployment and Service."""
        return f"{self.fullname}-{self.name}"

    @property
    def canary(self) -> str:
        """Name of the canary's Deployment and Service."""
        return f"{self.stable}-canary"

    @property
    def traffic(self) -> str:
        """Name of the ConfigMap that tells the gateways how many conversations go to canaries."""
        return f"{self.fullname}-traffic"

    @property
    def release_selector(self) -> str:
        """Selects every object of the release."""
        return f"{NAME}={self.application},{INSTANCE}={self.instance}"

    def selector(self, track: str) -> str:
        """Selects the component's pods of one track, "stable" or "canary"."""
        return f"{self.release_selector},{COMPONENT}={self.name},{TRACK}={track}"


def find(kubectl: Kubectl, name: str, release: str | None) -> tuple[Component, Object]:
    """A component and its stable Deployment.

    Args:
        kubectl: Of the namespace.
        name: Of the component.
        release: Name of the Helm release; None: the only one in the namespace.

    Raises:
        NoSuchComponent: there is none.
        WrongUse: there are several, and none is named.
    """
    selector = f"{_PART_OF}=maatu,{COMPONENT}={name},{TRACK}=stable"
    if release is not None:
        selector += f",{INSTANCE}={release}"
    found = kubectl.list("deployments", selector)
    if not found:
        where = f"release {release}" if release is not None else "this namespace"
        raise NoSuchComponent(f"{where} has no Deployment of the component {name} (labels {selector})")
    instances = [str(item["metadata"]["labels"][INSTANCE]) for item in found]
    if len(found) > 1:
        raise WrongUse(f"there are several releases here, {', '.join(instances)}: name one with --release")
    metadata = found[0]["metadata"]
    fullname = str(metadata["name"]).removesuffix(f"-{name}")
    return Component(name, fullname, metadata["labels"][NAME], instances[0], metadata["namespace"]), found[0]


def container(deployment: Object, name: str) -> Object:
    """The container of a Deployment that is the component itself.

    Raises:
        CanaryError: it has none of that name.
    """
    for candidate in deployment["spec"]["template"]["spec"]["containers"]:
        if candidate["name"] == name:
            found: Object = candidate
            return found
    raise CanaryError(f"the Deployment {deployment['metadata']['name']} has no container named {name}")


def port(deployment: Object, component: str, name: str) -> int:
    """A port of the component by its name, "grpc" or "metrics".

    Raises:
        CanaryError: the container has none of that name.
    """
    for candidate in container(deployment, component).get("ports", []):
        if candidate.get("name") == name:
            return int(candidate["containerPort"])
    raise CanaryError(f"the container {component} has no port named {name}")
