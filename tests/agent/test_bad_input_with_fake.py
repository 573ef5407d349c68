"""Requests that are refused, over gRPC, with the fake model."""

from typing import Any

import pytest

from maatu.v1 import agent_pb2
from maatu_agent.backends.fake import FakeScript
from maatu_agent.testing import AgentClient, make_request
from maatu_runtime.errors import InvalidRequest, InvalidText, MaatuError, NotFound, Unsupported, UnsupportedLanguage


def _request(**fields: Any) -> agent_pb2.RespondRequest:
    message = make_request("Hello")
    for name, value in fields.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    ("message", "kind", "reason", "field"),
    [
        (_request(session_id=""), InvalidRequest, "INVALID_FIELD", "session_id"),
        (_request(session_id="x" * 129), InvalidRequest, "INVALID_FIELD", "session_id"),
        (_request(session_id="a b"), InvalidRequest, "INVALID_FIELD", "session_id"),
        (_request(turn_id="ಮಾತು"), InvalidRequest, "INVALID_FIELD", "turn_id"),
        (_request(turn_id="t\n"), InvalidRequest, "INVALID_FIELD", "turn_id"),
        (_request(text=""), InvalidText, "EMPTY_TEXT", "text"),
        (_request(text=" \n"), InvalidText, "EMPTY_TEXT", "text"),
        (_request(text="x" * 5_001), InvalidText, "TEXT_TOO_LONG", "text"),
        (_request(user_language_code="Kannada"), UnsupportedLanguage, "UNSUPPORTED_LANGUAGE", "user_language_code"),
        (_request(priority=9), InvalidRequest, "INVALID_FIELD", "priority"),
        (make_request("Hi", max_tokens=0), InvalidRequest, "INVALID_FIELD", "options.max_tokens"),
        (make_request("Hi", max_tokens=4_097), InvalidRequest, "INVALID_FIELD", "options.max_tokens"),
        (make_request("Hi", temperature=-0.1), InvalidRequest, "INVALID_FIELD", "options.temperature"),
        (make_request("Hi", temperature=2.1), InvalidRequest, "INVALID_FIELD", "options.temperature"),
        (make_request("Hi", temperature=float("nan")), InvalidRequest, "INVALID_FIELD", "options.temperature"),
        (make_request("Hi", system_prompt="x" * 4_001), InvalidText, "TEXT_TOO_LONG", "options.system_prompt"),
        (make_request("Hi", tools=True), Unsupported, "UNSUPPORTED_BY_ENGINE", "options.tools"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_bad_respond_is_refused_with_fake(
    client: AgentClient,
    script: FakeScript,
    message: agent_pb2.RespondRequest,
    kind: type[MaatuError],
    reason: str,
    field: str,
) -> None:
    error = await client.refusal(client.next_response(client.respond(message)))
    assert type(error) is kind
    assert (error.reason, error.field) == (reason, field)
    assert script.prompts == []


async def test_what_is_just_allowed_is_taken_with_fake(client: AgentClient) -> None:
    message = make_request(
        "x" * 5_000, turn="A-z_0.9" + "x" * 121, max_tokens=4_096, temperature=2.0, tools=False, seed=0
    )
    message.user_language_code = "kn-IN"
    assert [response async for response in client.respond(message)][-1].HasField("done")


async def test_unknown_sessions_and_turns_are_not_found_with_fake(client: AgentClient) -> None:
    for call in (
        client.amend("x", session="nobody"),
        client.session("nobody"),
        client.delete("nobody"),
    ):
        error = await client.refusal(call)
        assert isinstance(error, NotFound)
        assert error.reason == "SESSION_NOT_FOUND"
    await client.ask("Hi")
    error = await client.refusal(client.amend("x", turn="t2"))
    assert isinstance(error, NotFound)
    assert error.reason == "TURN_NOT_FOUND"


async def test_bad_ids_and_too_long_heard_text_are_refused_with_fake(client: AgentClient) -> None:
    for call, field in (
        (client.amend("x", session=""), "session_id"),
        (client.amend("x", turn=""), "turn_id"),
        (client.amend("x" * 20_001), "heard_text"),
        (client.session("a/b"), "session_id"),
        (client.delete(""), "session_id"),
    ):
        error = await client.refusal(call)
        assert isinstance(error, InvalidRequest)
        assert error.field == field
