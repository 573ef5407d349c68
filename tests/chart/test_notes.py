"""What helm prints after an installation: commands that work."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chart.helm import CHART, ROOT, VALUES_FILES, Helm


def notes_of(helm: Helm, *options: str) -> str:
    """What helm prints after an installation with these options."""
    done = helm.run("install", "maatu", str(CHART), *options, "--dry-run=client")
    assert done.returncode == 0, done.stderr
    return done.stdout.partition("NOTES:")[2]


@pytest.mark.parametrize("file", VALUES_FILES)
def test_the_notes_say_how_to_talk_to_it_with_options_that_exist(helm: Helm, file: str) -> None:
    notes = notes_of(helm, "--values", str(CHART / file))
    assert "kubectl" in notes
    assert "<no value>" not in notes
    talk = [line for line in notes.splitlines() if line.strip().startswith("maatu talk")]
    assert talk
    maatu = Path(sys.executable).with_name("maatu")
    shown = subprocess.run(
        [maatu, "talk", "--help"], env={"COLUMNS": "200"}, capture_output=True, text=True, check=True
    )
    for option in {found for line in talk for found in re.findall(r"--[a-z-]+", line)}:
        assert option in shown.stdout, option


@pytest.mark.parametrize(
    ("values", "warned"),
    [
        ({"profile": "balanced"}, {"stt", "translate"}),
        ({"profile": "balanced", "components.stt.resources.limits.cpu": "3500m"}, {"stt", "translate"}),
        ({"profile": "balanced", "components.stt.resources.limits.cpu": "4000m"}, {"translate"}),
        ({"profile": "balanced", "components.stt.resources.limits.cpu": "null"}, {"translate"}),
        ({"components.tts.settings.piper_threads": "3"}, {"tts"}),
        ({"components.stt.settings.cpu_threads": "2"}, set()),
    ],
)
def test_more_threads_than_cpus_are_warned_of(helm: Helm, values: dict[str, str], warned: set[str]) -> None:
    given = values | {"components.agent.settings.openai_base_url": "http://vllm:8000/v1"}
    notes = notes_of(helm, *(part for name, value in given.items() for part in ("--set", f"{name}={value}")))
    assert set(re.findall(r"WARNING: (\w+) computes with", notes)) == warned


@pytest.mark.parametrize("file", VALUES_FILES)
def test_the_chart_s_own_values_have_a_cpu_for_each_thread(helm: Helm, file: str) -> None:
    assert "computes with" not in notes_of(helm, "--values", str(CHART / file))


def test_the_guide_s_command_has_a_cpu_for_each_thread(helm: Helm) -> None:
    guide = (ROOT / "docs" / "operations.md").read_text(encoding="utf-8").replace("\\\n", " ")
    (command,) = [line for line in guide.splitlines() if "--set profile=balanced" in line]
    words = shlex.split(command)
    options = [part for at, word in enumerate(words) if word == "--set" for part in words[at : at + 2]]
    assert len(options) >= 4
    assert "computes with" not in notes_of(helm, *options)
