"""The sizes that graphs are captured for: few, and little of them is wasted."""

import pytest

from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.runner import contexts, ladder


@pytest.mark.parametrize("most", [1, 2, 3, 4, 5, 8, 13, 31, 64, 200, 256])
def test_the_ladder_wastes_a_third_at_most(most: int) -> None:
    rungs = list(ladder(most))
    assert rungs[-1] == most
    assert rungs == sorted(set(rungs))
    for rows in range(1, most + 1):
        rung = min(rung for rung in rungs if rung >= rows)
        assert rung - rows <= max(3, rung / 3)


def test_ladders_are_short() -> None:
    assert ladder(8) == [1, 2, 4, 8]
    assert ladder(20) == [1, 2, 4, 8, 12, 16, 20]
    assert ladder(384) == [1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384]


def test_contexts_end_at_the_longest_sequence() -> None:
    assert contexts(CacheSize(4, 100, 10)) == [100]
    assert contexts(CacheSize(4, 600, 10)) == [256, 512, 600]
    assert contexts(CacheSize(4, 2_000, 10)) == [256, 512, 768, 1024, 1536, 2000]
    assert contexts(CacheSize(4, 4_096, 10))[-1] == 4096


def test_no_context_is_too_long_for_the_ladder() -> None:
    # Sequences longer than the highest rung are run without graphs.
    assert contexts(CacheSize(4, 5_000, 10))[-1] <= 4096
