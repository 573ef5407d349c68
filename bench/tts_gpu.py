"""Parler-TTS on a GPU: all figures, with random weights of mini size, in one command.

    bench/tts_gpu.sh                                      on a GPU, less than eight minutes on an H200
    bench/tts_gpu.sh --device cpu --size tiny --quick     whether it works at all, without a GPU
    bench/tts_gpu.sh --sections steps,streams             a part of it

Writes tts_gpu.json and tts_gpu_profile.txt into $OUT, or into build/bench. Each section runs in a process of its own, so that one
that fails, even one that takes the GPU's context with it, costs nothing but itself. Figures are written as they come.

machine    bandwidth of memory, rate of matrix products
parity     the GPU's tokens are the CPU's: eager, with graphs, alone, eight joining
steps      a decode step at 1 to 256 rows and 64 to 1024 positions, with graphs and eager, beside its bandwidth floor
alone      first chunk and real-time factor of one stream, the codec's share
streams    16 to 384 listeners in real time: first chunks, underruns
reference  the same utterance the way the reference implementation decodes it, and parler_tts where it is installed
codec      windows at their first use and after
attention  kernels that could read the cache, beside its floor
profile    the kernels of a step and of the codec
int8, fp8, compiled    a step with smaller weights, and with compiled layers
"""

import argparse
import importlib
import os
import subprocess
import sys
import tempfile
import time
import traceback
from pathlib import Path

from tts_gpu_report import Report, summary

ROOT = Path(__file__).resolve().parent.parent
SECTIONS = {
    "machine": ("tts_gpu_machine", "run", 60),
    "parity": ("tts_gpu_parity", "run", 90),
    "steps": ("tts_gpu_steps", "run", 100),
    "alone": ("tts_gpu_alone", "run", 70),
    "streams": ("tts_gpu_streams", "run", 190),
    "reference": ("tts_gpu_reference", "run", 180),
    "codec": ("tts_gpu_codec", "run", 60),
    "attention": ("tts_gpu_attention", "run", 40),
    "profile": ("tts_gpu_profile", "run", 60),
    "int8": ("tts_gpu_steps", "run_int8", 60),
    "fp8": ("tts_gpu_steps", "run_fp8", 60),
    "compiled": ("tts_gpu_steps", "run_compiled", 120),
}
"""Module, function, and the seconds it may take, in the order of what they are worth."""
_LEAST_S = 15
"""A section is not begun with less time than this."""
_ONLY_ON_GPU = ("int8", "fp8", "compiled")
_CHECKPOINTS = "checkpoints"
_CHECKPOINTS_LIMIT_S = 120


def options() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu (default: cuda)")
    parser.add_argument("--size", choices=["mini", "tiny"], default="mini", help="of the checkpoint (default: mini)")
    parser.add_argument("--quick", action="store_true", help="a few runs of everything")
    parser.add_argument("--sections", default="", help="comma-separated (default: all)")
    parser.add_argument("--limit-s", type=float, default=465, help="seconds for all of it (default: 465)")
    parser.add_argument(
        "--watch-s", type=float, default=None, help="seconds for each number of listeners (default: 14)"
    )
    parser.add_argument(
        "--checkpoint", type=Path, default=None, help="a checkpoint of one's own instead of random weights"
    )
    parser.add_argument("--inside", type=Path, default=None, help=argparse.SUPPRESS)
    chosen = parser.parse_args()
    unknown = {*filter(None, chosen.sections.split(","))} - {*SECTIONS, _CHECKPOINTS}
    if unknown:
        parser.error(f"no section {', '.join(sorted(unknown))}: there are {', '.join(SECTIONS)}")
    return chosen


def main() -> int:
    """Runs the sections. Returns 1 if one failed, or a bound of parity was not met."""
    chosen = options()
    out = Path(os.environ.get("OUT") or ROOT / "build" / "bench")
    report = Report(out / "tts_gpu.json")
    if chosen.inside is not None:
        _inside(chosen, out, report)
        return 0
    out.mkdir(parents=True, exist_ok=True)
    report.path.unlink(missing_ok=True)
    names = [name for name in chosen.sections.split(",") if name] or [
        name for name in SECTIONS if chosen.device != "cpu" or name not in _ONLY_ON_GPU
    ]
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="tts_gpu_") as directory:
        # Without a GPU nothing can break but the section itself, and starting a process takes longer than most of them.
        jobs = [[_CHECKPOINTS], *([name] for name in names)] if chosen.device != "cpu" else [[_CHECKPOINTS, *names]]
        for job in jobs:
            left_s = chosen.limit_s - (time.monotonic() - began)
            if left_s < _LEAST_S:
                report.skipped(job[0], f"{left_s:.0f} s are left")
                continue
            limit_s = min(left_s, sum(SECTIONS[name][2] if name in SECTIONS else _CHECKPOINTS_LIMIT_S for name in job))
            _spawn(job, Path(directory), report, limit_s)
    content = report.content
    print(summary(content))
    print(f"written to {report.path}")
    return int(bool(content["failures"]))


def _spawn(job: list[str], directory: Path, report: Report, limit_s: float) -> None:
    """Runs sections in a process, which is killed at the limit."""
    command = [sys.executable, __file__, *sys.argv[1:], "--sections", ",".join(job), "--inside", str(directory)]
    try:
        status = subprocess.run(command, timeout=limit_s, check=False).returncode
        problem = f"the process ended with status {status}" if status else ""
    except subprocess.TimeoutExpired:
        problem = f"it took longer than {limit_s:.0f} s"
    content = report.content
    for name in job:
        if problem and name not in content["sections"]:
            report.failed(name, problem)
            print(f"FAILED {name}: {problem}")
            break


def _inside(chosen: argparse.Namespace, out: Path, report: Report) -> None:
    """Runs sections in this process."""
    import torch  # noqa: PLC0415
    from tts_gpu_common import Bench  # noqa: PLC0415

    if chosen.quick and chosen.device == "cpu":
        # Tests share their cores, and threads that wait for one another there take longer than one alone.
        torch.set_num_threads(1)
    sizes = {"mini": chosen.inside / "mini", "tiny": chosen.inside / "tiny"}
    bench = Bench(
        device=torch.device(chosen.device),
        checkpoint=chosen.checkpoint or sizes[chosen.size],
        tiny=sizes["tiny"],
        out=out,
        report=report,
        quick=chosen.quick,
        watch_s=chosen.watch_s or (1.5 if chosen.quick else 14.0),
    )
    for name in chosen.sections.split(","):
        print(f"\n== {name}")
        began = time.monotonic()
        try:
            if name == _CHECKPOINTS:
                _write_checkpoints(bench)
            else:
                module, function, _ = SECTIONS[name]
                getattr(importlib.import_module(module), function)(bench)
        except Exception:  # whatever breaks in one section, the others are run
            print(trace := traceback.format_exc())
            report.failed(name, trace)
        bench.free()
        report.finished(name, time.monotonic() - began)


def _write_checkpoints(bench: "Bench") -> None:  # noqa: F821
    import torch  # noqa: PLC0415

    from maatu_tts.engine.parler.random_weights import MINI, TINY, write_checkpoint  # noqa: PLC0415

    write_checkpoint(bench.tiny, TINY, seed=1, mean_frames=30)
    if not bench.checkpoint.exists():
        write_checkpoint(bench.checkpoint, MINI, dtype=torch.bfloat16)


if __name__ == "__main__":
    sys.exit(main())
