"""Which share of the conversations goes to a canary: the file that `maatu-canary` writes, and the draw.

    {"stt": {"target": "dns:///maatu-stt-canary:50051", "percent": 10, "id": "2026-11-21T17:00:00Z"}}

A component that is absent has no canary. The draw is a hash of session, hop and canary, so every gateway draws the same side
for a session, before and after a restart too, and a higher percentage only adds sessions to those that are drawn already.
"""

import asyncio
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType
from typing import Literal, get_args

import structlog

from maatu_gateway import metrics
from maatu_runtime.errors import ConfigurationError

HopName = Literal["stt", "translate", "agent", "tts"]
HOP_NAMES: tuple[HopName, ...] = get_args(HopName)
"""The services behind the gateway."""

log = structlog.get_logger()

_Version = tuple[int, int, int, int] | str | None


@dataclass(frozen=True)
class Canary:
    """A second deployment of a service that takes a share of the conversations."""

    target: str
    """Where it is, as in the setting …_TARGET."""
    percent: float
    """Share of the conversations that it is to have, 0 to 100."""
    id: str
    """Its generation. A new canary of a service has a new one, so that other sessions are drawn."""


def is_drawn(session_id: str, hop: str, canary: Canary) -> bool:
    """Whether a session's conversation goes to a canary of a hop.

    The first 53 bits of a SHA-256 make a number in [0, 1) that is the same in every process, unlike `hash`.
    """
    digest = hashlib.sha256(f"{canary.id}\n{hop}\n{session_id}".encode()).digest()
    return (int.from_bytes(digest[:8], "big") >> 11) * 2.0**-53 * 100 < canary.percent


def parse_traffic(text: str) -> dict[HopName, Canary]:
    """Reads the canaries out of a traffic file.

    The entry of the gateway's own canary is the edge's concern and is passed over, as is any component unknown here.

    Raises:
        ConfigurationError: says what is wrong with the file.
    """
    try:
        table = json.loads(text)
    except ValueError as error:
        raise ConfigurationError(f"it is no JSON: {error}") from None
    if not isinstance(table, dict):
        raise ConfigurationError("it holds no JSON object")
    return {hop: _read_canary(hop, table[hop]) for hop in HOP_NAMES if hop in table}


def _read_canary(hop: str, entry: object) -> Canary:
    match entry:
        case {"target": str(target), "percent": int() | float() as percent, "id": str(id_)} if (
            target and id_ and not isinstance(percent, bool) and 0 <= percent <= 100
        ):
            return Canary(target, float(percent), id_)
    raise ConfigurationError(f'the canary of {hop} needs "target", "id" and a "percent" of 0 to 100')


class Traffic:
    """The canaries at present, kept in step with the file.

    Nothing here runs on a request's path: a look at the file is one `stat` on a thread, and the file is read only when it
    is another one than before. A mounted ConfigMap changes by exchanging a link, so links are followed.

    Args:
        path: The file; None: there are no canaries, ever. Where the file is missing there are none at present.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._version: _Version = None
        self._canaries: Mapping[HopName, Canary] = MappingProxyType({})

    @property
    def canaries(self) -> Mapping[HopName, Canary]:
        """By the hop they are of."""
        return self._canaries

    async def refresh(self) -> None:
        """Looks at the file. A damaged one is logged, once, and changes nothing."""
        if self._path is None:
            return
        version, found = await asyncio.to_thread(_look, self._path, self._version)
        if version == self._version:
            return
        self._version = version
        if isinstance(found, Exception):
            log.error("traffic_file_damaged", path=str(self._path), detail=str(found), kept=sorted(self._canaries))
            return
        self._canaries = MappingProxyType(found)
        for hop in HOP_NAMES:
            metrics.CANARY_PERCENT.labels(hop).set(found[hop].percent if hop in found else 0)
        shares = {hop: canary.percent for hop, canary in found.items()}
        log.info("traffic_changed", **shares)

    def holds(self, hop: HopName, canary: Canary) -> bool:
        """Whether a canary is still there, whatever its percentage is now."""
        now = self._canaries.get(hop)
        return now is not None and (now.id, now.target) == (canary.id, canary.target)


def _look(path: Path, known: _Version) -> tuple[_Version, dict[HopName, Canary] | Exception]:
    """The version of a file and, where it is not the known one, what is in it or what is wrong with it."""
    try:
        stat = os.stat(path)
        version = (stat.st_dev, stat.st_ino, stat.st_mtime_ns, stat.st_size)
        return version, {} if version == known else parse_traffic(path.read_text("utf-8"))
    except FileNotFoundError:
        return "missing", {}
    except ConfigurationError as error:
        return version, error
    except (OSError, UnicodeDecodeError) as error:
        return f"unreadable: {error}", error
