"""Helm on the chart, for all tests of it."""

import subprocess
import sys

import pytest

from tests.chart.helm import ROOT, Helm


@pytest.fixture(scope="session")
def helm(tmp_path_factory: pytest.TempPathFactory) -> Helm:
    """Helm, fetched by tools/kubetools.py where it is missing."""
    command = [sys.executable, str(ROOT / "tools" / "kubetools.py")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        pytest.fail(done.stderr)
    return Helm(ROOT / "build" / "kube" / "helm", tmp_path_factory.mktemp("helm"))
