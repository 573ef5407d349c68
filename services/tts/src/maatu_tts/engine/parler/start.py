"""A scheduler as it serves: with the numbers that fit its device, and warmed up. The engine and the benchmarks begin here."""

from collections.abc import Callable

import torch

from maatu_tts.engine.parler import windows
from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.codec import CONTEXT_FRAMES
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.runner import Runner
from maatu_tts.engine.parler.sampler import SamplerSettings
from maatu_tts.engine.parler.scheduler import Scheduler

_GPU_PREFILL_TOKENS, _CPU_PREFILL_TOKENS = 512, 16
_GPU_CODEC_FRAMES, _CPU_CODEC_FRAMES = 4096, 256


def start(
    model: ParlerModel, size: CacheSize, settings: SamplerSettings, make_runner: Callable[[Batch], Runner]
) -> Scheduler:
    """Makes a scheduler whose first step is as quick as its thousandth.

    Args:
        model: What decodes.
        size: Rows of the batch, and their lengths.
        settings: Of sampling.
        make_runner: Makes what runs the batch's steps.
    """
    on_gpu = model.device.type == "cuda"
    codec_frames = _GPU_CODEC_FRAMES if on_gpu else _CPU_CODEC_FRAMES
    scheduler = Scheduler(
        model,
        size,
        settings,
        prefill_tokens=_GPU_PREFILL_TOKENS if on_gpu else _CPU_PREFILL_TOKENS,
        codec_frames=codec_frames,
        make_runner=make_runner,
    )
    with torch.inference_mode():
        scheduler.runner.warm_up()
        if on_gpu:
            longest = ChunkPlan().largest + 3 * CONTEXT_FRAMES
            windows.warm_up(model.codec, model.config.decoder.codebooks, model.device, longest, codec_frames)
    return scheduler
