"""Makes the virtual environment of the reference implementation, which the parity tests and the speech benchmark run.

    python tools/reference/install.py build/reference-venv

Does nothing where the environment is already there and complete; makes it anew when requirements.txt changed.
"""

import argparse
import hashlib
import shutil
import subprocess
import sys
import time
import venv
from pathlib import Path

HERE = Path(__file__).resolve().parent
REQUIREMENTS = HERE / "requirements.txt"
CHECK = (
    "import parler_tts, torch, transformers; print(parler_tts.__version__, torch.__version__, transformers.__version__)"
)


def fingerprint() -> str:
    """Changes with what would be installed, and for which Python."""
    return hashlib.sha256(REQUIREMENTS.read_bytes() + sys.version.encode()).hexdigest()


def install(directory: Path) -> Path:
    """Makes the environment and returns its Python.

    Raises:
        subprocess.CalledProcessError: pip could not install the packages, or the package does not import.
    """
    python = directory / "bin" / "python"
    stamp = directory / ".installed"
    if stamp.exists() and stamp.read_text() == fingerprint() and python.exists():
        print(f"the reference implementation is in {directory} already")
        return python
    began = time.monotonic()
    print(f"▸ creating {directory}")
    venv.create(directory, clear=True, with_pip=True)
    print("▸ installing parler-tts 0.2.3 and its pinned requirements (some minutes, 1.8 GB)", flush=True)
    pip = [str(python), "-m", "pip", "-qq", "--disable-pip-version-check"]
    subprocess.run([*pip, "install", "--requirement", str(REQUIREMENTS)], check=True)
    print(
        "▸ removing torchaudio's native code, which fits another torch; parler-tts imports the package but never calls it"
    )
    for package in directory.glob("lib/python*/site-packages/torchaudio"):
        shutil.rmtree(package / "lib", ignore_errors=True)
    print("▸ importing parler-tts", flush=True)
    subprocess.run([str(python), "-c", CHECK], check=True, stderr=subprocess.DEVNULL)
    stamp.write_text(fingerprint())
    print(f"done in {time.monotonic() - began:.0f} s")
    return python


def main() -> None:
    """Reads the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("directory", type=Path)
    try:
        install(parser.parse_args().directory)
    except subprocess.CalledProcessError as error:
        sys.exit(f"the reference implementation could not be installed: {' '.join(map(str, error.cmd))} failed")


if __name__ == "__main__":
    main()
