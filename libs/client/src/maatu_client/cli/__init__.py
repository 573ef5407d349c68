"""The `maatu` command."""

import io
import sys


def main() -> None:
    """Runs the command. Exit status: 0 done, 1 failed, 2 wrong use or something missing, 130 interrupted."""
    # A terminal that cannot show an answer in another script is no reason to lose the rest of it.
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        # Importing takes a moment, in which Ctrl-C must not end in a traceback either.
        from maatu_client.cli.app import app

        app(prog_name="maatu")
    except KeyboardInterrupt:
        sys.exit(130)
