"""Any server that speaks OpenAI's streaming chat API: vLLM in the cluster, or a hosted one."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import openai
from openai.types.chat import ChatCompletionMessageParam

from maatu_agent.backends.base import (
    Done,
    FinishReason,
    GenerationOptions,
    LanguageModel,
    Message,
    Prompt,
    Token,
)
from maatu_runtime.errors import (
    CapacityExceeded,
    HopUnavailable,
    InvalidText,
    MaatuError,
    ModelFailed,
    Unsupported,
)

HOP = "llm"
"""How errors name the server of the model."""
_CHARACTERS_A_TOKEN = 4
_FINISH_REASONS = {
    "stop": FinishReason.STOP,
    "length": FinishReason.LENGTH,
    "content_filter": FinishReason.SAFETY,
}


@dataclass(frozen=True)
class OpenAiSettings:
    """Where the server is and what it is asked for."""

    base_url: str
    """Root of the API: "http://vllm:8000/v1"."""
    model: str
    """Name of the model as the server knows it."""
    api_key: str = "none"
    """Sent as bearer token; servers of one's own mostly want none."""
    connect_timeout_s: float = 1.0
    """Longest wait for a connection."""
    token_timeout_s: float = 10.0
    """Longest wait for the first token and between tokens."""


class OpenAiCompatible(LanguageModel):
    """A model behind an OpenAI-compatible API.

    A failed request is not tried again here: the caller knows how much of the turn's time is left.

    Args:
        settings: Where and what.
    """

    def __init__(self, settings: OpenAiSettings) -> None:
        self._settings = settings
        self._client = openai.AsyncOpenAI(
            base_url=settings.base_url,
            api_key=settings.api_key,
            max_retries=0,
            timeout=openai.Timeout(settings.token_timeout_s, connect=settings.connect_timeout_s),
        )

    @property
    def name(self) -> str:
        return self._settings.model

    async def load(self, preamble: tuple[Message, ...]) -> None:
        """Nothing to load: the server may come up after the agent, and until then requests say so."""

    async def close(self) -> None:
        await self._client.close()

    def count_tokens(self, text: str) -> int:
        return len(text.encode()) // _CHARACTERS_A_TOKEN + 1

    async def stream(self, prompt: Prompt, options: GenerationOptions) -> AsyncGenerator[Token | Done]:
        model = options.model or self.name
        finish: FinishReason | None = None
        prompt_tokens = completion_tokens = 0
        async with (
            self._errors(model),
            await self._client.chat.completions.create(
                model=model,
                messages=[_param(message) for message in prompt.messages],
                max_tokens=options.max_tokens,
                temperature=options.temperature,
                seed=options.seed if options.seed is not None else openai.omit,
                stream=True,
                stream_options={"include_usage": True},
            ) as chunks,
        ):
            async for chunk in chunks:
                if chunk.usage is not None:
                    prompt_tokens, completion_tokens = chunk.usage.prompt_tokens, chunk.usage.completion_tokens
                for choice in chunk.choices[:1]:
                    if choice.delta.content:
                        yield Token(choice.delta.content)
                    if choice.finish_reason is not None:
                        finish = _FINISH_REASONS.get(choice.finish_reason, FinishReason.STOP)
        if finish is None:
            raise HopUnavailable(HOP, "the answer broke off")
        yield Done(finish, prompt_tokens, completion_tokens, model)

    @asynccontextmanager
    async def _errors(self, model: str) -> AsyncGenerator[None]:
        """Raises the client library's errors as ours."""
        try:
            yield
        except openai.APITimeoutError:
            raise HopUnavailable(HOP, f"no token within {self._settings.token_timeout_s:g} s") from None
        except openai.APIConnectionError as error:
            raise HopUnavailable(HOP, f"{error.__cause__ or error}") from error
        except openai.APIStatusError as error:
            raise _of_status(error, model) from error
        except openai.APIError as error:  # an error event within the stream
            raise ModelFailed(f"{model} failed: {error.message}") from error


def _param(message: Message) -> ChatCompletionMessageParam:
    # The roles' names are those of the API.
    return {"role": message.role.value, "content": message.text}  # type: ignore[return-value,misc]


def _of_status(error: openai.APIStatusError, model: str) -> MaatuError:
    """Our error for an HTTP status.

    401 and 403 are the operator's business, not the caller's: to the caller the hop is out of order.
    """
    code, detail = error.status_code, error.message
    if code == 429:
        return CapacityExceeded(f"the {HOP} server is full: {detail}", retry_after_s=_retry_after_s(error))
    if code == 404:
        return Unsupported(f'the {HOP} server has no model "{model}": {detail}', field="options.model")
    if code in (400, 413, 422):
        if "context" in detail or "too long" in detail:
            return InvalidText(f"the prompt is longer than {model} reads", reason="TEXT_TOO_LONG", field="text")
        return Unsupported(f"{model} refuses the request: {detail}")
    if code in (401, 403):
        return HopUnavailable(HOP, f"it refuses the agent's key (HTTP {code})")
    if code == 500:
        return ModelFailed(f"{model} failed: {detail}")
    return HopUnavailable(HOP, f"HTTP {code}")


def _retry_after_s(error: openai.APIStatusError) -> float:
    """Retry-After in seconds; 1 where it is missing, or a date."""
    try:
        return max(0.0, float(error.response.headers.get("retry-after", "")))
    except ValueError:
        return 1.0
