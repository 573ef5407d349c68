"""What the recognisers are compared on: sentences spoken by Piper and eSpeak NG, and recordings of people.

Built on first use into build/bench/stt_corpus, the same everywhere: Piper speaks without its random numbers.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import stt_human
from figures import BUILD
from piper import PiperVoice
from piper.config import SynthesisConfig
from stt_conditions import RATE_HZ, Condition, in_condition, tight, trimmed

from maatu_runtime.audio import Resampler, read_audio, write_wav
from maatu_runtime.audio.samples import Samples, from_int16
from maatu_runtime.models import sha256_of
from maatu_tts.engine import espeak_library

SENTENCES = Path(__file__).resolve().parent / "data" / "stt" / "sentences.txt"
DIRECTORY = BUILD / "stt_corpus"
PIPER_MODEL = "piper-en_US-joe-medium"
ESPEAK_EVERY = 8
"""Of so many sentences eSpeak NG says one too."""
_ESPEAK_WORDS_PER_MINUTE = 150
_PIPER_TEMPI = (1.0, 1.15, 1.3)
"""Length scales in turn: the voice speaks faster than most people do."""
_VERSION = 2
"""Of the way the corpus is made."""


@dataclass(frozen=True)
class Utterance:
    """Something said, and what it was."""

    name: str
    voice: str
    """"piper", "espeak" or "human"."""
    text: str
    speech: Samples
    """At RATE_HZ, without silence around it."""

    @property
    def seconds(self) -> float:
        """Length of the speech."""
        return len(self.speech) / RATE_HZ

    def heard(self, condition: Condition) -> Samples:
        """As it is heard, with silence (or noise) around it."""
        return in_condition(self.speech, condition, self.name)


def load_corpus(models_dir: Path, limit: int | None = None) -> list[Utterance]:
    """The utterances, built where they are missing.

    Args:
        models_dir: Holds PIPER_MODEL.
        limit: At most so many of them, evenly chosen.
    """
    manifest = DIRECTORY / "manifest.json"
    made_of = {
        "version": _VERSION,
        "sentences": sha256_of(SENTENCES),
        "packages": [s.sha256 for s in stt_human.SOURCES],
    }
    known = json.loads(manifest.read_text()) if manifest.exists() else {}
    if known.get("made_of") != made_of or known["missing"]:
        known = {"made_of": made_of} | _build(models_dir)
        manifest.write_text(json.dumps(known, indent=1) + "\n")
    for problem in known["missing"]:
        print(f"the corpus lacks recordings of people: {problem}", file=sys.stderr)
    rows = known["utterances"]
    if limit is not None and limit < len(rows):
        rows = [rows[round(index * (len(rows) - 1) / max(limit - 1, 1))] for index in range(limit)]
    return [
        Utterance(row["name"], row["voice"], row["text"], read_audio(DIRECTORY / f"{row['name']}.wav", RATE_HZ))
        for row in rows
    ]


def in_turn(utterances: list[Utterance], seconds: float, *, without_pauses: bool = False) -> Iterator[Utterance]:
    """The utterances one after another, again and again, until they have this much speech."""
    spoken = 0.0
    while spoken < seconds:
        for utterance in utterances:
            speech = tight(utterance.speech) if without_pauses else utterance.speech
            yield Utterance(utterance.name, utterance.voice, utterance.text, speech)
            spoken += len(speech) / RATE_HZ
            if spoken >= seconds:
                return


def _build(models_dir: Path) -> dict[str, object]:
    print("building the corpus of bench/stt.py", file=sys.stderr)
    DIRECTORY.mkdir(parents=True, exist_ok=True)
    missing: list[str] = []
    rows = []
    for name, voice, text, samples in _recordings(models_dir, missing):
        write_wav(DIRECTORY / f"{name}.wav", trimmed(samples), RATE_HZ)
        rows.append({"name": name, "voice": voice, "text": text})
    return {"missing": missing, "utterances": rows}


def _recordings(models_dir: Path, missing: list[str]) -> Iterator[tuple[str, str, str, Samples]]:
    """Name, voice, text and samples of each utterance."""
    sentences = [line.strip() for line in SENTENCES.read_text(encoding="utf-8").splitlines() if line.strip()]
    piper = PiperVoice.load(next((models_dir / PIPER_MODEL).glob("*.onnx")))
    for index, text in enumerate(sentences):
        yield f"piper-{index:03}", "piper", text, _piper(piper, text, _PIPER_TEMPI[index % 3])
    for index, text in enumerate(sentences[::ESPEAK_EVERY]):
        yield f"espeak-{index:03}", "espeak", text, _espeak(text)
    yield "jfk", "human", *stt_human.jfk()
    for source in stt_human.SOURCES:
        try:
            for name, text, samples in stt_human.recordings(source):
                yield name, "human", text, samples
        except stt_human.FetchFailed as failure:
            missing.append(str(failure))


def _piper(voice: PiperVoice, text: str, length_scale: float) -> Samples:
    config = SynthesisConfig(length_scale=length_scale, noise_scale=0.0, noise_w_scale=0.0)
    chunks = list(voice.synthesize(text, config))
    return _resampled(np.concatenate([chunk.audio_float_array for chunk in chunks]), chunks[0].sample_rate)


def _espeak(text: str) -> Samples:
    library = espeak_library.load()
    pieces: list[np.ndarray[tuple[int], np.dtype[np.int16]]] = []

    def consume(piece: np.ndarray[tuple[int], np.dtype[np.int16]]) -> bool:
        pieces.append(piece)
        return True

    library.synthesize("gmw/en-US", text, _ESPEAK_WORDS_PER_MINUTE, consume)
    return _resampled(from_int16(np.concatenate(pieces)), library.sample_rate_hz)


def _resampled(samples: Samples, rate_hz: int) -> Samples:
    resampler = Resampler(rate_hz, RATE_HZ)
    return np.concatenate([resampler.push(samples), resampler.flush()])
