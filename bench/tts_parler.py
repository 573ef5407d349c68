"""Parler-TTS on this machine's CPU, beside the package parler_tts on the same checkpoint in the same run.

The checkpoint has random weights at the size of parler-tts-mini-v1: speed does not depend on their values. Both speak ten
seconds greedily, ours through the scheduler as the service runs it, without gRPC; the reference through its ParlerTTSStreamer,
which takes one utterance at a time, so that eight clients wait for one another.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import reference_tts
import torch
from figures import Figure, figure
from reference_tts import HALF_A_SECOND, TEN_SECONDS, ReferenceRun

from maatu_tts.engine.parler.batch import Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, Voice, load_model
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.random_weights import MINI, write_checkpoint
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.stream import Piece, Request

DESCRIPTION = "A woman speaks calmly, at a moderate pace, in a clear recording."
PROMPT = "Good morning, and thank you for calling: how may I help you today?"
CLIENTS = 8
FIRST_ALONE, TOTAL_ALONE, AT_ONCE = "first chunk", "ten seconds of speech", f"{CLIENTS} clients at once"
BOUNDS = {"float32": (2.5, 1.5, 5.0), "int8": (8.0, 7.0, 12.0)}
"""Asked for, as ratios to the reference: first chunk, total, audio of eight clients."""
POSITIONS = 1024


@dataclass(frozen=True)
class Run:
    """Some utterances that began together. Times count from their beginning, in seconds."""

    first_chunks_s: list[float]
    total_s: float
    audio_s: float
    underruns: int
    """Chunks that came after playback, begun with the first chunk, had run dry."""

    @property
    def audio_rate(self) -> float:
        """Seconds of audio per second."""
        return self.audio_s / self.total_s


def checkpoint(directory: Path) -> Path:
    """Writes the checkpoint, 3.5 GB, where it is not there already."""
    if not (directory / "model.safetensors").exists():
        write_checkpoint(directory, MINI)
    return directory


def speak(scheduler: Scheduler, voice: Voice, clients: int, frames: int, plan: ChunkPlan) -> Run:
    """Lets so many clients ask at once and steps until all is spoken."""
    model = scheduler.model
    sampling = Sampling(frames, min_columns=frames + model.config.decoder.codebooks, temperature=0.0)
    frame_s = model.config.codec.hop / model.config.codec.sample_rate_hz
    began = time.perf_counter()
    heard: list[list[tuple[float, int]]] = [[] for _ in range(clients)]

    def listener(client: int) -> "Listen":
        return Listen(heard[client], began)

    for client in range(clients):
        scheduler.add(Request(model.prompt_ids(PROMPT), voice, sampling, plan), listener(client))
    while scheduler.busy:
        scheduler.step()
    total_s = time.perf_counter() - began
    underruns = sum(_underruns(chunks, frame_s) for chunks in heard)
    return Run([chunks[0][0] for chunks in heard], total_s, clients * frames * frame_s, underruns)


class Listen:
    """Notes when pieces come."""

    def __init__(self, chunks: list[tuple[float, int]], began: float) -> None:
        self._chunks = chunks
        self._began = began

    def __call__(self, piece: Piece | Exception | None) -> None:
        """A piece, or the end."""
        if isinstance(piece, Exception):
            raise piece
        if piece is not None:
            self._chunks.append((time.perf_counter() - self._began, piece.frames))


def _underruns(chunks: Sequence[tuple[float, int]], frame_s: float) -> int:
    dry_s, count = chunks[0][0], 0
    for at_s, frames in chunks:
        count += at_s > dry_s
        dry_s = max(dry_s, at_s) + frames * frame_s
    return count


def measure_reference(directory: Path, *, threads: int, runs: int) -> tuple[list[float], ReferenceRun]:
    """First chunks of some short utterances and of the long one, and the long one."""
    texts = {"description": DESCRIPTION, "prompt": PROMPT, "threads": threads}
    whole = reference_tts.stream(directory, frames=TEN_SECONDS, play_steps=HALF_A_SECOND, **texts)  # type: ignore[arg-type]
    short = [
        reference_tts.stream(directory, frames=2 * HALF_A_SECOND, play_steps=HALF_A_SECOND, **texts)  # type: ignore[arg-type]
        for _ in range(runs - 1)
    ]
    return [whole.first_chunk_s, *(run.first_chunk_s for run in short)], whole


def measure_ours(directory: Path, precision: str, *, runs: int) -> tuple[list[float], Run, Run]:
    """First chunks, the long utterance alone, and eight of them at once."""
    model: ParlerModel = load_model(directory, "cpu", precision)
    voice = model.describe(DESCRIPTION)
    plan = ChunkPlan(largest=HALF_A_SECOND)
    alone = Scheduler(model, CacheSize(1, POSITIONS, 64))
    speak(alone, voice, 1, 30, plan)
    short = [speak(alone, voice, 1, 30, plan) for _ in range(runs)]
    whole = [speak(alone, voice, 1, TEN_SECONDS, plan) for _ in range(1 if precision == "float32" else runs)]
    together = Scheduler(model, CacheSize(CLIENTS, POSITIONS, 64))
    all_at_once = speak(together, voice, CLIENTS, TEN_SECONDS, plan)
    firsts = [run.first_chunks_s[0] for run in [*short, *whole]]
    return firsts, sorted(whole, key=lambda run: run.total_s)[len(whole) // 2], all_at_once


def measure_parler(build: Path, *, runs: int = 5, frames: int = TEN_SECONDS) -> list[Figure]:
    """All figures of Parler-TTS on the CPU. Takes about ten minutes on two cores.

    Args:
        build: Where the checkpoint is written.
        runs: How many first chunks are measured.
        frames: Length of the utterances.
    """
    directory = checkpoint(build / "parler-mini-random")
    threads = torch.get_num_threads()
    reference_firsts, reference = measure_reference(directory, threads=threads, runs=min(3, runs))
    figures = []
    for precision, (first, total, at_once) in BOUNDS.items():
        firsts, alone, together = measure_ours(directory, precision, runs=runs)
        name = f"Parler mini, {precision}"
        figures += [
            figure(f"{name}: {FIRST_ALONE}", firsts, "s", baseline=reference_firsts, ratio_at_least=first),
            figure(
                f"{name}: {TOTAL_ALONE}", [alone.total_s], "s", baseline=[reference.last_chunk_s], ratio_at_least=total
            ),
            figure(
                f"{name}: {AT_ONCE}, audio per second",
                [together.audio_rate],
                "s/s",
                baseline=[reference.audio_rate],
                ratio_at_least=at_once,
                larger_is_better=True,
            ),
            figure(f"{name}: {AT_ONCE}, first chunk", together.first_chunks_s, "s"),
        ]
        print(f"{name}: {median(firsts):.2f} s to the first chunk, {alone.total_s:.1f} s to the last", flush=True)
    return figures
