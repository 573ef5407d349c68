"""What a canary tries: another image, another model, other settings."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field

from maatu_canary.errors import WrongUse
from maatu_canary.kubectl import Object

_FIELD = re.compile(r"[a-z][a-z0-9_]*")
_LANGUAGE_OF_MODEL = re.compile(r"(\*|[A-Za-z]{2,3}(?:-[A-Za-z0-9]+)*)=(.+)")


@dataclass(frozen=True)
class Change:
    """How the canary differs from the stable Deployment."""

    image: str | None = None
    """Its image, where another one."""
    env: Mapping[str, str] = field(default_factory=dict)
    """Its environment variables, where others."""

    def to_json(self) -> str:
        """For an annotation."""
        return json.dumps(asdict(self), sort_keys=True, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> "Change":
        """Reads what `to_json` wrote."""
        return cls(**json.loads(text))

    def __str__(self) -> str:
        parts = [f"image {self.image}"] if self.image is not None else []
        return ", ".join([*parts, *(f"{name}={value}" for name, value in self.env.items())])


def parse(component: str, what: str | None, settings: Sequence[str], stable: Object) -> Change:
    """The change that a command line asks for.

    Args:
        component: "stt".
        what: An image, if it names a tag or digest ("registry/maatu-stt:1.2"); a model otherwise ("whisper-small";
            of one language of stt: "kn=whisper-kannada-medium").
        settings: "field=value" each, a field of the service's configuration.
        stable: The component's container in the stable Deployment.

    Raises:
        WrongUse: it asks for nothing new, or for a model of a component that has none.
    """
    env: dict[str, str] = {}
    image = what if what is not None and _is_image(what) else None
    if what is not None and image is None:
        env.update(_model(component, what, literals(stable)))
    for setting in settings:
        name, equals, value = setting.partition("=")
        if not equals or not _FIELD.fullmatch(name):
            raise WrongUse(f"--set {setting}: write FIELD=VALUE with a field of the service's settings, beam_size=1")
        env[variable(component, name)] = value
    change = Change(image, dict(sorted(env.items())))
    old = literals(stable)
    if image in (None, stable["image"]) and all(old.get(name) == value for name, value in env.items()):
        raise WrongUse(f"the stable {component} already runs this: {change or 'no change'}")
    return change


def settings_of(component: str, change: Change) -> dict[str, str]:
    """The change's variables as fields of the service's configuration."""
    prefix = variable(component, "")
    return {name.removeprefix(prefix).lower(): value for name, value in change.env.items()}


def variable(component: str, name: str) -> str:
    """The environment variable of a field of the service's configuration."""
    return f"MAATU_{component}_{name}".upper()


def literals(container: Object) -> dict[str, str]:
    """Variables whose value stands in the container itself."""
    return {item["name"]: item.get("value", "") for item in container.get("env", []) if "valueFrom" not in item}


def _is_image(what: str) -> bool:
    return "@sha256:" in what or ":" in what.rpartition("/")[2]


def _model(component: str, model: str, env: Mapping[str, str]) -> dict[str, str]:
    """The variable that has a component use a model beside, or before, those it has."""

    def now(name: str, default: str) -> str:
        return env.get(variable(component, name), default)

    match component:
        case "stt":
            only = _LANGUAGE_OF_MODEL.fullmatch(model)
            models = {**json.loads(now("models", "{}")), only[1]: only[2]} if only else {"*": model}
            if only and "*" not in models:
                raise WrongUse(
                    f"{model}: the stable stt names no models; name those of all languages with --set models="
                )
            return {variable(component, "models"): json.dumps(models, ensure_ascii=False)}
        case "translate":  # a pair of languages is served by the first model that has it
            return {variable(component, "models"): _first(model, now("models", "[]"))}
        case "agent":
            name = "openai_model" if now("backend", "") == "openai" else "model"
            return {variable(component, name): model}
        case "tts":
            if "parler" in now("engines", ""):
                return {variable(component, "parler_model"): model}
            return {variable(component, "piper_models"): _first(model, now("piper_models", "[]"))}
        case _:
            raise WrongUse(f"{model} is no image, since it names no tag, and the {component} has no model")


def _first(model: str, models: str) -> str:
    return json.dumps([model, *(other for other in json.loads(models) if other != model)], ensure_ascii=False)
