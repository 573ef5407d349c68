"""TCP ports for services on this machine."""

import contextlib
import socket
from collections.abc import Collection, Iterable, Mapping

from maatu_client.profiles import ServiceName
from maatu_runtime.errors import ConfigurationError


def choose_ports(
    hosts: Mapping[ServiceName, str], wanted: Mapping[ServiceName, int], taken: Collection[int] = ()
) -> dict[ServiceName, int]:
    """Finds a free port for each service that has none wanted; no two get the same.

    All are held open until all are found: a port that was closed again at once could be given out twice.
    """
    used = {*wanted.values(), *taken}
    ports = dict(wanted)
    held: list[socket.socket] = []
    try:
        for name, host in hosts.items():
            while name not in ports:
                held.append(_socket(host))
                held[-1].bind((host, 0))
                port = held[-1].getsockname()[1]
                if port not in used:
                    used.add(port)
                    ports[name] = port
    finally:
        for listener in held:
            listener.close()
    return ports


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
