"""Making the audio of a stream, clause by clause, ahead of what is being sent."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

import numpy as np

from maatu_runtime.audio import Samples
from maatu_runtime.language import Language
from maatu_runtime.places import Priority
from maatu_tts.chunks import LONGEST_CHUNK_MS, MAX_CHUNK_MS, Chunker, Cutter, EngineCuts
from maatu_tts.engine.base import Utterance
from maatu_tts.loudness import Leveller
from maatu_tts.order import Order
from maatu_tts.silence import ClauseEdges, LeadingSilence, TrailingSilence
from maatu_tts.spoken import spoken
from maatu_tts.synthesis_cache import SynthesisCache
from maatu_tts.text import pieces
from maatu_tts.voices import Choice

_CHUNKS_AHEAD = 50
"""Chunks that may wait for a slow client before its next utterance is not begun."""


@dataclass(frozen=True)
class RawChunk:
    """A chunk before it is encoded."""

    samples: Samples
    """At the voice's rate."""
    opens: tuple[int, str] | None
    """Index and text of the clause whose first chunk it is."""


class Maker:
    """Makes the audio of one stream. `run` is a task; what it makes comes out of `queue`, None at its end.

    Args:
        order: How to speak.
        cache: Asked before the engine is.
        clock: Seconds, monotonic.
    """

    def __init__(self, order: Order, cache: SynthesisCache, clock: Callable[[], float]) -> None:
        self.queue: asyncio.Queue[RawChunk | None] = asyncio.Queue(_CHUNKS_AHEAD if order.streaming else 0)
        self.began_s: float | None = None
        """When the first clause was whole, by the clock."""
        self.compute_s = 0.0
        """How long the engine worked."""
        self.tokens = 0
        """Codec frames of all audio."""
        self.recalled_tokens = 0
        """Those of them that came from the cache."""
        self._order = order
        self._cache = cache
        self._clock = clock
        self._utterances = 0
        self._recalled = 0
        self._cutter = _cutter(order)
        self._leveller = _leveller(order)
        self._opens: tuple[int, str] | None = None

    @property
    def cached(self) -> bool:
        """Whether all audio so far came from the cache."""
        return 0 < self._utterances == self._recalled

    async def run(self, clauses: AsyncIterator[str]) -> None:
        """Makes the audio of all clauses; each is taken as soon as the one before is made.

        Args:
            clauses: Cleaned, speakable texts.

        Raises:
            ModelFailed: The engine's model broke.
            Exception: What `clauses` raises.
        """
        try:
            await self._run(clauses)
        except Exception:
            await self.queue.put(None)
            raise
        await self.queue.put(None)

    async def _run(self, clauses: AsyncIterator[str]) -> None:
        priority = self._order.priority
        index = 0
        async for clause in clauses:
            self.began_s = self._clock() if self.began_s is None else self.began_s
            self._opens = (index, clause)
            for piece in self._pieces(clause, early=index == 0):
                await self._speak(self._order.utterance(piece, priority))
                # Whoever hears something already can wait behind those who hear nothing.
                priority = min(priority, Priority.INTERACTIVE)
            await self._put(self._cutter.flush())
            index += 1

    def _pieces(self, clause: str, *, early: bool) -> list[str]:
        choice = self._order.choice
        return pieces(spoken(clause, _language(choice)), choice.language.code, early=early)

    async def _speak(self, utterance: Utterance) -> None:
        engine = self._order.choice.engine
        recording = await self._cache.recall(engine, utterance)
        self._utterances += 1
        if recording is None:
            source = self._cache.record(engine, utterance)
        else:
            source = recording.play(utterance)
            self._recalled += 1
            self.recalled_tokens += recording.tokens
        lead = LeadingSilence(utterance.voice.sample_rate_hz)
        tail = TrailingSilence(utterance.voice.sample_rate_hz)
        edges = ClauseEdges(utterance.voice.sample_rate_hz)
        if self._leveller is not None:
            self._leveller.next_clause()
        async with aclosing(source) as audio:
            async for part in audio:
                self.compute_s += part.compute_s
                self.tokens += part.tokens
                await self._put(self._cutter.push(edges.push(self._level(tail.push(lead.push(part.samples))))))
        rest = np.concatenate([tail.push(lead.flush()), tail.flush()])
        await self._put(self._cutter.push(np.concatenate([edges.push(self._level(rest)), edges.flush()])))

    def _level(self, samples: Samples) -> Samples:
        return samples if self._leveller is None else self._leveller.push(samples)

    async def _put(self, chunks: list[Samples]) -> None:
        for chunk in chunks:
            await self.queue.put(RawChunk(chunk, self._opens))
            self._opens = None


def _cutter(order: Order) -> Cutter:
    rate_hz = order.choice.voice.sample_rate_hz
    if not order.streaming:
        return Chunker(rate_hz * MAX_CHUNK_MS // 1_000, first_at_once=False)
    if order.choice.engine.capabilities.tokens:
        return EngineCuts(rate_hz * LONGEST_CHUNK_MS // 1_000)
    return Chunker(rate_hz * order.chunks.chunk_ms // 1_000, first_at_once=True)


def _leveller(order: Order) -> Leveller | None:
    """For a whole stream: it knows from the clauses before how loud the voice is."""
    return None if order.choice.engine.capabilities.levelled else Leveller(order.choice.voice.sample_rate_hz)


def _language(choice: Choice) -> Language:
    """What numbers are read in: the language asked for, in the voice's region where none was asked for."""
    if choice.language.region:
        return choice.language
    return next(language for language in choice.voice.languages if language.matches(choice.language))
