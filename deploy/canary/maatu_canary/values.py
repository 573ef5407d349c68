"""What the chart must be told after a promotion, so that its next upgrade keeps what was promoted."""

import json
import shlex

from maatu_canary.change import settings_of
from maatu_canary.kubectl import Object
from maatu_canary.release import Component
from maatu_canary.state import State


def upgrade_hint(component: Component, state: State) -> str:
    """The helm command that makes the chart's values agree with the cluster."""
    # --reuse-values and --reset-then-reuse-values would merge a new mapping into the old one ({"*": …} keeps the old "en"), and
    # the null that takes a key away is refused where the old mapping was the profile's. --set-json on top of a file replaces.
    old = ["helm", "get", "values", component.instance, "-n", component.namespace, "-o", "json"]
    command = ["helm", "upgrade", component.instance, "deploy/helm/maatu", "-n", component.namespace]
    command += ["--reset-values", "-f", "-"]
    base = f"components.{component.name}"
    if state.change.image is not None:
        for key, value in _image_values(state.change.image, state.before or {}).items():
            command += ["--set-string", f"{base}.image.{key}={value}"]
    for field, value in settings_of(component.name, state.change).items():
        command += ["--set-json", f"{base}.settings.{field}={_json(value)}"]
    return (
        "Now tell the chart, or its next upgrade takes this back "
        f"(Helm 4 also needs --force-conflicts, this once):\n  {shlex.join(old)} | {shlex.join(command)}"
    )


def _image_values(image: str, before: Object) -> dict[str, str]:
    """The chart's values of an image. It adds "-cuda" to tags by itself; and image.registry before the repository."""
    path, tag, digest = _parts(image)
    containers = before.get("spec", {}).get("template", {}).get("spec", {}).get("containers", [{}])
    old_path, old_tag, _ = _parts(containers[0].get("image", ""))
    values = {"tag": tag.removesuffix("-cuda") if old_tag.endswith("-cuda") else tag, "digest": digest}
    if path == old_path:
        return values
    same_registry = path.rpartition("/")[0] == old_path.rpartition("/")[0]
    return {"repository": path.rpartition("/")[2] if same_registry else path, **values}


def _parts(image: str) -> tuple[str, str, str]:
    """Path, tag and digest of an image; a colon before the last slash is that of a registry's port."""
    name, _, digest = image.partition("@")
    parent, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return parent + slash + last, tag, digest


def _json(value: str) -> str:
    try:
        json.loads(value)
    except ValueError:
        return json.dumps(value, ensure_ascii=False)
    return value
