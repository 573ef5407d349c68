"""Reads and checks the requests of the service."""

import math
import re

from maatu.v1 import agent_pb2, common_pb2
from maatu_agent.agent import Question
from maatu_agent.backends.base import GenerationOptions
from maatu_runtime.errors import InvalidRequest, InvalidText, Unsupported
from maatu_runtime.language import Language
from maatu_runtime.places import Priority

MAX_TEXT_CHARACTERS = 5_000
MAX_HEARD_CHARACTERS = 20_000
"""The longest answer, 4,096 tokens, with room to spare."""
MAX_SYSTEM_PROMPT_CHARACTERS = 4_000
MAX_TOKENS = 4_096
MAX_TEMPERATURE = 2.0
_ID = re.compile(r"[A-Za-z0-9._-]{1,128}")
_PRIORITIES = {
    common_pb2.PRIORITY_UNSPECIFIED: Priority.INTERACTIVE,
    common_pb2.PRIORITY_BATCH: Priority.BATCH,
    common_pb2.PRIORITY_INTERACTIVE: Priority.INTERACTIVE,
    common_pb2.PRIORITY_FIRST_CLAUSE: Priority.FIRST_CLAUSE,
}


def read_question(request: agent_pb2.RespondRequest, *, max_tokens: int, temperature: float) -> Question:
    """The turn that a request brings.

    Args:
        request: As it came.
        max_tokens: Where the request does not say.
        temperature: Where the request does not say.

    Raises:
        InvalidRequest: A field holds a value that is not allowed; `field` names it.
        InvalidText: The text is empty or too long.
        UnsupportedLanguage: The tag of the person's language is malformed.
        Unsupported: Tools are asked for.
    """
    options = request.options
    if not request.text.strip():
        raise InvalidText("the text is empty: say what the person said", field="text")
    if request.user_language_code:
        Language.parse(request.user_language_code, field="user_language_code")
    if options.tools:
        raise Unsupported("this agent has no tools: leave options.tools out", field="options.tools")
    if request.priority not in _PRIORITIES:
        raise InvalidRequest(f"{request.priority} is no priority", field="priority")
    return Question(
        session_id=read_id(request.session_id, "session_id"),
        turn_id=read_id(request.turn_id, "turn_id"),
        text=_at_most(request.text, MAX_TEXT_CHARACTERS, "text"),
        options=GenerationOptions(
            max_tokens=_max_tokens(options.max_tokens) if options.HasField("max_tokens") else max_tokens,
            temperature=_temperature(options.temperature) if options.HasField("temperature") else temperature,
            seed=options.seed if options.HasField("seed") else None,
            model=options.model or None,
        ),
        system_prompt=_at_most(options.system_prompt, MAX_SYSTEM_PROMPT_CHARACTERS, "options.system_prompt")
        if options.HasField("system_prompt")
        else None,
        priority=_PRIORITIES[request.priority],
    )


def read_heard_text(request: agent_pb2.AmendTurnRequest) -> str:
    """What was heard of an answer; may be empty.

    Raises:
        InvalidText: It is longer than any answer.
    """
    return _at_most(request.heard_text, MAX_HEARD_CHARACTERS, "heard_text")


def read_id(value: str, field: str) -> str:
    """The id of a session or turn.

    Raises:
        InvalidRequest: It is empty, too long or has other characters than those allowed.
    """
    if _ID.fullmatch(value) is None:
        raise InvalidRequest(f"{field} must be 1 to 128 of letters, digits, '-', '_' and '.'", field=field)
    return value


def _at_most(text: str, characters: int, field: str) -> str:
    if len(text) > characters:
        raise InvalidText(
            f"{field} has {len(text)} characters, at most {characters} are taken", reason="TEXT_TOO_LONG", field=field
        )
    return text


def _max_tokens(value: int) -> int:
    if not 1 <= value <= MAX_TOKENS:
        raise InvalidRequest(f"max_tokens is {value}, it must be 1 to {MAX_TOKENS}", field="options.max_tokens")
    return value


def _temperature(value: float) -> float:
    if not math.isfinite(value) or not 0 <= value <= MAX_TEMPERATURE:
        raise InvalidRequest(f"temperature is {value:g}, it must be 0 to 2", field="options.temperature")
    return value
