"""Any server that speaks OpenAI's streaming chat API: vLLM in the cluster, or a hosted one."""

import codecs
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import openai
from openai.types.chat import ChatCompletionChunk, ChatCompletionMessageParam

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
_LONGEST_RETRY_S = 3_600.0
_MOST_TOKENS = 2**31 - 1
"""What the contract's int32 holds."""
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
        characters = _Characters()
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
            while (piece := await _next_piece(chunks, model)) is not None:
                if piece.usage is not None:
                    prompt_tokens, completion_tokens = piece.usage
                if text := characters.take(piece.text):
                    yield Token(text)
                finish = piece.finish or finish
        if finish is None:
            raise HopUnavailable(HOP, "the answer broke off")
        if text := characters.rest():
            yield Token(text)
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
            raise ModelFailed(f"{model} failed: {_Characters().take(error.message)}") from error


@dataclass(frozen=True)
class _Piece:
    """What one chunk of a stream says."""

    text: str
    """The next of the answer, in which a character may be half."""
    finish: FinishReason | None
    usage: tuple[int, int] | None
    """Tokens of the prompt and of the answer."""


class _Characters:
    """Whole characters out of pieces of text.

    JSON writes a character beyond U+FFFF as two surrogates, which a server may send in two chunks, or lose one of; what has only
    one can be neither sent on nor stored, and becomes U+FFFD.
    """

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-16-le")("replace")

    def take(self, text: str) -> str:
        """The text, with the half character before it; without one at its end."""
        return self._decoder.decode(text.encode("utf-16-le", "surrogatepass"))

    def rest(self) -> str:
        """What stands for a half character at the end of all."""
        return self._decoder.decode(b"", final=True)


async def _next_piece(chunks: openai.AsyncStream[ChatCompletionChunk], model: str) -> _Piece | None:
    """Reads one chunk; None at the end.

    The client library checks nothing of what it reads: what is no chat chunk shows when it is parsed, or as attributes that are
    missing or of another type. Here and nowhere else such errors are the server's.

    Raises:
        ModelFailed: The server sent something else.
        openai.OpenAIError: The request failed.
    """
    try:
        return _piece(await anext(chunks))
    except StopAsyncIteration:
        return None
    except (ValueError, AttributeError, TypeError, RecursionError) as error:  # the last: JSON in too many brackets
        raise ModelFailed(f"{model} streams what is not the chat API: {error}") from error


def _piece(chunk: ChatCompletionChunk) -> _Piece:
    """What a chunk says. Servers leave out, or send null for, what they have no more to say of."""
    usage = None
    if chunk.usage is not None:
        usage = _tokens(chunk.usage, "prompt_tokens"), _tokens(chunk.usage, "completion_tokens")
    text, finish = "", None
    choices = getattr(chunk, "choices", None) or []
    if not isinstance(choices, list):
        raise TypeError("choices is no list")
    for choice in choices[:1]:
        text = choice.delta.content or ""
        if not isinstance(text, str):
            raise TypeError("content is no text")
        if choice.finish_reason is not None:
            finish = _FINISH_REASONS.get(choice.finish_reason, FinishReason.STOP)
    return _Piece(text, finish, usage)


def _tokens(usage: object, name: str) -> int:
    """A count of tokens; 0 for what is none: no answer is lost for want of a figure."""
    count = getattr(usage, name, None)
    return count if isinstance(count, int) and 0 <= count <= _MOST_TOKENS else 0


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
    """Retry-After in seconds, an hour at most; 1 where it is missing, or a date."""
    try:
        return min(max(0.0, float(error.response.headers.get("retry-after", ""))), _LONGEST_RETRY_S)
    except ValueError:
        return 1.0
