"""What a language model is to the agent: something that continues a conversation, token by token."""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from enum import Enum


class Role(Enum):
    """Who says a message."""

    SYSTEM = "system"
    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True)
class Message:
    """One message of a conversation."""

    role: Role
    text: str


@dataclass(frozen=True)
class Prompt:
    """What the model is to continue."""

    preamble: tuple[Message, ...]
    """Instructions and examples before the conversation: the same for many requests, so worth keeping computed."""
    conversation: tuple[Message, ...]
    """The messages of the session, oldest first; the last is what the person said now."""

    @property
    def messages(self) -> tuple[Message, ...]:
        """Both, in order."""
        return self.preamble + self.conversation


@dataclass(frozen=True)
class GenerationOptions:
    """How to answer one prompt."""

    max_tokens: int
    """Longest answer, tokens."""
    temperature: float = 0.0
    """Sampling temperature; 0 always takes the likeliest token."""
    seed: int | None = None
    """Makes a sampled answer repeatable; None draws anew each time."""
    model: str | None = None
    """Name of the model; None takes the backend's own."""


class FinishReason(Enum):
    """Why an answer ended."""

    STOP = "stop"
    """The model was done."""
    LENGTH = "length"
    """The answer reached max_tokens, or the model's context was full."""
    SAFETY = "safety"
    """The server of the model withheld the rest."""


@dataclass(frozen=True)
class Token:
    """The next characters of the answer, never half of one. Most often one token's worth."""

    text: str


@dataclass(frozen=True)
class Done:
    """The last event of an answer."""

    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    model: str
    """Name of the model that answered."""


class LanguageModel(ABC):
    """A model, in this process or behind an API. Many answers may run at once."""

    @property
    @abstractmethod
    def name(self) -> str:
        """Name of the model that answers where a request names none."""

    @abstractmethod
    async def load(self, preamble: tuple[Message, ...]) -> None:
        """Makes ready to answer quickly.

        Args:
            preamble: The one most prompts will begin with; its computation is kept.

        Raises:
            ModelNotInstalled: The model is missing.
            ConfigurationError: The settings do not fit the model.
        """

    @abstractmethod
    async def close(self) -> None:
        """Releases everything."""

    @abstractmethod
    def count_tokens(self, text: str) -> int:
        """Length of a text in the model's tokens; an estimate where the tokens are not known here."""

    @abstractmethod
    def stream(self, prompt: Prompt, options: GenerationOptions) -> AsyncGenerator[Token | Done]:
        """Answers a prompt: tokens as they are generated, then one Done.

        A consumer that leaves (`aclose`, cancellation) stops the generation within one token, and nothing is left running.

        Raises:
            InvalidText: The prompt is longer than the model reads.
            Unsupported: The model has not what the options ask for.
            ModelFailed: The model broke on this prompt.
            HopUnavailable: The server of the model does not answer; hop "llm".
            CapacityExceeded: The server of the model is full.
        """
