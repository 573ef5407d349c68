"""Streaming resampling with next to no delay."""

import av
import numpy as np

from maatu_runtime.audio.samples import Samples


class Resampler:
    """Resamples one stream, chunk by chunk; how it is cut into chunks does not change the samples that come out.

    The filter is FFmpeg's polyphase one (through PyAV). It holds back 0.4 to 2 ms. soxr, which is cleaner near the
    Nyquist frequency, works in blocks and holds back 20 to 114 ms at these rates; every turn would wait for it.

    Args:
        from_hz: Rate of the samples that go in.
        to_hz: Rate of the samples that come out.
    """

    def __init__(self, from_hz: int, to_hz: int) -> None:
        self._from_hz = from_hz
        self._to_hz = to_hz
        self._resampler = None if from_hz == to_hz else av.AudioResampler(format="flt", layout="mono", rate=to_hz)
        self._taken = 0
        self._given = 0

    def push(self, samples: Samples) -> Samples:
        """Takes the next samples, any number of them; returns those that are ready."""
        if self._resampler is None or len(samples) == 0:
            return samples
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[np.newaxis, :], format="flt", layout="mono")
        frame.sample_rate = self._from_hz
        self._taken += len(samples)
        return self._deliver(self._resampler.resample(frame))

    def flush(self) -> Samples:
        """Ends the stream: returns the rest, so that the whole lasts as long as what went in, to the nearest sample."""
        if self._resampler is None or self._taken == 0:
            return np.zeros(0, np.float32)
        rest = self._deliver(self._resampler.resample(None))
        # FFmpeg rounds the length its own way, a sample up or down; the last sample stands in for a missing one.
        missing = round(self._taken * self._to_hz / self._from_hz) - self._given
        self._given += missing
        if missing <= 0:
            return rest[: len(rest) + missing]
        return np.concatenate([rest, np.full(missing, rest[-1] if len(rest) else 0.0, np.float32)])

    def _deliver(self, frames: list[av.AudioFrame]) -> Samples:
        pieces = [frame.to_ndarray()[0] for frame in frames]
        samples: Samples = np.concatenate([np.zeros(0, np.float32), *pieces]).clip(-1.0, 1.0)
        self._given += len(samples)
        return samples
