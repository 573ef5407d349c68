"""The pure parts of bench/canary.py, and a small run of the whole of it."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(autouse=True)
def bench_path(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    yield
    for name in ("canary", "figures"):
        sys.modules.pop(name, None)


@pytest.mark.parametrize(("drawn", "met"), [(69, False), (70, True), (100, True), (130, True), (131, False)])
def test_a_share_is_held_against_its_bounds(drawn: int, met: bool) -> None:
    from canary import share

    figure = share("stt", drawn, 1000)
    assert (figure.value, figure.met, figure.runs, figure.target) == (drawn / 10, met, 1000, "7 to 13")


def test_moves_are_counted_session_by_session() -> None:
    from canary import moved

    assert moved(["a", "b", "b"], ["a", "b", "b"]) == 0
    assert moved(["a", "b", "b"], ["b", "a", "b"]) == 2


async def test_a_small_run_with_fakes_moves_no_session() -> None:
    from canary import run

    figures = {figure.name: figure for figure in await run(8, repeats=2)}
    moves = [figure for name, figure in figures.items() if name.startswith("sessions moved")]
    assert [figure.value for figure in moves] == [0, 0]
    assert all(figure.met for figure in moves)
    assert figures["draw of one side"].value > 0
    assert sum(name.startswith("8 sessions at 10 %") for name in figures) == 4
