"""Speaking: clauses of text in, encoded audio out, the next clause being made while the one before goes out."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from dataclasses import dataclass

from maatu_runtime.audio import AudioFormat, EncodedAudio, Samples, StreamEncoder
from maatu_runtime.places import Priority
from maatu_tts.chunks import MAX_CHUNK_MS, Chunker, ChunkSettings
from maatu_tts.engine.base import Utterance
from maatu_tts.metrics import EngineMetrics
from maatu_tts.silence import LeadingSilence
from maatu_tts.text import pieces
from maatu_tts.voices import Choice

_CHUNKS_AHEAD = 50
"""Chunks that may wait for a slow client before its next utterance is not begun."""


@dataclass(frozen=True)
class Order:
    """How to speak."""

    choice: Choice
    """Engine and voice."""
    audio_format: AudioFormat
    """Format of the audio sent."""
    chunks: ChunkSettings
    """How it is cut."""
    streaming: bool = True
    """Send audio as it is made; otherwise once all of it is."""
    speaking_rate: float = 1.0
    """0.5 to 2."""
    priority: Priority = Priority.INTERACTIVE
    """What goes first."""
    seed: int | None = None
    """Random seed."""
    temperature: float | None = None
    """Sampling temperature."""
    description: str = ""
    """How the voice is to sound."""


@dataclass(frozen=True)
class Started:
    """A place was found; audio follows."""


@dataclass(frozen=True)
class ClauseBegan:
    """The audio that follows speaks this clause."""

    index: int
    """Counted from 0."""
    text: str
    """What is spoken."""
    offset_ns: int
    """Where in the stream it begins."""


@dataclass(frozen=True)
class Chunk:
    """A piece of audio."""

    data: bytes
    """In the order's format."""
    sequence: int
    """Counted from 0."""
    offset_ns: int
    """Where in the stream it begins."""
    duration_ns: int
    """How long it plays; offset and duration of a chunk give the offset of the next one exactly."""


@dataclass(frozen=True)
class Summary:
    """All was spoken."""

    audio_ns: int
    """How long all audio plays."""
    compute_s: float
    """How long the engine worked."""
    first_chunk_s: float
    """From the first clause's being whole to the first chunk."""


Event = Started | ClauseBegan | Chunk | Summary


class _Account:
    """What making the audio adds up to."""

    def __init__(self) -> None:
        self.began_s: float | None = None
        self.compute_s = 0.0


@dataclass(frozen=True)
class _Raw:
    """A chunk before it is encoded."""

    samples: Samples
    opens: tuple[int, str] | None
    """Index and text of the clause whose first chunk it is."""


_Queue = asyncio.Queue[_Raw | None]


async def speak(
    order: Order,
    clauses: AsyncIterator[str],
    metrics: EngineMetrics,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> AsyncGenerator[Event, None]:
    """Speaks clauses: Started, then for each clause ClauseBegan and its Chunks, then Summary.

    Args:
        order: How to speak.
        clauses: Cleaned, speakable texts; taken as soon as the clause before is made.
        metrics: Of the engine.
        clock: Seconds, monotonic.

    Raises:
        CapacityExceeded: The engine is full.
        ModelFailed: The engine's model broke.
        Exception: What `clauses` raises.
    """
    with order.choice.engine.admit():
        yield Started()
        account = _Account()
        queue: _Queue = asyncio.Queue(_CHUNKS_AHEAD if order.streaming else 0)
        maker = asyncio.create_task(_make(order, clauses, queue, account, clock), name="tts-make")
        try:
            if not order.streaming:
                await maker
            async with aclosing(_encode(order, queue, maker, account, metrics, clock)) as events:
                async for event in events:
                    yield event
        finally:
            maker.cancel()
            await asyncio.gather(maker, return_exceptions=True)


async def _make(
    order: Order, clauses: AsyncIterator[str], queue: _Queue, account: _Account, clock: Callable[[], float]
) -> None:
    """Makes the audio of the clauses, ahead of what is being sent; None ends the queue, also on failure."""
    engine, voice = order.choice.engine, order.choice.voice
    chunk_ms = order.chunks.chunk_ms if order.streaming else MAX_CHUNK_MS
    chunker = Chunker(voice.sample_rate_hz * chunk_ms // 1_000, first_at_once=order.streaming)
    priority = order.priority
    index = 0
    try:
        async for clause in clauses:
            account.began_s = clock() if account.began_s is None else account.began_s
            opens: tuple[int, str] | None = (index, clause)
            for piece in pieces(clause, order.choice.language.code, early=index == 0):
                silence = LeadingSilence(voice.sample_rate_hz)
                utterance = Utterance(
                    text=piece,
                    voice=voice,
                    speaking_rate=order.speaking_rate,
                    priority=priority,
                    seed=order.seed,
                    temperature=order.temperature,
                    description=order.description,
                )
                async with aclosing(engine.synthesize(utterance)) as audio:
                    async for part in audio:
                        account.compute_s += part.compute_s
                        for chunk in chunker.push(silence.push(part.samples)):
                            await queue.put(_Raw(chunk, opens))
                            opens = None
                for chunk in chunker.push(silence.flush()):
                    await queue.put(_Raw(chunk, opens))
                    opens = None
                # Whoever hears something already can wait behind those who hear nothing.
                priority = min(priority, Priority.INTERACTIVE)
            for chunk in chunker.flush():
                await queue.put(_Raw(chunk, opens))
            index += 1
    except Exception:
        await queue.put(None)
        raise
    await queue.put(None)


async def _encode(
    order: Order,
    queue: _Queue,
    maker: "asyncio.Task[None]",
    account: _Account,
    metrics: EngineMetrics,
    clock: Callable[[], float],
) -> AsyncGenerator[Event, None]:
    rate_hz = order.choice.voice.sample_rate_hz
    encoder = StreamEncoder(rate_hz, order.audio_format)
    made = 0
    count = _Counter(order.audio_format.sample_rate_hz)
    first_chunk_s = 0.0

    def sent(encoded: EncodedAudio) -> Chunk:
        nonlocal first_chunk_s
        if count.sequence == 0 and account.began_s is not None:
            first_chunk_s = clock() - account.began_s
            metrics.first_chunk(first_chunk_s)
        chunk = count.chunk(encoded)
        metrics.audio(chunk.duration_ns / 1e9)
        return chunk

    while (raw := await queue.get()) is not None:
        if raw.opens is not None:
            yield ClauseBegan(*raw.opens, offset_ns=made * 1_000_000_000 // rate_hz)
        made += len(raw.samples)
        for encoded in encoder.push(raw.samples):
            yield sent(encoded)
    await maker
    for encoded in encoder.flush():
        yield sent(encoded)
    metrics.finished(audio_s=count.end_ns / 1e9, compute_s=account.compute_s)
    yield Summary(count.end_ns, account.compute_s, first_chunk_s)


class _Counter:
    """Numbers chunks and places them, to the sample: offsets and durations add up without rounding."""

    def __init__(self, sample_rate_hz: int) -> None:
        self._rate_hz = sample_rate_hz
        self._samples = 0
        self.sequence = 0
        self.end_ns = 0

    def chunk(self, encoded: EncodedAudio) -> Chunk:
        """The next chunk."""
        offset_ns, sequence = self.end_ns, self.sequence
        self._samples += encoded.samples
        self.sequence += 1
        self.end_ns = self._samples * 1_000_000_000 // self._rate_hz
        return Chunk(encoded.data, sequence, offset_ns, self.end_ns - offset_ns)
