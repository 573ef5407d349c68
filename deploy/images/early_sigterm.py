"""Lets SIGTERM end a container whose process is still importing its modules.

The kernel gives process 1 of a container no signal that it has no handler for. Python has none for SIGTERM, and a service
sets its own only after its imports, which take seconds. Until then a pod that is deleted would live on for the whole of its
grace period. early_sigterm.pth beside this file imports it at Python's start; the service's handler then takes its place.
"""

import os
import signal
from types import FrameType
from typing import NoReturn

_ENDED_BY_SIGTERM = 128 + signal.SIGTERM


def _end(signum: int, frame: FrameType | None) -> NoReturn:
    # There is nothing to tidy up yet, and SystemExit could be caught on its way out of an import.
    os._exit(_ENDED_BY_SIGTERM)


if os.getpid() == 1:
    signal.signal(signal.SIGTERM, _end)
