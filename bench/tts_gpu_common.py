"""What the sections of bench/tts_gpu.py share: models, schedulers as the service makes them, clocks that wait for the GPU."""

import gc
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import torch
from tts_gpu_report import Report

from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, Voice, load_model
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.runner import EagerRunner, GraphRunner, Runner, State, capture
from maatu_tts.engine.parler.sampler import SamplerSettings
from maatu_tts.engine.parler.scheduler import Scheduler
from maatu_tts.engine.parler.start import start
from maatu_tts.engine.parler.stream import Piece, Request

DESCRIPTION = "A woman speaks calmly, at a moderate pace, in a clear recording."
PROMPT = "Good morning, and thank you for calling: how may I help you today?"
CROSS_POSITIONS = 96
PROMPT_POSITIONS = 64
"""Room for the prompt before the columns."""


@dataclass(frozen=True)
class Bench:
    """One run."""

    device: torch.device
    checkpoint: Path
    """Of random weights."""
    tiny: Path
    """One of a few layers, for parity."""
    out: Path
    """Where files are left."""
    report: Report
    quick: bool
    """A few runs of everything, to see whether it works."""
    watch_s: float
    """How long streams are watched for each number of them."""
    section: str = ""
    """What is being run."""

    @property
    def on_gpu(self) -> bool:
        """There are graphs, events and memory to speak of."""
        return self.device.type == "cuda"

    @property
    def frames(self) -> int:
        """Of an utterance: ten seconds, or a little."""
        return 60 if self.quick else 861

    def runs(self, count: int) -> int:
        """So many, or a few."""
        return min(3, count) if self.quick else count

    def model(self, precision: str | None = None) -> ParlerModel:
        """The checkpoint, loaded; in bfloat16 on a GPU and float32 elsewhere where not said otherwise."""
        return load_model(self.checkpoint, self.device, precision or ("bfloat16" if self.on_gpu else "float32"))

    def scheduler(self, model: ParlerModel, rows: int) -> Scheduler:
        """A scheduler as the service makes it, warmed up."""
        began = time.perf_counter()
        size = CacheSize(rows, self.positions(model), CROSS_POSITIONS)
        scheduler = start(model, size, SamplerSettings(), self.graphs)
        self._warmed_up(scheduler.runner, scheduler.batch, began)
        return scheduler

    def positions(self, model: ParlerModel) -> int:
        """Room for an utterance, a multiple of 64."""
        needed = PROMPT_POSITIONS + self.frames + model.config.decoder.codebooks
        return -(-needed // 64) * 64

    def graphs(self, batch: Batch) -> Runner:
        """Graphs on a GPU."""
        return GraphRunner(batch, EagerRunner(batch)) if self.on_gpu else EagerRunner(batch)

    def warm_up(self, runner: Runner, batch: Batch) -> float:
        """Compiles and captures the batch's step; says what became of it. Returns seconds."""
        self.synchronize()
        began = time.perf_counter()
        with torch.inference_mode():
            runner.warm_up()
        return self._warmed_up(runner, batch, began)

    def _warmed_up(self, runner: Runner, batch: Batch, began: float) -> float:
        self.synchronize()
        took_s = time.perf_counter() - began
        print(f"  warm-up: {runner.state.value}, {runner.graphs} graphs, {took_s:.1f} s {runner.detail}")
        if runner.state is State.FALLBACK:
            trace = f"{_why_capture_fails(batch)}\n" if self.on_gpu else ""
            self.report.failed(f"{self.section}: warm-up of {batch.size.rows} rows", trace + runner.detail)
        return took_s

    def synchronize(self) -> None:
        """Waits until the GPU has done all it was given."""
        if self.on_gpu:
            torch.cuda.synchronize(self.device)

    def timed_ms(self, run: Callable[[], object], runs: int, warm_up: int = 3) -> list[float]:
        """Milliseconds of each run: by the GPU's clock, where there is one."""
        for _ in range(warm_up):
            run()
        self.synchronize()
        if not self.on_gpu:
            return [self.waited_ms(run) for _ in range(runs)]
        marks = [torch.cuda.Event(enable_timing=True) for _ in range(runs + 1)]  # type: ignore[no-untyped-call]
        marks[0].record()
        for mark in marks[1:]:
            run()
            mark.record()
        self.synchronize()
        return [before.elapsed_time(after) for before, after in pairwise(marks)]

    def waited_ms(self, run: Callable[[], object]) -> float:
        """Milliseconds of one run, by the CPU's clock, until the GPU has done it."""
        self.synchronize()
        began = time.perf_counter()
        run()
        self.synchronize()
        return (time.perf_counter() - began) * 1_000

    def bandwidth(self) -> float:
        """Bytes a second of a large copy, read and written: what memory gives at best."""
        size = 2**32 if self.on_gpu else 2**26
        source = torch.empty(size, dtype=torch.uint8, device=self.device).fill_(1)
        target = torch.empty_like(source)
        fastest_ms = min(self.timed_ms(lambda: target.copy_(source), 5))
        return 2 * size / (fastest_ms / 1_000)

    def free(self) -> None:
        """Gives memory back that nothing holds any more."""
        gc.collect()
        if self.on_gpu:
            torch.cuda.empty_cache()


def _why_capture_fails(batch: Batch) -> str:
    """All of the traceback, of which a runner keeps one line: the first error is the one that tells."""
    try:
        with torch.inference_mode():
            capture(lambda: batch.step(1, batch.size.positions, batch.size.cross_positions, greedy=False))
    except Exception:  # it is what is asked for
        return traceback.format_exc()
    return "one row at the longest context can be captured"


def weight_count(model: ParlerModel) -> int:
    """Weights that a step reads: all matrices but those of the description's keys and values."""
    config = model.config.decoder
    width = 2 * config.key_value_heads * config.head_size
    layer = config.hidden * (4 * config.hidden + width + 2 * config.ffn)
    return config.layers * layer + config.codebooks * config.vocabulary * config.hidden


def step_floor_ms(model: ParlerModel, weight_bytes: int, rows: int, context: int, bandwidth: float) -> float:
    """What a step takes if nothing but reading weights, keys and values took time."""
    cached = CacheSize(rows, context, 0).bytes(model.config.decoder, model.activations)
    return (weight_count(model) * weight_bytes + cached) / bandwidth * 1_000


def begin_rows(batch: Batch, model: ParlerModel, voice: Voice, rows: int) -> None:
    """Puts prompts into the first rows.

    They are not activated: a step computes them as it does all others, but they stay where they are, however often it runs. Where
    that is Batch.place says: as they are, they read no more of the cache than a prompt.
    """
    prompt = model.embedded_prompt(model.prompt_ids(PROMPT))
    with torch.inference_mode():
        for row in range(rows):
            batch.begin(row, voice, Sampling(10_000, min_columns=10_000))
            batch.prefill(row, prompt, 0)


def request(
    model: ParlerModel, voice: Voice, frames: int, plan: ChunkPlan | None = None, *, seed: int = 0, greedy: bool = False
) -> Request:
    """An utterance of exactly so many frames."""
    codebooks = model.config.decoder.codebooks
    sampling = Sampling(frames, min_columns=frames + codebooks, temperature=0.0 if greedy else 1.0, seed=seed)
    return Request(model.prompt_ids(PROMPT), voice, sampling, plan or ChunkPlan())


class Heard:
    """Notes when the pieces of a stream come, and how long they play.

    Args:
        asked_s: When the stream was asked for.
        rate_hz: Of its samples.
        clock: Seconds.
    """

    def __init__(self, asked_s: float, rate_hz: int, clock: Callable[[], float] = time.perf_counter) -> None:
        self.asked_s = asked_s
        self.first_s: float | None = None
        """When the first piece came."""
        self.dry_s = 0.0
        """When playback of what came so far ends."""
        self.ahead_s: list[tuple[float, float]] = []
        """For each further piece when it came, and how long before playback would have run dry; negative: too late."""
        self.ended = False
        self._rate_hz = rate_hz
        self._clock = clock

    def __call__(self, told: Piece | Exception | None) -> None:
        """A piece, what went wrong, or the end."""
        now = self._clock()
        if isinstance(told, Exception):
            raise told
        if told is None:
            self.ended = True
            return
        if self.first_s is None:
            self.first_s = self.dry_s = now
        else:
            self.ahead_s.append((now, self.dry_s - now))
        self.dry_s = max(self.dry_s, now) + len(told.samples) / self._rate_hz

    @property
    def first_chunk_ms(self) -> float:
        """From the question to the first piece."""
        assert self.first_s is not None
        return (self.first_s - self.asked_s) * 1_000
