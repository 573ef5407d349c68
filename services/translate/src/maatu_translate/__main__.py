"""Starts the translate service: `python -m maatu_translate`."""

from maatu_runtime.server import run
from maatu_translate.config import Config
from maatu_translate.service import build


def main() -> None:
    """Serves until SIGTERM."""
    run("translate", Config, build)


if __name__ == "__main__":
    main()
