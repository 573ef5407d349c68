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
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from tts_gpu_report import Report, summary

ROOT = Path(__file__).resolve().parent.parent


@dataclass(frozen=True)
class Section:
    """A part of the run."""

    module: str
    function: str
    limit_s: float
    """It is killed after so many seconds."""
    on_cpu: bool = True
    """There is something to see without a GPU."""


SECTIONS = {
    "machine": Section("tts_gpu_machine", "run", 60),
    "parity": Section("tts_gpu_parity", "run", 90),
    "steps": Section("tts_gpu_steps", "run", 100),
    "alone": Section("tts_gpu_alone", "run", 70),
    "streams": Section("tts_gpu_streams", "run", 190),
    "reference": Section("tts_gpu_reference", "run", 180),
    "codec": Section("tts_gpu_codec", "run", 60),
    "attention": Section("tts_gpu_attention", "run", 40),
    "profile": Section("tts_gpu_profile", "run", 60),
    "int8": Section("tts_gpu_steps", "run_int8", 60, on_cpu=False),
    "fp8": Section("tts_gpu_steps", "run_fp8", 60, on_cpu=False),
    "compiled": Section("tts_gpu_steps", "run_compiled", 120, on_cpu=False),
}
"""In the order of what they are worth: the last ones are left out when time runs short."""
CHECKPOINTS = "checkpoints"
"""What comes before all sections: writing random weights."""
_CHECKPOINTS_LIMIT_S = 120.0
_LEAST_S = 15.0
"""A section is not begun with less time than this."""


@dataclass(frozen=True)
class Settings:
    """What the process that runs some sections is told."""

    sections: list[str]
    device: str
    size: str
    checkpoint: str
    """A directory, or "" for random weights."""
    directory: str
    """Where random weights are."""
    out: str
    quick: bool
    watch_s: float


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", default="cuda", help="cuda, cuda:1 or cpu (default: cuda)")
    parser.add_argument(
        "--size", choices=["mini", "tiny"], default="mini", help="of the random weights (default: mini)"
    )
    parser.add_argument("--checkpoint", default="", help="a checkpoint's directory, instead of random weights")
    parser.add_argument("--quick", action="store_true", help="a few runs of everything")
    parser.add_argument("--sections", default="", help="some of those above, comma-separated (default: all)")
    parser.add_argument("--limit-s", type=float, default=465, help="seconds for all of it (default: 465)")
    parser.add_argument(
        "--watch-s", type=float, help="seconds for each number of listeners (default: 14; 1.5 if quick)"
    )
    chosen = parser.parse_args()
    chosen.sections = [name for name in chosen.sections.split(",") if name]
    if unknown := [name for name in chosen.sections if name not in SECTIONS]:
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(SECTIONS)}")
    return chosen


def main() -> int:
    """Runs the sections. Returns 1 if one of them failed."""
    chosen = _options()
    out = Path(os.environ.get("OUT") or ROOT / "build" / "bench").resolve()
    out.mkdir(parents=True, exist_ok=True)
    report = Report(out / "tts_gpu.json")
    report.path.unlink(missing_ok=True)
    on_cpu = chosen.device == "cpu"
    names = chosen.sections or [name for name, section in SECTIONS.items() if section.on_cpu or not on_cpu]
    # Without a GPU a section can break nothing but itself, and starting a process takes longer than most of them.
    jobs = [[CHECKPOINTS, *names]] if on_cpu else [[CHECKPOINTS], *([name] for name in names)]
    ends_s = time.monotonic() + chosen.limit_s
    with tempfile.TemporaryDirectory(prefix="tts_gpu_") as directory:
        for job in jobs:
            left_s = ends_s - time.monotonic()
            if left_s < _LEAST_S:
                report.skipped(job[0], f"{max(0.0, left_s):.0f} s are left")
                continue
            settings = Settings(
                sections=job,
                device=chosen.device,
                size=chosen.size,
                checkpoint=chosen.checkpoint,
                directory=directory,
                out=str(out),
                quick=chosen.quick,
                watch_s=chosen.watch_s or (1.5 if chosen.quick else 14.0),
            )
            spawn(settings, report, left_s)
    content = report.content
    print(summary(content))
    print(f"written to {report.path}")
    return int(bool(content["failures"]))


def spawn(settings: Settings, report: Report, left_s: float) -> None:
    """Runs sections in a process, which is killed when their time or all time is up, and reports what becomes of it.

    Args:
        settings: What it is told.
        report: Where it writes.
        left_s: Seconds that are left for everything.
    """
    limit_s = sum(SECTIONS[name].limit_s if name in SECTIONS else _CHECKPOINTS_LIMIT_S for name in settings.sections)
    limit_s = min(left_s, limit_s)
    inside = Path(__file__).with_name("tts_gpu_inside.py")
    command = [sys.executable, str(inside), json.dumps(asdict(settings))]
    # A group of its own: compilers and the reference implementation are processes too, and end with it.
    process = subprocess.Popen(command, process_group=0)
    try:
        status = process.wait(limit_s)
        problem = f"the process ended with status {status}"
    except subprocess.TimeoutExpired:
        status, problem = -1, f"killed after {limit_s:.0f} s"
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    if status:
        unfinished = [name for name in settings.sections if name not in report.content["sections"]]
        report.failed(unfinished[0] if unfinished else settings.sections[-1], problem)
        print(f"FAILED {', '.join(unfinished)}: {problem}")


if __name__ == "__main__":
    sys.exit(main())
