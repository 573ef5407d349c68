"""How clear speech becomes hard to understand: noise of a given level, the telephone. Samples are float32 at 16 kHz."""

import zlib
from enum import Enum

import numpy as np

from maatu_runtime.audio import AudioFormat, Encoding, StreamDecoder, StreamEncoder
from maatu_runtime.audio.samples import Samples

RATE_HZ = 16_000
LEAD = RATE_HZ * 300 // 1_000
"""Samples before the speech."""
TAIL = RATE_HZ * 1_200 // 1_000
"""Samples after the speech."""
LEVEL = 0.05
"""RMS over the voiced part of every utterance, 26 dB below full scale: the usual level of telephony (ITU-T P.56)."""
_FRAME = RATE_HZ // 50
_RANGE_DB = 30.0
"""Frames this far below the loudest ones are taken for silence."""
_FLAT_HZ = 500.0
_SLOPE = -1.5
"""Of the noise's amplitude over frequency: 9 dB an octave, roughly as the long-term spectrum of speech falls."""
_LOWEST_HZ = 100.0


class Condition(Enum):
    """How an utterance is heard. The values are for people."""

    CLEAN = "clean"
    NOISE_10 = "noise at 10 dB"
    NOISE_5 = "noise at 5 dB"
    TELEPHONE = "8 kHz mu-law"


def voiced_frames(samples: Samples) -> np.ndarray[tuple[int], np.dtype[np.bool_]]:
    """Whether each whole frame of 20 ms is loud enough to be speech, judged within the recording alone."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    energy = np.square(frames, dtype=np.float64).mean(axis=1) + 1e-12
    voiced: np.ndarray[tuple[int], np.dtype[np.bool_]] = energy > np.percentile(energy, 95) * 10 ** (-_RANGE_DB / 10)
    return voiced


def voiced_rms(samples: Samples) -> float:
    """RMS over the voiced frames."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    return float(np.sqrt(np.square(frames[voiced_frames(samples)], dtype=np.float64).mean()))


def trimmed(samples: Samples) -> Samples:
    """Without the silence around the speech, at LEVEL."""
    voiced = np.flatnonzero(voiced_frames(samples))
    start, end = max(int(voiced[0]) - 1, 0) * _FRAME, (int(voiced[-1]) + 2) * _FRAME
    return np.asarray(samples[start:end] * (LEVEL / voiced_rms(samples)), np.float32)


def tight(samples: Samples, longest: int = RATE_HZ * 80 // 1_000) -> Samples:
    """Without pauses: of each stretch of unvoiced frames `longest` samples are left."""
    voiced = voiced_frames(samples)
    keep = np.ones(len(voiced), bool)
    run = 0
    for index, is_voiced in enumerate(voiced):
        run = 0 if is_voiced else run + 1
        keep[index] = run * _FRAME <= longest
    return samples[: len(voiced) * _FRAME].reshape(-1, _FRAME)[keep].reshape(-1)


def speech_noise(length: int, random: np.random.Generator) -> Samples:
    """Noise with roughly the spectrum of speech and an RMS of 1."""
    spectrum = np.fft.rfft(random.standard_normal(length))
    frequencies = np.fft.rfftfreq(length, 1 / RATE_HZ)
    shape = np.where(frequencies < _LOWEST_HZ, 0.0, np.maximum(frequencies, _FLAT_HZ) ** _SLOPE)
    noise = np.fft.irfft(spectrum * shape, length)
    return np.asarray(noise / np.sqrt(np.square(noise).mean()), np.float32)


def telephone(samples: Samples) -> Samples:
    """As it comes out of a line with G.711 mu-law at 8 kHz, through the codecs and the resampling of the service."""
    line = AudioFormat(Encoding.MULAW, 8_000)
    encoder, decoder = StreamEncoder(RATE_HZ, line), StreamDecoder(line, RATE_HZ)
    messages = [*encoder.push(samples), *encoder.flush()]
    return np.concatenate([*(decoder.push(message.data) for message in messages), decoder.flush()])


def in_condition(speech: Samples, condition: Condition, name: str) -> Samples:
    """An utterance as it is heard, with LEAD samples before the speech and TAIL after it.

    Args:
        speech: As `trimmed` leaves it.
        condition: How it is heard. The noise lasts from the first sample to the last; its ratio counts over the voiced part.
        name: Of the utterance: its noise is another than that of the next one, and the same in every run.
    """
    whole = np.concatenate([np.zeros(LEAD, np.float32), speech, np.zeros(TAIL, np.float32)])
    match condition:
        case Condition.CLEAN:
            return whole
        case Condition.TELEPHONE:
            return telephone(whole)
        case _:
            decibels = 10 if condition is Condition.NOISE_10 else 5
            random = np.random.default_rng(zlib.crc32(f"{name} {condition.name}".encode()))
            level = voiced_rms(speech) * 10 ** (-decibels / 20)
            return np.asarray(whole + level * speech_noise(len(whole), random), np.float32)
