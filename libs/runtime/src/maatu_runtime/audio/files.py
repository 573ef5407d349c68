"""Audio files: reading any that FFmpeg opens, writing WAV."""

import wave
from pathlib import Path

import av
import numpy as np

from maatu_runtime.audio.resample import Resampler
from maatu_runtime.audio.samples import Samples, to_int16
from maatu_runtime.errors import InvalidAudio


def read_audio(path: Path | str, sample_rate_hz: int) -> Samples:
    """Reads a whole audio file (WAV, FLAC, MP3, Ogg, …), mixed down to mono, at the rate wanted.

    Raises:
        InvalidAudio: MALFORMED_AUDIO: the file holds no audio that FFmpeg understands.
        FileNotFoundError: There is no such file.
    """
    pieces: list[Samples] = []
    resampler: Resampler | None = None
    planar = av.AudioResampler(format="fltp")
    try:
        with av.open(str(path)) as container:
            for frame in container.decode(audio=0):
                resampler = resampler or Resampler(frame.sample_rate, sample_rate_hz)
                # The mean of the channels cannot clip; FFmpeg's own mixing is 3 dB louder.
                pieces += [resampler.push(planes.to_ndarray().mean(axis=0)) for planes in planar.resample(frame)]
    except FileNotFoundError:
        raise
    except (av.FFmpegError, IndexError) as error:
        raise InvalidAudio(f"{path} holds no audio that can be read: {error}") from None
    if resampler is not None:
        pieces.append(resampler.flush())
    return np.concatenate([np.zeros(0, np.float32), *pieces])


def write_wav(path: Path | str, samples: Samples, sample_rate_hz: int) -> None:
    """Writes mono 16-bit WAV. Samples outside [-1, 1] saturate."""
    # Given a path that it cannot open, wave leaves an object behind whose destructor fails.
    with Path(path).open("wb") as raw, wave.open(raw, "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(sample_rate_hz)
        file.writeframes(to_int16(samples).astype("<i2", copy=False).tobytes())
