"""Runs sections of bench/tts_gpu.py in this process, one after another, each whatever became of those before.

python tts_gpu_inside.py SETTINGS     JSON with the fields of Settings; tts_gpu.py starts it
"""

import importlib
import json
import sys
import time
import traceback
from dataclasses import replace
from pathlib import Path

import torch
from tts_gpu import CHECKPOINTS, SECTIONS, Settings
from tts_gpu_common import Bench
from tts_gpu_report import Report

from maatu_tts.engine.parler.random_weights import MINI, TINY, write_checkpoint


def run(settings: Settings) -> None:
    """Runs the sections and reports each."""
    if settings.quick and settings.device == "cpu":
        # Tests share their cores: threads that wait for one another there take many times longer than one alone.
        torch.set_num_threads(1)
    directory = Path(settings.directory)
    report = Report(Path(settings.out) / "tts_gpu.json")
    bench = Bench(
        device=torch.device(settings.device),
        checkpoint=Path(settings.checkpoint) if settings.checkpoint else directory / settings.size,
        tiny=directory / "tiny",
        out=Path(settings.out),
        report=report,
        quick=settings.quick,
        watch_s=settings.watch_s,
    )
    for name in settings.sections:
        print(f"\n== {name}")
        began = time.monotonic()
        try:
            if name == CHECKPOINTS:
                _write_checkpoints(settings, bench)
            else:
                section = SECTIONS[name]
                getattr(importlib.import_module(section.module), section.function)(replace(bench, section=name))
        except Exception:  # whatever breaks in one section, the others are run
            trace = traceback.format_exc()
            print(trace)
            report.failed(name, trace)
        bench.free()
        report.finished(name, time.monotonic() - began)


def _write_checkpoints(settings: Settings, bench: Bench) -> None:
    write_checkpoint(bench.tiny, TINY, seed=1)
    if not settings.checkpoint and settings.size == "mini":
        write_checkpoint(bench.checkpoint, MINI, dtype=torch.bfloat16)


if __name__ == "__main__":
    run(Settings(**json.loads(sys.argv[1])))
