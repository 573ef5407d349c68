"""A pod that comes before its models waits for them: the rendered init container's own script, run here."""

import subprocess
from pathlib import Path

import pytest

from tests.chart.helm import Helm
from tests.chart.pods import with_places

HOPS = ("stt", "translate", "agent", "tts")


def script(helm: Helm, component: str, models: Path) -> tuple[list[str], list[str]]:
    """The command that waits for a component's models in a directory, and their names."""
    (container,) = helm.template("values-local.yaml").pod(component)["initContainers"]
    places = {"/models": str(models)}
    return [with_places(word, places) for word in container["command"]] + container["args"], container["args"]


@pytest.mark.parametrize("component", HOPS)
def test_with_its_models_there_it_goes_on(helm: Helm, component: str, models_dir: Path) -> None:
    command, names = script(helm, component, models_dir)
    assert names
    assert subprocess.run(command, timeout=60, check=False).returncode == 0


@pytest.mark.parametrize("component", HOPS)
def test_it_waits_for_the_one_that_is_missing_and_names_it(helm: Helm, component: str, tmp_path: Path) -> None:
    names = script(helm, component, tmp_path)[1]
    for name in names[:-1]:
        (tmp_path / name).mkdir()
        (tmp_path / name / "manifest.json").touch()
    (tmp_path / names[-1]).mkdir()  # without a manifest it is not whole
    with subprocess.Popen(script(helm, component, tmp_path)[0], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == f"waiting for the model {names[-1]}\n"
        finally:
            process.kill()
