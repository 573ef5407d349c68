"""What the gateway's tests share."""

from collections.abc import AsyncIterator

import pytest

from maatu_gateway.fake import FakeGraph, serve_graph


@pytest.fixture
async def graph() -> AsyncIterator[FakeGraph]:
    """A real gateway in front of fake services with their default script."""
    async with serve_graph() as graph:
        yield graph
