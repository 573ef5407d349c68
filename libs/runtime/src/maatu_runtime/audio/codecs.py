"""Encoders and decoders of one stream each, between bytes and 16-bit samples. Resampling is not their business."""

from collections.abc import Callable
from typing import Literal, Protocol, TypeAlias

import av
import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio.formats import AudioFormat, Encoding
from maatu_runtime.errors import InvalidAudio

Int16: TypeAlias = NDArray[np.int16]

_OPUS_DECODED_HZ = 48_000
"""libopus decodes every packet at its full rate."""
_OPUS_BITS_PER_SECOND = {8_000: 16_000, 12_000: 20_000, 16_000: 24_000, 24_000: 32_000, 48_000: 48_000}
"""Rates at which speech of that bandwidth is transparent to most listeners (RFC 7587 §3.1.1)."""


def opus_delay(sample_rate_hz: int) -> int:
    """Samples by which libopus's encoder is late: 2.5 ms of look-ahead and 4 ms that even out its two modes."""
    return sample_rate_hz * 13 // 2_000


class Decoder(Protocol):
    """Turns messages into samples."""

    sample_rate_hz: int
    """Rate of the samples that come out."""

    def decode(self, data: bytes) -> Int16:
        """Decodes one message.

        Raises:
            InvalidAudio: MALFORMED_AUDIO.
        """


class Encoder(Protocol):
    """Turns samples into messages."""

    def encode(self, samples: Int16) -> list[tuple[bytes, int]]:
        """Encodes what fills whole messages: (bytes, samples of the stream they carry) for each."""

    def finish(self) -> list[tuple[bytes, int]]:
        """Ends the stream: the messages that carry the rest."""


class Linear16:
    """Signed 16-bit little-endian samples."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz

    def decode(self, data: bytes) -> Int16:
        """Decodes any whole number of samples."""
        if len(data) % 2:
            raise InvalidAudio(f"{len(data)} bytes of LINEAR16 audio are not a whole number of 16-bit samples")
        return np.frombuffer(data, dtype="<i2").astype(np.int16, copy=False)

    def encode(self, samples: Int16) -> list[tuple[bytes, int]]:
        """Encodes all samples into one message."""
        return [(samples.astype("<i2", copy=False).tobytes(), len(samples))] if len(samples) else []

    def finish(self) -> list[tuple[bytes, int]]:
        """Nothing is ever held back."""
        return []


class MuLaw:
    """ITU-T G.711 mu-law."""

    def __init__(self, sample_rate_hz: int) -> None:
        self.sample_rate_hz = sample_rate_hz
        self._decoder = _open("pcm_mulaw", "r", sample_rate_hz)
        self._encoder = _open("pcm_mulaw", "w", sample_rate_hz)

    def decode(self, data: bytes) -> Int16:
        """Decodes one sample a byte."""
        return _decode(self._decoder, data)

    def encode(self, samples: Int16) -> list[tuple[bytes, int]]:
        """Encodes all samples into one message."""
        if not len(samples):
            return []
        return [(b"".join(_encode(self._encoder, samples)), len(samples))]

    def finish(self) -> list[tuple[bytes, int]]:
        """Nothing is ever held back."""
        return []


class OpusDecoder:
    """Raw Opus packets of 2.5 to 120 ms, decoded at 48 kHz.

    The first 6.5 ms, which are the delay of libopus's encoder and not of the recording, are left out, so that sample 0
    is the first that the sender recorded.
    """

    sample_rate_hz = _OPUS_DECODED_HZ

    def __init__(self) -> None:
        self._decoder = _open("libopus", "r", _OPUS_DECODED_HZ)
        self._to_skip = opus_delay(_OPUS_DECODED_HZ)

    def decode(self, data: bytes) -> Int16:
        """Decodes one packet."""
        samples = _decode(self._decoder, data)
        skipped = min(self._to_skip, len(samples))
        self._to_skip -= skipped
        return samples[skipped:]


class OpusEncoder:
    """Packs speech into Opus packets of one length.

    A packet carries the samples that a decoder delivers for it once it left out the encoder's delay (`OpusDecoder`
    does): the first 6.5 ms less than its length, the last one what is left.
    """

    def __init__(self, sample_rate_hz: int, frame_ms: int) -> None:
        self._encoder = _open(
            "libopus",
            "w",
            sample_rate_hz,
            bit_rate=_OPUS_BITS_PER_SECOND[sample_rate_hz],
            # "voip" would high-pass the voice with a filter that follows its pitch.
            options={"application": "audio", "frame_duration": str(frame_ms)},
        )
        self._frame = sample_rate_hz * frame_ms // 1_000
        self._pending = np.zeros(0, np.int16)
        self._ahead = opus_delay(sample_rate_hz)
        """Samples of delay that the packets made so far have not yet worked off."""
        self._taken = 0
        self._carried = 0

    def encode(self, samples: Int16) -> list[tuple[bytes, int]]:
        """Encodes as many whole packets as there are samples for."""
        self._taken += len(samples)
        self._pending = np.concatenate([self._pending, samples])
        packets = []
        while len(self._pending) >= self._frame:
            packets.append(self._packet(self._pending[: self._frame]))
            self._pending = self._pending[self._frame :]
        return packets

    def finish(self) -> list[tuple[bytes, int]]:
        """Fills up with silence until the delayed last sample is in a packet."""
        packets = []
        while self._carried < self._taken:
            frame = np.zeros(self._frame, np.int16)
            frame[: len(self._pending)] = self._pending
            self._pending = self._pending[:0]
            packets.append(self._packet(frame))
        return packets

    def _packet(self, frame: Int16) -> tuple[bytes, int]:
        data = b"".join(_encode(self._encoder, frame))
        carried = min(self._frame - self._ahead, self._taken - self._carried)
        self._ahead = 0
        self._carried += carried
        return data, carried


def open_decoder(audio_format: AudioFormat) -> Decoder:
    """A decoder for one stream of that format."""
    makers: dict[Encoding, Callable[[], Decoder]] = {
        Encoding.LINEAR16: lambda: Linear16(audio_format.sample_rate_hz),
        Encoding.MULAW: lambda: MuLaw(audio_format.sample_rate_hz),
        Encoding.OPUS: OpusDecoder,
    }
    return makers[audio_format.encoding]()


def open_encoder(audio_format: AudioFormat, frame_ms: int) -> Encoder:
    """An encoder for one stream of that format; frame_ms is the length of an Opus packet."""
    makers: dict[Encoding, Callable[[], Encoder]] = {
        Encoding.LINEAR16: lambda: Linear16(audio_format.sample_rate_hz),
        Encoding.MULAW: lambda: MuLaw(audio_format.sample_rate_hz),
        Encoding.OPUS: lambda: OpusEncoder(audio_format.sample_rate_hz, frame_ms),
    }
    return makers[audio_format.encoding]()


def _open(
    codec: str,
    mode: Literal["r", "w"],
    sample_rate_hz: int,
    *,
    bit_rate: int = 0,
    options: dict[str, str] | None = None,
) -> av.AudioCodecContext:
    context = av.CodecContext.create(codec, mode)
    assert isinstance(context, av.AudioCodecContext)
    context.sample_rate = sample_rate_hz
    context.layout = "mono"
    context.thread_count = 1
    if mode == "w":
        context.format = "s16"
        if bit_rate:
            context.bit_rate = bit_rate
        context.options = options or {}
    context.open()
    return context


def _decode(context: av.AudioCodecContext, data: bytes) -> Int16:
    try:
        frames = context.decode(av.Packet(data))
    except av.FFmpegError as error:
        raise InvalidAudio(f"{len(data)} bytes are not a packet of {context.name}: {error.strerror}") from None
    return np.concatenate([np.zeros(0, np.int16), *(frame.to_ndarray().reshape(-1) for frame in frames)])


def _encode(context: av.AudioCodecContext, samples: Int16) -> list[bytes]:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples)[np.newaxis, :], format="s16", layout="mono")
    frame.sample_rate = context.sample_rate
    return [bytes(packet) for packet in context.encode(frame)]
