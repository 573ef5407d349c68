"""Becomes a Redis server that dies with the process that started it.

    python redis_launcher.py PARENT_PID BINARY ARGUMENT…

The kernel's parent-death signal survives exec, so it is set here, in a process of its own: setting it by preexec_fn would
fork the agent's process, which gRPC's threads do not survive (grpc/grpc#41768). Runs without the agent's packages.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main() -> None:
    """Never returns."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before the signal was set
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
