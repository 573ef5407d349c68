"""When chunks are due: the first early, later ones longer, and playback never waits while decoding is faster than it."""

import math
from itertools import pairwise

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from maatu_tts.engine.parler.codec import CONTEXT_FRAMES
from maatu_tts.engine.parler.ramp import GROWTH, ChunkPlan, ChunkRamp

FRAME_S = 512 / 44_100


class Playback:
    """A stream that is decoded at a steady speed, and a listener who plays it as it comes.

    Args:
        plan: How it is cut.
        step_s: How long a frame takes to decode.
        run_s: How long a run of the codec takes, besides
        codec_s: what each frame in it takes.
        frames: Of the whole stream.
    """

    def __init__(self, plan: ChunkPlan, step_s: float, run_s: float, codec_s: float, frames: int) -> None:
        ramp = ChunkRamp(plan, FRAME_S)
        now_s, spoken, known = 100.0, 0, 0
        self.chunks: list[int] = []
        self.waits_s: list[float] = []
        """How long playback had to wait for each chunk after the first."""
        runs_dry_s = math.inf
        while spoken < frames:
            known = min(frames, known + 1)
            now_s += step_s
            ended = known == frames
            ready = known - spoken - (0 if ended else CONTEXT_FRAMES)
            take = ready if ended else ramp.due(ready, now_s)
            assert take <= max(0, ready)
            if take <= 0:
                continue
            context = min(spoken, CONTEXT_FRAMES) + (0 if ended else CONTEXT_FRAMES)
            took_s = run_s + codec_s * (take + context)
            now_s += took_s
            if self.chunks:
                self.waits_s.append(max(0.0, now_s - runs_dry_s))
            runs_dry_s = max(now_s, runs_dry_s if self.chunks else now_s) + take * FRAME_S
            ramp.decoded(take, now_s, took_s)
            self.chunks.append(take)
            spoken += take


@pytest.mark.parametrize("first", [1, 10, 25])
def test_the_first_chunk_is_due_as_soon_as_it_can_be(first: int) -> None:
    ramp = ChunkRamp(ChunkPlan(first=first, largest=50), FRAME_S)
    assert [ramp.due(ready, 0.0) for ready in range(first)] == [0] * first
    assert ramp.due(first, 0.0) == first
    assert ramp.due(first + 30, 0.0) == first


def test_chunks_double_up_to_the_largest() -> None:
    playback = Playback(ChunkPlan(first=10, largest=50), 0.001, 0.001, 0.0001, 300)
    assert playback.chunks[:5] == [10, 20, 40, 50, 50]
    assert not any(playback.waits_s)


@pytest.mark.parametrize(("first", "largest"), [(1, 1), (1, 200), (10, 50), (25, 25), (3, 100)])
@pytest.mark.parametrize("step_s", [0.0005, 0.004, 0.009, 0.0115, 0.014, 0.05])
def test_no_chunk_is_more_than_twice_the_one_before(first: int, largest: int, step_s: float) -> None:
    chunks = Playback(ChunkPlan(first, largest), step_s, 0.002, 0.0002, 400).chunks
    # What is left at the end is at most a chunk and the context that nothing follows any more.
    for before, after in pairwise(chunks[:-1]):
        assert first <= after <= min(largest, GROWTH * before)
    assert sum(chunks) == 400


@settings(max_examples=300, deadline=None, derandomize=True)
@given(
    first=st.integers(5, 30),
    largest=st.integers(5, 200),
    step_s=st.floats(0.0005, FRAME_S),
    run_s=st.floats(0.0, 0.02),
    codec_s=st.floats(0.0, 0.005),
)
def test_playback_never_waits_while_decoding_is_faster(
    first: int, largest: int, step_s: float, run_s: float, codec_s: float
) -> None:
    assume(largest >= first)
    # Faster than real time at the size of the first chunk, with the codec's share and a step to notice.
    spent_s = (first + 1) * step_s + run_s + codec_s * (first + 2 * CONTEXT_FRAMES)
    assume(spent_s <= first * FRAME_S)
    playback = Playback(ChunkPlan(first, largest), step_s, run_s, codec_s, 600)
    assert max(playback.waits_s, default=0.0) <= 1e-9


def test_chunks_stay_small_when_decoding_is_barely_faster() -> None:
    playback = Playback(ChunkPlan(first=10, largest=50), 0.9 * FRAME_S, 0.001, 0.0001, 600)
    assert not any(playback.waits_s)
    assert playback.chunks[1] < 20


def test_where_playback_waits_anyway_chunks_are_as_long_as_they_may_be() -> None:
    # Hurrying would make the rest later still: each chunk costs its context.
    slow = Playback(ChunkPlan(first=10, largest=50), 2 * FRAME_S, 0.01, 0.001, 600)
    assert set(slow.chunks[6:-1]) == {50}
    assert min(slow.waits_s[1:-1]) > 0


def test_a_hiccup_is_made_up_for_by_small_chunks() -> None:
    ramp = ChunkRamp(ChunkPlan(first=10, largest=50), FRAME_S)
    ramp.decoded(10, 1.0, 0.001)
    # It should have come at 1.12 s. The one after it is in time.
    ramp.decoded(20, 1.3, 0.001)
    runs_dry_s = 1.3 + 20 * FRAME_S
    assert ramp.due(12, runs_dry_s - 0.05) == 12
    # Two in a row came late: no hiccup.
    ramp.decoded(12, runs_dry_s + 0.01, 0.001)
    runs_dry_s += 0.01 + 12 * FRAME_S
    assert ramp.due(12, runs_dry_s - 0.05) == 0
    assert ramp.due(24, runs_dry_s + 0.3) == 24
    # One in time is enough to hope again.
    ramp.decoded(24, runs_dry_s - 0.01, 0.001)
    assert ramp.due(12, runs_dry_s + 24 * FRAME_S - 0.05) == 12


def test_it_hurries_by_what_the_codec_will_take() -> None:
    def ramp(took_s: float) -> ChunkRamp:
        ramp = ChunkRamp(ChunkPlan(first=10, largest=50), FRAME_S)
        ramp.decoded(10, 1.0, took_s)
        return ramp

    runs_dry_s = 1.0 + 10 * FRAME_S
    assert ramp(0.0).due(15, runs_dry_s - 0.1) == 0
    # The first chunk was 20 frames with those after it; this one is 35, and takes 70 ms.
    assert ramp(0.04).due(15, runs_dry_s - 0.1) == 15
    assert ramp(0.04).due(15, runs_dry_s - 0.14) == 0
    assert ramp(0.04).due(9, runs_dry_s - 0.01) == 0
    assert ramp(0.04).due(15, runs_dry_s + 0.01) == 0


def test_chunks_that_do_not_adapt_are_the_first_and_then_the_largest() -> None:
    playback = Playback(ChunkPlan(first=10, largest=50, adaptive=False), 0.001, 0.0, 0.0, 300)
    assert playback.chunks == [10, 50, 50, 50, 50, 50, 40]
    slow = Playback(ChunkPlan(first=10, largest=50, adaptive=False), 0.02, 0.0, 0.0, 300)
    assert slow.chunks == playback.chunks


def test_whole_is_long_pieces() -> None:
    playback = Playback(ChunkPlan.whole(), 0.001, 0.0, 0.0, 1_000)
    assert playback.chunks == [400, 400, 200]
    assert Playback(ChunkPlan.whole(), 0.001, 0.0, 0.0, 350).chunks == [350]
