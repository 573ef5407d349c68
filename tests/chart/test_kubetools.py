"""tools/kubetools.py: the programs are there, are the pinned ones, and are had only once."""

import subprocess
import sys
from pathlib import Path

from tests.chart.helm import ROOT, Helm


def test_helm_and_kubectl_are_the_pinned_versions(helm: Helm) -> None:
    assert helm.run("version", "--short").stdout.startswith("v4.1.")
    kubectl = helm.binary.with_name("kubectl")
    done = subprocess.run([kubectl, "version", "--client"], capture_output=True, text=True, check=True)
    assert "Client Version: v1.35." in done.stdout


def test_the_second_time_nothing_is_fetched(helm: Helm) -> None:
    before = helm.binary.stat().st_mtime_ns
    command = [sys.executable, "-S", str(ROOT / "tools" / "kubetools.py")]  # without site-packages there is no pip
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    printed = [Path(line.split()[-1]) for line in done.stdout.splitlines()]
    assert printed == [helm.binary, helm.binary.with_name("kubectl")]
    assert helm.binary.stat().st_mtime_ns == before
