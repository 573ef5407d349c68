"""One utterance on its way through the decoder: what was asked, the columns so far, the audio so far."""

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from maatu_runtime.places import Priority
from maatu_tts.engine.parler.batch import Sampling
from maatu_tts.engine.parler.codec import CONTEXT_FRAMES
from maatu_tts.engine.parler.loader import Voice
from maatu_tts.engine.parler.ramp import ChunkPlan, ChunkRamp
from maatu_tts.engine.parler.windows import Samples, Window


@dataclass(frozen=True)
class Request:
    """What to speak, and how."""

    prompt_ids: list[int]
    """The text, as ids of the prompt's vocabulary."""
    voice: Voice
    """Its description."""
    sampling: Sampling
    """How it is sampled, and when it ends."""
    plan: ChunkPlan = field(default_factory=ChunkPlan)
    """How its audio is cut."""
    priority: Priority = Priority.INTERACTIVE
    """What goes first when rows are few."""
    alone: bool = False
    """It has the model for itself."""


@dataclass(frozen=True)
class Piece:
    """A chunk of a stream's audio."""

    samples: Samples
    """Mono float32 in [-1, 1] at the codec's rate."""
    frames: int
    """Codec frames it was decoded from."""
    compute_s: float
    """Time spent on it: its share of every step and codec run since the piece before."""


Listener = Callable[[Piece | Exception | None], None]
"""Is told each piece in order, then None, or what went wrong. Called from the thread that runs the scheduler."""


class Stream:
    """What the scheduler knows of one utterance.

    Args:
        request: What was asked.
        listener: Is told the audio.
        codebooks: Tokens in a column.
        frame_s: How long a frame plays, in seconds.
    """

    def __init__(self, request: Request, listener: Listener, codebooks: int, frame_s: float) -> None:
        self.request = request
        self.row: int | None = None
        """Its row of the batch while it has one."""
        self.prefilled = 0
        """Inputs already in the cache."""
        self.decoding = False
        """It takes part in steps."""
        self.progress: tuple[Tensor, int] | None = None
        """Where it was when it lost its row; see Batch.resume."""
        self.compute_s = 0.0
        """Time spent on it since its last piece."""
        self.closed = False
        """Its listener was told the end, or has left."""
        self._listener = listener
        self._codebooks = codebooks
        self._ramp = ChunkRamp(request.plan, frame_s)
        self._columns: NDArray[np.int64] = np.zeros((64, codebooks), np.int64)
        self._count = 0
        self._length = request.sampling.max_frames
        self._eos_seen = False
        self._spoken = 0

    @property
    def columns(self) -> Tensor:
        """All columns so far, [columns, codebooks], without column 0."""
        return torch.from_numpy(self._columns[: self._count])

    @property
    def count(self) -> int:
        """How many columns came out."""
        return self._count

    @property
    def frames(self) -> int:
        """Frames that are whole."""
        return max(0, min(self._length, self._count - self._codebooks + 1))

    @property
    def codes(self) -> Tensor:
        """The whole frames so far, the delay undone: [codebooks, frames]."""
        columns, frames = self.columns, self.frames
        return torch.stack([columns[book : book + frames, book] for book in range(self._codebooks)])

    @property
    def ended(self) -> bool:
        """All of its frames are whole."""
        return self._count >= self._length + self._codebooks - 1 or self._length == 0

    @property
    def frames_to_come(self) -> int:
        """Frames at most until it ends."""
        return self._length - self.frames

    @property
    def has_spoken(self) -> bool:
        """A piece of its audio went out."""
        return self._spoken > 0

    @property
    def first_due(self) -> bool:
        """Nothing of its audio went out yet, and its first chunk is whole."""
        return not self._spoken and (self.ended or self.frames >= self.request.plan.first + CONTEXT_FRAMES)

    def add(self, column: NDArray[np.int64], eos: int) -> None:
        """Takes the next column, [codebooks]."""
        if self._count == len(self._columns):
            self._columns = np.concatenate([self._columns, np.zeros_like(self._columns)])
        self._columns[self._count] = column
        self._count += 1
        if column[0] == eos and not self._eos_seen:
            # The first codebook runs ahead of the others: where it ends, the last frame is known.
            self._eos_seen = True
            self._length = min(self._length, self._count - 1)

    def window(self, now_s: float) -> Window | None:
        """The part that is due to be decoded to audio, if any."""
        ends = self.ended
        ready = self.frames - self._spoken - (0 if ends else CONTEXT_FRAMES)
        take = ready if ends else self._ramp.due(ready, now_s)
        if take <= 0:
            return None
        codes = self.codes
        end = self._spoken + take
        if ends and take > self.request.plan.largest + CONTEXT_FRAMES:
            # What is left of a stream that was decoded faster than it is cut.
            take, ends = self.request.plan.largest, False
            end = self._spoken + take
        return Window.cut(codes, self._spoken, end, ends=ends)

    def speak(self, samples: Samples, frames: int, now_s: float, took_s: float) -> None:
        """Hands a piece of audio to the listener, which took so long to decode; after the last one, the end."""
        self._spoken += frames
        self._ramp.decoded(frames, now_s, took_s)
        compute_s, self.compute_s = self.compute_s, 0.0
        self._listener(Piece(samples, frames, compute_s))
        self.close_if_spoken()

    def close_if_spoken(self) -> None:
        """Tells the listener the end, if there is no more to come."""
        if self.ended and self._spoken >= self.frames and not self.closed:
            self.closed = True
            self._listener(None)

    def fail(self, error: Exception) -> None:
        """Tells the listener that something broke."""
        if not self.closed:
            self.closed = True
            self._listener(error)
