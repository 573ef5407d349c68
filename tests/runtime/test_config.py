"""The environment is read once and checked."""

from pathlib import Path

import pytest
from pydantic import Field, ValidationError
from pydantic_settings import SettingsConfigDict

from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import ConfigurationError, UnsupportedLanguage
from maatu_runtime.language import Language


class ExampleConfig(ServiceConfig):
    """A service's own settings."""

    model_config = SettingsConfigDict(env_prefix="MAATU_EXAMPLE_", frozen=True, extra="ignore", env_ignore_empty=True)

    models: dict[str, str] = Field(default={"*": "small"})
    """Model by language."""


def test_settings_come_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_EXAMPLE_PORT", "1234")
    monkeypatch.setenv("MAATU_EXAMPLE_MODELS", '{"en": "tiny"}')
    monkeypatch.setenv("MAATU_MODELS_DIR", "elsewhere")
    monkeypatch.setenv("MAATU_EXAMPLE_HOST", "")
    config = ExampleConfig.from_environment()
    assert (config.port, config.models, config.models_dir, config.host) == (
        1234,
        {"en": "tiny"},
        Path("elsewhere"),
        "127.0.0.1",
    )


def test_a_config_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        ExampleConfig().port = 1


def test_all_wrong_settings_are_named_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_EXAMPLE_PORT", "99999")
    monkeypatch.setenv("MAATU_LOG_LEVEL", "loud")
    with pytest.raises(ConfigurationError) as caught:
        ExampleConfig.from_environment()
    assert "MAATU_EXAMPLE_PORT" in str(caught.value)
    assert "MAATU_LOG_LEVEL" in str(caught.value)


def test_malformed_json_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MAATU_EXAMPLE_MODELS", "{en: tiny}")
    with pytest.raises(ConfigurationError, match="models"):
        ExampleConfig.from_environment()


def test_a_misspelt_setting_is_named_with_what_may_be_meant_beside_all_that_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("MAATU_EXAMPLE_DRAIN_GRACE", "5")
    monkeypatch.setenv("maatu_example_loglevel", "debug")
    monkeypatch.setenv("MAATU_EXAMPLE_QQQ", "1")
    monkeypatch.setenv("MAATU_EXAMPLE_PORT", "99999")
    with pytest.raises(ConfigurationError) as caught:
        ExampleConfig.from_environment()
    lines = str(caught.value).splitlines()
    assert "  MAATU_EXAMPLE_DRAIN_GRACE: there is no such setting; is MAATU_EXAMPLE_DRAIN_GRACE_S " in str(caught.value)
    assert "  maatu_example_loglevel: there is no such setting; is MAATU_LOG_LEVEL meant?" in lines
    assert "  MAATU_EXAMPLE_QQQ: there is no such setting" in lines
    assert len([line for line in lines if "MAATU_EXAMPLE_PORT: " in line]) == 1
    assert len(lines) == 5


def test_what_kubernetes_and_others_set_is_no_misspelt_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable, value in {
        # Of Services named maatu-example and maatu-example-canary, in a pod that has service links.
        "MAATU_EXAMPLE_SERVICE_HOST": "10.0.0.1",
        "MAATU_EXAMPLE_SERVICE_PORT": "50050",
        "MAATU_EXAMPLE_SERVICE_PORT_GRPC": "50050",
        "MAATU_EXAMPLE_PORT_50050_TCP": "tcp://10.0.0.1:50050",
        "MAATU_EXAMPLE_PORT_50050_TCP_PROTO": "tcp",
        "MAATU_EXAMPLE_PORT_50050_TCP_PORT": "50050",
        "MAATU_EXAMPLE_PORT_50050_TCP_ADDR": "10.0.0.1",
        "MAATU_EXAMPLE_CANARY_PORT": "tcp://10.0.0.2:50050",
        "MAATU_EXAMPLE_CANARY_SERVICE_HOST": "10.0.0.2",
        # Of another service, of all of them, of this one though all share it, and one that is not set.
        "MAATU_EXAMPLES_PORTS": "1",
        "MAATU_REDIS_URL": "redis://127.0.0.1",
        "MAATU_EXAMPLE_LOG_LEVEL": "debug",
        "MAATU_EXAMPLE_DRAIN_GRACE": "",
    }.items():
        monkeypatch.setenv(variable, value)
    assert ExampleConfig.from_environment().log_level == "debug"


def test_every_setting_is_described() -> None:
    text = ExampleConfig.describe()
    assert "MAATU_EXAMPLE_MODELS (default {'*': 'small'})\n      Model by language." in text
    assert "MAATU_LOG_LEVEL" in text


@pytest.mark.parametrize(
    ("tag", "parts"),
    [
        ("kn", ("kn", "", "")),
        ("kn-IN", ("kn", "", "IN")),
        ("SR-latn-rs", ("sr", "Latn", "RS")),
        ("es-419", ("es", "", "419")),
    ],
)
def test_language_tags(tag: str, parts: tuple[str, str, str]) -> None:
    language = Language.parse(tag)
    assert (language.code, language.script, language.region) == parts
    assert Language.parse(str(language)) == language


@pytest.mark.parametrize("tag", ["", "e", "english", "en_US", "en-", "kn IN", "१२", "x" * 500])
def test_malformed_language_tags(tag: str) -> None:
    with pytest.raises(UnsupportedLanguage) as caught:
        Language.parse(tag, field="config.language_code")
    assert caught.value.field == "config.language_code"
    assert len(caught.value.message) < 200


def test_languages_match_whatever_their_region() -> None:
    assert Language.parse("en-US").matches(Language.parse("en-IN"))
    assert not Language.parse("en").matches(Language.parse("es"))
