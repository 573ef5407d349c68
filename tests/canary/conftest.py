"""A cluster that real kubectl talks to, and the tool run on it."""

import io
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.canary.api_server import ApiServer, api_server
from tests.canary.api_store import NAMESPACE, Object
from tests.canary.release_objects import PORTS, deployment, route, service

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "deploy" / "canary"))  # the tool is no package to install


class FakeClock:
    """Time that passes only where somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1_763_744_400.0  # 2025-11-21T17:00:00Z
        self.on_sleep: Callable[[float], None] = lambda _: None

    def time(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.on_sleep(self.now)


class Cluster:
    """The API server, and the tool on it.

    Args:
        server: With a release in it.
        options: That lead kubectl there.
        clock: Of the tool.
        errors: Reads what was written to stderr since the last call.
    """

    def __init__(self, server: ApiServer, options: list[str], clock: FakeClock, errors: Callable[[], str]) -> None:
        self.server = server
        self.options = options
        self.clock = clock
        self._errors = errors

    def run(self, *args: str) -> tuple[int, str]:
        """Runs a step: its exit status and everything it wrote."""
        from maatu_canary.cli import main

        out = io.StringIO()
        status = main([*args, *self.options], clock=self.clock, out=out)
        return status, out.getvalue() + self._errors()

    def ok(self, *args: str) -> str:
        """Runs a step that must succeed."""
        status, text = self.run(*args)
        assert status == 0, text
        return text

    def scale(self, component: str, replicas: int) -> None:
        """Has a component so many pods."""
        patch = {"spec": {"replicas": replicas}}
        self.server.store.patch("deployments", f"talk-maatu-{component}", patch, strategic=False)

    def names(self, plural: str) -> set[str]:
        """The names of all objects of a kind."""
        return {item["metadata"]["name"] for item in self.server.store.list(plural)}

    def deployment(self, component: str, *, canary: bool = False) -> Object:
        """A component's Deployment."""
        return self.server.store.get("deployments", f"talk-maatu-{component}{'-canary' if canary else ''}")

    def env(self, component: str, *, canary: bool = False) -> dict[str, str]:
        """The environment of a component's container."""
        found = self.deployment(component, canary=canary)["spec"]["template"]["spec"]["containers"][0]
        return {item["name"]: item.get("value", "") for item in found["env"]}

    def models(self, component: str, *, canary: bool = False) -> list[str]:
        """The models that a component's pods wait for."""
        found = self.deployment(component, canary=canary)["spec"]["template"]["spec"]["initContainers"][0]
        return list(found["args"])

    def image(self, component: str, *, canary: bool = False) -> str:
        """The image of a component's container."""
        found = self.deployment(component, canary=canary)["spec"]["template"]["spec"]["containers"][0]
        return str(found["image"])

    def traffic(self) -> Object:
        """What the gateways read."""
        found: Object = json.loads(self.server.store.get("configmaps", "talk-maatu-traffic")["data"]["traffic.json"])
        return found

    def weights(self) -> list[dict[str, int]]:
        """The weights of each rule of the GRPCRoute."""
        rules = self.server.store.get("grpcroutes", "talk-maatu")["spec"]["rules"]
        return [{backend["name"]: backend["weight"] for backend in rule["backendRefs"]} for rule in rules]

    def gateway_page(self, conversations: int = 0) -> str:
        """What a gateway says that reads the ConfigMap without delay."""
        present = "talk-maatu-traffic" in self.names("configmaps")
        table = self.traffic() if present else {}
        lines = ["# TYPE maatu_gateway_canary_percent gauge"]
        for hop in ("stt", "translate", "agent", "tts"):
            share = table.get(hop, {}).get("percent", 0)
            lines.append(f'maatu_gateway_canary_percent{{hop="{hop}"}} {float(share)}')
            lines.append(f'maatu_gateway_hop_conversations{{hop="{hop}",side="canary"}} {float(conversations)}')
        return "\n".join([*lines, ""])


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """kubectl, fetched by tools/kubetools.py where it is missing."""
    command = [sys.executable, str(ROOT / "tools" / "kubetools.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(done.stderr)
    return ROOT / "build" / "kube" / "kubectl"


@pytest.fixture
def cluster(
    kubectl: Path,
    tmp_path: Path,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Iterator[Cluster]:
    """A cluster with the release "talk" in it."""
    monkeypatch.setenv("KUBECACHEDIR", str(tmp_path / "cache"))
    with api_server() as server:
        for name in PORTS:
            server.store.create("deployments", deployment(name, replicas=3 if name == "stt" else 1))
            server.store.create("services", service(name))
        server.store.create("grpcroutes", route())
        config = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "test", "cluster": {"server": f"http://127.0.0.1:{server.server_port}"}}],
            "contexts": [{"name": "test", "context": {"cluster": "test", "user": "test", "namespace": NAMESPACE}}],
            "users": [{"name": "test", "user": {}}],
            "current-context": "test",
        }
        path = tmp_path / "kubeconfig"
        path.write_text(json.dumps(config))
        made = Cluster(
            server, ["--kubectl", str(kubectl), "--kubeconfig", str(path)], FakeClock(), lambda: capsys.readouterr().err
        )
        server.metrics = lambda _: made.gateway_page()
        yield made
