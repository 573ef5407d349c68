"""Real-time sending against a clock that the test turns."""

from collections.abc import Callable

import numpy as np
import pytest

from maatu_client.pace import MAX_TRAILING_SILENCE_S, MIN_TRAILING_SILENCE_S, live_frames
from maatu_runtime.audio.samples import Samples

RATE = 16_000
SOUND = np.ones(RATE // 10 + 7, np.float32)
"""100 ms and a bit."""


class FakeClock:
    """Time that passes only while somebody sleeps, or is told to."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        assert seconds > 0
        self.now += seconds


async def gather(
    clock: FakeClock,
    *,
    frame_ms: int = 20,
    listening: Callable[[], bool] = lambda: False,
    late_at: int = -1,
    samples: Samples = SOUND,
) -> tuple[list[float], Samples]:
    """When each frame came, in seconds from the start, and all the samples."""
    times, frames = [], []
    async for frame in live_frames(
        samples, RATE, frame_ms=frame_ms, listening=listening, clock=clock, sleep=clock.sleep
    ):
        times.append(clock.now - 100.0)
        frames.append(frame)
        if len(frames) == late_at:
            clock.now += 0.055
    return times, np.concatenate(frames)


@pytest.mark.parametrize("frame_ms", [20, 30, 100])
async def test_each_frame_comes_when_its_last_sample_was_recorded_with_fake_clock(frame_ms: int) -> None:
    times, samples = await gather(FakeClock(), frame_ms=frame_ms)
    assert times == pytest.approx([(index + 1) * frame_ms / 1000 for index in range(len(times))])
    assert np.array_equal(samples[: len(SOUND)], SOUND)
    assert not samples[len(SOUND) :].any()


async def test_lateness_with_one_frame_does_not_delay_the_rest_with_fake_clock() -> None:
    times, _ = await gather(FakeClock(), late_at=2)
    assert times[2] == times[3] == pytest.approx(0.095)
    assert times[4:] == pytest.approx([(index + 1) * 0.02 for index in range(4, len(times))])


async def test_silence_is_sent_for_as_long_as_the_other_side_listens_with_fake_clock() -> None:
    clock = FakeClock()
    _, least = await gather(FakeClock())
    assert len(least) - len(SOUND) == pytest.approx(MIN_TRAILING_SILENCE_S * RATE, abs=0.02 * RATE)
    _, until = await gather(clock, listening=lambda: clock.now < 103.0)
    assert len(until) == pytest.approx(3.0 * RATE, abs=0.02 * RATE)
    _, most = await gather(FakeClock(), listening=lambda: True)
    assert len(most) - len(SOUND) == pytest.approx(MAX_TRAILING_SILENCE_S * RATE, abs=0.02 * RATE)


async def test_an_empty_recording_is_silence_with_fake_clock() -> None:
    _, samples = await gather(FakeClock(), samples=np.zeros(0, np.float32))
    assert len(samples) == MIN_TRAILING_SILENCE_S * RATE
    assert not samples.any()


@pytest.mark.parametrize("frame_ms", [0, 10, 101])
async def test_frames_of_other_lengths_are_refused(frame_ms: int) -> None:
    with pytest.raises(ValueError, match="20 to 100 ms"):
        await anext(live_frames(SOUND, RATE, frame_ms=frame_ms))
