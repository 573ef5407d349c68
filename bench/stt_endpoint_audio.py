"""Speech with hesitations in it, for bench/stt_endpoint.py.

Each utterance of bench/data/stt/endpoint.tsv is spoken whole by Piper, so that its intonation does not know of the pause, and is
then cut where the text has a "|": Piper's own duration of each phoneme says where. 400 to 1,000 ms of low noise go in between.
"""

import csv
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, pairwise
from pathlib import Path

import numpy as np
import onnxruntime
from piper import PiperConfig, PiperVoice, SynthesisConfig

from maatu_runtime.audio import Resampler, read_audio
from maatu_runtime.audio.samples import Samples

ROOT = Path(__file__).resolve().parent.parent
TEXTS = ROOT / "bench" / "data" / "stt" / "endpoint.tsv"
KENNEDY = ROOT / "tests" / "data" / "jfk.flac"
RATE_HZ = 16_000
PIPER_MODEL = "piper-en_US-joe-medium"
LEAD = RATE_HZ * 300 // 1_000
"""Quiet before the speech."""
TAIL = RATE_HZ * 2
"""Quiet after it."""
_PAUSES_MS = range(400, 1_001, 50)
_NOISE = 0.0005  # -66 dBFS: a quiet room through a telephone
_FADE = RATE_HZ * 8 // 1_000
_FRAME = RATE_HZ * 10 // 1_000
_SEARCH_FRAMES = 4
_AUDIBLE = 0.01  # of the loudest frame's amplitude
_DURATIONS = b"/Ceil_output_0"  # as every export of a Piper voice names them


@dataclass(frozen=True)
class Clip:
    """One person's turn: quiet, speech, quiet."""

    kind: str
    """Where it hesitates: "whole" (nowhere), "conjunction", "noun", …, "human"."""
    text: str
    """What is said, with "|" where it is cut."""
    samples: Samples
    """At 16 kHz."""
    end: int
    """The first sample after the speech."""


class Speaker:
    """Piper, which also tells where each word begins.

    Args:
        directory: Of the voice.
    """

    def __init__(self, directory: Path) -> None:
        model = next(directory.glob("*.onnx"))
        config = PiperConfig.from_dict(json.loads(model.with_name(f"{model.name}.json").read_text(encoding="utf-8")))
        session = onnxruntime.InferenceSession(_with_durations(model.read_bytes()), providers=["CPUExecutionProvider"])
        self._voice = PiperVoice(config=config, session=session)
        self._rate_hz = config.sample_rate

    def say(self, parts: Sequence[str]) -> tuple[Samples, list[int]]:
        """Speaks the parts as one text.

        Returns:
            The samples, and at which of them each part but the first begins.

        Raises:
            ValueError: a word before and one after a cut are spoken as one.
        """
        steady = SynthesisConfig(noise_scale=0.0, noise_w_scale=0.0)  # the same samples every time
        pieces: list[Samples] = []
        begins: list[int] = []
        spoken = 0
        for chunk in self._voice.synthesize(" ".join(parts), steady, include_alignments=True):
            pieces.append(chunk.audio_float_array)
            position = spoken
            begins.append(position)
            for phoneme in chunk.phoneme_alignments or ():
                position += int(phoneme.num_samples)
                if phoneme.phoneme == " ":
                    begins.append(position)
            spoken += len(chunk.audio_float_array)
        counts = [len(list(chain(*(_words(phonemes) for phonemes in self._voice.phonemize(part))))) for part in parts]
        if sum(counts) != len(begins):
            raise ValueError(f"cannot be cut there: {' | '.join(parts)}")
        resampler = Resampler(self._rate_hz, RATE_HZ)
        samples = np.concatenate([resampler.push(np.concatenate(pieces)), resampler.flush()])
        return samples, [begins[count] * RATE_HZ // self._rate_hz for count in np.cumsum(counts)[:-1]]


def _words(phonemes: Sequence[str]) -> list[str]:
    return "".join(phonemes).split()


def _with_durations(model: bytes) -> bytes:
    """A voice that gives the durations it chose, which piper-tts knows to read, as a second output.

    Protobuf merges what is appended to a message into it: here ModelProto.graph (field 7), GraphProto.output (12),
    ValueInfoProto.name (1).
    """
    message = _DURATIONS
    for field in (1, 12, 7):
        message = bytes([field << 3 | 2, len(message)]) + message
    return model + message


def clips(models_dir: Path) -> Iterator[Clip]:
    """The synthetic turns, then one of a person. The same samples every time.

    Args:
        models_dir: Holds PIPER_MODEL.
    """
    rng = np.random.default_rng(4)
    speaker = Speaker(models_dir / PIPER_MODEL)
    with open(TEXTS, encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    lengths = _lengths(sum(text.count("|") for _, text in rows), rng)
    for kind, text in rows:
        speech, begins = speaker.say([part.strip() for part in text.split("|")])
        cuts = [_quietest(speech, begin) for begin in begins]
        yield _clip(kind, text, speech, [(cut, next(lengths)) for cut in cuts], rng)
    # Kennedy's own pauses are the cuts. His last word ends 0.5 s before the recording does.
    kennedy = read_audio(KENNEDY, RATE_HZ)
    yield Clip("human", "Kennedy", np.concatenate([kennedy, _noise(TAIL, rng)]), round(10.45 * RATE_HZ))


def _lengths(count: int, rng: np.random.Generator) -> Iterator[int]:
    """Lengths of the pauses in samples, spread evenly, in a random order."""
    spread = np.resize(np.array(_PAUSES_MS), count)
    rng.shuffle(spread)
    return iter([int(length_ms) * RATE_HZ // 1_000 for length_ms in spread])


def _loudness(samples: Samples) -> Samples:
    """Amplitude of each frame of 10 ms."""
    frames = samples[: len(samples) // _FRAME * _FRAME].reshape(-1, _FRAME)
    loudness: Samples = np.sqrt(np.mean(frames**2, axis=1))
    return loudness


def _quietest(speech: Samples, position: int) -> int:
    """The quietest sample near a word's start."""
    loudness = _loudness(speech)
    first = max(0, position // _FRAME - _SEARCH_FRAMES)
    return (first + int(np.argmin(loudness[first : position // _FRAME + _SEARCH_FRAMES]))) * _FRAME + _FRAME // 2


def _clip(kind: str, text: str, speech: Samples, pauses: Sequence[tuple[int, int]], rng: np.random.Generator) -> Clip:
    """Puts the pauses in and quiet around.

    Args:
        kind: Of the clip.
        text: What is said.
        speech: Spoken in one go.
        pauses: Where to cut and the length of the silence that goes there, in order, in samples.
        rng: For the noise.
    """
    loudness = _loudness(speech)
    speech = speech[: (int(np.flatnonzero(loudness > _AUDIBLE * loudness.max())[-1]) + 1) * _FRAME]
    bounds = [0, *(cut for cut, _ in pauses), len(speech)]
    pieces = [np.zeros(LEAD, np.float32)]
    for (start, end), silence in zip(pairwise(bounds), [*(length for _, length in pauses), 0], strict=True):
        pieces += [_faded(speech[start:end]), np.zeros(silence, np.float32)]
    whole = np.concatenate(pieces)
    quiet = np.concatenate([whole, np.zeros(TAIL, np.float32)])
    return Clip(kind, text, quiet + _noise(len(quiet), rng), len(whole))


def _faded(piece: Samples) -> Samples:
    ramp = np.linspace(0, 1, _FADE, dtype=np.float32)
    piece = piece.copy()
    piece[:_FADE] *= ramp
    piece[-_FADE:] *= ramp[::-1]
    return piece


def _noise(length: int, rng: np.random.Generator) -> Samples:
    return rng.normal(0, _NOISE, length).astype(np.float32)
