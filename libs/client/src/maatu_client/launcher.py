"""Starts one service as a child that does not outlive its parent. Run as a script, by the supervisor only.

A function to run between fork and exec would do the same in fewer lines, but then the child is made by fork, which gRPC
does not survive in a process that has used it (grpc/grpc#41768). Without one it is made by vfork, and this script asks the
kernel for the signal and then becomes the service; the request survives exec (prctl(2), PR_SET_PDEATHSIG).

Usage: launcher.py PARENT_PID MODULE
"""

import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Asks for SIGTERM at the parent's death, then becomes `python -m MODULE`."""
    parent, module = int(sys.argv[1]), sys.argv[2]
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:  # it died before the kernel knew of our wish
        sys.exit(1)
    os.execv(sys.executable, [sys.executable, "-m", module])


if __name__ == "__main__":
    main()
