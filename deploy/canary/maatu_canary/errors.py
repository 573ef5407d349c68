"""What can go wrong.

CanaryError
 ├─ WrongUse           the command line asks for what cannot be
 ├─ NoSuchComponent    the release lacks the component
 └─ KubectlFailed      kubectl ended with an error
     ├─ Conflict       somebody else changed the object since it was read
     ├─ AlreadyThere   the object to create exists
     └─ UnknownKind    the cluster has no such kind of object
"""

from collections.abc import Sequence


class CanaryError(Exception):
    """The step could not be done; the message says what to do about it."""


class WrongUse(CanaryError):
    """The command line asks for what cannot be."""


class NoSuchComponent(CanaryError):
    """The release lacks the component."""


class KubectlFailed(CanaryError):
    """kubectl ended with an error.

    Args:
        command: What was run.
        output: What it said on stderr.
    """

    def __init__(self, command: Sequence[str], output: str) -> None:
        super().__init__(f"{' '.join(command[:6])}{' …' if len(command) > 6 else ''}: {output.strip()}")


class Conflict(KubectlFailed):
    """Somebody else changed the object since it was read."""


class AlreadyThere(KubectlFailed):
    """The object to create exists."""


class UnknownKind(KubectlFailed):
    """The cluster has no such kind of object."""
