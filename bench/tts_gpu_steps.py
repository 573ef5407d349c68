"""The time of one decode step, beside what memory bandwidth alone would take."""

import time
from statistics import median

import torch
from tts_gpu_common import CROSS_POSITIONS, DESCRIPTION, PROMPT_POSITIONS, Bench, begin_rows, request, step_floor_ms

from maatu_tts.engine.parler.batch import Batch
from maatu_tts.engine.parler.cache import CacheSize
from maatu_tts.engine.parler.linear import Precision
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.ramp import ChunkPlan
from maatu_tts.engine.parler.runner import CompiledRunner, EagerRunner, GraphRunner, Runner, State
from maatu_tts.engine.parler.sampler import SamplerSettings
from maatu_tts.engine.parler.scheduler import Scheduler

_ROWS, _CONTEXTS = (1, 2, 4, 8, 16, 32, 64, 128, 256), (64, 256, 512, 1024)
_WEIGHT_BYTES = {"float32": 4, "bfloat16": 2, "int8": 1, "fp8": 1}
"""Read at least. WeightOnlyLinear moves five instead of one, which the table shows."""


def run(bench: Bench) -> None:
    """The service's own precision: every batch and context, with graphs and as written."""
    rows, contexts = ((1, 2), (64, 128)) if bench.quick else (_ROWS, _CONTEXTS)
    _measure(bench, bench.model(), rows, contexts, eager=True)
    _measure_host(bench)


def run_int8(bench: Bench) -> None:
    """Weights in 8 bits."""
    _measure_precision(bench, "int8")


def run_fp8(bench: Bench) -> None:
    """Weights as float8."""
    _measure_precision(bench, "fp8")


def run_compiled(bench: Bench) -> None:
    """Layers compiled, one row."""
    model = bench.model()
    batch = _batch(model, 1, 512)
    compiled = CompiledRunner(batch)
    runner: Runner = GraphRunner(batch, compiled) if bench.on_gpu else compiled
    bench.report.figure("compiled: warm-up", [bench.warm_up(runner, batch)], "s")
    counted = torch._dynamo.utils.counters
    print(f"  compiled frames: {dict(counted['frames'])}, not compiled because: {list(counted['unimplemented'])}")
    _time_steps(bench, model, batch, runner, "compiled", (1,), (256, 512))


def _measure_precision(bench: Bench, precision: str) -> None:
    rows, contexts = ((1, 2), (64,)) if bench.quick else ((1, 8, 64, 256), (256, 1024))
    _measure(bench, bench.model(precision), rows, contexts, eager=False)


def _measure(
    bench: Bench, model: ParlerModel, rows: tuple[int, ...], contexts: tuple[int, ...], *, eager: bool
) -> None:
    batch = _batch(model, max(rows), max(contexts))
    name = model.precision.value
    if bench.on_gpu:
        runner = GraphRunner(batch, EagerRunner(batch))
        before = torch.cuda.mem_get_info(bench.device)[0]
        took_s = bench.warm_up(runner, batch)
        held = before - torch.cuda.mem_get_info(bench.device)[0]
        bench.report.figure(f"{name}: capturing {runner.graphs} graphs", [took_s], "s")
        bench.report.figure(f"{name}: memory taken by capturing", [held / 2**20], "MiB")
        if runner.state is State.READY:
            _time_steps(bench, model, batch, runner, f"{name}, graphs", rows, contexts)
    if eager:
        _time_steps(bench, model, batch, EagerRunner(batch), f"{name}, eager", rows, contexts)


def _batch(model: ParlerModel, rows: int, positions: int) -> Batch:
    return Batch(model, CacheSize(rows, positions, CROSS_POSITIONS), SamplerSettings())


def _time_steps(
    bench: Bench,
    model: ParlerModel,
    batch: Batch,
    runner: Runner,
    name: str,
    rows: tuple[int, ...],
    contexts: tuple[int, ...],
) -> None:
    """One line for each number of rows: milliseconds by the GPU's clock, and how much of that the floor is."""
    bandwidth = bench.bandwidth()
    voice = model.describe(DESCRIPTION)
    begin_rows(batch, model, voice, max(rows))
    columns = "".join(f"{f'context {context}':>24}" for context in contexts)
    print(f"  {name}: a step in ms (floor as a share of it){columns}  with the columns on the CPU")
    with torch.inference_mode():
        for count in rows:
            cells = []
            for context in contexts:
                # Its last position: where rows read their own lengths, the context alone would not make them read it.
                batch.place(count, context - 1)

                def step(count: int = count, context: int = context) -> None:
                    runner.run(count, context, voice.length, greedy=False)

                def step_and_read(count: int = count, context: int = context) -> None:
                    runner.run(count, context, voice.length, greedy=False)
                    batch.columns(count)

                times_ms = bench.timed_ms(step, bench.runs(20))
                floor_ms = step_floor_ms(model, _WEIGHT_BYTES[model.precision.value], count, context, bandwidth)
                label = f"{name}: step, {count} rows at {context}, beside its floor"
                bench.report.figure(label, times_ms, "ms", baseline=floor_ms, quiet=True)
                cells.append(f"{median(times_ms):>15.3f} ({floor_ms / median(times_ms):>6.1%})")
            read_ms = [bench.waited_ms(step_and_read) for _ in range(bench.runs(10))]
            bench.report.figure(f"{name}: step and its columns, {count} rows", read_ms, "ms", quiet=True)
            print(f"  {count:>4} rows{'':35}{''.join(cells)}  {median(read_ms):.3f}")


class _NoRunner(Runner):
    """Decodes nothing."""

    def warm_up(self) -> None:
        """Nothing to do."""

    def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
        """Nothing to do."""


def _measure_host(bench: Bench) -> None:
    """What a step costs beside the model: Python's work for each stream. No audio is decoded either."""
    model = bench.model()
    voice = model.describe(DESCRIPTION)
    for count in (2,) if bench.quick else (1, 64, 256):
        size = CacheSize(count, PROMPT_POSITIONS + 128, CROSS_POSITIONS)
        scheduler = Scheduler(model, size, make_runner=lambda _: _NoRunner(), prefill_tokens=10**6)
        for _ in range(count):
            scheduler.add(request(model, voice, 100, ChunkPlan(first=10**6, largest=10**6)), lambda _: None)
        scheduler.step()
        times_ms = []
        for _ in range(bench.runs(50)):
            began = time.perf_counter()
            scheduler.step()
            times_ms.append((time.perf_counter() - began) * 1_000)
        bench.report.figure(f"scheduler without model, a step of {count} streams", times_ms, "ms")


assert {*_WEIGHT_BYTES} == {precision.value for precision in Precision if precision is not Precision.FLOAT64}
