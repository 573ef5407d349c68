"""Profiles: their schema, their settings against the services' own, and what they require."""

import importlib
import importlib.util
import json
import re
import socket
from pathlib import Path

import pytest

from maatu_client.models.catalog import MODELS
from maatu_client.profiles import (
    DEFAULT_PROFILE,
    SERVICES,
    Profile,
    ServiceName,
    environment,
    load_profile,
    missing_requirements,
    profile_names,
)
from maatu_runtime.config import ServiceConfig
from maatu_runtime.errors import ConfigurationError
from maatu_runtime.models import ModelStore

PROFILES = ["embedded", "balanced", "high-quality", "kannada-gpu", "low-latency"]


def config_of(service: ServiceName) -> type[ServiceConfig]:
    config: type[ServiceConfig] = importlib.import_module(f"maatu_{service}.config").Config
    return config


def install_empty_models(models_dir: Path, profile: Profile) -> None:
    for name in profile.requires.models:
        with ModelStore(models_dir).install(
            name, family="test", format="test", licence="test", source="test", created_by={}
        ) as directory:
            (directory / "file").write_text("x")


def test_the_profiles_are_those_of_the_readme_with_the_default_first() -> None:
    assert profile_names() == PROFILES
    assert DEFAULT_PROFILE == "embedded"
    assert [load_profile(name).name for name in PROFILES] == PROFILES


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", PROFILES)
def test_every_setting_is_a_field_of_its_service(name: str, service: ServiceName) -> None:
    config = config_of(service)
    settings = getattr(load_profile(name).services, service)
    unknown = [key for key in settings if key not in config.model_fields]
    assert not unknown
    renamed = [key for key in settings if config.model_fields[key].validation_alias is not None]
    assert not renamed, "these do not follow the service's prefix, so a profile cannot set them"


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("name", PROFILES)
def test_the_service_accepts_every_value_unless_its_engine_is_yet_to_come(
    name: str, service: ServiceName, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile(name)
    for variable, value in environment(profile, service).items():
        monkeypatch.setenv(variable, value)
    modules = [engine.module for engine in profile.requires.engines if engine.module.startswith(f"maatu_{service}.")]
    if not all(importlib.util.find_spec(module) for module in modules):
        # `maatu up` names the engine as missing; what the service refuses is that engine and nothing else.
        with pytest.raises(ConfigurationError, match=rf"^[^\n]+\n  MAATU_{service.upper()}_ENGINES?: [^\n]+$"):
            config_of(service).from_environment()
        return
    config = config_of(service).from_environment().model_dump(mode="json")
    assert {key: config[key] for key in getattr(profile.services, service)} == getattr(profile.services, service)


@pytest.mark.parametrize("name", PROFILES)
def test_required_models_are_in_the_catalogue_and_all_that_settings_name_are_required(name: str) -> None:
    profile = load_profile(name)
    assert not [model for model in profile.requires.models if model not in MODELS]
    settings = json.dumps(profile.services.model_dump(mode="json"))
    named = {model for model in MODELS if f'"{model}"' in settings}
    assert named <= set(profile.requires.models)


def test_values_become_text_and_structures_json() -> None:
    profile = Profile.model_validate(
        {
            "name": "p",
            "description": "d",
            "services": {
                "stt": {"models": {"kn": "ಕ"}, "beam_size": 2, "device": "cpu"},
                "tts": {"piper_models": ["a"], "x": True, "nothing": None},
            },
        }
    )
    assert environment(profile, "stt") == {
        "MAATU_STT_MODELS": '{"kn": "ಕ"}',
        "MAATU_STT_BEAM_SIZE": "2",
        "MAATU_STT_DEVICE": "cpu",
    }
    assert environment(profile, "tts") == {"MAATU_TTS_PIPER_MODELS": '["a"]', "MAATU_TTS_X": "true"}
    assert environment(profile, "gateway") == {}


@pytest.mark.parametrize(
    ("content", "path"),
    [
        ("name: p\ndescription: d\nservice: {}", "service"),
        ("name: p\ndescription: d\nservices: {sst: {a: 1}}", "services.sst"),
        ("name: p\ndescription: d\nrequires: {gpu: true}", "requires.gpu"),
        ("name: p\ndescription: d\nrequires: {engines: [{name: x, modul: y}]}", "requires.engines.0.modul"),
        ("name: p", "description"),
        ("name: P!\ndescription: d", "name"),
        ("- 1", "valid dictionary"),
        ("", "valid dictionary"),
        ("a: [", "no YAML"),
        (b"\x00\xd9\xff", "no YAML"),
        ("name: p\ndescription: 2024-13-45", "no YAML: month"),
    ],
)
def test_a_wrong_file_is_refused_and_names_the_place(tmp_path: Path, content: str | bytes, path: str) -> None:
    file = tmp_path / "mine.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigurationError, match=path):
        load_profile(str(file))


def test_an_empty_section_is_no_settings(tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("name: mine\ndescription: d\nservices:\n  stt:\n")
    assert environment(load_profile(str(file)), "stt") == {}


@pytest.mark.parametrize("name", ["nix", "../embedded", "/no/such/file.yaml"])
def test_a_profile_that_is_not_there_is_refused(name: str) -> None:
    with pytest.raises(ConfigurationError):
        load_profile(name)


def test_the_embedded_profile_needs_models_only(tmp_path: Path) -> None:
    profile = load_profile("embedded")
    missing = missing_requirements(profile, tmp_path, has_cuda=lambda: False)
    assert [item.remedy for item in missing] == [f"maatu models pull {name}" for name in profile.requires.models]
    install_empty_models(tmp_path, profile)
    assert missing_requirements(profile, tmp_path, has_cuda=lambda: False) == []


def test_a_half_made_model_is_missing(tmp_path: Path) -> None:
    profile = load_profile("embedded")
    install_empty_models(tmp_path, profile)
    (tmp_path / "whisper-base" / "manifest.json").unlink()
    (item,) = missing_requirements(profile, tmp_path)
    assert "whisper-base" in item.what
    assert "half-made" in item.what


def test_the_kannada_profile_lists_everything_it_lacks(tmp_path: Path) -> None:
    missing = missing_requirements(load_profile("kannada-gpu"), tmp_path, has_cuda=lambda: False)
    text = "\n".join(item.what for item in missing)
    assert "CUDA" in text
    for model in ("whisper-kannada-medium", "indictrans2-en-indic-dist-200m", "parler-indic"):
        assert model in text
    assert not [item for item in missing if "CUDA" in item.what and not item.remedy]


def test_a_required_server_is_looked_for_where_the_environment_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = load_profile("balanced")
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        monkeypatch.setenv("MAATU_AGENT_OPENAI_BASE_URL", f"http://127.0.0.1:{port}/v1")
        assert not [item for item in missing_requirements(profile, tmp_path) if item.what.startswith("a server")]
    (item,) = [item for item in missing_requirements(profile, tmp_path) if item.what.startswith("a server")]
    assert str(port) in item.what
    assert "vllm serve" in item.remedy


@pytest.mark.parametrize(
    ("settings", "what"),
    [
        ({}, "the URL of a server in MAATU_AGENT_OPENAI_BASE_URL"),
        ({"openai_base_url": None}, "the URL of a server in MAATU_AGENT_OPENAI_BASE_URL"),
        ({"openai_base_url": "http://localhost:99999/v1"}, 'a URL .* "http://localhost:99999/v1" is none .*range'),
        ({"openai_base_url": "localhost:8000"}, 'a URL .* "localhost:8000" is none .*no host'),
        ({"openai_base_url": "http://[::1/v1"}, "a URL .* is none"),
        ({"openai_base_url": "http://a..b/v1"}, "a URL .* is none"),
    ],
)
def test_a_required_server_without_a_url_that_can_be_asked_is_missing(
    settings: dict[str, str | None], what: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("MAATU_AGENT_OPENAI_BASE_URL", raising=False)
    endpoint = {"service": "agent", "setting": "openai_base_url", "start": "vllm serve"}
    profile = Profile.model_validate(
        {"name": "p", "description": "d", "requires": {"endpoints": [endpoint]}, "services": {"agent": settings}}
    )
    (item,) = missing_requirements(profile, tmp_path)
    assert re.search(what, item.what)


def test_an_engine_that_is_not_installed_is_missing(tmp_path: Path) -> None:
    profile = Profile.model_validate(
        {
            "name": "p",
            "description": "d",
            "requires": {
                "engines": [
                    {"name": "here", "module": "maatu_runtime.errors"},
                    {"name": "gone", "module": "maatu_runtime.nothing"},
                    {"name": "far", "module": "no_such_package.engine"},
                ]
            },
        }
    )
    missing = missing_requirements(profile, tmp_path)
    assert [item.what for item in missing] == ["the engine gone", "the engine far"]
    assert [item.remedy for item in missing] == [
        "the installed maatu-runtime has no maatu_runtime.nothing: pip install --upgrade maatu-runtime",
        "pip install no-such-package, which has no_such_package.engine",
    ]


def test_packages_that_an_engine_imports_and_that_are_not_installed_are_missing(tmp_path: Path) -> None:
    engine = {"name": "here", "module": "maatu_runtime.errors", "packages": ["json", "no_such_package", "nor_this"]}
    profile = Profile.model_validate({"name": "p", "description": "d", "requires": {"engines": [engine]}})
    (item,) = missing_requirements(profile, tmp_path)
    assert item.what == "no_such_package, nor_this for the engine here"
    assert item.remedy == "pip install no_such_package nor_this"


def test_the_kannada_profile_speaks_with_the_indic_model_on_the_gpu() -> None:
    profile = load_profile("kannada-gpu")
    settings = environment(profile, "tts")
    assert json.loads(settings["MAATU_TTS_ENGINES"]) == {"*": "parler"}
    assert settings["MAATU_TTS_PARLER_MODEL"] == "parler-indic"
    assert settings["MAATU_TTS_PARLER_DEVICE"] == "cuda"
    assert settings["MAATU_TTS_PARLER_PRECISION"] == "bfloat16"
    assert int(settings["MAATU_TTS_PARLER_SLOTS"]) > 1
