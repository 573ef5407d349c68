"""The edges of clauses: silence before one makes a listener wait, silence after one makes a gap, and cuts click."""

import numpy as np

from maatu_runtime.audio import Samples

_THRESHOLD = 0.005
"""Amplitude (-46 dB) that a voice's own noise stays under."""
_KEEP_MS = 10
"""Silence kept before the first sound: soft consonants begin below the threshold."""
_LONGEST_MS = 500
"""A voice silent for longer means it."""
_KEEP_AFTER_MS = 200
"""Silence kept after the last sound: about what people leave between clauses."""
_LONGEST_AFTER_MS = 600
"""Silence held back at most."""
_FADE_MS = 5
"""Fade at either end of a clause: too short to be heard as one, long enough for a cut to make no click."""


class LeadingSilence:
    """Takes the silence off the start of one stream of samples.

    Args:
        sample_rate_hz: Rate of the samples.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._keep = sample_rate_hz * _KEEP_MS // 1_000
        self._longest = sample_rate_hz * _LONGEST_MS // 1_000
        self._held: Samples | None = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Samples:
        """Takes the next samples; returns none of them until the voice begins, then all."""
        if self._held is None:
            return samples
        held = np.concatenate([self._held, samples])
        loud = np.abs(held) > _THRESHOLD
        if not loud.any():
            self._held = held
            return self.flush() if len(held) >= self._longest else held[:0]
        self._held = None
        begin = max(0, int(np.argmax(loud)) - self._keep)
        voice = held[begin:].copy()
        if begin:
            # What is kept was cut out of the voice's noise: fading it in makes the cut inaudible.
            voice[: self._keep] *= np.linspace(0.0, 1.0, self._keep, dtype=np.float32)
        return voice

    def flush(self) -> Samples:
        """Ends the stream: returns what is held back, all of it silence."""
        held, self._held = self._held, None
        return held if held is not None else np.zeros(0, np.float32)


class TrailingSilence:
    """Shortens the silence that voices put after a clause. The next clause would come after a gap.

    Silence is held back until a sound follows it, 600 ms at most: a pause within a clause stays as long as it is.

    Args:
        sample_rate_hz: Rate of the samples.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        self._keep = sample_rate_hz * _KEEP_AFTER_MS // 1_000
        self._longest = sample_rate_hz * _LONGEST_AFTER_MS // 1_000
        self._held = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Samples:
        """Takes the next samples; returns all up to the last sound."""
        held = np.concatenate([self._held, samples])
        loud = np.flatnonzero(np.abs(held) > _THRESHOLD)
        ready = max(int(loud[-1]) + 1 if len(loud) else 0, len(held) - self._longest)
        self._held = held[ready:]
        return held[:ready]

    def flush(self) -> Samples:
        """Ends the clause: returns what is kept of its last silence."""
        held, self._held = self._held, self._held[:0]
        return held[: self._keep]


class ClauseEdges:
    """Fades the first and the last 5 ms of one clause, so that a voice that begins or ends abruptly does not click.

    The last 5 ms are held back until more comes or the clause ends.

    Args:
        sample_rate_hz: Rate of the samples.
    """

    def __init__(self, sample_rate_hz: int) -> None:
        length = sample_rate_hz * _FADE_MS // 1_000
        self._fade: Samples = (np.arange(length, dtype=np.float32) + np.float32(0.5)) / np.float32(length)
        self._faded_in = 0
        self._held = np.zeros(0, np.float32)

    def push(self, samples: Samples) -> Samples:
        """Takes the clause's next samples; returns all but the last 5 ms."""
        fade = self._fade[self._faded_in : self._faded_in + len(samples)]
        if len(fade):
            samples = np.concatenate([samples[: len(fade)] * fade, samples[len(fade) :]])
            self._faded_in += len(fade)
        held = np.concatenate([self._held, samples])
        ready = max(0, len(held) - len(self._fade))
        self._held = held[ready:]
        return held[:ready]

    def flush(self) -> Samples:
        """Ends the clause: returns what is held back, fading."""
        held, self._held = self._held, self._held[:0]
        faded: Samples = held * self._fade[: len(held)][::-1]
        return faded
