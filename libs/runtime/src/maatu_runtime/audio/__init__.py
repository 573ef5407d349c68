"""Audio on the wire and in memory: formats, streaming codecs, streaming resampling, files.

In memory, audio is mono float32 in [-1, 1] with its sample rate beside it. Every object here belongs to one stream and
keeps that stream's state; none may be shared between connections. None of them is slow enough to need a thread: 20 ms
of audio cost well under a millisecond.
"""

from maatu_runtime.audio.files import read_audio, write_wav
from maatu_runtime.audio.formats import (
    MAX_MESSAGE_BYTES,
    MAX_SAMPLE_RATE_HZ,
    MIN_SAMPLE_RATE_HZ,
    OPUS_SAMPLE_RATES_HZ,
    AudioFormat,
    Encoding,
    format_from_proto,
    format_to_proto,
    playing_time_ns,
)
from maatu_runtime.audio.resample import Resampler
from maatu_runtime.audio.samples import Samples
from maatu_runtime.audio.stream import EncodedAudio, StreamDecoder, StreamEncoder

__all__ = [
    "MAX_MESSAGE_BYTES",
    "MAX_SAMPLE_RATE_HZ",
    "MIN_SAMPLE_RATE_HZ",
    "OPUS_SAMPLE_RATES_HZ",
    "AudioFormat",
    "EncodedAudio",
    "Encoding",
    "Resampler",
    "Samples",
    "StreamDecoder",
    "StreamEncoder",
    "format_from_proto",
    "format_to_proto",
    "playing_time_ns",
    "read_audio",
    "write_wav",
]
