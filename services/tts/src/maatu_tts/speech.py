"""Speaking: clauses of text in, encoded audio out, the next clause being made while the one before goes out."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing

from maatu_tts.encoding import Sender
from maatu_tts.events import Event, Started, Summary
from maatu_tts.making import Maker
from maatu_tts.metrics import EngineMetrics
from maatu_tts.order import Order
from maatu_tts.synthesis_cache import SynthesisCache


async def speak(
    order: Order,
    clauses: AsyncIterator[str],
    metrics: EngineMetrics,
    cache: SynthesisCache,
    *,
    clock: Callable[[], float] = time.perf_counter,
) -> AsyncGenerator[Event, None]:
    """Speaks clauses: Started, then for each clause ClauseBegan and its Chunks, then Summary.

    Args:
        order: How to speak.
        clauses: Cleaned, speakable texts; taken as soon as the clause before is made.
        metrics: Of the engine.
        cache: Asked before the engine is.
        clock: Seconds, monotonic.

    Raises:
        CapacityExceeded: The engine is full.
        ModelFailed: The engine's model broke.
        Exception: What `clauses` raises.
    """
    with order.choice.engine.admit():
        yield Started()
        maker = Maker(order, cache, clock)
        sender = Sender(order, maker, metrics, clock)
        making = asyncio.create_task(maker.run(clauses), name="tts-make")
        try:
            if not order.streaming:
                await making
            async with aclosing(sender.events()) as events:
                async for event in events:
                    yield event
            await making
            for chunk in sender.rest():
                yield chunk
        finally:
            making.cancel()
            await asyncio.gather(making, return_exceptions=True)
        metrics.finished(
            audio_s=sender.end_ns / 1e9,
            compute_s=maker.compute_s,
            tokens=maker.tokens - maker.recalled_tokens,
            cached=maker.cached,
        )
        yield Summary(sender.end_ns, maker.compute_s, sender.first_chunk_s, maker.tokens, maker.cached)
