"""Sending a recording as a microphone would: each frame when it has been recorded, and silence after the last word."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import numpy as np

from maatu_runtime.audio.samples import Samples

MIN_TRAILING_SILENCE_S = 1.0
"""Silence sent at least after a recording: its last word may not have been noticed yet."""
MAX_TRAILING_SILENCE_S = 8.0
"""Silence sent at most: longer than any endpoint takes that a service allows by default."""


async def live_frames(
    samples: Samples,
    sample_rate_hz: int,
    *,
    frame_ms: int = 20,
    listening: Callable[[], bool] = lambda: False,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> AsyncIterator[Samples]:
    """Yields a recording frame by frame in real time, then silence until the other side has found its end.

    A frame is yielded when its last sample has been "recorded", against one schedule for the whole recording: being late
    with one frame does not delay the next.

    Args:
        samples: The recording: mono float32 in [-1, 1].
        sample_rate_hz: Its rate.
        frame_ms: Length of a frame, 20 to 100 ms.
        listening: Whether the other side still waits for the end of the speech. Silence is sent while it does, for at
            least `MIN_TRAILING_SILENCE_S` and at most `MAX_TRAILING_SILENCE_S`.
        clock: Seconds that only go up.
        sleep: Waits for so many seconds.

    Raises:
        ValueError: frame_ms is out of range.
    """
    if not 20 <= frame_ms <= 100:
        raise ValueError(f"a frame is 20 to 100 ms long, not {frame_ms}")
    frame = sample_rate_hz * frame_ms // 1000
    start = clock()
    sent = 0
    end = len(samples)
    while True:
        silence_s = (sent - end) / sample_rate_hz
        if silence_s >= MAX_TRAILING_SILENCE_S or (silence_s >= MIN_TRAILING_SILENCE_S and not listening()):
            return
        piece = samples[sent : sent + frame]
        due = start + (sent + frame) / sample_rate_hz
        wait = due - clock()
        if wait > 0:
            await sleep(wait)
        yield np.concatenate([piece, np.zeros(frame - len(piece), np.float32)])
        sent += frame
