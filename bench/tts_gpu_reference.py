"""One utterance the way the reference implementation does it, and the reference itself where it is installed.

The loop here is our own code in the shape of parler_tts 0.2.3's generate with its ParlerTTSStreamer: one stream, no graphs, a
context that grows by one at each step, all tokens so far decoded to audio again for every chunk and once more at the end. It
lacks what transformers' generate does around each step, so it is quicker than the reference.
"""

import importlib.util
import json
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

import torch
from torch import Tensor
from tts_gpu_alone import first_chunk_ms, speak
from tts_gpu_common import CROSS_POSITIONS, DESCRIPTION, PROMPT, Bench

from maatu_tts.engine.parler.batch import Batch, Sampling
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.loader import ParlerModel, Voice
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.sampler import SamplerSettings

PLAY_STEPS = 43
"""Columns between the streamer's chunks: half a second."""
TIMES_AS_QUICK = 15.0
_SCRIPT = Path(__file__).resolve().parent.parent / "tools" / "reference" / "stream.py"
_REFERENCE_LIMIT_S = 120


def run(bench: Bench) -> None:
    """Ours beside the loop, and beside the reference."""
    model = bench.model()
    voice = model.describe(DESCRIPTION)
    with torch.inference_mode():
        # Once unmeasured, as ours: libraries make their choices for each length that it decodes to audio.
        _loop(bench, model, voice, bench.frames)
        first_s, total_s = _loop(bench, model, voice, bench.frames)
    scheduler = bench.scheduler(model, 1)
    speak(scheduler, voice, bench.frames)
    ours_s = [speak(scheduler, voice, bench.frames) for _ in range(bench.runs(3))]
    firsts_ms = [first_chunk_ms(scheduler, voice, ChunkPlan(), seed) for seed in range(bench.runs(10))]
    _compare(bench, "reference-shaped loop (own code)", firsts_ms, ours_s, first_s * 1_000, total_s)
    del scheduler, model
    bench.free()
    if importlib.util.find_spec("parler_tts") is None:
        print("  parler_tts is not installed here: no figures of the reference itself")
        return
    measured = _reference(bench)
    _compare(bench, "parler_tts", firsts_ms, ours_s, measured["first_chunk_s"] * 1_000, measured["returned_s"])


def _compare(
    bench: Bench, name: str, firsts_ms: list[float], ours_s: list[float], their_first_ms: float, their_total_s: float
) -> None:
    report = bench.report
    report.figure(f"first chunk, beside the {name}", firsts_ms, "ms", baseline=their_first_ms)
    report.figure(f"{bench.frames} frames, beside the {name}", ours_s, "s", baseline=their_total_s)
    bound = None if bench.quick else TIMES_AS_QUICK
    report.figure(f"speed alone over the {name}", [their_total_s / median(ours_s)], "x", at_least=bound)


def _loop(bench: Bench, model: ParlerModel, voice: Voice, frames: int) -> tuple[float, float]:
    """Seconds to the first chunk and to the end."""
    codebooks = model.config.decoder.codebooks
    batch = Batch(model, CacheSize(1, bench.positions(model), CROSS_POSITIONS), SamplerSettings())
    prompt = model.embedded_prompt(model.prompt_ids(PROMPT))
    bench.synchronize()
    began = time.perf_counter()
    batch.begin(0, voice, Sampling(frames, min_columns=frames + codebooks))
    batch.prefill(0, prompt, 0)
    batch.activate(0)
    columns: list[Tensor] = []
    first_s = 0.0
    for number in range(frames + codebooks - 1):
        batch.step(1, len(prompt) + number + 1, voice.length, greedy=False)
        columns.append(batch.columns(1)[0])
        if len(columns) % PLAY_STEPS == 0:
            _decode(model, columns)
            first_s = first_s or time.perf_counter() - began
    _decode(model, columns)
    return first_s, time.perf_counter() - began


def _decode(model: ParlerModel, columns: list[Tensor]) -> Tensor:
    """All of it."""
    stacked = torch.stack(columns)
    codebooks = stacked.shape[1]
    frames = len(columns) - codebooks + 1
    codes = torch.stack([stacked[book : book + frames, book] for book in range(codebooks)])
    samples: Tensor = model.codec(codes[None].to(model.device)).cpu()
    return samples


def _reference(bench: Bench) -> dict[str, float]:
    texts = ["--description", DESCRIPTION, "--prompt", PROMPT]
    numbers = ["--frames", str(bench.frames), "--play-steps", str(PLAY_STEPS)]
    precision = ["--precision", "bfloat16" if bench.on_gpu else "float32", "--device", bench.device.type]
    command = [sys.executable, str(_SCRIPT), str(bench.checkpoint), *texts, *numbers, *precision]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=_REFERENCE_LIMIT_S, check=False)
    if finished.returncode:
        raise RuntimeError(f"the reference implementation failed:\n{finished.stderr[-3000:]}")
    measured: dict[str, float] = json.loads(finished.stdout)
    return measured
