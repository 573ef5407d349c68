"""maatu.v1.Agent: protobuf ⇄ the agent and its history."""

from collections.abc import AsyncGenerator
from contextlib import aclosing
from typing import Any

from maatu.v1 import agent_pb2, agent_pb2_grpc
from maatu_agent.agent import Agent, Answer
from maatu_agent.backends.base import FinishReason
from maatu_agent.history import History, Turn, TurnState
from maatu_agent.requests import read_heard_text, read_id, read_question
from maatu_runtime import durations

_FINISH_REASONS = {
    FinishReason.STOP: agent_pb2.FINISH_REASON_STOP,
    FinishReason.LENGTH: agent_pb2.FINISH_REASON_LENGTH,
    FinishReason.SAFETY: agent_pb2.FINISH_REASON_SAFETY,
}


class AgentServicer(agent_pb2_grpc.AgentServicer):
    """The service.

    Args:
        agent: Answers.
        history: Remembers.
        max_tokens: Longest answer where a request does not say.
        temperature: Where a request does not say.
    """

    def __init__(self, agent: Agent, history: History, *, max_tokens: int, temperature: float) -> None:
        self._agent = agent
        self._history = history
        self._max_tokens = max_tokens
        self._temperature = temperature

    async def Respond(
        self, request: agent_pb2.RespondRequest, context: Any
    ) -> AsyncGenerator[agent_pb2.RespondResponse]:
        """Answers one turn."""
        question = read_question(request, max_tokens=self._max_tokens, temperature=self._temperature)
        async with aclosing(self._agent.respond(question)) as pieces:
            async for piece in pieces:
                if isinstance(piece, Answer):
                    yield agent_pb2.RespondResponse(done=_done(piece))
                else:
                    yield agent_pb2.RespondResponse(delta=agent_pb2.TextDelta(text=piece))

    async def AmendTurn(self, request: agent_pb2.AmendTurnRequest, context: Any) -> agent_pb2.AmendTurnResponse:
        """Writes what was heard of a turn."""
        session_id = read_id(request.session_id, "session_id")
        turn_id = read_id(request.turn_id, "turn_id")
        await self._history.amend(session_id, turn_id, read_heard_text(request))
        return agent_pb2.AmendTurnResponse()

    async def GetSession(self, request: agent_pb2.GetSessionRequest, context: Any) -> agent_pb2.GetSessionResponse:
        """Tells what is remembered."""
        session = await self._history.read(read_id(request.session_id, "session_id"))
        return agent_pb2.GetSessionResponse(
            turns=[_turn(turn) for turn in session.turns], expires_in=durations.from_seconds(session.expires_in_s)
        )

    async def DeleteSession(
        self, request: agent_pb2.DeleteSessionRequest, context: Any
    ) -> agent_pb2.DeleteSessionResponse:
        """Forgets a session."""
        await self._history.delete(read_id(request.session_id, "session_id"))
        return agent_pb2.DeleteSessionResponse()


def _done(answer: Answer) -> agent_pb2.RespondDone:
    return agent_pb2.RespondDone(
        text=answer.text,
        finish_reason=_FINISH_REASONS[answer.finish_reason],
        prompt_tokens=answer.prompt_tokens,
        completion_tokens=answer.completion_tokens,
        time_to_first_token=durations.from_seconds(answer.time_to_first_token_s),
        model=answer.model,
        history_turns=answer.history_turns,
    )


def _turn(turn: Turn) -> agent_pb2.RememberedTurn:
    return agent_pb2.RememberedTurn(
        turn_id=turn.turn_id,
        user_text=turn.user_text,
        agent_text=turn.agent_text,
        is_open=turn.state is TurnState.OPEN,
    )
