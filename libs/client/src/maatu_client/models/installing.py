"""A converted model is made in a directory of its own and installed in one go; an error or an interruption leaves nothing."""

import time
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from maatu_client.models import convert as conversion
from maatu_client.models.families import Options
from maatu_runtime.models import ModelStore

Report = Callable[[str, str], None]
"""Called with a model's name and what happens to it now ("downloading", "ready", …)."""


def install_converted(
    store: ModelStore,
    name: str,
    converter: str,
    path: Path,
    quantization: str,
    options: Options,
    report: Report,
    *,
    family: str,
    licence: str,
    source: str,
    clock: Callable[[], float] = time.monotonic,
) -> None:
    """Converts a checkpoint or a GGUF file and installs the result. The caller holds the model's lock.

    Args:
        store: Where it goes.
        name: Its name there.
        converter: One of `convert.FAMILIES`.
        path: The checkpoint.
        quantization: Type of the weights.
        options: What the family needs beside it.
        report: Told of each step.
        family: What the manifest calls the family.
        licence: For the manifest.
        source: For the manifest.
        clock: Time in seconds, for how long it took.

    Raises:
        Unsupported: the model does not fit its family; says what is wrong.
    """
    # The conversion adds its packages' versions inside the block; the manifest is written when the block ends.
    created_by = {"maatu-client": own_version()}
    model_format = f"ctranslate2-{quantization}"
    with store.install(
        name, family=family, format=model_format, licence=licence, source=source, created_by=created_by
    ) as staging:
        report(name, f"converting to {model_format}")
        started = clock()
        created_by |= conversion.convert(converter, path, staging, quantization, options)
        report(name, f"installing, converted in {clock() - started:.0f} s")


def own_version() -> str:
    """Version of this package; "source" where it runs from a checkout that is not installed."""
    try:
        return version("maatu-client")
    except PackageNotFoundError:
        return "source"
