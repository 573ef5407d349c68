"""Which audio formats Maatu speaks, and their form in protobuf."""

from dataclasses import dataclass
from enum import Enum

from maatu.v1 import common_pb2
from maatu_runtime.errors import InvalidAudio

MIN_SAMPLE_RATE_HZ = 8_000
MAX_SAMPLE_RATE_HZ = 48_000
OPUS_SAMPLE_RATES_HZ = (8_000, 12_000, 16_000, 24_000, 48_000)
"""The rates that RFC 6716 defines."""
MAX_MESSAGE_BYTES = 256 * 1024
"""Longest piece of encoded audio in one message."""
_OPUS_FRAME_US = (
    *(10_000, 20_000, 40_000, 60_000) * 3,  # SILK
    *(10_000, 20_000) * 2,  # hybrid
    *(2_500, 5_000, 10_000, 20_000) * 4,  # CELT
)
"""Length of a packet's frames by its configuration (RFC 6716, table 2)."""


class Encoding(Enum):
    """How audio bytes are encoded. The values are those of maatu.v1.AudioEncoding."""

    LINEAR16 = common_pb2.AUDIO_ENCODING_LINEAR16
    """Signed 16-bit little-endian samples."""
    MULAW = common_pb2.AUDIO_ENCODING_MULAW
    """ITU-T G.711 mu-law, one byte a sample."""
    OPUS = common_pb2.AUDIO_ENCODING_OPUS
    """Raw Opus packets (RFC 6716), one in each message."""


@dataclass(frozen=True)
class AudioFormat:
    """The format of one stream of mono audio; checked when it is made.

    Raises:
        InvalidAudio: UNSUPPORTED_SAMPLE_RATE where the encoding does not allow the rate.
    """

    encoding: Encoding
    sample_rate_hz: int

    def __post_init__(self) -> None:
        _check_rate(self.encoding, self.sample_rate_hz, "sample_rate_hz")


def format_from_proto(message: common_pb2.AudioFormat, field: str) -> AudioFormat:
    """Reads a format out of a request.

    Args:
        message: The format as it came.
        field: Path of the message within the request, for the error: "config.format".

    Raises:
        InvalidAudio: UNSUPPORTED_ENCODING or UNSUPPORTED_SAMPLE_RATE, with the path of the field that is wrong.
    """
    try:
        encoding = Encoding(message.encoding)
    except ValueError:
        known = ", ".join(known.name for known in Encoding)
        given = (
            "no audio encoding is given" if message.encoding == 0 else f"audio encoding {message.encoding} is unknown"
        )
        raise InvalidAudio(
            f"{given}; supported: {known}", reason="UNSUPPORTED_ENCODING", field=f"{field}.encoding"
        ) from None
    _check_rate(encoding, message.sample_rate_hz, f"{field}.sample_rate_hz")
    return AudioFormat(encoding, message.sample_rate_hz)


def format_to_proto(audio_format: AudioFormat) -> common_pb2.AudioFormat:
    """Writes a format into a message."""
    return common_pb2.AudioFormat(
        encoding=common_pb2.AudioEncoding.ValueType(audio_format.encoding.value),
        sample_rate_hz=audio_format.sample_rate_hz,
    )


def _check_rate(encoding: Encoding, sample_rate_hz: int, field: str) -> None:
    if encoding is Encoding.OPUS:
        if sample_rate_hz not in OPUS_SAMPLE_RATES_HZ:
            allowed = ", ".join(str(rate) for rate in OPUS_SAMPLE_RATES_HZ)
            raise InvalidAudio(
                f"Opus does not have a sample rate of {sample_rate_hz} Hz; allowed: {allowed}",
                reason="UNSUPPORTED_SAMPLE_RATE",
                field=field,
            )
    elif not MIN_SAMPLE_RATE_HZ <= sample_rate_hz <= MAX_SAMPLE_RATE_HZ:
        raise InvalidAudio(
            f"a sample rate of {sample_rate_hz} Hz is not supported; "
            f"allowed: {MIN_SAMPLE_RATE_HZ} to {MAX_SAMPLE_RATE_HZ} Hz",
            reason="UNSUPPORTED_SAMPLE_RATE",
            field=field,
        )


def playing_time_ns(audio: bytes, audio_format: AudioFormat) -> int:
    """How long a message of audio plays, nanoseconds. Opus packets tell it in their first bytes (RFC 6716, 3.1)."""
    if audio_format.encoding is not Encoding.OPUS:
        sample_bytes = 2 if audio_format.encoding is Encoding.LINEAR16 else 1
        return len(audio) // sample_bytes * 1_000_000_000 // audio_format.sample_rate_hz
    if not audio:
        return 0
    frames = (1, 2, 2, audio[1] & 0x3F if len(audio) > 1 else 0)[audio[0] & 3]
    return frames * _OPUS_FRAME_US[audio[0] >> 3] * 1000
