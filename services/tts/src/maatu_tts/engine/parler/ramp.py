"""When the next chunk of a stream is decoded to audio: early enough that playback never waits, late enough not to waste work.

Each chunk costs the codec CONTEXT_FRAMES on either side, so small chunks are dear; but a listener hears nothing until the first
one. So the first is small and each further one at most twice as long as the one before: jumping from a small chunk to a large one
would leave playback dry in between (seen by sglang-omni, which ramps 1 → 2 → 4 frames).
"""

from dataclasses import dataclass

from maatu_tts.engine.parler.codec import CONTEXT_FRAMES

GROWTH = 2
"""A chunk is at most this many times as long as the one before."""
_SAFETY_S = 0.06
"""Playback gets what there is when it is ahead by this and the time that decoding it takes."""
_LATE_IN_A_ROW = 2
"""Chunks that came too late for playback: so many are no hiccup, decoding is slower than playback."""


@dataclass(frozen=True)
class ChunkPlan:
    """How a stream's audio is cut, in codec frames."""

    first: int = 5
    """Length of the first chunk."""
    largest: int = 50
    """Length of a chunk at most."""
    adaptive: bool = True
    """Let chunks grow from the first to the largest with how far playback is ahead; otherwise all after the first are the
    largest."""

    @classmethod
    def whole(cls) -> "ChunkPlan":
        """Long pieces, for callers who take nothing before the end. The codec's memory grows with their length."""
        return cls(first=400, largest=400, adaptive=False)


class ChunkRamp:
    """Decides for one stream.

    Args:
        plan: How its audio is cut.
        frame_s: How long a frame plays, in seconds.
    """

    def __init__(self, plan: ChunkPlan, frame_s: float) -> None:
        self._plan = plan
        self._frame_s = frame_s
        self._last = 0
        self._runs_dry_s = 0.0
        self._frame_takes_s = 0.0
        self._late = 0

    def due(self, ready: int, now_s: float) -> int:
        """How many frames to decode now; 0: wait for more.

        Args:
            ready: Frames that could be, with the frames of context after them.
            now_s: Time, in seconds.
        """
        if not self._last:
            return self._plan.first if ready >= self._plan.first else 0
        if not self._plan.adaptive:
            return self._plan.largest if ready >= self._plan.largest else 0
        wanted = min(self._plan.largest, GROWTH * self._last)
        if ready >= wanted:
            return wanted
        ahead_s = self._runs_dry_s - now_s
        takes_s = self._frame_takes_s * (ready + 2 * CONTEXT_FRAMES)
        # Where playback waits anyway, hurrying costs more than it gains: small chunks would make the rest later still.
        hopeful = ahead_s > 0 and self._late < _LATE_IN_A_ROW
        if hopeful and ahead_s < _SAFETY_S + takes_s and ready >= self._plan.first:
            return ready
        return 0

    def decoded(self, frames: int, now_s: float, took_s: float) -> None:
        """A chunk of so many frames went out at this time; decoding it took so long, in seconds."""
        # Nothing stands before the first chunk.
        self._frame_takes_s = took_s / (frames + CONTEXT_FRAMES * (2 if self._last else 1))
        self._late = self._late + 1 if self._last and now_s > self._runs_dry_s else 0
        self._last = min(frames, self._plan.largest)
        self._runs_dry_s = max(self._runs_dry_s, now_s) + frames * self._frame_s
