"""The `maatu` command."""

import sys


def main() -> None:
    """Runs the command. Exit status: 0 done, 1 failed, 2 wrong use or something missing, 130 interrupted."""
    try:
        # Importing takes a moment, in which Ctrl-C must not end in a traceback either.
        from maatu_client.cli.app import app

        app(prog_name="maatu")
    except KeyboardInterrupt:
        sys.exit(130)
