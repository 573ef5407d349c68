"""Starts the agent service: `python -m maatu_agent`."""

from maatu_agent.config import Config
from maatu_agent.service import build
from maatu_runtime.server import run


def main() -> None:
    """Serves until SIGTERM."""
    run("agent", Config, build)


if __name__ == "__main__":
    main()
