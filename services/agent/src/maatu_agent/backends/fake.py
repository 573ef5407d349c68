"""A scripted model: it says what it is told, when it is told."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass, field

from maatu_agent.backends.base import (
    Done,
    FinishReason,
    GenerationOptions,
    LanguageModel,
    Message,
    Prompt,
    Token,
)


@dataclass
class FakeScript:
    """What the fake does. Change it between calls at will."""

    answer: str = "The first clause, then the rest of it. And a second sentence."
    """What it says, a word a token; options.max_tokens cuts it."""
    first_token_delay_s: float = 0.0
    """From the call to the first token."""
    token_delay_s: float = 0.0
    """Between later tokens."""
    error: Exception | None = None
    """Raised instead of going on."""
    error_after: int = 0
    """Tokens given before `error`."""
    hold_after: int | None = None
    """Waits for `release` once that many tokens were given."""
    release: asyncio.Event = field(default_factory=asyncio.Event)
    """Lets a held answer go on."""
    prompts: list[Prompt] = field(default_factory=list)
    """Prompts that came."""
    options: list[GenerationOptions] = field(default_factory=list)
    """Their options."""
    running: int = 0
    """Answers under way."""


class FakeLanguageModel(LanguageModel):
    """Speaks the script. A token of it is a word with the space before it."""

    def __init__(self, script: FakeScript) -> None:
        self.script = script
        self.is_loaded = False

    @property
    def name(self) -> str:
        return "fake"

    async def load(self, preamble: tuple[Message, ...]) -> None:
        self.is_loaded = True

    async def close(self) -> None:
        self.is_loaded = False

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    async def stream(self, prompt: Prompt, options: GenerationOptions) -> AsyncGenerator[Token | Done]:
        script = self.script
        script.prompts.append(prompt)
        script.options.append(options)
        words = script.answer.split(" ")
        script.running += 1
        try:
            for index, word in enumerate(words[: options.max_tokens]):
                await asyncio.sleep(script.token_delay_s if index else script.first_token_delay_s)
                await self._stumble(index)
                yield Token(f" {word}" if index else word)
            await self._stumble(len(words))
        finally:
            script.running -= 1
        yield Done(
            finish_reason=FinishReason.LENGTH if len(words) > options.max_tokens else FinishReason.STOP,
            prompt_tokens=sum(self.count_tokens(message.text) for message in prompt.messages),
            completion_tokens=min(len(words), options.max_tokens),
            model=self.name,
        )

    async def _stumble(self, index: int) -> None:
        if self.script.hold_after == index:
            await self.script.release.wait()
        if self.script.error is not None and index >= self.script.error_after:
            raise self.script.error
