"""Becomes another program that dies with the process that started it.

    python -I -S die_with_parent.py PARENT_PID BINARY ARGUMENT…

The kernel's parent-death signal (prctl(2), PR_SET_PDEATHSIG) survives exec, so it is asked for here, in a process of its own:
a function to run between fork and exec would have the child made by fork, which gRPC does not survive in a process that has
used it (grpc/grpc#41768). Run as a script, without any package; its path is `die_with_parent.__file__`.
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1  # <sys/prctl.h>


def main() -> None:
    """Asks for SIGTERM at the parent's death, then becomes the program. Never returns."""
    parent, *command = sys.argv[1:]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # it died before the kernel knew of our wish
        sys.exit(1)
    os.execv(command[0], command)


if __name__ == "__main__":
    main()
