"""What the init container of a component is told for a change."""

import pytest

from maatu_canary.change import Change
from maatu_canary.kubectl import Object
from maatu_canary.models import init_args

WAITS = ["sh", "-c", "…", "models"]
PULLS = ["maatu", "models", "pull"]


def pod(component: str, env: dict[str, str], args: list[str], command: list[str]) -> Object:
    """A pod's spec as the chart renders it; the fields are those of the component."""
    variables = [{"name": f"MAATU_{component}_{name}".upper(), "value": value} for name, value in env.items()]
    init = {"name": "models", "command": command, "args": args}
    return {"initContainers": [init], "containers": [{"name": component, "env": variables}]}


@pytest.mark.parametrize(
    ("component", "env", "args", "change", "expected"),
    [
        ("stt", {"models": '{"*": "a"}'}, ["a", "turn"], {"models": '{"en": "b", "*": "a"}'}, ["a", "b", "turn"]),
        ("stt", {"models": '{"*": "a"}'}, ["a", "smart-turn-v3"], {"turn_model": "none"}, ["a"]),
        ("stt", {"models": '{"*": "a"}'}, ["a"], {"models": '{"*": "/mnt/b"}'}, None),
        ("stt", {"models": '{"*": "a"}'}, ["a"], {"beam_size": "1"}, None),
        ("stt", {"models": '{"*": "a"}'}, ["a", "smart-turn-v3"], {"engine": "fake"}, None),
        ("translate", {"models": '["a"]'}, ["a"], {"models": '["b", "a"]'}, ["a", "b"]),
        ("translate", {"models": '["a"]'}, ["a"], {"models": "no list"}, None),
        ("agent", {"backend": "ctranslate2", "model": "a"}, ["a"], {"model": "b"}, ["b"]),
        ("agent", {"backend": "openai"}, ["a"], {"openai_model": "b"}, None),
        ("tts", {"engines": '{"*": "parler"}'}, ["parler-mini"], {"parler_model": "indic"}, ["indic"]),
        (
            "tts",
            {"engines": '{"*": "parler"}'},
            ["parler-mini"],
            {"engines": '{"en": "piper", "*": "parler"}'},
            ["parler-mini", "piper-en_US-joe-medium"],
        ),
    ],
)
def test_pods_get_the_models_of_a_change(
    component: str, env: dict[str, str], args: list[str], change: dict[str, str], expected: list[str] | None
) -> None:
    variables = {f"MAATU_{component}_{name}".upper(): value for name, value in change.items()}
    assert init_args(component, pod(component, env, args, WAITS), Change(None, variables)) == expected


@pytest.mark.parametrize(("command", "expected"), [(WAITS, "openai--whisper-small"), (PULLS, "openai/whisper-small")])
def test_a_model_of_the_hub_is_pulled_by_its_id_and_waited_for_in_its_directory(
    command: list[str], expected: str
) -> None:
    stable = pod("stt", {"models": '{"*": "a"}', "turn_model": "none"}, ["a"], command)
    assert init_args("stt", stable, Change(None, {"MAATU_STT_MODELS": '{"*": "openai/whisper-small"}'})) == [expected]


def test_a_release_that_pulls_no_models_has_nothing_to_wait_for() -> None:
    stable = {"containers": [{"name": "agent", "env": [{"name": "MAATU_AGENT_BACKEND", "value": "ctranslate2"}]}]}
    assert init_args("agent", stable, Change(None, {"MAATU_AGENT_MODEL": "b"})) is None
