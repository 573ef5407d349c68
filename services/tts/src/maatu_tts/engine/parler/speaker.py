"""From tokens to audio: decodes what is due of all streams, a bounded amount at a time, and hands it to their listeners."""

import itertools
import logging
from collections.abc import Callable

import torch

from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.stream import Stream
from maatu_tts.engine.parler.windows import Window, decode

log = logging.getLogger(__name__)

_CROWD = 64
"""With more streams than this nearly every step brings a window or two, and the codec would run for each of them."""
_CROWD_CALLS = 4
"""So many calls' windows are then decoded together. It is less time than playback is ahead by when a chunk is due."""


class Speaker:
    """The streams whose audio is not all out yet. They may have left the batch already.

    Args:
        model: Whose codec decodes.
        frames: Frames decoded at once, with their context; the rest waits for the next call.
        clock: Seconds, monotonic.
    """

    def __init__(self, model: ParlerModel, frames: int, clock: Callable[[], float]) -> None:
        self._model = model
        self._frames = frames
        self._clock = clock
        self._streams: dict[Stream, None] = {}
        self._waited = 0

    def __len__(self) -> int:
        return len(self._streams)

    @property
    def streams(self) -> list[Stream]:
        """Those whose audio is not all out."""
        return list(self._streams)

    def add(self, stream: Stream) -> None:
        """Speaks a stream from now on."""
        self._streams[stream] = None

    def forget(self, stream: Stream) -> None:
        """Speaks a stream no longer."""
        self._streams.pop(stream, None)

    def speak(self) -> list[Stream]:
        """Decodes what is due: first chunks first, as much as the budget holds, one window at least. A crowd's waits for a few
        calls, unless somebody is to hear the first of a stream.

        Returns:
            Streams that failed for want of memory.
        """
        self._waited += 1
        crowded = len(self._streams) > _CROWD
        if crowded and self._waited < _CROWD_CALLS and not any(stream.first_due for stream in self._streams):
            return []
        self._waited = 0
        now = self._clock()
        due: list[tuple[Stream, Window]] = []
        for stream in self._streams:
            window = stream.window(now)
            if window is not None:
                due.append((stream, window))
            else:
                stream.close_if_spoken()
        due.sort(key=lambda pair: pair[0].has_spoken)
        totals = itertools.accumulate(window.length(self._model.device) for _, window in due)
        batch = [pair for pair, total in zip(due, totals, strict=True) if total <= self._frames] or due[:1]
        failed = self._decode(batch) if batch else []
        for stream in [stream for stream in self._streams if stream.closed]:
            del self._streams[stream]
        return failed

    def _decode(self, batch: list[tuple[Stream, Window]]) -> list[Stream]:
        began = self._clock()
        try:
            samples = decode(self._model.codec, [window for _, window in batch], self._model.device)
        except torch.OutOfMemoryError as error:
            # Nothing is lost: the windows are due again at the next step.
            self._frames = max(1, sum(window.length(self._model.device) for _, window in batch) // 2)
            log.warning("the codec ran out of memory; it decodes %d frames at once from now on", self._frames)
            if len(batch) > 1:
                return []
            stream = batch[0][0]
            stream.fail(error)
            return [stream]
        ended = self._clock()
        for (stream, window), audio in zip(batch, samples, strict=True):
            stream.compute_s += (ended - began) / len(batch)
            stream.speak(audio, window.take, ended, ended - began)
        return []
