"""What the tests of the agent service share."""

import asyncio
import secrets
from collections.abc import AsyncIterator

import pytest

from maatu_agent.backends.fake import FakeLanguageModel, FakeScript
from maatu_agent.config import Config
from maatu_agent.history import History
from maatu_agent.redis_process import RedisProcess
from maatu_agent.service import assemble
from maatu_agent.testing import AgentClient
from maatu_runtime.testing import leftover_tasks, serve_at


@pytest.fixture
async def history(redis: RedisProcess) -> AsyncIterator[History]:
    """A history of three turns on it."""
    history = History(redis.url, max_turns=3, ttl_s=180)
    yield history
    await history.close()


@pytest.fixture
def session() -> str:
    """Id of a new session."""
    return secrets.token_hex(4)


@pytest.fixture
def script() -> FakeScript:
    """What the fake model does."""
    return FakeScript()


@pytest.fixture
async def client(script: FakeScript) -> AsyncIterator[AgentClient]:
    """A service with the fake model, one place, one waiter, and a Redis of its own."""
    config = Config(backend="fake", max_concurrent_generations=1, max_waiting_generations=1)
    before = asyncio.all_tasks()
    async with serve_at(assemble(FakeLanguageModel(script), config)) as served:
        yield AgentClient(served.channel)
    # Fixtures begin and end in tasks of their own.
    left = await leftover_tasks({*before, *filter(None, [asyncio.current_task()])})
    assert not left, f"tasks left behind: {left}"
