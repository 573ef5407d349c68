"""Conversion of models into the formats the engines load.

The work is done in a child process, so that the memory that torch and transformers take goes back when it is done:
`python -m maatu_client.models.convert FAMILY SOURCE DESTINATION QUANTIZATION [OPTION ...]`. For a GGUF decoder the options are the
size its vocabulary is trimmed to and the word lists, for Whisper the directory of its tokenizer.
"""

import subprocess
import sys
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path

from maatu_client.models import gguf_decoder, whisper
from maatu_client.models.gguf_decoder import Vocabulary
from maatu_runtime.errors import Unsupported

FAMILIES = ("gguf-decoder", "whisper")
QUANTIZATIONS = ("int8", "int8_float16", "int8_bfloat16", "int16", "float16", "bfloat16", "float32")

_PACKAGES = {
    "gguf-decoder": ("accelerate", "ctranslate2", "gguf", "torch", "transformers"),
    "whisper": ("ctranslate2", "torch", "transformers"),
}
_TRIM_PACKAGES = ("msgpack", "tokenizers")


def check(family: str, source: Path, quantization: str, *, trims: bool = False, tokenizer: Path | None = None) -> str:
    """Checks in a moment what would fail a conversion after a minute.

    Returns:
        The family that the manifest names: the architecture of a GGUF file, or "whisper".

    Raises:
        Unsupported: says what does not fit.
    """
    if family not in FAMILIES:
        raise Unsupported(f"there is no converter for the family {family!r} here; there are {', '.join(FAMILIES)}")
    check_quantization(quantization)
    if missing := [package for package in _needed(family, trims) if find_spec(package) is None]:
        raise Unsupported(
            f"converting the family {family} needs {', '.join(missing)}: install maatu-client with the extra `convert`"
        )
    if family == "gguf-decoder":
        return gguf_decoder.architecture_of(gguf_file(source))
    whisper.check(source, tokenizer)
    return "whisper"


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
    family: str,
    source: Path,
    destination: Path,
    quantization: str,
    vocabulary: Vocabulary | None = None,
    tokenizer: Path | None = None,
) -> dict[str, str]:
    """Converts a model into an existing directory, in a child process.

    A GGUF decoder may have its vocabulary trimmed; a Whisper may be given the tokenizer that it came without.

    Returns:
        The versions of the packages that did it.

    Raises:
        Unsupported: the model does not fit its family; says what is wrong.
    """
    check(family, source, quantization, trims=vocabulary is not None, tokenizer=tokenizer)
    command = [sys.executable, "-m", __name__, family, str(source), str(destination), quantization]
    if vocabulary is not None:
        command += [str(vocabulary.size), *map(str, vocabulary.word_lists)]
    if tokenizer is not None:
        command.append(str(tokenizer))
    result = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, check=False)
    if result.returncode:
        last_line = (result.stderr.strip().splitlines() or [f"exit status {result.returncode}"])[-1]
        reason = last_line.removeprefix(f"{Unsupported.__module__}.{Unsupported.__name__}: ")
        raise Unsupported(f"the conversion of {source} as {family} failed: {reason}")
    return {package: version(package) for package in _needed(family, vocabulary is not None)}


def _needed(family: str, trims: bool) -> tuple[str, ...]:
    return _PACKAGES[family] + (_TRIM_PACKAGES if trims else ())


def _main(family: str, source: str, destination: str, quantization: str, *options: str) -> None:
    if family == "gguf-decoder":
        vocabulary = Vocabulary(int(options[0]), [Path(path) for path in options[1:]]) if options else None
        gguf_decoder.convert(gguf_file(Path(source)), Path(destination), quantization, vocabulary)
    else:
        whisper.convert(Path(source), Path(destination), quantization, Path(options[0]) if options else None)


if __name__ == "__main__":
    _main(*sys.argv[1:])
