"""Playing a WAV file through whichever player the machine has."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path

_PLAYERS = (
    ("aplay", "-q"),
    ("afplay",),
    ("ffplay", "-nodisp", "-autoexit", "-loglevel", "quiet"),
)


def find_player(which: Callable[[str], str | None] = shutil.which) -> list[str] | None:
    """The command line of the first player that is installed, without the file; None where there is none."""
    for name, *arguments in _PLAYERS:
        path = which(name)
        if path is not None:
            return [path, *arguments]
    return None


async def play(player: list[str], path: Path) -> bool:
    """Plays a file to its end; returns whether the player could. A machine without a loudspeaker is no error."""
    process = await asyncio.create_subprocess_exec(
        *player,
        str(path),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        return await process.wait() == 0
    finally:
        if process.returncode is None:
            process.terminate()
            await process.wait()
