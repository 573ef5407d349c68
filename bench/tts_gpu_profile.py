"""Where the time of a step and of the codec goes, kernel by kernel, as text beside the figures."""

from collections.abc import Callable

import torch
from torch.profiler import ProfilerActivity, profile
from tts_gpu_common import CROSS_POSITIONS, DESCRIPTION, Bench, begin_rows

from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.runner import EagerRunner, Runner
from maatu_tts.engine.parler.sampler import SamplerSettings

_CONTEXT = 512
_RUNS = 5


def run(bench: Bench) -> None:
    """A step as written and as graphs, at one row and at 64, and the codec."""
    model = bench.model()
    voice = model.describe(DESCRIPTION)
    rows = (1, 2) if bench.quick else (1, 64)
    batch = Batch(model, CacheSize(max(rows), _CONTEXT, CROSS_POSITIONS), SamplerSettings())
    runners: dict[str, Runner] = {"eager": EagerRunner(batch)}
    if bench.on_gpu:
        runners["graphs"] = bench.graphs(batch)
    for runner in runners.values():
        bench.warm_up(runner, batch)
    begin_rows(batch, model, voice, max(rows))
    texts: list[str] = []
    for name, runner in runners.items():
        for count in rows:

            def step(count: int = count, runner: Runner = runner) -> None:
                runner.run(count, _CONTEXT, voice.length, greedy=False)

            batch.place(count, _CONTEXT - 1)
            texts.append(_profile(bench, f"step, {count} rows at {_CONTEXT}, {name}", step))
    for count, frames in ((1, 20), (rows[-1] // 2, 70)):
        shape = (count, model.config.decoder.codebooks, frames)
        codes = torch.randint(model.config.codec.codebook_size, shape, device=bench.device)
        label = f"codec, {count} windows of {frames} frames"
        texts.append(_profile(bench, label, lambda codes=codes: model.codec(codes)))  # type: ignore[misc]
    path = bench.out / "tts_gpu_profile.txt"
    path.write_text("\n\n".join(texts) + "\n", encoding="utf-8")
    print(f"  written to {path}")


def _profile(bench: Bench, name: str, run: Callable[[], object]) -> str:
    activities = [ProfilerActivity.CPU, *([ProfilerActivity.CUDA] if bench.on_gpu else [])]
    with torch.inference_mode():
        for _ in range(2):
            run()
        bench.synchronize()
        with profile(activities=activities) as profiler:
            for _ in range(_RUNS):
                run()
            bench.synchronize()
    averages = profiler.key_averages()
    if bench.on_gpu:
        kernels = [event for event in averages if event.device_type.name == "CUDA"]
        count = sum(event.count for event in kernels) / _RUNS
        busy_ms = sum(event.self_device_time_total for event in kernels) / _RUNS / 1_000
        bench.report.figure(f"{name}: kernels", [count], "")
        bench.report.figure(f"{name}: time in kernels", [busy_ms], "ms")
    order = "self_device_time_total" if bench.on_gpu else "self_cpu_time_total"
    table = averages.table(sort_by=order, row_limit=20, max_name_column_width=80)
    return f"{name}, {_RUNS} times\n{table}"
