"""Answers turns: takes a place at the model, reads the history, writes the prompt, streams the answer, remembers it."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import structlog

from maatu_agent import metrics
from maatu_agent.backends.base import Done, FinishReason, GenerationOptions, LanguageModel, Token
from maatu_agent.history import History
from maatu_agent.prompt import PromptWriter
from maatu_runtime.errors import HopUnavailable
from maatu_runtime.places import Places, Priority

log = structlog.get_logger()


@dataclass(frozen=True)
class Question:
    """A turn to answer."""

    session_id: str
    turn_id: str
    text: str
    """What the person said, in the agent's language."""
    options: GenerationOptions
    system_prompt: str | None
    """Instructions in place of the configured ones."""
    priority: Priority


@dataclass(frozen=True)
class Answer:
    """The end of an answer."""

    text: str
    finish_reason: FinishReason
    prompt_tokens: int
    completion_tokens: int
    time_to_first_token_s: float
    """From the request to its first characters; to its end where there were none."""
    model: str
    history_turns: int
    """Earlier turns that the model read."""


class Agent:
    """Answers, within sessions.

    Args:
        model: What it thinks with.
        history: What it remembers.
        places: Generations at once.
        prompts: How prompts are written.
        clock: Seconds, monotonic.
    """

    def __init__(
        self,
        model: LanguageModel,
        history: History,
        places: Places,
        prompts: PromptWriter,
        *,
        clock: Callable[[], float],
    ) -> None:
        self._model = model
        self._history = history
        self._places = places
        self._prompts = prompts
        self._clock = clock

    async def respond(self, question: Question) -> AsyncGenerator[str | Answer]:
        """Answers a turn: pieces of text, then one Answer.

        A consumer that leaves earlier stops the model; the turn then stays open, and no part of later prompts.

        Raises:
            AlreadyExists: The turn has its answer already.
            CapacityExceeded: Too many requests wait for the model.
            HopUnavailable: Redis, or the server of the model, does not answer.
            MaatuError: Whatever else `LanguageModel.stream` raises.
        """
        arrived = self._clock()
        first = arrived
        pieces: list[str] = []
        done: Done | None = None
        async with self._places.take(question.priority):
            turn = await self._history.begin(question.session_id, question.turn_id, question.text)
            prompt, history_turns = self._prompts.write(
                question.text,
                turn.earlier,
                system_prompt=question.system_prompt,
                count_tokens=self._model.count_tokens,
            )
            try:
                async with aclosing(self._model.stream(prompt, question.options)) as events:
                    async for event in events:
                        match event:
                            case Token(text):
                                if not pieces:
                                    first = self._clock()
                                pieces.append(text)
                                yield text
                            case Done():
                                done = event
            except (GeneratorExit, asyncio.CancelledError):
                metrics.ABANDONED.inc()
                raise
        assert done is not None, "a stream ends with Done or an error"
        text = "".join(pieces)
        ended = self._clock()
        await self._remember(question, turn.position, text)
        answer = Answer(
            text=text,
            finish_reason=done.finish_reason,
            prompt_tokens=done.prompt_tokens,
            completion_tokens=done.completion_tokens,
            time_to_first_token_s=(first if pieces else ended) - arrived,
            model=done.model,
            history_turns=history_turns,
        )
        # Any client may name a model, and a server may take any name: as labels they would grow without end.
        label = answer.model if answer.model == self._model.name else "other"
        _observe(answer, label, generating_s=ended - first)
        yield answer

    async def _remember(self, question: Question, position: int, text: str) -> None:
        """Writes the whole answer to the history. The person has it by now, so that a Redis which fails here fails no call."""
        try:
            is_kept = await self._history.complete(question.session_id, question.turn_id, position, text)
        except HopUnavailable as error:
            metrics.HISTORY_LOST.inc()
            log.warning("answer_not_remembered", session_id=question.session_id, detail=error.message)
            return
        if not is_kept:
            log.info("turn_changed_meanwhile", session_id=question.session_id, turn_id=question.turn_id)


def _observe(answer: Answer, model: str, *, generating_s: float) -> None:
    metrics.FIRST_TOKEN.labels(model).observe(answer.time_to_first_token_s)
    if answer.completion_tokens > 1 and generating_s > 0:
        metrics.TOKENS_PER_SECOND.labels(model).observe((answer.completion_tokens - 1) / generating_s)
    metrics.TOKENS.labels(model, "prompt").inc(answer.prompt_tokens)
    metrics.TOKENS.labels(model, "completion").inc(answer.completion_tokens)
    metrics.ANSWERS.labels(model, answer.finish_reason.value).inc()
    metrics.HISTORY_TURNS.observe(answer.history_turns)
