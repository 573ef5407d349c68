"""`maatu models`: list, pull and convert."""

import dataclasses
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

import typer
from rich.console import Console
from rich.filesize import decimal
from rich.table import Column, Table

from maatu_client.models import (
    catalog,
    checkpoint_repository,
    hub,
    language_tags,
    repository,
    whisper_repository,
    word_lists,
)
from maatu_client.models import convert as conversion
from maatu_client.models.cli_progress import step_report
from maatu_client.models.entries import HubModel, Model
from maatu_client.models.families import CHECKPOINTS, Options
from maatu_client.models.installing import install_converted
from maatu_client.models.pull import Puller
from maatu_client.models.wheels import WheelCache
from maatu_runtime.errors import AlreadyExists, MaatuError, ModelNotInstalled
from maatu_runtime.models import Manifest, ModelStore, installed_name

models_app = typer.Typer(help="The models on this machine: which there are, and how to get more.", no_args_is_help=True)

ModelsDir = Annotated[Path, typer.Option("--models-dir", envvar="MAATU_MODELS_DIR", help="Where the models are.")]
WheelsDir = Annotated[
    Path, typer.Option("--wheels-dir", envvar="MAATU_WHEELS_DIR", help="Cache of downloaded packages.")
]
Revision = Annotated[
    str | None,
    typer.Option(
        metavar="COMMIT",
        help="Commit, branch or tag of a hub model; none: that of the catalogue, or else of what was pulled before, or else "
        "the newest.",
    ),
]
Tokenizer = Annotated[
    str | None,
    typer.Option(
        metavar="DIR|ORG/NAME",
        help="Where the tokenizer comes from, for a Whisper fine-tune that was published without.",
    ),
]

Languages = Annotated[
    str,
    typer.Option(
        metavar="CODE,…", help="For a Marian model whose files name a group of languages: those of the group."
    ),
]

_DEFAULT_MODELS_DIR = Path("build/models")
_DEFAULT_WHEELS_DIR = Path("build/wheels")
_MEBIBYTE = 1 << 20
_SHORT_COMMIT = 8


@models_app.command("list")
def list_models(models_dir: ModelsDir = _DEFAULT_MODELS_DIR) -> None:
    """Shows the models of the catalogue and those of your own, and which are ready."""
    store = ModelStore(models_dir)
    table = Table(
        Column("model", no_wrap=True),
        "for",
        "licence",
        Column("revision", no_wrap=True),
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
            _revision(manifest, catalog.HUB.get(name)),
            f"{size:.0f}" if size is not None else "",
            state,
        )
    Console().print(table)


@models_app.command("pull")
def pull_models(
    names: Annotated[
        list[str],
        typer.Argument(
            help="Models of `maatu models list`; sets: `embedded`, or a profile for all that it needs; or ORG/NAME, a Whisper "
            "model of the hub, for faster-whisper or to be converted."
        ),
    ],
    verify: Annotated[bool, typer.Option("--verify", help="Read and compare every file that is there.")] = False,
    source: Annotated[
        Path | None,
        typer.Option(
            "--from",
            help="For where there is no hub: directory with the files of one hub model; or for a profile, of DIR/<model>/… for "
            "each of its hub models.",
        ),
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
        repositories = [name for name in names if repository.is_hub_id(name)]
        models = catalog.resolve([name for name in names if name not in repositories])
        _check_pull(models, repositories, source, revision, bool(quantization or tokenizer))
        if quantization is not None:
            conversion.check_quantization(quantization)
        with step_report(len(models) + len(repositories)) as report:
            puller = Puller(ModelStore(models_dir), WheelCache(wheels_dir), report)
            puller.pull(
                models,
                verify=verify,
                directory=source,
                revision=revision,
                command=f"maatu models pull {' '.join(names)}",
            )
            for hub_id in repositories:
                puller.pull_repository(
                    hub_id,
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
            help="Directory in the Hugging Face layout; a checkpoint of the hub by its id; or a GGUF file.",
        ),
    ],
    name: Annotated[
        str | None, typer.Option("--name", help="Name of the new model; none: that of what it is made from.")
    ] = None,
    quantization: Annotated[
        str, typer.Option(help=f"Type of the weights: {', '.join(conversion.QUANTIZATIONS)}.")
    ] = "int8",
    revision: Revision = None,
    languages: Annotated[
        str,
        typer.Option(
            metavar="CODE,…",
            help="For NLLB-200: the languages to serve, `kn,en` say. Its vocabulary for 200 is trimmed to them, which makes it "
            "smaller and faster.",
        ),
    ] = "",
    entries: Annotated[
        int | None,
        typer.Option(
            min=1,
            help="Entries of the vocabulary to keep for --languages; none: "
            f"{word_lists.ENTRIES_PER_LANGUAGE:,} for each of them.",
        ),
    ] = None,
    tokenizer: Tokenizer = None,
    examples: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.tsv",
            help="For a prompted model: translations it is shown, a column for each language, whose tags are the first line.",
        ),
    ] = None,
    source_languages: Languages = "",
    target_languages: Languages = "",
    licence: Annotated[
        str | None, typer.Option(help="Licence that the manifest names; none: that of the model card (README.md).")
    ] = None,
    replace: Annotated[bool, typer.Option("--replace", help="Put it in the place of a model of that name.")] = False,
    models_dir: ModelsDir = _DEFAULT_MODELS_DIR,
    wheels_dir: WheelsDir = _DEFAULT_WHEELS_DIR,
) -> None:
    """Converts a model of your own and installs it: `convert nllb --from facebook/nllb-200-distilled-600M`.

    Give its name to the service: MAATU_TRANSLATE_MODELS='["facebook--nllb-200-distilled-600M"]'.
    """
    path = Path(source)
    from_hub = not path.exists() and family in CHECKPOINTS and repository.is_hub_id(source)
    if not (from_hub or path.exists()):
        raise typer.BadParameter(f"there is no file or directory {source}", param_hint="--from")
    if revision is not None and not from_hub:
        raise typer.BadParameter("--revision goes with a checkpoint of the hub")
    if examples is not None and not examples.is_file():
        raise typer.BadParameter(f"there is no file {examples}", param_hint="--examples")
    if (languages or entries is not None) and not _codes(languages):
        raise typer.BadParameter(
            "name the languages: --languages kn,en", param_hint="--entries" if entries else "--languages"
        )
    name = name or (installed_name(source) if from_hub else path.resolve().name if path.is_dir() else path.stem)
    store = ModelStore(models_dir)

    def refuse_a_taken_name() -> None:
        if (name in catalog.MODELS or (models_dir / name).exists()) and not replace:
            raise AlreadyExists(f"the name {name} is taken; choose another with --name, or say --replace")

    with _errors_as_messages(), step_report() as report:
        options = Options(
            languages=language_tags.named(_codes(languages)),
            tokenizer=_tokenizer_directory(tokenizer),
            examples=examples,
            source_languages=_codes(source_languages),
            target_languages=_codes(target_languages),
        )
        conversion.check_request(family, quantization, options)
        origin = f"{family} {path.name}"
        if from_hub:
            refuse_a_taken_name()
            report(name, "downloading")
            path, stated_licence, origin = checkpoint_repository.fetch_checkpoint(
                source,
                family,
                revision=revision,
                brings_tokenizer=options.tokenizer is None,
                progress=lambda done, total: report(name, f"downloading: {decimal(done)} of {decimal(total)}"),
            )
        else:
            stated_licence = repository.licence_of(path)
        manifest_family = conversion.check(family, path, quantization, options)
        with (
            TemporaryDirectory() as words,
            store.lock(name, lambda: report(name, "waiting for another installation")),
        ):
            refuse_a_taken_name()
            if options.languages:
                trim, wheels = word_lists.trim_to(options.languages, entries), WheelCache(wheels_dir)
                wheels.fetch(trim.wheels, lambda _: report(name, "downloading word lists"))
                vocabulary = word_lists.unpack(trim, wheels, Path(words))
                options = dataclasses.replace(options, vocabulary=vocabulary)
                origin = f"{origin}; {trim}"
            install_converted(
                store,
                name,
                family,
                path,
                quantization,
                options,
                report,
                family=manifest_family,
                licence=licence or stated_licence,
                source=origin,
            )
        report(name, "ready")


def _check_pull(
    models: Sequence[Model], repositories: Sequence[str], source: Path | None, revision: str | None, converts: bool
) -> None:
    """Refuses options of `pull` that do not go with what is pulled."""
    hub_models = [model for model in models if isinstance(model, HubModel)]
    if source is not None and not ((hub_models and not repositories) if models else len(repositories) == 1):
        raise typer.BadParameter("--from goes with exactly one hub model, or with the hub models of a profile")
    if converts and (models or len(repositories) != 1):
        raise typer.BadParameter("--quantization and --tokenizer go with exactly one ORG/NAME")
    if revision is not None and not (len(models) == len(hub_models) and len(hub_models) + len(repositories) == 1):
        raise typer.BadParameter("--revision goes with exactly one hub model: of the catalogue, or ORG/NAME")


def _codes(text: str) -> tuple[str, ...]:
    """Language codes that commas part."""
    return tuple(code.strip() for code in text.split(",") if code.strip())


def _tokenizer_directory(place: str | None) -> Path | None:
    """The directory that --tokenizer names, fetched where it is a hub id."""
    if place is None or Path(place).is_dir():
        return Path(place) if place else None
    if not repository.is_hub_id(place):
        raise typer.BadParameter(f"there is no directory {place}", param_hint="--tokenizer")
    return whisper_repository.download_tokenizer(place)


def _revision(manifest: Manifest | None, entry: HubModel | None) -> str:
    """The commit that a hub model was installed at, or that the catalogue pins it to; short."""
    revisions = hub.recorded_revisions(manifest.source) if manifest else entry.revisions if entry else {}
    revision = next(iter(revisions.values()), None) or ""
    return revision[:_SHORT_COMMIT]


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
