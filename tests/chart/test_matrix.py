"""Every values file with every switch: helm takes it, and each Kubernetes version takes each object."""

import functools
import json
from collections import Counter
from typing import Any

import pytest

from tests.chart.helm import VALUES_FILES, Helm
from tests.chart.schemas import complaint, kubernetes_versions
from tests.chart.switches import EVERYTHING, MODELS, SWITCHES

CASES = [
    *((file, name, values) for file in VALUES_FILES for name, values in SWITCHES.items()),
    *((file, name, values) for file in ("values.yaml", "values-local.yaml") for name, values in MODELS.items()),
    *((file, "everything", EVERYTHING) for file in VALUES_FILES),
]


@functools.cache
def complaints(manifest: str) -> tuple[str, ...]:
    """What each version of Kubernetes says against an object, given as JSON; most objects are the same in most cases."""
    said = (complaint(json.loads(manifest), version) for version in kubernetes_versions())
    return tuple(text for text in said if text is not None)


def check(helm: Helm, *files: str, values: dict[str, Any], options: tuple[str, ...] = ()) -> None:
    """Renders values; every object is one, and every version of Kubernetes takes it."""
    rendered = helm.template(*files, values=values, options=options)
    names = Counter((item["apiVersion"], item["kind"], item["metadata"]["name"]) for item in rendered.objects)
    assert [name for name, times in names.items() if times > 1] == []
    said = [text for item in rendered.objects for text in complaints(json.dumps(item, sort_keys=True))]
    assert not said, "\n".join(said)


@pytest.mark.parametrize(("file", "values"), [case[::2] for case in CASES], ids=[", ".join(case[:2]) for case in CASES])
def test_each_kubernetes_takes_each_object(helm: Helm, file: str, values: dict[str, Any]) -> None:
    check(helm, file, values=values)


@pytest.mark.parametrize("version", kubernetes_versions())
def test_it_renders_for_each_version(helm: Helm, version: str) -> None:
    check(helm, values=EVERYTHING, options=("--kube-version", f"{version}.0"))


def test_a_kubernetes_too_old_is_refused(helm: Helm) -> None:
    done = helm.try_template(options=("--kube-version", "1.29.0"))
    assert done.returncode != 0
    assert "kubeVersion" in done.stderr


@pytest.mark.parametrize("file", VALUES_FILES)
def test_lint_finds_nothing(helm: Helm, file: str) -> None:
    done = helm.lint(file)
    assert done.returncode == 0, done.stdout + done.stderr


def test_lint_finds_nothing_with_all_switches(helm: Helm) -> None:
    done = helm.lint(values=EVERYTHING)
    assert done.returncode == 0, done.stdout + done.stderr
