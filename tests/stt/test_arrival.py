"""A stream that lies about its sample rate is suspected, once; streams that are merely fast or slow are not."""

from collections.abc import Iterable

import numpy as np
import pytest
from structlog.testing import capture_logs

from maatu_stt import metrics
from maatu_stt.arrival import ArrivalCheck, suspected_rate


class Clock:
    """Tells the time it is set to."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def arrivals(stated_hz: int, waits_s: Iterable[float], message_s: float) -> list[str]:
    """What is logged where messages of `message_s` seconds, by the stated rate, come after such waits."""
    clock = Clock()
    check = ArrivalCheck(stated_hz, clock)
    with capture_logs() as logs:
        for wait_s in waits_s:
            clock.now_s += wait_s
            check.heard(message_s)
    return [line["event"] for line in logs]


@pytest.mark.parametrize(
    ("stated_hz", "sent_hz", "ratio"),
    [(48_000, 16_000, "0.33"), (16_000, 48_000, "3.00"), (16_000, 8_000, "0.50"), (48_000, 44_100, None)],
)
def test_a_lie_is_told_once(stated_hz: int, sent_hz: int, ratio: str | None) -> None:
    before = metrics.SUSPECTED_RATES._value.get()
    jitter = np.random.default_rng(1).uniform(-0.01, 0.01, 3_000)
    logged = arrivals(stated_hz, 0.04 + np.diff(jitter, prepend=0.0), 0.04 * sent_hz / stated_hz)
    if ratio is None:  # 8 % off is what clocks and congestion do, too
        assert logged == []
    else:
        assert logged == [f"audio arrives at {ratio} times real time: does the client really send {stated_hz} Hz?"]
    assert metrics.SUSPECTED_RATES._value.get() == before + len(logged)


def test_real_time_is_not_suspected() -> None:
    assert arrivals(16_000, [0.02] * 2_000, 0.02) == []


def test_a_file_sent_as_fast_as_it_goes_is_not_suspected() -> None:
    assert arrivals(16_000, [0.001] * 30_000, 0.1) == []


def test_bursts_are_not_suspected() -> None:
    # Three seconds at once, then nothing for a while: one time real time over all, or half of it.
    for pause_s in (3.0, 6.0):
        waits = [pause_s if index % 30 == 0 else 0.0 for index in range(600)]
        assert arrivals(16_000, waits, 0.1) == []


def test_nothing_is_said_before_ten_seconds() -> None:
    assert arrivals(48_000, [0.02] * 480, 0.02 / 3) == []


def test_only_usual_rates_are_suspected() -> None:
    assert suspected_rate(16_000, 1.0) is None
    assert suspected_rate(16_000, 0.7) == 11_025
    assert suspected_rate(16_000, 5.0) is None
    assert suspected_rate(48_000, 1 / 6) == 8_000
    assert suspected_rate(22_050, 2.0) == 44_100
