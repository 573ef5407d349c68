"""What the model reads: instructions, examples of the manner wanted, and as much of the conversation as there is room for."""

from collections.abc import Callable, Iterable, Sequence

from maatu_agent.backends.base import Message, Prompt, Role
from maatu_agent.history import Turn

SYSTEM_PROMPT = (
    "You are a helpful assistant on the phone. Answer briefly, in plain spoken English, with one or two short sentences. "
    "Never use lists or markup."
)
"""The default instructions."""

EXAMPLES: tuple[tuple[str, str], ...] = (
    ("How do I make coffee?", "Sure, first boil some water. Then pour it slowly over two spoons of ground coffee."),
)
"""Questions and answers that show a small model the manner wanted. One, because each has its price: this one keeps
SmolLM2-135M from answering "How do I …?" with numbered lists, while more of them made it remember and know less."""


def preamble(system_prompt: str, examples: Iterable[tuple[str, str]]) -> tuple[Message, ...]:
    """Instructions, then examples as if they had been said before."""
    messages = [Message(Role.SYSTEM, system_prompt)] if system_prompt else []
    for question, answer in examples:
        messages += [Message(Role.USER, question), Message(Role.ASSISTANT, answer)]
    return tuple(messages)


class PromptWriter:
    """Writes the prompt of a turn.

    Args:
        default: The preamble of requests that bring no instructions of their own.
        history_tokens: Most tokens of earlier turns; beyond it the oldest are left out.
    """

    def __init__(self, default: tuple[Message, ...], *, history_tokens: int) -> None:
        self.default = default
        self._history_tokens = history_tokens

    def write(
        self, user_text: str, earlier: Sequence[Turn], *, system_prompt: str | None, count_tokens: Callable[[str], int]
    ) -> tuple[Prompt, int]:
        """The prompt, and how many of the earlier turns it holds.

        Args:
            user_text: What the person says now.
            earlier: The answered turns before, oldest first.
            system_prompt: Instructions in place of the default ones and their examples; None takes the default.
            count_tokens: Length of a text in tokens.
        """
        first = len(earlier)
        room = self._history_tokens
        while first > 0:
            turn = earlier[first - 1]
            room -= count_tokens(turn.user_text) + count_tokens(turn.agent_text)
            if room < 0:
                break
            first -= 1
        conversation: list[Message] = []
        for turn in earlier[first:]:
            _say(conversation, turn.user_text)
            if turn.agent_text:
                conversation.append(Message(Role.ASSISTANT, turn.agent_text))
        _say(conversation, user_text)
        start = self.default if system_prompt is None else preamble(system_prompt, ())
        return Prompt(start, tuple(conversation)), len(earlier) - first


def _say(conversation: list[Message], text: str) -> None:
    """Adds words of the person. After a turn of which nothing was heard they continue its words: models expect alternation."""
    if conversation and conversation[-1].role is Role.USER:
        text = f"{conversation.pop().text}\n{text}"
    conversation.append(Message(Role.USER, text))
