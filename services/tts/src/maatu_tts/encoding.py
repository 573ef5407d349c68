"""Encoding the chunks of a stream, each with its number and its place."""

from collections.abc import AsyncGenerator, Callable

from maatu_runtime.audio import EncodedAudio, StreamEncoder
from maatu_tts.events import Chunk, ClauseBegan
from maatu_tts.making import Maker
from maatu_tts.metrics import EngineMetrics
from maatu_tts.order import Order


class Sender:
    """Encodes what a maker makes.

    Args:
        order: How to speak.
        maker: Makes the audio.
        metrics: Of the engine.
        clock: Seconds, monotonic; the maker's.
    """

    def __init__(self, order: Order, maker: Maker, metrics: EngineMetrics, clock: Callable[[], float]) -> None:
        self.first_chunk_s = 0.0
        """From the first clause's being whole to the first chunk."""
        self.end_ns = 0
        """How long all audio so far plays."""
        self._maker = maker
        self._metrics = metrics
        self._clock = clock
        self._made_hz = order.choice.voice.sample_rate_hz
        self._sent_hz = order.audio_format.sample_rate_hz
        self._encoder = StreamEncoder(self._made_hz, order.audio_format)
        self._made = 0
        self._sent = 0
        self._sequence = 0

    async def events(self) -> AsyncGenerator[ClauseBegan | Chunk, None]:
        """All that the maker makes, until its queue ends."""
        while (raw := await self._maker.queue.get()) is not None:
            if raw.opens is not None:
                yield ClauseBegan(*raw.opens, offset_ns=self._made * 1_000_000_000 // self._made_hz)
            self._made += len(raw.samples)
            for encoded in self._encoder.push(raw.samples):
                yield self._chunk(encoded)

    def rest(self) -> list[Chunk]:
        """Ends the stream: the chunks that the codec and the resampler held back."""
        return [self._chunk(encoded) for encoded in self._encoder.flush()]

    def _chunk(self, encoded: EncodedAudio) -> Chunk:
        """Numbers a chunk and places it, to the sample: offsets and durations add up without rounding."""
        if self._sequence == 0 and self._maker.began_s is not None:
            self.first_chunk_s = self._clock() - self._maker.began_s
            self._metrics.first_chunk(self.first_chunk_s)
        offset_ns, sequence = self.end_ns, self._sequence
        self._sent += encoded.samples
        self._sequence += 1
        self.end_ns = self._sent * 1_000_000_000 // self._sent_hz
        self._metrics.audio((self.end_ns - offset_ns) / 1e9)
        return Chunk(encoded.data, sequence, offset_ns, self.end_ns - offset_ns)
