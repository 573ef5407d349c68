"""Conversion of models into the formats the engines load.

The work is done in a child process, so that the memory that torch and transformers take goes back when it is done:
`python -m maatu_client.models.convert FAMILY SOURCE DESTINATION QUANTIZATION OPTIONS`, with the options as JSON.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from maatu_client.models import families, gguf_decoder
from maatu_client.models.families import CHECKPOINTS, Options
from maatu_client.models.trim import Vocabulary
from maatu_runtime.errors import Unsupported

FAMILIES = ("gguf-decoder", *CHECKPOINTS)
QUANTIZATIONS = ("int8", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32")

_GGUF_PACKAGES = ("accelerate", "ctranslate2", "gguf", "torch", "transformers")
_TRIM_PACKAGES = ("msgpack", "regex", "tokenizers")
_NO_OPTIONS = Options()


def check(family: str, source: Path, quantization: str, options: Options = _NO_OPTIONS) -> str:
    """Checks in a moment what would fail a conversion after a minute.

    Returns:
        The family that the manifest names: the architecture of a GGUF file, that of a checkpoint, or for a prompted model its
        model_type.

    Raises:
        Unsupported: says what does not fit.
    """
    check_request(family, quantization, options)
    if family == "gguf-decoder":
        return gguf_decoder.architecture_of(gguf_file(source))
    return families.check(family, source, options)


def check_request(family: str, quantization: str, options: Options = _NO_OPTIONS) -> None:
    """Checks what can be checked without the model.

    Raises:
        Unsupported: there is no such family or quantization, an option is missing or does not go with the family, or packages are
            missing.
    """
    if family not in FAMILIES:
        raise Unsupported(f"there is no converter for the family {family!r} here; there are {', '.join(FAMILIES)}")
    check_quantization(quantization)
    checkpoint_family = CHECKPOINTS.get(family)
    taken = checkpoint_family.options if checkpoint_family else ("vocabulary", "adapter")
    for option in options.given:
        if option not in taken:
            takers = [name for name, other in CHECKPOINTS.items() if option in other.options]
            raise Unsupported(f"--{option.replace('_', '-')} goes with the family {', '.join(takers)}, not {family}")
    for option in checkpoint_family.required if checkpoint_family else ():
        if option not in options.given:
            raise Unsupported(f"the family {family} needs --{option.replace('_', '-')}")
    if missing := [package for package in _needed(family, options) if find_spec(package) is None]:
        raise Unsupported(
            f"converting the family {family} needs {', '.join(missing)}: install maatu-client with the extra `convert`"
        )


def check_quantization(quantization: str) -> None:
    """Checks the type that weights are to be stored in.

    Raises:
        Unsupported: there is no such type; lists those there are.
    """
    if quantization not in QUANTIZATIONS:
        raise Unsupported(f"{quantization!r} is no quantization; there are {', '.join(QUANTIZATIONS)}")


def gguf_file(source: Path) -> Path:
    """The GGUF file that `source` is, or the only one in the directory that it is.

    Raises:
        Unsupported: there is none, or more than one.
    """
    if source.is_file():
        return source
    found = sorted(source.glob("*.gguf"))
    if len(found) != 1:
        names = ", ".join(path.name for path in found) or "none"
        raise Unsupported(f"{source} must be a GGUF file, or a directory with one GGUF file (found: {names})")
    return found[0]


def convert(
    family: str, source: Path, destination: Path, quantization: str, options: Options = _NO_OPTIONS
) -> dict[str, str]:
    """Converts a model into an existing directory, in a child process that ends with this one's interruption.

    Returns:
        The versions of the packages that did it.

    Raises:
        Unsupported: the model does not fit its family; says what is wrong.
    """
    check(family, source, quantization, options)
    command = [sys.executable, "-m", __name__, family, str(source), str(destination), quantization]
    command.append(json.dumps(asdict(options), default=str))
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        last_line = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        reason = last_line.removeprefix(f"{Unsupported.__module__}.{Unsupported.__name__}: ")
        raise Unsupported(f"the conversion of {source} as {family} failed: {reason}")
    return {package: version(package) for package in _needed(family, options)}


def _needed(family: str, options: Options) -> tuple[str, ...]:
    packages = _GGUF_PACKAGES if family == "gguf-decoder" else tuple(CHECKPOINTS[family].packages)
    return packages + (_TRIM_PACKAGES if options.vocabulary else ())


def _parsed(text: str) -> Options:
    """Options out of the child's last argument."""
    values = json.loads(text)
    if values["vocabulary"]:
        lists = {tag: Path(path) for tag, path in values["vocabulary"]["word_lists"].items()}
        values["vocabulary"] = Vocabulary(values["vocabulary"]["size"], lists)
    for option in ("adapter", "tokenizer", "examples"):
        values[option] = Path(values[option]) if values[option] else None
    return Options(**values)


def _main(family: str, source: str, destination: str, quantization: str, encoded: str) -> None:
    options = _parsed(encoded)
    if family == "gguf-decoder":
        gguf_decoder.convert(
            gguf_file(Path(source)), Path(destination), quantization, options.vocabulary, options.adapter
        )
    else:
        families.convert(family, Path(source), Path(destination), quantization, options)


if __name__ == "__main__":
    _main(*sys.argv[1:])
