"""What is asked for on the command line, as a change of a container."""

import re
from pathlib import Path

import pytest

from maatu_canary.change import Change, parse
from maatu_canary.errors import WrongUse
from maatu_canary.release import Component
from maatu_canary.state import State
from maatu_canary.values import upgrade_hint

STABLE = {
    "image": "registry/maatu-stt:0.1.0",
    "env": [{"name": "MAATU_STT_MODELS", "value": '{"en": "tiny", "*": "base"}'}, {"name": "KEY", "valueFrom": {}}],
}


@pytest.mark.parametrize(
    "image", ["maatu-stt:1", "registry:5000/maatu-stt:1.2", "registry/maatu-stt@sha256:" + "0" * 64]
)
def test_an_image_names_its_tag_or_digest(image: str) -> None:
    assert parse("stt", image, [], STABLE) == Change(image)


@pytest.mark.parametrize(
    ("component", "what", "env", "expected"),
    [
        ("stt", "whisper-small", {}, {"MAATU_STT_MODELS": '{"*": "whisper-small"}'}),
        ("stt", "openai/whisper-small", {}, {"MAATU_STT_MODELS": '{"*": "openai/whisper-small"}'}),
        (
            "stt",
            "kn=whisper-kannada-medium",
            {"MAATU_STT_MODELS": '{"*": "base"}'},
            {"MAATU_STT_MODELS": '{"*": "base", "kn": "whisper-kannada-medium"}'},
        ),
        ("translate", "b", {"MAATU_TRANSLATE_MODELS": '["a", "b"]'}, {"MAATU_TRANSLATE_MODELS": '["b", "a"]'}),
        ("agent", "qwen", {}, {"MAATU_AGENT_MODEL": "qwen"}),
        ("agent", "Qwen/Qwen2.5", {"MAATU_AGENT_BACKEND": "openai"}, {"MAATU_AGENT_OPENAI_MODEL": "Qwen/Qwen2.5"}),
        ("tts", "indic", {"MAATU_TTS_ENGINES": '{"*": "parler"}'}, {"MAATU_TTS_PARLER_MODEL": "indic"}),
        ("tts", "piper-en", {}, {"MAATU_TTS_PIPER_MODELS": '["piper-en"]'}),
    ],
)
def test_a_model_becomes_the_setting_of_its_service(
    component: str, what: str, env: dict[str, str], expected: dict[str, str]
) -> None:
    stable = {"image": "i:1", "env": [{"name": name, "value": value} for name, value in env.items()]}
    assert parse(component, what, [], stable) == Change(None, expected)


@pytest.mark.parametrize(
    ("component", "what", "settings"),
    [
        ("stt", "registry/maatu-stt:0.1.0", []),
        ("stt", None, []),
        ("stt", None, ['models={"en": "tiny", "*": "base"}']),
        ("stt", None, ["beam_size"]),
        ("stt", None, ["MAATU_STT_BEAM_SIZE=1"]),
        ("gateway", "a-model", []),
    ],
)
def test_what_is_no_change_is_refused(component: str, what: str | None, settings: list[str]) -> None:
    with pytest.raises(WrongUse):
        parse(component, what, settings, STABLE)


def test_a_model_of_one_language_needs_the_others() -> None:
    with pytest.raises(WrongUse, match="names no models"):
        parse("stt", "kn=m", [], {"image": "i:1"})


def test_the_settings_of_models_exist_in_the_services() -> None:
    root = Path(__file__).resolve().parents[2] / "services"
    for service, fields in {
        "stt": ["models"],
        "translate": ["models"],
        "agent": ["backend", "model", "openai_model"],
        "tts": ["engines", "parler_model", "piper_models"],
    }.items():
        text = (root / service / "src" / f"maatu_{service}" / "config.py").read_text()
        for name in fields:
            assert f"    {name}: " in text, (service, name)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("host:5000/maatu-stt:1.1", "host:5000/maatu-stt:1.2", {"tag=1.2", "digest="}),
        ("host:5000/maatu-stt:1.1-cuda", "host:5000/maatu-stt:1.2-cuda", {"tag=1.2", "digest="}),
        ("host:5000/maatu-stt:1.1", "host:5000/maatu-stt@sha256:ab", {"tag=", "digest=sha256:ab"}),
        ("team/maatu-stt:1.1", "team/better:2", {"repository=better", "tag=2", "digest="}),
        ("team/maatu-stt:1.1", "other/better:2", {"repository=other/better", "tag=2", "digest="}),
    ],
)
def test_the_chart_is_told_of_a_promoted_image(old: str, new: str, expected: set[str]) -> None:
    before = {"spec": {"template": {"spec": {"containers": [{"name": "stt", "image": old}]}}}}
    hint = upgrade_hint(
        Component("stt", "talk-maatu", "maatu", "talk", "ns"), State("then", Change(new), before=before)
    )
    assert set(re.findall(r"--set-string components\.stt\.image\.(\S+)", hint)) == expected
