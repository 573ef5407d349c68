"""Endpointing: how soon after the end of a turn, and how often in the middle of one.

    python bench/stt_endpoint.py

68 turns spoken by Piper, 38 of which hesitate once or twice (bench/stt_endpoint_audio.py), and one of a person. Silero finds the
pauses. At each pause of 200 ms a policy says how much silence it wants before it calls the turn over; whether the pause
lasts as long decides. What a policy may know is the transcript until then (tiny.en) and what smart-turn says of the sound.

1. Delay: from the end of the speech to the endpoint, mean over all turns.
2. False endpoints: share of the pauses inside turns that were called the end of them. The turn is judged on as if it had not
   been cut.
"""

import math
import statistics
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
from figures import Figure, publish
from rich.console import Console
from rich.table import Table
from stt_endpoint_audio import RATE_HZ, Clip, clips

from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import ModelFailed
from maatu_runtime.language import Language
from maatu_stt.engine.base import DecodeRequest, RecognitionOptions
from maatu_stt.engine.completeness import Completeness, completeness
from maatu_stt.engine.endpointing import LIKELY, silence_after
from maatu_stt.engine.settings import VAD_THRESHOLDS, StreamSettings
from maatu_stt.engine.smart_turn import SmartTurn
from maatu_stt.engine.vad import WINDOW, SileroModel
from maatu_stt.engine.whisper import WhisperEngine, WhisperSettings

MODELS_DIR = Path(__file__).resolve().parent.parent / "build" / "models"
ENGLISH = "en"
WINDOW_MS = WINDOW * 1_000 / RATE_HZ
PAUSE_MS = 200
SOON_MS, LATE_MS = 300, 1_200


@dataclass(frozen=True)
class Pause:
    """A silence of at least PAUSE_MS, and what is known of it when it has lasted that long."""

    clip: Clip
    silence_ms: float
    """How long it lasts; infinite after the last word."""
    late_ms: float
    """After the last word: how long after the true end of the speech the detector saw silence begin."""
    text: str
    """Transcript of the turn until now."""
    probability: float
    """Smart-turn's, that the turn is over."""

    @property
    def completeness(self) -> Completeness:
        """Of the transcript."""
        return completeness(self.text, ENGLISH)


Policy = Callable[[Pause], float]
"""Milliseconds of silence wanted before the turn is over."""


def by_text(pause: Pause) -> float:
    """Asks whether the transcript reads complete: the service without an audio model."""
    return silence_after(pause.text, ENGLISH, StreamSettings()) * 1_000 / RATE_HZ


def by_sound(pause: Pause) -> float:
    """Asks smart-turn."""
    return SOON_MS if pause.probability >= LIKELY else LATE_MS


def by_both(pause: Pause) -> float:
    """Asks for both: the service as it comes."""
    return silence_after(pause.text, ENGLISH, StreamSettings(), pause.probability) * 1_000 / RATE_HZ


POLICIES: Mapping[str, Policy] = {
    "300 ms": lambda _: 300,
    "500 ms": lambda _: 500,
    "800 ms": lambda _: 800,
    "text": by_text,
    "smart-turn": by_sound,
    "text and smart-turn": by_both,
}


def silences(samples: Samples, vad: SileroModel) -> list[tuple[int, int]]:
    """The silences after speech, each as its first window and that of the next voice; the last one ends with the samples."""
    stream = vad.stream()
    onset, offset = VAD_THRESHOLDS[2]
    voiced: list[bool] = []
    for start in range(0, len(samples) - WINDOW + 1, WINDOW):
        threshold = offset if voiced and voiced[-1] else onset
        voiced.append(stream.probability(samples[start : start + WINDOW]) >= threshold)
    edges = np.flatnonzero(np.diff(np.array(voiced, np.int8))) + 1
    bounds = [*edges.tolist(), len(voiced)]
    return [(start, end) for start, end in pairwise(bounds) if not voiced[start]]


def transcript(engine: WhisperEngine, samples: Samples) -> str:
    """What has been said so far."""
    (found,) = engine.decode([DecodeRequest(samples, RecognitionOptions(languages=(Language(ENGLISH),)))])
    if isinstance(found, ModelFailed):
        raise found
    return found.text


def pauses(models_dir: Path, limit: int | None = None) -> list[Pause]:
    """All pauses of all clips.

    Args:
        models_dir: Holds Piper's voice, whisper-tiny.en and smart-turn-v3.
        limit: At most so many clips.
    """
    vad = SileroModel()
    engine = WhisperEngine("whisper-tiny.en", models_dir / "whisper-tiny.en", WhisperSettings())
    smart_turn = SmartTurn(models_dir / "smart-turn-v3")
    found: list[Pause] = []
    for clip in islice(clips(models_dir), limit):
        gaps = silences(clip.samples, vad)
        for index, (start, end) in enumerate(gaps):
            is_last = index == len(gaps) - 1
            if not is_last and (end - start) * WINDOW_MS < PAUSE_MS:
                continue
            heard = clip.samples[: (start + math.ceil(PAUSE_MS / WINDOW_MS)) * WINDOW]
            found.append(
                Pause(
                    clip,
                    silence_ms=math.inf if is_last else (end - start) * WINDOW_MS,
                    late_ms=start * WINDOW_MS - clip.end * 1_000 / RATE_HZ,
                    text=transcript(engine, heard),
                    probability=smart_turn.probability(heard),
                )
            )
    return found


def _noticed_ms(wanted_ms: float) -> float:
    """When a silence is seen to have lasted so long: at the end of a window."""
    return math.ceil(wanted_ms / WINDOW_MS) * WINDOW_MS


def delays_ms(policy: Policy, found: Sequence[Pause]) -> list[float]:
    """From the end of each turn to its endpoint."""
    return [pause.late_ms + _noticed_ms(policy(pause)) for pause in found if math.isinf(pause.silence_ms)]


def false_endpoints(policy: Policy, found: Sequence[Pause]) -> list[bool]:
    """Of each pause inside a turn, whether it was taken for the end."""
    return [_noticed_ms(policy(pause)) <= pause.silence_ms for pause in found if not math.isinf(pause.silence_ms)]


def figures(limit: int | None = None) -> list[Figure]:
    """Delay and false endpoints of each policy.

    Args:
        limit: At most so many clips.
    """
    return _figures(pauses(MODELS_DIR, limit))


def _figures(found: Sequence[Pause]) -> list[Figure]:
    rows = []
    for name, policy in POLICIES.items():
        delays = delays_ms(policy, found)
        cuts = false_endpoints(policy, found)
        rows += [
            Figure(
                f"endpoint after speech, mean: {name}",
                round(statistics.mean(delays)),
                "ms",
                runs=len(delays),
                p95=round(sorted(delays)[int(0.95 * len(delays))]),
            ),
            Figure(f"pauses taken for the end: {name}", round(100 * statistics.mean(cuts), 1), "%", runs=len(cuts)),
        ]
    return rows


def _print_details(found: Sequence[Pause]) -> None:
    """Where each policy goes wrong, by the kind of pause, and every pause with what was known of it."""
    console = Console(width=150)
    table = Table(title="endpoints; mean / median delay, then pauses taken for the end by kind")
    kinds = list(dict.fromkeys(pause.clip.kind for pause in found))
    inner = {
        kind: [pause for pause in found if pause.clip.kind == kind and not math.isinf(pause.silence_ms)]
        for kind in kinds
    }
    for column in ("policy", "delay ms", *(f"{kind} ({len(of_kind)})" for kind, of_kind in inner.items())):
        table.add_column(column)
    for name, policy in POLICIES.items():
        delays = delays_ms(policy, found)
        table.add_row(
            name,
            f"{statistics.mean(delays):.0f} / {statistics.median(delays):.0f}",
            *(str(sum(false_endpoints(policy, of_kind))) for of_kind in inner.values()),
        )
    console.print(table)
    for pause in found:
        console.print(
            f"{pause.clip.kind:12}{pause.silence_ms:7.0f} ms  {pause.probability:.2f}  {pause.completeness.name:10} {pause.text}",
            highlight=False,
            markup=False,
        )


if __name__ == "__main__":
    measured = pauses(MODELS_DIR)
    _print_details(measured)
    publish("stt_endpoint", _figures(measured))
