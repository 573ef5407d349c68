"""What all tests share."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import hypothesis
import pytest

from maatu_agent.redis_process import RedisProcess

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Apart:
    """Tests that a plain `make test` leaves out, because they take long or need more. Named on the command line they run."""

    directories: tuple[str, ...]
    variable: str
    """Set in the environment, it asks for them."""
    target: str
    """The make target that does so, and what it is for."""

    def are_asked_for(self, config: pytest.Config) -> bool:
        """Whether the environment or the command line asks for them."""
        arguments = [str(argument).partition("::")[0] for argument in config.invocation_params.args]
        named = [(config.invocation_params.dir / argument).resolve() for argument in arguments]
        return self.variable in os.environ or any(self.contain(path) for path in named)

    def contain(self, path: Path) -> bool:
        """Whether a file is among them."""
        return any(path.is_relative_to(ROOT / directory) for directory in self.directories)


APART = (
    Apart(
        ("tests/reference",),
        "MAATU_REFERENCE_PYTHON",
        "`make test-reference` compares with parler_tts 0.2.3",
    ),
    Apart(
        ("tests/chart", "tests/canary"),
        "MAATU_TEST_CHART",
        "`make chart-test` renders the chart, starts what it starts, and runs maatu-canary with kubectl",
    ),
    Apart(
        ("tests/images/built",),
        "MAATU_TEST_IMAGES",
        "`make images-test` builds the images and runs them",
    ),
)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves tests out that nobody asked for."""
    left_out = any(apart.contain(collection_path) and not apart.are_asked_for(config) for apart in APART)
    return True if left_out else None


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Says what was left out."""
    for apart in APART:
        if not apart.are_asked_for(config):
            terminalreporter.write_line(f"{' and '.join(apart.directories)} left out: {apart.target}")


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


@pytest.fixture
async def redis() -> AsyncIterator[RedisProcess]:
    """A real Redis."""
    process = RedisProcess()
    await process.start()
    yield process
    await process.stop()


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.fixture
def until() -> Callable[[Callable[[], bool]], Awaitable[None]]:
    """Waits until a condition holds: `await until(lambda: engine.running == 1)`."""
    return _until
