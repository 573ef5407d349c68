"""Sounds that are not speech: 100 clips of ten seconds, 25 kinds four times, the same in every run.

All are computed, none is recorded. Each kind comes at four levels, from far away to close by.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio.samples import Samples

RATE_HZ = 16_000
SECONDS = 10
LEVELS_DBFS = (-45.0, -35.0, -26.0, -18.0)
"""Root mean square of the clips of one kind. Speech in a call is at about -26."""
_N = RATE_HZ * SECONDS
_TIME_S = np.arange(_N) / RATE_HZ

Floats = NDArray[np.float64]
Maker = Callable[[np.random.Generator], Floats]


@dataclass(frozen=True)
class Clip:
    """Ten seconds without a word."""

    name: str
    samples: Samples


def clips(seed: int = 4) -> Iterator[Clip]:
    """The 100 clips, kind by kind.

    Args:
        seed: Other seeds make other clips of the same kinds.
    """
    for number, (kind, make) in enumerate(KINDS.items()):
        for variant, level_dbfs in enumerate(LEVELS_DBFS):
            sound = make(np.random.default_rng([seed, number, variant]))
            if kind not in _AT_THEIR_OWN_LEVEL:
                sound = sound * (10 ** (level_dbfs / 20) / max(float(np.sqrt(np.mean(sound**2))), 1e-9))
            yield Clip(f"{kind} {variant}", np.clip(sound, -1.0, 1.0).astype(np.float32))


def _shaped(rng: np.random.Generator, gain: Callable[[Floats], Floats], samples: int = _N) -> Floats:
    """Noise whose spectrum follows `gain` of the frequency in Hz; its root mean square is 1."""
    spectrum = np.fft.rfft(rng.normal(size=samples)) * gain(_frequencies(samples))
    noise: Floats = np.fft.irfft(spectrum, samples)
    return np.asarray(noise / np.sqrt(np.mean(noise**2)))


def _frequencies(samples: int) -> Floats:
    return np.asarray(np.fft.rfftfreq(samples, 1 / RATE_HZ), np.float64)


def _band(low_hz: float, high_hz: float) -> Callable[[Floats], Floats]:
    return lambda f: ((f >= low_hz) & (f <= high_hz)).astype(np.float64)


def _slow(rng: np.random.Generator, highest_hz: float) -> Floats:
    """A slow random curve from 0 to 1."""
    curve = _shaped(rng, lambda f: (f <= highest_hz).astype(np.float64))
    return np.asarray((curve - curve.min()) / np.ptp(curve))


def _ringing(rng: np.random.Generator, resonances: list[tuple[float, float]], length_s: float, noise: float) -> Floats:
    """What is struck: resonances of (Hz, decay in seconds) and a burst of noise."""
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    sound = noise * rng.normal(size=len(time_s)) * np.exp(-time_s / (length_s / 10))
    for frequency_hz, decay_s in resonances:
        sound += np.sin(2 * np.pi * frequency_hz * time_s + rng.uniform(0, 6.28)) * np.exp(-time_s / decay_s)
    return sound


def _placed(events: list[tuple[float, Floats]]) -> Floats:
    """Sounds at their times in seconds, in a clip; a floor of faint noise is under them."""
    clip = np.random.default_rng(len(events)).normal(0, 1e-4, _N)
    for at_s, sound in events:
        start = round(at_s * RATE_HZ)
        piece = sound[: max(_N - start, 0)]
        clip[start : start + len(piece)] += piece
    return clip


def _times(rng: np.random.Generator, shortest_s: float, longest_s: float) -> list[float]:
    """Moments with such gaps between them."""
    times = [float(rng.uniform(0.1, 1.0))]
    while times[-1] < SECONDS:
        times.append(times[-1] + float(rng.uniform(shortest_s, longest_s)))
    return times[:-1]


def _harmonics(pitch_hz: Floats | float, gains: list[float]) -> Floats:
    """A tone with overtones; the pitch may move."""
    phase = 2 * np.pi * np.cumsum(np.broadcast_to(pitch_hz, _N)) / RATE_HZ
    tone: Floats = sum((gain * np.sin(k * phase) for k, gain in enumerate(gains, 1)), np.zeros(_N))
    return tone


def _note(pitch_hz: float, length_s: float, decay_s: float, overtones: int = 8) -> Floats:
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    tone = sum(np.sin(2 * np.pi * pitch_hz * k * time_s) / k**1.3 for k in range(1, overtones + 1))
    note: Floats = tone * np.minimum(time_s / 0.01, 1) * np.exp(-time_s / decay_s)
    return note


def _midi_hz(key: float) -> float:
    return 440.0 * 2 ** ((key - 69) / 12)


def _white(rng: np.random.Generator) -> Floats:
    return rng.normal(size=_N)


def _pink(rng: np.random.Generator) -> Floats:
    return _shaped(rng, lambda f: 1 / np.sqrt(np.maximum(f, 20)))


def _brown(rng: np.random.Generator) -> Floats:
    return _shaped(rng, lambda f: 1 / np.maximum(f, 20))


def _traffic(rng: np.random.Generator) -> Floats:
    rumble = _shaped(rng, lambda f: 1 / (1 + (f / 120) ** 2))
    tyres = _shaped(rng, lambda f: np.exp(-(((f - 900) / 700) ** 2)))
    return rumble * (0.3 + _slow(rng, 0.5)) + 0.5 * tyres * _slow(rng, 0.4) ** 3


def _fan(rng: np.random.Generator) -> Floats:
    blades_hz = float(rng.uniform(60, 140)) * (1 + 0.004 * np.sin(2 * np.pi * 0.3 * _TIME_S))
    return _shaped(rng, lambda f: 1 / (1 + (f / 600) ** 2)) + _harmonics(blades_hz, [0.8, 0.4, 0.3, 0.1, 0.1])


def _hum(rng: np.random.Generator) -> Floats:
    return _harmonics(float(rng.choice([50.0, 60.0])), [1.0, 0.6, 0.5, 0.2, 0.3, 0.1, 0.2]) + 0.02 * _white(rng)


def _rain(rng: np.random.Generator) -> Floats:
    drops = np.zeros(_N)
    at = rng.integers(0, _N, 4_000)
    drops[at] = rng.normal(size=len(at)) * rng.exponential(3.0, len(at))
    drop = _ringing(rng, [(2_800, 0.001), (4_500, 0.0008)], 0.01, 0.3)
    return np.convolve(drops, drop)[:_N] + 0.5 * _shaped(rng, _band(1_000, 8_000))


def _wind(rng: np.random.Generator) -> Floats:
    gusts = _slow(rng, 0.7)
    whistle = _shaped(rng, lambda f: np.exp(-(((f - 500) / 60) ** 2)))
    return _shaped(rng, lambda f: 1 / (1 + (f / 200) ** 2)) * (0.2 + gusts) + 0.3 * whistle * gusts**2


def _babble(rng: np.random.Generator) -> Floats:
    """Noise in the long-term spectrum of speech, as loud as six people's syllables, with no word in it."""
    clip = np.zeros(_N)
    for _ in range(6):
        speech_shaped = _shaped(rng, lambda f: (f > 100) / (1 + (f / 500) ** 2))
        clip += speech_shaped * _slow(rng, 6.0) ** 2
    return clip


def _chords(rng: np.random.Generator) -> Floats:
    root = int(rng.integers(45, 60))
    events = []
    for bar in range(5):
        shift = int(rng.choice([0, 5, 7, 9]))
        events += [(bar * 2.0, _note(_midi_hz(root + shift + step), 2.0, 1.2)) for step in (0, 4, 7, 12)]
    return _placed(events)


def _melody(rng: np.random.Generator) -> Floats:
    scale = [0, 2, 4, 5, 7, 9, 11, 12]
    beat_s = float(rng.uniform(0.2, 0.4))
    key = int(rng.integers(55, 68))
    places = np.arange(0, SECONDS - beat_s, beat_s)
    return _placed([(float(t), _note(_midi_hz(key + int(rng.choice(scale))), beat_s * 1.5, 0.3)) for t in places])


def _drums(rng: np.random.Generator) -> Floats:
    beat_s = 60 / float(rng.uniform(90, 140))
    events = []
    for step in range(int(SECONDS / beat_s * 2)):
        at_s = step * beat_s / 2
        events.append((at_s, 0.2 * _ringing(rng, [], 0.08, 1.0)))  # hi-hat
        if step % 4 == 0:
            events.append((at_s, 2.0 * _ringing(rng, [(55, 0.12), (90, 0.05)], 0.4, 0.1)))
        if step % 4 == 2:
            events.append((at_s, _ringing(rng, [(190, 0.06), (330, 0.04)], 0.25, 1.0)))
    return _placed(events)


def _sung_vowel(rng: np.random.Generator) -> Floats:
    """Long notes with the formants of "ah" and vibrato: the most like a voice of all."""
    notes = np.repeat(rng.choice([0, 2, 4, 7, 9], 5), _N // 5)
    pitch_hz = _midi_hz(50) * 2 ** (notes / 12) * (1 + 0.012 * np.sin(2 * np.pi * 5.5 * _TIME_S))
    buzz = _harmonics(pitch_hz, [1 / k for k in range(1, 30)])
    spectrum = np.fft.rfft(buzz)
    f = np.fft.rfftfreq(_N, 1 / RATE_HZ)
    vowel = sum(g * np.exp(-(((f - c) / w) ** 2)) for c, w, g in ((700, 130, 1), (1_150, 150, 0.6), (2_600, 200, 0.2)))
    envelope = np.minimum(1, 3 * np.abs(np.sin(np.pi * _TIME_S / 2)))
    sung: Floats = np.fft.irfft(spectrum * vowel, _N) * envelope
    return sung


def _silence(rng: np.random.Generator) -> Floats:
    return np.zeros(_N)


def _dither(rng: np.random.Generator) -> Floats:
    """A quiet line: triangular noise of one to eight steps of 16 bits."""
    return rng.triangular(-1, 0, 1, _N) * float(rng.choice([1, 2, 4, 8])) / 32_768


def _clicks(rng: np.random.Generator) -> Floats:
    return _placed([(t, _ringing(rng, [(3_000, 0.001)], 0.01, 1.0)) for t in _times(rng, 0.05, 1.2)])


def _keyboard(rng: np.random.Generator) -> Floats:
    events = []
    for t in _times(rng, 0.08, 0.3):
        down = _ringing(rng, [(float(rng.uniform(1_800, 2_600)), 0.004), (420, 0.008)], 0.04, 1.0)
        events += [(t, down), (t + float(rng.uniform(0.05, 0.09)), 0.4 * down)]
    return _placed(events)


def _knocks(rng: np.random.Generator) -> Floats:
    events = []
    for t in _times(rng, 1.5, 3.0):
        door = [(float(rng.uniform(110, 160)), 0.04), (260, 0.025), (540, 0.01)]
        events += [(t + knock * 0.22, _ringing(rng, door, 0.2, 0.3)) for knock in range(int(rng.integers(2, 5)))]
    return _placed(events)


def _ringing_phone(rng: np.random.Generator) -> Floats:
    bell = np.sin(2 * np.pi * 440 * _TIME_S) + np.sin(2 * np.pi * 480 * _TIME_S)
    warble = np.where(np.floor(_TIME_S * 20) % 2, 1.0, float(rng.uniform(0.5, 0.9)))
    return bell * warble * ((_TIME_S + float(rng.uniform(0, 3))) % 3 < 1.2)


def _burst(rng: np.random.Generator, length_s: float, low_hz: float, high_hz: float) -> Floats:
    samples = round(length_s * RATE_HZ)
    time = np.linspace(0, 1, samples)
    return _shaped(rng, _band(low_hz, high_hz), samples) * np.minimum(time / 0.05, 1) * (1 - time) ** 1.5


def _cough(rng: np.random.Generator) -> Floats:
    events = []
    for t in _times(rng, 1.2, 3.0):
        for again in range(int(rng.integers(1, 3))):
            events += [
                (t + 0.35 * again, _burst(rng, 0.25, 300, 4_000)),
                (t + 0.35 * again, _ringing(rng, [(320, 0.05), (900, 0.03)], 0.2, 0.2)),
            ]
    return _placed(events)


def _breath(rng: np.random.Generator) -> Floats:
    return _placed([(t, _burst(rng, float(rng.uniform(0.6, 1.1)), 400, 3_000)) for t in _times(rng, 1.5, 2.5)])


def _dtmf(rng: np.random.Generator) -> Floats:
    time_s = np.arange(RATE_HZ // 8) / RATE_HZ
    events = []
    for t in _times(rng, 0.2, 0.6):
        low_hz, high_hz = rng.choice([697, 770, 852, 941]), rng.choice([1_209, 1_336, 1_477])
        events.append((t, np.sin(2 * np.pi * low_hz * time_s) + np.sin(2 * np.pi * high_hz * time_s)))
    return _placed(events)


def _clapping(rng: np.random.Generator) -> Floats:
    events = []
    for _ in range(int(rng.integers(1, 12))):
        beat_s = float(rng.uniform(0.22, 0.4))
        clap = _ringing(rng, [(float(rng.uniform(900, 1_600)), 0.006)], 0.05, 1.5)
        events += [(float(t + rng.normal(0, 0.01)), clap) for t in np.arange(0.1, SECONDS - 0.2, beat_s)]
    return _placed(events)


def _footsteps(rng: np.random.Generator) -> Floats:
    return _placed([(t, _ringing(rng, [(80, 0.05), (200, 0.02)], 0.15, 0.5)) for t in _times(rng, 0.45, 0.6)])


def _siren(rng: np.random.Generator) -> Floats:
    sweep = np.sin(2 * np.pi * _TIME_S / float(rng.uniform(0.5, 4.0)))
    return _harmonics(900 + 350 * sweep, [1.0, 0.3, 0.15])


KINDS: dict[str, Maker] = {
    "white noise": _white,
    "pink noise": _pink,
    "brown noise": _brown,
    "traffic": _traffic,
    "fan": _fan,
    "mains hum": _hum,
    "rain": _rain,
    "wind": _wind,
    "babble": _babble,
    "chords": _chords,
    "melody": _melody,
    "drums": _drums,
    "sung vowel": _sung_vowel,
    "digital silence": _silence,
    "dither": _dither,
    "clicks": _clicks,
    "keyboard": _keyboard,
    "knocks": _knocks,
    "phone": _ringing_phone,
    "cough": _cough,
    "breath": _breath,
    "beeps": _dtmf,
    "clapping": _clapping,
    "footsteps": _footsteps,
    "siren": _siren,
}
_AT_THEIR_OWN_LEVEL = {"digital silence", "dither"}
