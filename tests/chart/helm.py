"""Helm as these tests run it."""

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from tests.chart.rendering import RELEASE, Rendered

ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "deploy" / "helm" / "maatu"
VALUES_FILES = ("values.yaml", "values-eks.yaml", "values-gke.yaml", "values-local.yaml")
NAMESPACE = "talk"

Values = Mapping[str, Any]


class _StrictLoader(yaml.CSafeLoader):
    """Refuses a key that a mapping has twice, as the API server does."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.YAMLError(f"{sorted(twice)} twice in one mapping{node.start_mark}")
        return dict(super().construct_mapping(node, deep=deep))


@dataclass
class Helm:
    """Runs helm on the chart, with a home of its own."""

    binary: Path
    home: Path
    _rendered: dict[str, Rendered] = field(default_factory=dict)

    def run(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """One helm command; it sees nothing of the machine's own helm."""
        places = {f"HELM_{name}_HOME": str(self.home / name.lower()) for name in ("CACHE", "CONFIG", "DATA")}
        variables = {"PATH": os.environ["PATH"], "HOME": str(self.home), **places}
        return subprocess.run([self.binary, *arguments], env=variables, capture_output=True, text=True, check=False)

    def lint(self, *files: str, values: Values | None = None) -> subprocess.CompletedProcess[str]:
        """`helm lint --strict` with values files of the chart and further values."""
        return self.run("lint", "--strict", "--quiet", str(CHART), *self._values(files, values))

    def try_template(
        self, *files: str, values: Values | None = None, release: str = RELEASE, options: Sequence[str] = ()
    ) -> subprocess.CompletedProcess[str]:
        """`helm template`, however it ends."""
        place = ["--namespace", NAMESPACE]
        return self.run("template", release, str(CHART), *place, *self._values(files, values), *options)

    def template(
        self, *files: str, values: Values | None = None, release: str = RELEASE, options: Sequence[str] = ()
    ) -> Rendered:
        """What helm renders. The same question is answered from memory.

        Args:
            files: Values files of the chart: "values-local.yaml".
            values: Further values, over those.
            release: Name of the release.
            options: Further options of `helm template`.
        """
        question = json.dumps([files, values, release, list(options)])
        if question not in self._rendered:
            done = self.try_template(*files, values=values, release=release, options=options)
            assert done.returncode == 0, done.stderr
            # Each document is read alone, so that an error says which template it comes from.
            items = [yaml.load(text, _StrictLoader) for text in done.stdout.split("\n---\n")]
            self._rendered[question] = Rendered([item for item in items if item])
        return self._rendered[question]

    def refusal(self, values: Values, *files: str) -> str:
        """The message with which helm refuses values; fails if it takes them."""
        done = self.try_template(*files, values=values)
        assert done.returncode != 0, f"helm takes {values}"
        return done.stderr

    def _values(self, files: Sequence[str], values: Values | None) -> list[str]:
        arguments = [argument for name in files for argument in ("--values", str(CHART / name))]
        if values is not None:
            path = self.home / "values.json"
            path.write_text(json.dumps(values), encoding="utf-8")
            arguments += ["--values", str(path)]
        return arguments
