"""Decode attention is PyTorch's attention over each row's own length, and it is not used where it would not work.

There is no GPU here: Triton interprets the kernels on the CPU, and compiles them for GPUs that are elsewhere.
"""

import importlib.util
import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from maatu_tts.engine.parler import attention
from maatu_tts.engine.parler.attention import splits, works

GPU = torch.device("cuda")
BLOCK = 64
"""Positions of heads of 64 that a program takes at a time."""
EDGES = [1, BLOCK - 1, BLOCK, BLOCK + 1, 2 * BLOCK, 200]
ROUNDING = {"float32": 2e-6, "float16": 2e-3, "bfloat16": 1.6e-2}
"""Of results up to 4 in size."""

CASES: dict[str, dict[str, Any]] = {
    "edges of blocks": {"lengths": EDGES},
    "edges of blocks, in one": {"lengths": EDGES, "programs": 1},
    "one row": {"lengths": [150], "heads": 3, "key_value_heads": 3},
    "one position": {"lengths": [1]},
    "as many splits as can be": {"lengths": [33 * BLOCK, 5, 32 * BLOCK + 1], "heads": 1, "key_value_heads": 1},
    "one split of two is empty": {"lengths": [128, 3], "programs": 8},
    "rows without positions": {"lengths": [0, 100, 0]},
    "rows without positions, in one": {"lengths": [0, 100, 0], "programs": 1},
    "nothing": {"lengths": [0]},
    "grouped": {"lengths": [70, 200, 1], "heads": 4},
    "grouped, one head of keys": {"lengths": [70, 200, 1], "heads": 3, "key_value_heads": 1},
    "grouped, in one": {"lengths": [70, 200, 1], "heads": 4, "programs": 1},
    "heads of 16": {"lengths": [1, 255, 256, 257, 600], "head_size": 16},
    "heads of 32": {"lengths": [127, 128, 129, 300], "head_size": 32},
    "heads of 128": {"lengths": [31, 32, 33, 100], "head_size": 128},
    "float16": {"lengths": EDGES, "dtype": "float16"},
    "float16, in one": {"lengths": EDGES, "dtype": "float16", "programs": 1},
    "bfloat16": {"lengths": EDGES, "dtype": "bfloat16"},
    "bfloat16, in one": {"lengths": EDGES, "dtype": "bfloat16", "programs": 1},
    "bfloat16, grouped, heads of 128": {"lengths": [31, 100], "heads": 4, "head_size": 128, "dtype": "bfloat16"},
    "part of a larger cache": {"lengths": EDGES, "layout": "rows"},
    "heads after positions": {"lengths": EDGES, "layout": "positions"},
    "every second channel": {"lengths": EDGES, "layout": "channels"},
}

needs_triton = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None, reason="needs triton, which is not installed: run `make test-kernels`"
)


def _script(what: str, cases: list[dict[str, Any]], **environment: str) -> list[Any]:
    script = Path(__file__).with_name("interpreted_attention.py")
    done = subprocess.run(
        [sys.executable, str(script), what],
        input=json.dumps(cases),
        env=os.environ | {"OMP_NUM_THREADS": "1"} | environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    results: list[Any] = json.loads(done.stdout)
    return results


@pytest.fixture(scope="module")
def differences() -> dict[str, float]:
    """Of every case, from PyTorch's attention."""
    return dict(zip(CASES, _script("compare", [*CASES.values()], TRITON_INTERPRET="1"), strict=True))


@needs_triton
@pytest.mark.parametrize("case", CASES)
def test_each_row_attends_to_its_own_length(differences: dict[str, float], case: str) -> None:
    assert differences[case] <= ROUNDING[CASES[case].get("dtype", "float32")]


@needs_triton
def test_the_kernel_compiles_for_gpus_and_reads_sixteen_bytes_at_a_time(tmp_path: Path) -> None:
    cases = [
        {"capability": capability, "dtype": dtype, "head_size": 64, "split": split}
        for capability, dtype, split in (
            (80, "fp16", True),
            (89, "bf16", False),
            (90, "bf16", True),
            (90, "fp32", False),
        )
    ]
    for case, kernel in zip(cases, _script("compiled", cases, TRITON_CACHE_DIR=str(tmp_path)), strict=True):
        # Ahead of their use, past registers: the third operand is the bytes of one copy.
        copies = [line for line in kernel["text"].splitlines() if "cp.async.cg.shared.global" in line]
        assert copies, case
        assert all(", 0x10, " in line for line in copies), case
        # Three programs or more fit on one multiprocessor of a GPU for servers.
        assert 3 * kernel["shared"] < 163 * 1024 + 65536 * (case["dtype"] == "fp32"), case


def test_large_batches_are_not_split() -> None:
    assert splits(256 * 16, 1024, BLOCK) == 1
    assert splits(64 * 16, 4096, BLOCK) == 1
    assert splits(63 * 16, 4096, BLOCK) == 1


def test_small_batches_are_split_into_blocks_at_most() -> None:
    assert splits(16, 512, BLOCK) == 8
    assert splits(16, 513, BLOCK) == 9
    assert splits(16, 64, BLOCK) == 1
    assert splits(16, 1, BLOCK) == 1


def test_a_row_is_split_no_further_than_its_parts_are_joined_at_once() -> None:
    assert splits(1, 100_000, BLOCK) == 32


def test_no_kernel_and_no_warning_without_a_gpu(caplog: pytest.LogCaptureFixture) -> None:
    assert not works(torch.device("cpu"), torch.float32, 64)
    assert not attention.available(torch.device("cpu"))
    assert not caplog.records


def test_no_kernel_without_triton(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    assert not attention.available(GPU)
    assert _refused(caplog, torch.bfloat16, 64) == "Triton is not installed"


@pytest.mark.parametrize(
    ("dtype", "head_size", "reason"),
    [
        (torch.float64, 64, "the kernel cannot do torch.float64"),
        (torch.bfloat16, 80, "the kernel cannot do heads of 80"),
        (torch.bfloat16, 256, "the kernel cannot do heads of 256"),
    ],
)
def test_no_kernel_for_what_it_cannot_do_with_fake_triton(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, dtype: torch.dtype, head_size: int, reason: str
) -> None:
    monkeypatch.setattr(attention, "available", lambda device: True)
    assert _refused(caplog, dtype, head_size) == reason


def test_no_kernel_that_fails_with_fake_triton(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*arguments: object) -> float:
        raise RuntimeError("no C compiler\nin any of these places: ...")

    monkeypatch.setattr(attention, "available", lambda device: True)
    monkeypatch.setattr(attention, "_error", fail)
    assert _refused(caplog, torch.bfloat16, 64) == "the kernel failed: RuntimeError: no C compiler"


@pytest.mark.parametrize(
    ("dtype", "error"), [(torch.bfloat16, 0.1), (torch.float32, 1e-3), (torch.float32, float("nan"))]
)
def test_no_kernel_that_is_wrong_with_fake_kernel(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, dtype: torch.dtype, error: float
) -> None:
    monkeypatch.setattr(attention, "available", lambda device: True)
    monkeypatch.setattr(attention, "_error", lambda *arguments: error)
    assert _refused(caplog, dtype, 64).startswith(f"the kernel is wrong by {error:.2g}, ")


@pytest.mark.parametrize(("dtype", "error"), [(torch.bfloat16, 0.02), (torch.float16, 2e-3), (torch.float32, 1e-5)])
def test_the_kernel_is_taken_where_it_is_right_with_fake_kernel(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, dtype: torch.dtype, error: float
) -> None:
    monkeypatch.setattr(attention, "available", lambda device: True)
    monkeypatch.setattr(attention, "_error", lambda *arguments: error)
    assert works(GPU, dtype, 64)
    assert not caplog.records


def _refused(caplog: pytest.LogCaptureFixture, dtype: torch.dtype, head_size: int) -> str:
    """The reason that is logged when the kernel is not taken."""
    with caplog.at_level(logging.WARNING):
        assert not works(GPU, dtype, head_size)
    (record,) = caplog.records
    start, _, reason = record.getMessage().partition(": ")
    assert start == "decode steps read whole contexts"
    return reason
