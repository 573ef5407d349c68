"""A client of the agent service for tests: calls it, gathers its answers and reads its errors."""

from collections.abc import Awaitable
from typing import TypeAlias

import grpc

from maatu.v1 import agent_pb2, agent_pb2_grpc
from maatu_runtime.errors import MaatuError
from maatu_runtime.status import from_rpc_error

Call: TypeAlias = "grpc.aio.UnaryStreamCall[agent_pb2.RespondRequest, agent_pb2.RespondResponse]"
"""An answer under way."""


def make_request(text: str, turn: str = "t1", session: str = "s1", **options: object) -> agent_pb2.RespondRequest:
    """A request; `options` are fields of AgentOptions."""
    return agent_pb2.RespondRequest(
        session_id=session,
        turn_id=turn,
        text=text,
        options=agent_pb2.AgentOptions(**options),  # type: ignore[arg-type]
    )


class AgentClient:
    """Calls an agent service.

    Args:
        channel: To the service.
    """

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self.stub = agent_pb2_grpc.AgentStub(channel)

    def respond(self, request: agent_pb2.RespondRequest) -> Call:
        """A call under way: read its responses with `async for`, or one at a time with `next_response`."""
        return self.stub.Respond(request)

    @staticmethod
    async def next_response(call: Call) -> agent_pb2.RespondResponse:
        """The next response of a call."""
        return await anext(aiter(call))

    async def ask(self, text: str, turn: str = "t1", session: str = "s1", **options: object) -> agent_pb2.RespondDone:
        """The end of a whole answer.

        Raises:
            AssertionError: Its deltas do not make up its text.
        """
        *deltas, last = [response async for response in self.respond(make_request(text, turn, session, **options))]
        assert "".join(response.delta.text for response in deltas) == last.done.text
        return last.done

    async def amend(self, heard: str, turn: str = "t1", session: str = "s1") -> None:
        """Says what was heard of a turn."""
        await self.stub.AmendTurn(agent_pb2.AmendTurnRequest(session_id=session, turn_id=turn, heard_text=heard))

    async def session(self, session: str = "s1") -> agent_pb2.GetSessionResponse:
        """What is remembered of a session."""
        return await self.stub.GetSession(agent_pb2.GetSessionRequest(session_id=session))

    async def turns(self, session: str = "s1") -> list[tuple[str, str, bool]]:
        """The remembered turns: (user text, agent text, is open) of each."""
        return [(turn.user_text, turn.agent_text, turn.is_open) for turn in (await self.session(session)).turns]

    async def delete(self, session: str = "s1") -> None:
        """Forgets a session."""
        await self.stub.DeleteSession(agent_pb2.DeleteSessionRequest(session_id=session))

    @staticmethod
    async def refusal(call: Awaitable[object]) -> MaatuError:
        """The typed error that a call ends with.

        Raises:
            AssertionError: It succeeds, or ends with another error.
        """
        try:
            await call
        except grpc.aio.AioRpcError as status:
            error = from_rpc_error(status, hop="agent")
            assert isinstance(error, MaatuError), error
            return error
        raise AssertionError("the call succeeded")
