"""What helm prints after an installation: commands that work."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.chart.helm import CHART, VALUES_FILES, Helm


@pytest.mark.parametrize("file", VALUES_FILES)
def test_the_notes_say_how_to_talk_to_it_with_options_that_exist(helm: Helm, file: str) -> None:
    done = helm.run("install", "maatu", str(CHART), "--values", str(CHART / file), "--dry-run=client")
    assert done.returncode == 0, done.stderr
    notes = done.stdout.partition("NOTES:")[2]
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
