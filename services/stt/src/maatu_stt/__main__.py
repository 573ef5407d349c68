"""Starts the stt service: `python -m maatu_stt`."""

from maatu_runtime.server import run
from maatu_stt.config import Config
from maatu_stt.service import build


def main() -> None:
    """Serves until SIGTERM."""
    run("stt", Config, build)


if __name__ == "__main__":
    main()
