"""A small instruction-tuned model in this process, on CTranslate2.

On small models one thread a generation is faster than two, so requests run beside each other, each in a thread of its own.
The computed preamble is kept (`static_prompt`): a request then only reads its own conversation.
"""

import asyncio
import secrets
import threading
from collections.abc import AsyncGenerator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path

import ctranslate2

from maatu_agent.backends.base import (
    Done,
    FinishReason,
    GenerationOptions,
    LanguageModel,
    Message,
    Prompt,
    Role,
    Token,
)
from maatu_agent.backends.chatml import END, ChatMl
from maatu_runtime.errors import ConfigurationError, InvalidText, ModelFailed, Unsupported
from maatu_runtime.models import ModelStore
from maatu_runtime.streams import stream_from_thread

_COLDEST = 0.01
"""Temperatures below it are taken for 0: dividing by them overflows."""


@dataclass(frozen=True)
class Ctranslate2Settings:
    """How the model runs."""

    model: str
    """Name of a ChatML model in the model directory, converted for CTranslate2."""
    workers: int = 2
    """Generations at once; each takes one thread."""
    device: str = "cpu"
    """"cpu" or "cuda"."""
    compute_type: str = "default"
    """Type of the weights' arithmetic as CTranslate2 names it; "default" keeps what the model was converted to."""
    context_tokens: int = 2_048
    """Longest prompt and answer together."""
    repetition_penalty: float = 1.1
    """Divides the scores of tokens already in the answer; small models loop without it."""
    sampling_top_k: int = 40
    """Where the temperature is above 0: only so many of the likeliest tokens are drawn from."""


class Ctranslate2Llm(LanguageModel):
    """A model on CTranslate2.

    Args:
        store: Where the model lies.
        settings: How it runs.
    """

    def __init__(self, store: ModelStore, settings: Ctranslate2Settings) -> None:
        self._store = store
        self._settings = settings
        self._executor = ThreadPoolExecutor(settings.workers, thread_name_prefix="llm")
        self._seeding = threading.Lock()
        self._preamble: tuple[Message, ...] = ()
        self._generator: ctranslate2.Generator | None = None
        self._chat: ChatMl | None = None

    @property
    def name(self) -> str:
        return self._settings.model

    async def load(self, preamble: tuple[Message, ...]) -> None:
        self._preamble = preamble
        path = self._store.path(self._settings.model)
        await asyncio.get_running_loop().run_in_executor(self._executor, self._load, path)

    async def close(self) -> None:
        await asyncio.to_thread(self._executor.shutdown)
        self._generator = None

    def count_tokens(self, text: str) -> int:
        return self._tokens.count(text)

    async def stream(self, prompt: Prompt, options: GenerationOptions) -> AsyncGenerator[Token | Done]:
        if options.model not in (None, self.name):
            raise Unsupported(f'no model "{options.model}" here: this server has {self.name}', field="options.model")
        chat = self._tokens
        static = chat.encode(prompt.preamble)
        start = chat.encode(prompt.conversation) + chat.header(Role.ASSISTANT)
        room = self._settings.context_tokens - len(static) - len(start)
        if room < 1:
            length = len(static) + len(start)
            raise InvalidText(
                f"the prompt has {length} tokens and {self.name} reads at most {self._settings.context_tokens}: shorten it",
                reason="TEXT_TOO_LONG",
                field="text",
            )
        run = _Run(
            static=static,
            keep_static=prompt.preamble == self._preamble,
            start=start,
            max_tokens=min(options.max_tokens, room),
            temperature=options.temperature if options.temperature >= _COLDEST else 0.0,
        )

        def produce(emit: Callable[[Token | Done], None], cancelled: threading.Event) -> None:
            seeded = options.seed is not None and run.temperature > 0
            generator = self._seeded(options.seed) if seeded and options.seed is not None else self._loaded
            self._generate(generator, run, emit, cancelled)

        async with aclosing(stream_from_thread(produce, executor=self._executor)) as events:
            async for event in events:
                yield event

    @property
    def _tokens(self) -> ChatMl:
        if self._chat is None:
            raise ModelFailed(f"{self.name} is still loading: try again")
        return self._chat

    @property
    def _loaded(self) -> "ctranslate2.Generator":
        if self._generator is None:
            raise ModelFailed(f"{self.name} is still loading: try again")
        return self._generator

    def _load(self, path: Path) -> None:
        settings = self._settings
        kinds = ctranslate2.get_supported_compute_types(settings.device)
        if settings.compute_type not in {"default", "auto", *kinds}:
            raise ConfigurationError(
                f"compute_type {settings.compute_type}: this {settings.device} does {', '.join(sorted(kinds))}"
            )
        self._chat = ChatMl(path / "tokenizer.json")
        generator = self._open(path, workers=settings.workers)
        # The first run computes the preamble that is kept, and pages the weights in.
        conversation = [Message(Role.USER, "Hello.")]
        run = _Run(
            static=self._chat.encode(self._preamble),
            keep_static=True,
            start=self._chat.encode(conversation) + self._chat.header(Role.ASSISTANT),
            max_tokens=2,
            temperature=1.0,
        )
        self._generate(generator, run, lambda event: None, threading.Event())
        self._generator = generator

    def _open(self, path: Path, *, workers: int) -> "ctranslate2.Generator":
        return ctranslate2.Generator(
            str(path),
            device=self._settings.device,
            compute_type=self._settings.compute_type,
            inter_threads=workers,
            intra_threads=1,
        )

    def _seeded(self, seed: int) -> "ctranslate2.Generator":
        """A generator whose draws follow from the seed.

        CTranslate2 seeds the random numbers of a worker's thread when it first draws, and never again; so a repeatable
        answer takes a worker of its own, which costs one load of the model (about 40 ms once its file is in memory).
        """
        with self._seeding:
            ctranslate2.set_random_seed(seed % 2**32)
            generator = self._open(self._store.path(self._settings.model), workers=1)
            generator.generate_batch([[END]], max_length=1, sampling_topk=2)
            ctranslate2.set_random_seed(secrets.randbits(32))  # workers that have drawn nothing yet draw at random
            return generator

    def _generate(
        self,
        generator: "ctranslate2.Generator",
        run: "_Run",
        emit: Callable[[Token | Done], None],
        cancelled: threading.Event,
    ) -> None:
        detokenizer = self._tokens.detokenizer()

        def on_token(step: "ctranslate2.GenerationStepResult") -> bool:
            if step.token != END and (text := detokenizer.push(step.token_id)):
                emit(Token(text))
            return cancelled.is_set()

        try:
            results = generator.generate_batch(
                [run.start],
                static_prompt=run.static or None,
                # The cache has no bound, so it keeps the preamble of the configuration and no other.
                cache_static_prompt=run.keep_static,
                include_prompt_in_result=False,
                end_token=[END],
                return_end_token=True,
                max_length=run.max_tokens,
                repetition_penalty=self._settings.repetition_penalty,
                sampling_topk=self._settings.sampling_top_k if run.temperature > 0 else 1,
                sampling_temperature=run.temperature or 1.0,
                callback=on_token,
            )
        except RuntimeError as error:
            raise ModelFailed(f"{self.name} failed: {error}") from error
        tokens = results[0].sequences[0]
        ended = bool(tokens) and tokens[-1] == END
        emit(
            Done(
                finish_reason=FinishReason.STOP if ended else FinishReason.LENGTH,
                prompt_tokens=len(run.static) + len(run.start),
                completion_tokens=len(tokens) - ended,
                model=self.name,
            )
        )


@dataclass(frozen=True)
class _Run:
    """One generation, in tokens."""

    static: list[str]
    keep_static: bool
    start: list[str]
    max_tokens: int
    temperature: float
