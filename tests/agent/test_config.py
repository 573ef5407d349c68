"""Settings that the agent refuses at its start."""

import subprocess
import sys

import pytest

from maatu_agent.config import Config
from maatu_runtime.errors import ConfigurationError


def test_a_wrong_url_of_redis_ends_the_start_with_its_name_and_not_its_password() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "maatu_agent"],
        env={"PATH": "/usr/bin", "MAATU_AGENT_BACKEND": "fake", "MAATU_REDIS_URL": ":s3cret@redis:6379"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if "MAATU_REDIS_URL" in line]
    assert "redis://:password@host:6379/0" in line
    assert "Traceback" not in done.stderr
    assert "s3cret" not in done.stderr + done.stdout


@pytest.mark.parametrize(
    "url",
    [
        "redis:6379",
        "http://redis:6379",
        "redis://:s3cret/s3cret@redis:6379",  # the library says of it that "s3cret" is no port
        "redis://:s3cret@redis:99999",
        "redis://:s3cret@redis:6379/0?socket_timeout=s3cret",
        "redis://:s3cret@redis:6379/0?no_such_option=s3cret",
        "rediss://:s3cret@redis:6379/0?ssl_cert_reqs=s3cret",
    ],
)
def test_what_is_no_url_of_redis_is_refused(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=r"MAATU_REDIS_URL: .*not a URL of Redis") as caught:
        Config.from_environment()
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis",
        "redis://user:s3%2Fcret@redis:6379/1?health_check_interval=3",
        "rediss://:s3cret@redis:6379/0?ssl_cert_reqs=none",
        "unix:///run/redis.sock",
    ],
)
def test_urls_of_redis_are_taken(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_REDIS_URL", url)
    taken = Config.from_environment().redis_url
    assert taken is not None
    assert taken.get_secret_value() == url
