"""How conversations are divided between the stable side of a service and its canary.

    make bench-canary              or: python bench/canary.py --sessions 1000

A real gateway over real gRPC, a real traffic file, scripted services: a stable one and a canary of each. Which side answered is
read from the answers themselves.

1. So many sessions open a conversation each, at 10 %: the share of the canary, for each service.
2. All conversations go on while the percentage changes to 50, to 0 and back: how many change side.
3. The gateway is restarted and all sessions are resumed: how many change side.
4. What a draw costs, and what a look at a file costs that has not changed.
"""

import argparse
import asyncio
import gc
import json
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeVar

from figures import Figure, figure, publish
from opentelemetry.sdk.trace import TracerProvider
from prometheus_client import REGISTRY

from maatu.v1 import common_pb2, gateway_pb2, gateway_pb2_grpc
from maatu_gateway.config import Config
from maatu_gateway.fake import make_config, make_text, serve_graph
from maatu_gateway.service import assemble
from maatu_gateway.traffic import HOP_NAMES, Canary, HopName, Traffic, is_drawn
from maatu_runtime.testing import FakeServices, serve_at

PERCENT = 10
AT_ONCE = 8
"""Turns under way at once; more would only wait for the processor."""
CANARY_ANSWER = "The canary answers."
STABLE_ANSWER = "The stable side answers."
ID = "2026-11-21T17:00:00Z"
BOUNDS = (7, 13)
"""Percent that 1,000 sessions at 10 % may come to: three standard deviations of a fair draw are 2.8."""

T = TypeVar("T")


def share(name: str, drawn: int, sessions: int) -> Figure:
    """The canary's share of the sessions as a figure, held against its bounds."""
    percent = 100 * drawn / sessions
    low, high = BOUNDS
    return Figure(
        name, round(percent, 2), "%", target=f"{low} to {high}", met=low <= percent <= high, runs=sessions, p95=None
    )


def moved(before: Sequence[str], after: Sequence[str]) -> int:
    """Sessions that were answered by another side than before."""
    return sum(one != other for one, other in zip(before, after, strict=True))


async def each(work: Callable[[T], Awaitable[Any]], items: Sequence[T]) -> list[Any]:
    """Works on all items, AT_ONCE at a time, and returns what came of them in their order."""
    places = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> Any:
        async with places:
            return await work(item)

    return await asyncio.gather(*[one(item) for item in items])


class Talk:
    """A conversation that stays open between its turns."""

    def __init__(self, stub: Any) -> None:
        self._call = stub.Converse()
        self.session_id = ""

    async def open(self) -> None:
        """Begins the conversation."""
        await self._call.write(make_config())
        self.session_id = (await self._call.read()).event.ready.session_id

    async def turn(self) -> str:
        """Holds a turn; returns which agent answered."""
        await self._call.write(make_text("hello"))
        while not (event := (await self._call.read()).event).HasField("report"):
            assert not event.HasField("status"), event
        return str(event.report.agent_text)

    async def close(self) -> None:
        """Ends the conversation."""
        await self._call.write(gateway_pb2.ConverseRequest(end_of_input=common_pb2.EndOfInput()))
        await self._call.done_writing()
        await self._call.read()


async def resume(stub: Any, session_id: str) -> str:
    """One more turn of a session on a stream of its own; returns which agent answered."""
    request = gateway_pb2.AskRequest(config=make_config(session_id=session_id).config, text="hello again")
    events = [response.event async for response in stub.Ask(request)]
    return str(events[-1].report.agent_text)


@asynccontextmanager
async def restarted(config: Config) -> AsyncIterator[Any]:
    """A stub of another gateway, made anew with the settings of the first."""
    provider = TracerProvider(shutdown_on_exit=False)
    async with serve_at(assemble(config, provider.get_tracer("maatu"))[0], config, provider) as served:
        yield gateway_pb2_grpc.VoiceGatewayStub(served.channel)


def write_traffic(path: Path, targets: Mapping[HopName, str], percent: float) -> None:
    """Writes the traffic file: a canary of each service with the same percentage."""
    table = {hop: {"target": target, "percent": percent, "id": ID} for hop, target in targets.items()}
    path.write_text(json.dumps(table))


async def known(traffic: Traffic, percent: float) -> None:
    """Waits until the gateway has taken the percentage from the file."""
    async with asyncio.timeout(10):
        while {canary.percent for canary in traffic.canaries.values()} != {percent}:
            await asyncio.sleep(0.01)


def drawn_so_far(hop: str) -> int:
    """Conversations that the gateway's own metric says were drawn for a canary."""
    return int(REGISTRY.get_sample_value("maatu_gateway_sides_drawn_total", {"hop": hop, "side": "canary"}) or 0)


async def measure(sessions: int, path: Path) -> list[Figure]:
    """Shares and moves."""
    stable, canary = FakeServices(answer=STABLE_ANSWER), FakeServices(answer=CANARY_ANSWER)
    canary.agent.sessions = stable.agent.sessions  # agents share their sessions by Redis
    settings: dict[str, Any] = {"traffic_file": path, "traffic_poll_s": 0.05, "max_concurrent_requests": 2 * sessions}
    before = {hop: drawn_so_far(hop) for hop in HOP_NAMES}
    async with serve_graph(stable, second=canary, idle_timeout_s=3600, **settings) as graph:
        traffic = graph.backends.traffic
        targets = {hop: graph.served[f"second {hop}"].target for hop in HOP_NAMES}
        write_traffic(path, targets, PERCENT)
        await known(traffic, PERCENT)
        talks = [Talk(graph.stub) for _ in range(sessions)]
        await each(Talk.open, talks)
        first = await each(Talk.turn, talks)
        figures = [
            share(f"{sessions} sessions at {PERCENT} %: conversations on the canary of {hop}", count, sessions)
            for hop, count in ((hop, drawn_so_far(hop) - before[hop]) for hop in HOP_NAMES)
        ]
        answered = sum(answer == CANARY_ANSWER for answer in first)
        figures.append(share("… answered by the canary of agent", answered, sessions))
        moves = 0
        for percent in (50, 0, PERCENT):
            write_traffic(path, targets, percent)
            await known(traffic, percent)
            moves += moved(first, await each(Talk.turn, talks))
        figures.append(figure("sessions moved while the percentage went 10, 50, 0, 10", [moves], "sessions", at_most=0))
        await each(Talk.close, talks)
        await graph.until_idle()
        async with restarted(graph.config) as stub:
            resumed = await each(lambda talk: resume(stub, talk.session_id), talks)
        figures.append(
            figure("sessions moved across a restart of the gateway", [moved(first, resumed)], "sessions", at_most=0)
        )
        write_traffic(path, targets, 2 * PERCENT)
        async with restarted(graph.config) as stub:
            raised = await each(lambda talk: resume(stub, talk.session_id), talks)
        left = sum((one, two) == (CANARY_ANSWER, STABLE_ANSWER) for one, two in zip(first, raised, strict=True))
        figures.append(
            figure("sessions that left the canary: resumed after a restart, at 20 %", [left], "sessions", at_most=0)
        )
        figures.append(figure("… that joined it", [moved(first, raised) - left], "sessions"))
    return figures


async def costs(path: Path, repeats: int) -> list[Figure]:
    """What drawing and looking cost, microseconds."""

    def us(work: Callable[[], object], number: int = 200) -> list[float]:
        values = []
        for _ in range(repeats):
            begun = time.perf_counter()
            for _ in range(number):
                work()
            values.append((time.perf_counter() - begun) / number * 1e6)
        return values

    canary = Canary("dns:///canary:50051", PERCENT, ID)
    write_traffic(path, dict.fromkeys(HOP_NAMES, canary.target), PERCENT)
    _, _, backends = assemble(Config(traffic_file=path), TracerProvider(shutdown_on_exit=False).get_tracer("maatu"))
    await backends.start()
    numbers = iter(range(repeats * 200))

    def converse() -> None:
        with backends.drawn(f"session-{next(numbers)}"):
            pass

    try:
        figures = [
            figure("draw of one side", us(lambda: is_drawn("3f2a9c", "stt", canary)), "µs", at_most=20),
            figure("all sides of a conversation, metrics included", us(converse), "µs", at_most=200),
        ]
        looks = []
        for _ in range(repeats):
            begun = time.perf_counter()
            await backends.traffic.refresh()
            looks.append((time.perf_counter() - begun) * 1e6)
        figures.append(figure("look at an unchanged file, each second, on a thread", looks, "µs"))
    finally:
        await backends.close()
    return figures


async def run(sessions: int, repeats: int = 100) -> list[Figure]:
    """All figures."""
    with tempfile.TemporaryDirectory() as directory:
        return [
            *await measure(sessions, Path(directory) / "traffic.json"),
            *await costs(Path(directory) / "costs.json", repeats),
        ]


def main() -> None:
    """Entry point."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sessions", type=int, default=1000, help="sessions (default 1000)")
    # All parts share one process here: collecting what a thousand conversations left would stop it past its deadlines.
    gc.disable()
    publish("canary", asyncio.run(run(parser.parse_args().sessions)))


if __name__ == "__main__":
    main()
