"""What the tests of the agent service share."""

import secrets
from collections.abc import AsyncIterator, Awaitable

import grpc
import pytest
from maatu.v1 import agent_pb2, agent_pb2_grpc
from maatu_agent.backends.fake import FakeLanguageModel, FakeScript
from maatu_agent.config import Config
from maatu_agent.history import History
from maatu_agent.redis_process import RedisProcess
from maatu_agent.service import assemble
from maatu_runtime.errors import MaatuError
from maatu_runtime.status import from_rpc_error
from maatu_runtime.testing import serve


class Client:
    """Calls an agent service and gathers its answers."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = agent_pb2_grpc.AgentStub(channel)

    async def ask(self, text: str, turn: str = "t1", session: str = "s1", **options: object) -> agent_pb2.RespondDone:
        """The end of a whole answer, after checking that its deltas make up its text."""
        responses = [response async for response in self.stub.Respond(request(text, turn, session, **options))]
        assert all(response.WhichOneof("event") == "delta" for response in responses[:-1])
        done = responses[-1].done
        assert "".join(response.delta.text for response in responses[:-1]) == done.text
        return done

    async def amend(self, heard: str, turn: str = "t1", session: str = "s1") -> None:
        await self.stub.AmendTurn(agent_pb2.AmendTurnRequest(session_id=session, turn_id=turn, heard_text=heard))

    async def turns(self, session: str = "s1") -> list[tuple[str, str, bool]]:
        """What is remembered: (user text, agent text, is open) of each turn."""
        response = await self.stub.GetSession(agent_pb2.GetSessionRequest(session_id=session))
        return [(turn.user_text, turn.agent_text, turn.is_open) for turn in response.turns]

    async def refusal(self, call: Awaitable[object]) -> MaatuError:
        """The typed error that a call ends with."""
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        error = from_rpc_error(caught.value, hop="agent")
        assert isinstance(error, MaatuError), error
        return error


def request(text: str, turn: str = "t1", session: str = "s1", **options: object) -> agent_pb2.RespondRequest:
    """A request with these fields of AgentOptions."""
    return agent_pb2.RespondRequest(
        session_id=session, turn_id=turn, text=text, options=agent_pb2.AgentOptions(**options)  # type: ignore[arg-type]
    )


@pytest.fixture
async def redis() -> AsyncIterator[RedisProcess]:
    """A real Redis."""
    process = RedisProcess()
    await process.start()
    yield process
    await process.stop()


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
async def client(script: FakeScript) -> AsyncIterator[Client]:
    """A service with the fake model and a Redis of its own."""
    config = Config(backend="fake", max_concurrent_generations=1, max_waiting_generations=1)
    async with serve(assemble(FakeLanguageModel(script), config)) as channel:
        yield Client(channel)
