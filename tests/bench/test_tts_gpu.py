"""bench/tts_gpu.sh works where there is no GPU, and with the packages of a plain PyTorch image alone."""

import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
FOREIGN = ("grpc", "pydantic", "structlog", "rich", "psutil")
HIDE = f"""
import sys
from importlib.machinery import PathFinder

class Plain(PathFinder):
    @classmethod
    def find_spec(cls, name, path=None, target=None):
        return None if name.partition(".")[0] in {FOREIGN} else super().find_spec(name, path, target)

sys.meta_path[sys.meta_path.index(PathFinder)] = Plain
"""


def bench(out: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Runs the script in a Python without what a plain image lacks; what it printed, and its figures."""
    (out / "site").mkdir(exist_ok=True)
    (out / "site" / "sitecustomize.py").write_text(HIDE)
    environment = os.environ | {"PYTHONPATH": str(out / "site"), "PYTHON": sys.executable, "OUT": str(out)}
    command = [str(ROOT / "bench" / "tts_gpu.sh"), *options]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=110)
    written = out / "tts_gpu.json"
    return done, json.loads(written.read_text()) if written.exists() else {}


def test_all_sections_on_a_cpu(tmp_path: Path) -> None:
    done, content = bench(tmp_path, "--device", "cpu", "--size", "tiny", "--quick")
    assert done.returncode == 0, done.stdout + done.stderr
    assert content["failures"] == {}
    assert content["skipped"] == {}
    sections = ["machine", "parity", "steps", "alone", "streams", "reference", "codec", "attention", "profile"]
    assert list(content["sections"]) == ["checkpoints", *sections]
    assert content["machine"]["device"] == "cpu"
    assert "Self CPU" in (tmp_path / "tts_gpu_profile.txt").read_text()

    figures = {figure["name"]: figure for figure in content["figures"]}
    asked = [name for name, figure in figures.items() if figure["target"]]
    assert [name for name in asked if not figures[name]["met"]] == []
    for precision in ("float32", "float64"):
        assert figures[f"{precision}: eager, eight joining: texts with the CPU's tokens"]["value"] == 8
        assert figures[f"{precision}: windows: largest difference to the whole"]["met"]
    for name in ("alone: first chunk, of 5 frames", "60 frames, beside the reference-shaped loop (own code)"):
        assert figures[name]["value"] > 0
    step = figures["float32, eager: step, 2 rows at 128, beside its floor"]
    assert step["baseline"] > 0
    assert step["ratio"] == pytest.approx(step["baseline"] / step["value"], rel=0.05)


@pytest.mark.parametrize("package", FOREIGN)
def test_what_a_plain_image_lacks_is_hidden(tmp_path: Path, package: str) -> None:
    (tmp_path / "sitecustomize.py").write_text(HIDE)
    command = [sys.executable, "-c", f"import {package}"]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True, check=False, timeout=30
    )
    assert "ModuleNotFoundError" in done.stderr


def test_a_section_that_fails_is_told_and_the_next_one_runs(tmp_path: Path) -> None:
    options = ["--checkpoint", str(tmp_path / "nowhere"), "--sections", "codec,machine"]
    done, content = bench(tmp_path, "--device", "cpu", "--quick", *options)
    assert done.returncode == 1
    assert list(content["failures"]) == ["codec"]
    assert "Traceback" in content["failures"]["codec"]
    assert "FAILED codec: maatu_runtime.errors.ModelNotInstalled" in done.stdout
    assert content["machine"]["device"] == "cpu"


def test_what_there_is_no_time_for_is_skipped(tmp_path: Path) -> None:
    done, content = bench(tmp_path, "--sections", "steps", "--limit-s", "10")
    assert done.returncode == 0, done.stdout + done.stderr
    assert list(content["skipped"]) == ["checkpoints", "steps"]


def test_a_process_that_takes_too_long_is_ended(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    from tts_gpu import Settings, spawn
    from tts_gpu_report import Report

    settings = Settings(["steps"], "cuda", "tiny", "", str(tmp_path), str(tmp_path), quick=True, watch_s=1.0)
    report = Report(tmp_path / "tts_gpu.json")
    # Importing torch takes longer.
    spawn(settings, report, left_s=0.05)
    assert report.content["failures"] == {"steps": "killed after 0 s"}
    assert report.content["figures"] == []


def test_an_unknown_section_is_refused(tmp_path: Path) -> None:
    done, content = bench(tmp_path, "--sections", "steps,walks")
    assert done.returncode == 2
    assert "no section walks: there are machine, parity" in done.stderr
    assert content == {}


def test_help_names_every_option(tmp_path: Path) -> None:
    done, _ = bench(tmp_path, "--help")
    assert done.returncode == 0
    for option in ("--device", "--size", "--checkpoint", "--quick", "--sections", "--limit-s", "--watch-s", "$OUT"):
        assert option in done.stdout


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """A run on the CPU, in this process."""
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import torch
    from tts_gpu_common import Bench
    from tts_gpu_report import Report

    from maatu_tts.engine.parler.random_weights import TINY, write_checkpoint

    tiny = write_checkpoint(tmp_path / "tiny", TINY)
    report = Report(tmp_path / "tts_gpu.json")
    return Bench(torch.device("cpu"), tiny, tiny, tmp_path, report, quick=True, watch_s=1.0, section="steps")


def test_a_step_at_a_context_reads_all_of_it_with_fake_runner(here: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import tts_gpu_profile
    import tts_gpu_steps

    from maatu_tts.engine.parler.batch import Batch
    from maatu_tts.engine.parler.runner import EagerRunner

    read: list[tuple[int, int, list[int]]] = []

    class FakeRunner(EagerRunner):
        """Writes down where the rows are."""

        def __init__(self, batch: Batch) -> None:
            super().__init__(batch)
            self._rows = batch

        def warm_up(self) -> None:
            """Nothing to do."""

        def run(self, rows: int, context: int, cross_context: int, *, greedy: bool) -> None:
            """Decodes nothing."""
            read.append((rows, context, self._rows._state.position.tolist()))

    monkeypatch.setattr(tts_gpu_steps, "EagerRunner", FakeRunner)
    monkeypatch.setattr(tts_gpu_profile, "EagerRunner", FakeRunner)
    tts_gpu_steps.run(here)
    tts_gpu_profile.run(here)
    assert {(rows, context) for rows, context, _ in read} == {
        *((rows, context) for rows in (1, 2) for context in (64, 128, 512))
    }
    for rows, context, positions in read:
        assert positions == [context - 1] * rows + [0] * (2 - rows)


def test_why_a_runner_fell_back_is_told_for_each_batch_with_fake_runner(
    here: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch
    import tts_gpu_common

    from maatu_tts.engine.parler.batch import Batch
    from maatu_tts.engine.parler.cache import CacheSize
    from maatu_tts.engine.parler.runner import EagerRunner, State
    from maatu_tts.engine.parler.sampler import SamplerSettings

    class Fallen(EagerRunner):
        """Could not be captured."""

        state, detail = State.FALLBACK, "capturing CUDA graphs failed: no memory"

    model = here.model()
    for rows in (1, 2):
        batch = Batch(model, CacheSize(rows, 64, 32), SamplerSettings())
        here.warm_up(Fallen(batch), batch)
    detail = "capturing CUDA graphs failed: no memory"
    assert here.report.content["failures"] == {f"steps: warm-up of {rows} rows": detail for rows in (1, 2)}

    on_gpu = replace(here, device=torch.device("cuda"), section="streams")
    monkeypatch.setattr(torch.cuda, "synchronize", lambda *_: None)
    monkeypatch.setattr(tts_gpu_common, "_why_capture_fails", lambda _: "Traceback: the first error")
    on_gpu.warm_up(Fallen(batch), batch)
    failures = here.report.content["failures"]
    assert failures["streams: warm-up of 2 rows"] == f"Traceback: the first error\n{detail}"
    assert len(failures) == 3


def test_a_listener_counts_pieces_that_come_too_late(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    import numpy as np
    from tts_gpu_common import Heard
    from tts_gpu_streams import Watched

    from maatu_tts.engine.parler.stream import Piece

    now = 100.0
    heard = Heard(now, 1_000, clock=lambda: now)
    second = Piece(np.zeros(1_000, np.float32), 86, 0.0)
    for now in (100.25, 101.0, 102.75):  # noqa: B007 - the clock reads it
        heard(second)
    assert heard.first_chunk_ms == 250
    assert [ahead for _, ahead in heard.ahead_s] == [0.25, -0.5]
    assert heard.dry_s == 103.75

    watched = Watched()
    watched.add(heard, since_s=100.0, now_s=103.0)
    assert (watched.streams, watched.late_streams, watched.late_pieces) == (1, 1, 1)
    on_time = Watched()
    on_time.add(heard, since_s=102.8, now_s=103.0)
    assert on_time.streams == 0
    starved = Watched()
    starved.add(heard, since_s=102.8, now_s=104.0)
    assert (starved.streams, starved.late_streams) == (1, 1)
