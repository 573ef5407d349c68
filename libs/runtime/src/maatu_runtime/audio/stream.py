"""Decoding and encoding of one stream, with its resampling."""

from dataclasses import dataclass

import numpy as np

from maatu_runtime.audio.codecs import open_decoder, open_encoder
from maatu_runtime.audio.formats import MAX_MESSAGE_BYTES, AudioFormat
from maatu_runtime.audio.resample import Resampler
from maatu_runtime.audio.samples import Samples, from_int16, to_int16
from maatu_runtime.errors import InvalidAudio

_USUAL_MESSAGE_MS = 20


class StreamDecoder:
    """Turns the messages of one stream into samples at the rate wanted, however the audio is cut into messages.

    Args:
        audio_format: Format of the messages.
        sample_rate_hz: Rate of the samples that come out.
    """

    def __init__(self, audio_format: AudioFormat, sample_rate_hz: int) -> None:
        self._decoder = open_decoder(audio_format)
        self._resampler = Resampler(self._decoder.sample_rate_hz, sample_rate_hz)
        self._latest = self._decoder.sample_rate_hz * _USUAL_MESSAGE_MS // 1_000
        """Samples of the latest message that decoded, before resampling."""

    def push(self, data: bytes) -> Samples:
        """Decodes the next message: mono float32 in [-1, 1], at the rate wanted.

        Raises:
            InvalidAudio: The message is empty (UNEXPECTED_MESSAGE), or too long or does not decode (MALFORMED_AUDIO).
                The stream may go on: what came before and comes after is not concerned.
        """
        if not data:
            raise InvalidAudio("a message with no audio in it", reason="UNEXPECTED_MESSAGE")
        if len(data) > MAX_MESSAGE_BYTES:
            raise InvalidAudio(f"{len(data)} bytes of audio in one message; at most {MAX_MESSAGE_BYTES} are allowed")
        decoded = from_int16(self._decoder.decode(data))
        self._latest = len(decoded) or self._latest
        return self._resampler.push(decoded)

    def conceal(self) -> Samples:
        """Stands in for a message that is lost or did not decode: silence as long as the message before it, or 20 ms."""
        return self._resampler.push(np.zeros(self._latest, np.float32))

    def flush(self) -> Samples:
        """Ends the stream; returns the samples that the resampler held back."""
        return self._resampler.flush()


@dataclass(frozen=True)
class EncodedAudio:
    """One message of encoded audio."""

    data: bytes
    """The bytes; for Opus exactly one packet."""
    samples: int
    """How many samples of the stream it carries, at the rate of the format. Over a stream they sum to its length."""


class StreamEncoder:
    """Turns samples into messages of one stream.

    Args:
        sample_rate_hz: Rate of the samples that go in.
        audio_format: Format of the messages.
        frame_ms: Length of an Opus packet: 20, 40 or 60. Other formats make one message of each push.
    """

    def __init__(self, sample_rate_hz: int, audio_format: AudioFormat, frame_ms: int = 20) -> None:
        self._encoder = open_encoder(audio_format, frame_ms)
        self._resampler = Resampler(sample_rate_hz, audio_format.sample_rate_hz)

    def push(self, samples: Samples) -> list[EncodedAudio]:
        """Takes the next samples, any number of them; returns the messages that are ready.

        Samples outside [-1, 1] saturate; samples that are not numbers become silence.
        """
        # A value that is not finite would spread through the resampler's filter.
        finite = np.nan_to_num(samples, nan=0.0, posinf=1.0, neginf=-1.0).astype(np.float32, copy=False)
        resampled = self._resampler.push(finite)
        return [EncodedAudio(data, count) for data, count in self._encoder.encode(to_int16(resampled))]

    def flush(self) -> list[EncodedAudio]:
        """Ends the stream; returns the messages that carry the rest."""
        rest = self._encoder.encode(to_int16(self._resampler.flush()))
        return [EncodedAudio(data, count) for data, count in [*rest, *self._encoder.finish()]]
