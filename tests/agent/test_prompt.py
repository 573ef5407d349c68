"""What the model is given to read."""

from maatu_agent.backends.base import Message, Role
from maatu_agent.history import Turn, TurnState
from maatu_agent.prompt import EXAMPLES, SYSTEM_PROMPT, PromptWriter, preamble


def _turn(number: int, user: str, agent: str) -> Turn:
    return Turn(f"t{number}", number, user, agent, TurnState.COMPLETE)


def _words(text: str) -> int:
    return len(text.split())


def _write(
    turns: list[Turn], *, history_tokens: int = 100, system_prompt: str | None = None
) -> tuple[tuple[Message, ...], tuple[Message, ...], int]:
    writer = PromptWriter(preamble(SYSTEM_PROMPT, EXAMPLES), history_tokens=history_tokens)
    prompt, count = writer.write("now", turns, system_prompt=system_prompt, count_tokens=_words)
    return prompt.preamble, prompt.conversation, count


def test_the_oldest_turns_are_left_out_where_there_is_no_room() -> None:
    turns = [_turn(n, f"question {n}", "an answer of five words") for n in range(4)]
    _, conversation, count = _write(turns, history_tokens=14)
    assert count == 2
    assert [message.text for message in conversation][::2] == ["question 2", "question 3", "now"]


def test_a_turn_too_long_for_the_room_leaves_out_those_before_it_too() -> None:
    turns = [_turn(1, "short", "short"), _turn(2, "long", "word " * 50), _turn(3, "last", "last")]
    _, conversation, count = _write(turns, history_tokens=10)
    assert count == 1
    assert conversation[0].text == "last"


def test_roles_alternate_where_nothing_was_heard() -> None:
    turns = [_turn(1, "one", ""), _turn(2, "two", ""), _turn(3, "three", "answer"), _turn(4, "four", "")]
    _, conversation, count = _write(turns)
    assert count == 4
    assert [(message.role, message.text) for message in conversation] == [
        (Role.USER, "one\ntwo\nthree"),
        (Role.ASSISTANT, "answer"),
        (Role.USER, "four\nnow"),
    ]


def test_instructions_of_the_request_replace_the_default_ones_and_the_examples() -> None:
    assert _write([], system_prompt="Be curt.")[0] == (Message(Role.SYSTEM, "Be curt."),)
    assert _write([], system_prompt="")[0] == ()
    assert len(_write([])[0]) == 1 + 2 * len(EXAMPLES)
