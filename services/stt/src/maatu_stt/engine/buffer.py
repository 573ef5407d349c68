"""The samples of a stream that may still be needed, addressed by their position in the stream."""

from collections import deque

import numpy as np

from maatu_runtime.audio.samples import Samples


class SampleBuffer:
    """A window on a stream that grows at its end and is forgotten at its start."""

    def __init__(self) -> None:
        self._pieces: deque[Samples] = deque()
        self._start = 0
        self.end = 0
        """Samples of the stream so far."""

    def append(self, samples: Samples) -> None:
        """Adds the next samples of the stream."""
        if len(samples):
            self._pieces.append(samples)
            self.end += len(samples)

    def forget_before(self, position: int) -> None:
        """Lets go of samples before `position`, whole pieces at a time."""
        while self._pieces and self._start + len(self._pieces[0]) <= position:
            self._start += len(self._pieces.popleft())

    def read(self, start: int, end: int) -> Samples:
        """A copy of the samples from `start` to `end`, as far as they are here."""
        position = self._start
        wanted = [np.zeros(0, np.float32)]
        for piece in self._pieces:
            if position < end and position + len(piece) > start:
                wanted.append(piece[max(start - position, 0) : end - position])
            position += len(piece)
        return np.concatenate(wanted)
