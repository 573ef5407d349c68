"""Running a command's coroutine so that Ctrl-C and SIGTERM end it in order."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


def run_until_signal(work: Coroutine[Any, Any, T]) -> T | None:
    """Runs a coroutine; the first SIGINT or SIGTERM cancels it, and its clean-up is waited for.

    Further signals do nothing: the clean-up has time limits of its own.

    Returns:
        What the coroutine returned, or None where a signal ended it.
    """
    return asyncio.run(_run(work))


async def _run(work: Coroutine[Any, Any, T]) -> T | None:
    task = asyncio.create_task(work, name="command")
    signalled = False

    def on_signal() -> None:
        nonlocal signalled
        if not signalled:
            signalled = True
            task.cancel()

    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, on_signal)
    try:
        return await task
    except asyncio.CancelledError:
        if signalled:
            return None
        raise
    finally:
        for signum in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(signum)
