"""URLs of Redis as settings of the services."""

import subprocess
import sys

import pytest
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import ConfigurationError
from maatu_runtime.redis_url import RedisUrl


class ExampleConfig(ServiceConfig):
    """A service's own settings."""

    model_config = SettingsConfigDict(env_prefix="MAATU_EXAMPLE_", frozen=True, extra="ignore", env_ignore_empty=True)

    redis_url: RedisUrl | None = None


@pytest.mark.parametrize(
    ("service", "variable"),
    [
        ("agent", "MAATU_REDIS_URL"),
        ("translate", "MAATU_TRANSLATE_CACHE_REDIS_URL"),
        ("tts", "MAATU_TTS_SYNTHESIS_CACHE_REDIS_URL"),
    ],
)
def test_a_wrong_url_ends_the_start_of_a_service_with_its_name_and_not_its_password(
    service: str, variable: str
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", f"maatu_{service}"],
        env={"PATH": "/usr/bin", variable: ":s3cret@redis:6379"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    [line] = [line for line in done.stderr.splitlines() if variable in line]
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
    monkeypatch.setenv("MAATU_EXAMPLE_REDIS_URL", url)
    with pytest.raises(ConfigurationError, match=r"MAATU_EXAMPLE_REDIS_URL: .*not a URL of Redis") as caught:
        ExampleConfig.from_environment()
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
    monkeypatch.setenv("MAATU_EXAMPLE_REDIS_URL", url)
    taken = ExampleConfig.from_environment().redis_url
    assert taken is not None
    assert taken.get_secret_value() == url
