"""Starts the tts service: `python -m maatu_tts`."""

from maatu_runtime.server import run
from maatu_tts.config import Config
from maatu_tts.service import build


def main() -> None:
    """Serves until SIGTERM."""
    run("tts", Config, build)


if __name__ == "__main__":
    main()
