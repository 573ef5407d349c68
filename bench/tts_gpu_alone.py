"""One stream alone: how soon it is heard, how much quicker than real time, and how much of that is the codec."""

import time
from statistics import median

import torch
from tts_gpu_common import DESCRIPTION, Bench, Heard, request

from maatu_tts.engine.parler.loader import Voice
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.scheduler import Scheduler

FIRST_CHUNK_MS = 40.0
REAL_TIME_FACTOR = 0.10


def run(bench: Bench) -> None:
    """First chunks, whole utterances, the codec's share, and a voice never heard before."""
    model = bench.model()
    voice = model.describe(DESCRIPTION)
    scheduler = bench.scheduler(model, 4)
    audio_s = bench.frames / model.config.codec.frame_rate
    # Everything runs once unmeasured: libraries make their choices for each shape at its first use.
    speak(scheduler, voice, bench.frames)

    for first in sorted({ChunkPlan().first, 2, 5, 10}):
        plan = ChunkPlan(first=first)
        times_ms = [first_chunk_ms(scheduler, voice, plan, seed) for seed in range(-1, bench.runs(30))][1:]
        bound = FIRST_CHUNK_MS if plan == ChunkPlan() and not bench.quick else None
        bench.report.figure(f"alone: first chunk, of {first} frames", times_ms, "ms", at_most=bound)

    whole_s = [speak(scheduler, voice, bench.frames) for _ in range(bench.runs(3))]
    factors = [seconds / audio_s for seconds in whole_s]
    bound = None if bench.quick else REAL_TIME_FACTOR
    bench.report.figure(f"alone: real-time factor of {audio_s:.0f} s", factors, "", at_most=bound)
    shares = [_codec_share(bench, scheduler, voice) for _ in range(bench.runs(2))]
    bench.report.figure("alone: share of the codec", [100 * share for share in shares], "%")
    new_ms = [bench.waited_ms(lambda: model.describe(DESCRIPTION)) for _ in range(bench.runs(5))]
    bench.report.figure("alone: encoding a description", new_ms, "ms")
    print(f"  {median(whole_s):.2f} s for {audio_s:.2f} s of audio")


def first_chunk_ms(scheduler: Scheduler, voice: Voice, plan: ChunkPlan, seed: int) -> float:
    """From `add` to the first piece; the rest is cancelled."""
    model = scheduler.model
    asked = request(model, voice, 200, plan, seed=seed)
    heard = Heard(time.perf_counter(), model.config.codec.sample_rate_hz)
    stream = scheduler.add(asked, heard)
    while heard.first_s is None:
        scheduler.step()
    scheduler.cancel(stream)
    return heard.first_chunk_ms


def speak(scheduler: Scheduler, voice: Voice, frames: int) -> float:
    """Seconds from `add` to the end of an utterance."""
    began = time.perf_counter()
    heard = Heard(began, scheduler.model.config.codec.sample_rate_hz)
    scheduler.add(request(scheduler.model, voice, frames), heard)
    while not heard.ended:
        scheduler.step()
    return time.perf_counter() - began


def _codec_share(bench: Bench, scheduler: Scheduler, voice: Voice) -> float:
    """Of an utterance's time. The GPU is waited for before and after the codec, which costs a little itself."""
    spent_s, began = 0.0, 0.0

    def enter(*_: object) -> None:
        nonlocal began
        bench.synchronize()
        began = time.perf_counter()

    def leave(*_: object) -> None:
        nonlocal spent_s
        bench.synchronize()
        spent_s += time.perf_counter() - began

    codec = scheduler.model.codec
    handles: list[torch.utils.hooks.RemovableHandle] = [
        codec.register_forward_pre_hook(enter),
        codec.register_forward_hook(leave),
    ]
    try:
        whole_s = speak(scheduler, voice, bench.frames)
        return spent_s / whole_s
    finally:
        for handle in handles:
            handle.remove()
