"""What all tests share."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import hypothesis
import pytest

ROOT = Path(__file__).resolve().parent.parent

# The same examples in each run, and no time limit for one: the machine may be busy.
hypothesis.settings.register_profile("maatu", derandomize=True, deadline=None)
hypothesis.settings.load_profile("maatu")


@pytest.fixture(scope="session")
def models_dir() -> Path:
    """Directory of the embedded models, prepared by `make models`."""
    directory = Path(os.environ.get("MAATU_MODELS_DIR", ROOT / "build" / "models"))
    if not directory.is_dir():
        pytest.fail(f"the embedded models are missing from {directory}: run `make models`")
    return directory


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits until a condition holds: `await until(lambda: engine.running == 1)`."""
    return _until
