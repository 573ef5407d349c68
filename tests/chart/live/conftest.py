"""The pods of values-local.yaml, running."""

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.chart.helm import Helm
from tests.chart.local_cluster import LocalCluster
from tests.chart.pods import LocalPod
from tests.chart.rendering import COMPONENTS

DRAIN_NOTICE_S = 1
"""Nobody else's endpoints have to notice, and the tests need not wait for them."""


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def pods(
    helm: Helm, models_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[dict[str, LocalPod]]:
    """A pod of each component, and Redis, each past its startup probe; by component."""
    values = {"components": {name: {"drain": {"noticeSeconds": DRAIN_NOTICE_S}} for name in COMPONENTS}}
    rendered = helm.template("values-local.yaml", values=values)
    # An address for each test run: two runs on one machine do not meet.
    subnet = f"127.{20 + os.getpid() % 200}.{os.getpid() // 200 % 250}"
    cluster = LocalCluster(rendered, tmp_path_factory.mktemp("pods"), models_dir, subnet)
    made = cluster.pods([f"maatu-{name}" for name in ("redis", *COMPONENTS)])
    try:
        async with asyncio.TaskGroup() as group:
            for pod in made.values():
                group.create_task(pod.start(), name=pod.name)
        yield {name.removeprefix("maatu-"): pod for name, pod in made.items()}
    finally:
        for pod in made.values():
            await pod.kill()
