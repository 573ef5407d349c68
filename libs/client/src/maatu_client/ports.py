"""TCP ports for services on this machine."""

import contextlib
import errno
import itertools
import os
import socket
from collections.abc import Collection, Iterable, Mapping

from maatu_client.profiles import ServiceName
from maatu_runtime.errors import ConfigurationError

_FIRST, _COUNT = 20_000, 12_768
"""Where ports are looked for: below those that Linux (from 32768) and macOS (from 49152) give to outgoing connections. A
service binds its port seconds after it was chosen, and again when it is restarted: no connection may have it by then."""
_STEP = 997
"""How far apart two processes with neighbouring numbers begin to look."""

_next = itertools.count(os.getpid() * _STEP)


def choose_ports(
    hosts: Mapping[ServiceName, str], wanted: Mapping[ServiceName, int], taken: Collection[int] = ()
) -> dict[ServiceName, int]:
    """Finds a free port for each service that has none wanted; no two get the same, nor does a later call give one out again.

    Raises:
        ConfigurationError: no port is free.
    """
    used = {*wanted.values(), *taken}
    ports = dict(wanted)
    for name, host in hosts.items():
        if name not in ports:
            ports[name] = _free_port(host, used)
    return ports


def _free_port(host: str, used: Collection[int]) -> int:
    for number in itertools.islice(_next, _COUNT):
        port = _FIRST + number % _COUNT
        if port not in used and _is_free(host, port):
            return port
    raise ConfigurationError(f"no port from {_FIRST} to {_FIRST + _COUNT - 1} is free on {host}")


def _is_free(host: str, port: int) -> bool:
    with contextlib.closing(_socket(host)) as listener:
        try:
            listener.bind((host, port))
        except OSError as error:
            # Whatever else is wrong, as with a host of another machine, no other port would help: `check_ports_free` tells it.
            return error.errno not in (errno.EADDRINUSE, errno.EACCES)
    return True


def check_ports_free(listeners: Iterable[tuple[ServiceName, str, int]]) -> None:
    """Makes sure that each service can listen where it is to.

    Args:
        listeners: Service, host and port, of gRPC servers and metrics pages.

    Raises:
        ConfigurationError: names each port that is taken, or host that is none of this machine's.
    """
    taken = []
    for name, host, port in listeners:
        with contextlib.closing(_socket(host)) as listener:
            # As gRPC does: connections of an earlier run that are still closing are no obstacle.
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                listener.bind((host, port))
            except OSError as error:
                taken.append(f"  {host}:{port} ({name}): {error.strerror or error}")
    if taken:
        raise ConfigurationError(
            "\n".join(["the services cannot listen here (does another `maatu up` run?); choose other ports:", *taken])
        )


def _socket(host: str) -> socket.socket:
    return socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
