"""How fast audio arrives: a stream that lies about its sample rate gives itself away.

Whoever says 48 kHz and sends 16 kHz sends a third of a second in every second, and is recognised as somebody who squeaks.
It is only suspected, and the stream goes on: files are sent faster than real time, and networks are slow.
"""

from collections.abc import Callable

import structlog

from maatu_stt import metrics

FIRST_S = 10.0
"""Seconds of arrival before anything is said."""
_SLICE_S = 1.0
_LONGEST_SLICE_S = 1.5
"""A slice that a gap makes longer fits nothing: live audio has no gaps."""
_FITTING_SLICES = 0.8
"""Share of the slices that must have the suspected ratio: whatever comes in bursts has not."""
_TOLERANCE = 0.06
_COMMON_RATES_HZ = (8_000, 11_025, 12_000, 16_000, 22_050, 24_000, 32_000, 44_100, 48_000)

log = structlog.get_logger()


class ArrivalCheck:
    """Watches one stream, and warns once.

    Args:
        sample_rate_hz: What the stream says that it has.
        clock: Seconds, monotonic.
    """

    def __init__(self, sample_rate_hz: int, clock: Callable[[], float]) -> None:
        self._sample_rate_hz = sample_rate_hz
        self._clock = clock
        self._began: float | None = None
        self._audio_s = 0.0
        self._slice_began = 0.0
        self._slice_audio_s = 0.0
        self._ratios: list[float] = []
        self._is_done = False

    def heard(self, seconds: float) -> None:
        """A message of so much audio came, by the rate that the stream says it has."""
        if self._is_done:
            return
        now = self._clock()
        if self._began is None:
            self._began = self._slice_began = now
            return  # what came with the first message was spoken before the clock began
        self._audio_s += seconds
        self._slice_audio_s += seconds
        elapsed_s = now - self._slice_began
        if elapsed_s < _SLICE_S:
            return
        self._ratios.append(self._slice_audio_s / elapsed_s if elapsed_s <= _LONGEST_SLICE_S else 0.0)
        self._slice_began, self._slice_audio_s = now, 0.0
        if now - self._began >= FIRST_S:
            self._is_done = True
            self._judge(self._audio_s / (now - self._began))

    def _judge(self, ratio: float) -> None:
        suspected_hz = suspected_rate(self._sample_rate_hz, ratio)
        fitting = sum(abs(each / ratio - 1) <= 2 * _TOLERANCE for each in self._ratios)
        if suspected_hz is None or fitting < _FITTING_SLICES * len(self._ratios):
            return
        metrics.SUSPECTED_RATES.inc()
        log.warning(
            f"audio arrives at {ratio:.2f} times real time: does the client really send {self._sample_rate_hz} Hz?",
            ratio=round(ratio, 3),
            stated_rate_hz=self._sample_rate_hz,
            suspected_rate_hz=suspected_hz,
        )


def suspected_rate(stated_hz: int, ratio: float) -> int | None:
    """The usual rate that a stream really has, in Hz, if its audio arrives `ratio` times as fast as it is played; None where
    it has the one it states, or none that is usual."""
    real_hz = stated_hz * ratio
    if abs(ratio - 1) <= 2 * _TOLERANCE:  # clocks and networks are never exact
        return None
    nearest = min(_COMMON_RATES_HZ, key=lambda rate_hz: abs(rate_hz - real_hz))
    return nearest if nearest != stated_hz and abs(nearest / real_hz - 1) <= _TOLERANCE else None
