"""The gateway's settings, as its process takes them."""

import os
import subprocess
import sys

import pytest


def check(**variables: str) -> subprocess.CompletedProcess[str]:
    """`--check` with these variables, and none of ours besides."""
    inherited = {key: value for key, value in os.environ.items() if not key.startswith(("MAATU_", "OTEL_"))}
    command = [sys.executable, "-m", "maatu_gateway", "--check"]
    return subprocess.run(command, env={**inherited, **variables}, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("variable", "value", "message"),
    [
        ("MAATU_GATEWAY_TURN_DEADLNE_S", "5", "no such setting; is MAATU_GATEWAY_TURN_DEADLINE_S meant?"),
        ("MAATU_GATEWAY_AGENT_LANGUAGE", "english", '"english" is no language tag'),
        ("MAATU_TLS_CA", "/nope/ca.pem", "cannot read /nope/ca.pem"),
    ],
)
def test_a_wrong_setting_is_told_in_a_line(variable: str, value: str, message: str) -> None:
    done = check(**{variable: value})
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert len(done.stderr.splitlines()) <= 2


def test_a_language_of_the_agent_may_have_script_and_region() -> None:
    assert check(MAATU_GATEWAY_AGENT_LANGUAGE="sr-Latn-RS").returncode == 0
