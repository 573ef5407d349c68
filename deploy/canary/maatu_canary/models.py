"""The models of a component, and the init container of its pods that waits for them or, with `models.cache.type: pod`, pulls them.

Which settings name models is the chart's knowledge too: `maatu.models` in deploy/helm/maatu/templates/_settings.tpl.
"""

import json
from collections.abc import Mapping

from maatu_canary.change import Change, literals, variable
from maatu_canary.kubectl import Object

INIT = "models"
"""Its name."""


def init_container(pod: Object) -> Object | None:
    """That init container in the pods' spec; None in a release that pulls no models."""
    return next((item for item in pod.get("initContainers", []) if item["name"] == INIT), None)


def init_args(component: str, pod: Object, change: Change) -> list[str] | None:
    """What the init container is to be told for a change: the models it names now, without those it no longer does.

    Args:
        component: "stt".
        pod: The pods' spec before the change.
        change: What becomes of the component's container.

    Returns:
        The models, by name as the chart sorts them; None where nothing changes.
    """
    found = init_container(pod)
    if found is None:
        return None
    env = next((literals(item) for item in pod["containers"] if item["name"] == component), {})
    old, new = _models(component, env), _models(component, {**env, **change.env})
    if old == new:
        return None
    # What the change does not touch stays as it is: it may be there for reasons that we do not know.
    args = {name for name in found.get("args", []) if _installed(name) not in old - new}
    missing = new - old - {_installed(name) for name in args}
    args |= {_to_pull(name) if "pull" in found.get("command", []) else name for name in missing}
    return sorted(args) or None  # pulling no models is an error; having the old ones is none


def _models(component: str, env: Mapping[str, str]) -> set[str]:
    """What a component with these variables loads, by the names of the directories."""

    def setting(name: str, default: str) -> str:
        return env.get(variable(component, name), default)

    names: list[str] = []
    match component:
        case "stt" if setting("engine", "whisper") == "whisper":
            names = [*_values(setting("models", "{}")), setting("turn_model", "smart-turn-v3")]
        case "translate" if setting("engine", "ctranslate2") == "ctranslate2":
            names = _values(setting("models", "[]"))
        case "agent" if setting("backend", "") == "ctranslate2":
            names = [setting("model", "smollm2-135m-instruct")]
        case "tts":
            engines = _values(setting("engines", "{}"))
            if "piper" in engines:
                names += _values(setting("piper_models", '["piper-en_US-joe-medium"]'))
            if "parler" in engines:
                names.append(setting("parler_model", "parler-mini"))
    # An absolute path lies elsewhere; the turn model may be "none".
    return {_installed(name) for name in names if name not in ("", "none") and not name.startswith("/")}


def _values(text: str) -> list[str]:
    """The strings in a list or mapping; none in what is neither, which the service itself refuses with a better message."""
    try:
        read = json.loads(text)
    except ValueError:
        return []
    items = read.values() if isinstance(read, dict) else read if isinstance(read, list) else []
    return [item for item in items if isinstance(item, str)]


def _installed(name: str) -> str:
    """ "org/name" of the hub lies in the directory "org--name"."""
    return name.replace("/", "--")


def _to_pull(name: str) -> str:
    return name.replace("--", "/", 1)
