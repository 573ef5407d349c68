"""`maatu models`: list, pull and convert."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.progress import Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from maatu_client.models import catalog, whisper_repository
from maatu_client.models import convert as conversion
from maatu_client.models.entries import HubModel, Model
from maatu_client.models.pull import Puller, own_version
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import AlreadyExists, MaatuError, ModelNotInstalled
from maatu_runtime.models import Manifest, ModelStore, installed_name

models_app = typer.Typer(help="The models on this machine: which there are, and how to get more.", no_args_is_help=True)

ModelsDir = Annotated[Path, typer.Option("--models-dir", envvar="MAATU_MODELS_DIR", help="Where the models are.")]
WheelsDir = Annotated[
    Path, typer.Option("--wheels-dir", envvar="MAATU_WHEELS_DIR", help="Cache of downloaded packages.")
]
Revision = Annotated[
    str | None, typer.Option(metavar="COMMIT", help="Commit, branch or tag of ORG/NAME; none: the newest.")
]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|ORG/NAME",
        help="Where the tokenizer comes from, for a Whisper fine-tune that was published without.",
    ),
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
    names: Annotated[
        list[str],
        typer.Argument(
            help="Models of `maatu models list`; sets: `embedded`, or a profile for its hub models; or ORG/NAME, a Whisper model "
            "of the hub, for faster-whisper or to be converted."
        ),
    ],
    verify: Annotated[bool, typer.Option("--verify", help="Read and compare every file that is there.")] = False,
    source: Annotated[
        Path | None,
        typer.Option("--from", help="Directory with the files of one hub model, for where there is no hub."),
    ] = None,
    revision: Revision = None,
    quantization: Annotated[
        str | None, typer.Option(help="Type of the weights of ORG/NAME, where it has to be converted; none: int8.")
    ] = None,
    tokenizer: Tokenizer = None,
    models_dir: ModelsDir = _DEFAULT_MODELS_DIR,
    wheels_dir: WheelsDir = _DEFAULT_WHEELS_DIR,
) -> None:
    """Gets models, makes them ready, and puts damaged ones right. Quick when they are there."""
    with _errors_as_messages():
        repositories = [name for name in names if whisper_repository.is_hub_id(name)]
        models = catalog.resolve([name for name in names if name not in repositories])
        if source is not None and not (
            len(models) + len(repositories) == 1 and all(isinstance(model, HubModel) for model in models)
        ):
            raise typer.BadParameter("--from goes with exactly one hub model")
        if (revision or quantization or tokenizer) and (models or len(repositories) != 1):
            raise typer.BadParameter("--revision, --quantization and --tokenizer go with exactly one ORG/NAME")
        if quantization is not None:
            conversion.check_quantization(quantization)
        with _progress() as report:
            puller = Puller(ModelStore(models_dir), WheelCache(wheels_dir), report)
            puller.pull(models, verify=verify, directory=source)
            for repository in repositories:
                puller.pull_repository(
                    repository,
                    revision=revision,
                    quantization=quantization,
                    tokenizer=_tokenizer_directory(tokenizer),
                    verify=verify,
                    directory=source,
                )


@models_app.command("convert")
def convert_model(
    family: Annotated[str, typer.Argument(help=f"One of {', '.join(conversion.FAMILIES)}.")],
    source: Annotated[
        str,
        typer.Option(
            "--from",
            metavar="PATH|ORG/NAME",
            help="GGUF file; directory in the Hugging Face layout; or for whisper a checkpoint of the hub by its id.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the new model; none: that of what it is made from.")
    ] = None,
    quantization: Annotated[
        str, typer.Option(help=f"Type of the weights: {', '.join(conversion.QUANTIZATIONS)}.")
    ] = "int8",
    revision: Revision = None,
    tokenizer: Tokenizer = None,
    licence: Annotated[
        str | None, typer.Option(help="Licence that the manifest names; none: that of the hub's model card.")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a model of that name.")] = False,
    models_dir: ModelsDir = _DEFAULT_MODELS_DIR,
) -> None:
    """Converts a model of your own and installs it: `convert whisper --from vasista22/whisper-kannada-small`.

    Give its name to the service: MAATU_STT_MODELS='{"kn": "vasista22--whisper-kannada-small", "*": "whisper-base"}'.
    """
    path = Path(source)
    from_hub = not path.exists() and family == "whisper" and whisper_repository.is_hub_id(source)
    if not (from_hub or path.exists()):
        raise typer.BadParameter(f"there is no file or directory {source}", param_hint="--from")
    if revision is not None and not from_hub:
        raise typer.BadParameter("--revision goes with a checkpoint of the hub")
    name = name or (installed_name(source) if from_hub else path.resolve().name if path.is_dir() else path.stem)
    store = ModelStore(models_dir)

    def refuse_a_taken_name() -> None:
        if (name in catalog.MODELS or (models_dir / name).exists()) and not replace:
            raise AlreadyExists(f"the name {name} is taken; choose another with --name, or say --replace")

    with _errors_as_messages(), _progress() as report:
        origin = f"{family} {path.name}"
        words = _tokenizer_directory(tokenizer)
        if from_hub:
            conversion.check_quantization(quantization)
            refuse_a_taken_name()
            report(name, "downloading")
            path, repository, origin = whisper_repository.fetch_checkpoint(
                source,
                revision=revision,
                brings_tokenizer=words is None,
                progress=lambda done, total: report(name, f"downloading: {decimal(done)} of {decimal(total)}"),
            )
            licence = licence or repository.licence
        architecture = conversion.check(family, path, quantization, tokenizer=words)
        with store.lock(name, lambda: report(name, "waiting for another installation")):
            refuse_a_taken_name()
            created_by = {"maatu-client": own_version()}
            with store.install(
                name,
                family=architecture,
                format=f"ctranslate2-{quantization}",
                licence=licence or "not stated",
                source=origin,
                created_by=created_by,
            ) as staging:
                report(name, f"converting to ctranslate2-{quantization}")
                created_by |= conversion.convert(family, path, staging, quantization, tokenizer=words)
        report(name, "ready")


def _tokenizer_directory(place: str | None) -> Path | None:
    """The directory that --tokenizer names, fetched where it is a hub id."""
    if place is None or Path(place).is_dir():
        return Path(place) if place else None
    if not whisper_repository.is_hub_id(place):
        raise typer.BadParameter(f"there is no directory {place}", param_hint="--tokenizer")
    return whisper_repository.download_tokenizer(place)


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
