"""The codec: windows in batches of several sizes, at their first use and after."""

from statistics import median

import torch
from tts_gpu_common import Bench

_WINDOWS = ((1, 20), (1, 40), (1, 70), (2, 70), (8, 70), (32, 70), (64, 70))
"""Windows and their frames: a first chunk alone, up to what the service decodes at once, filled up."""
_UNSEEN = ((3, 70), (5, 60), (7, 70), (13, 50), (29, 70))
"""Sizes that come once in a while."""
_CONTEXT = 20
"""Frames of a window that are context."""


def run(bench: Bench) -> None:
    """Times, and seconds of new audio a second."""
    model = bench.model()
    config = model.config.codec

    def codes(count: int, frames: int) -> torch.Tensor:
        shape = (count, model.config.decoder.codebooks, frames)
        return torch.randint(config.codebook_size, shape, device=bench.device)

    with torch.inference_mode():
        for count, frames in _WINDOWS[:2] if bench.quick else _WINDOWS:
            tokens = codes(count, frames)
            first_ms = bench.waited_ms(lambda tokens=tokens: model.codec(tokens))  # type: ignore[misc]
            times_ms = bench.timed_ms(lambda tokens=tokens: model.codec(tokens), bench.runs(10))  # type: ignore[misc]
            name = f"codec: {count} windows of {frames} frames"
            bench.report.figure(f"{name}, beside the first time", times_ms, "ms", baseline=first_ms)
            new_s = count * max(10, frames - _CONTEXT) / config.frame_rate
            bench.report.figure(f"{name}: new audio a second", [new_s / median(times_ms) * 1_000], "s/s")
        unseen = _UNSEEN[:2] if bench.quick else _UNSEEN
        first_ms_each = [bench.waited_ms(lambda size=size: model.codec(codes(*size))) for size in unseen]  # type: ignore[misc]
        again_ms = [bench.waited_ms(lambda size=size: model.codec(codes(*size))) for size in unseen]  # type: ignore[misc]
        name = "codec: a size never seen before, beside the second time"
        bench.report.figure(name, first_ms_each, "ms", baseline=median(again_ms))
        if bench.on_gpu:
            held = torch.cuda.max_memory_allocated(bench.device) / 2**20
            bench.report.figure("codec: most memory in use, with the model", [held], "MiB")
