"""Parity with parler_tts 0.2.3, which runs in its own virtual environment: `make test-reference` makes it and runs these tests.

A plain `make test` leaves them out and says so. Named on the command line without the environment, they fail.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import numpy as np
import pytest
import torch

HERE = Path(__file__).resolve().parent
SCRIPT = HERE.parent.parent / "tools" / "reference" / "generate.py"
PYTHON_VARIABLE = "MAATU_REFERENCE_PYTHON"

Utterance = tuple[str, str, int]
"""Description, prompt, frames at most."""


@dataclass(frozen=True)
class Spoken:
    """What the reference generated for one utterance."""

    raw: np.ndarray
    """[codebooks, columns] Delayed codes; column 0 is the start token."""
    codes: np.ndarray
    """[codebooks, frames] What the codec is given."""
    waveform: np.ndarray
    """[samples]"""
    margin: float
    """By how much the closest of all choices was decided."""
    prompt: list[int]
    description: list[int]
    """Ids of the texts."""


class Reference:
    """A process of the reference implementation, which does jobs until it is closed.

    Args:
        python: Of its virtual environment.
        directory: For its outputs.
    """

    def __init__(self, python: Path, directory: Path) -> None:
        self._directory = directory
        self._done: dict[tuple[Path, tuple[Utterance, ...], str], list[Spoken]] = {}
        self._log = (directory / "stderr.txt").open("w+")
        self._process = subprocess.Popen(
            [python, SCRIPT],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )

    def speak(self, checkpoint: Path, utterances: Sequence[Utterance], precision: str = "float32") -> list[Spoken]:
        """Generates each utterance greedily and alone, with all tensors of the checkpoint in their places."""
        job = (checkpoint, tuple(utterances), precision)
        if job not in self._done:
            self._done[job] = self._speak(*job)
        return self._done[job]

    def _speak(self, checkpoint: Path, utterances: Sequence[Utterance], precision: str) -> list[Spoken]:
        output = self._directory / f"{len(self._done)}.npz"
        codebooks = json.loads((checkpoint / "config.json").read_text())["decoder"]["num_codebooks"]
        cases = [
            {"description": description, "prompt": prompt, "max_length": frames + codebooks}
            for description, prompt, frames in utterances
        ]
        job = {"checkpoint": str(checkpoint), "precision": precision, "output": str(output), "cases": cases}
        answer = self._ask(json.dumps(job))
        assert json.loads(answer) == {"missing_keys": [], "unexpected_keys": [], "mismatched_keys": []}
        with np.load(output) as arrays:
            return [
                Spoken(
                    raw=arrays[f"{index}.raw"],
                    codes=arrays[f"{index}.codes"],
                    waveform=arrays[f"{index}.waveform"],
                    margin=float(arrays[f"{index}.margin"]),
                    prompt=arrays[f"{index}.prompt"].tolist(),
                    description=arrays[f"{index}.description"].tolist(),
                )
                for index in range(len(cases))
            ]

    def close(self) -> None:
        """Ends the process."""
        _pipe(self._process.stdin).close()
        self._process.wait(timeout=30)
        _pipe(self._process.stdout).close()
        self._log.close()

    def _ask(self, line: str) -> str:
        requests, answers = _pipe(self._process.stdin), _pipe(self._process.stdout)
        requests.write(line + "\n")
        requests.flush()
        answer = answers.readline()
        if not answer:
            self._log.seek(0)
            pytest.fail(f"the reference implementation failed:\n{self._log.read()[-3000:]}")
        return answer


def _pipe(pipe: IO[str] | None) -> IO[str]:
    assert pipe is not None
    return pipe


@pytest.fixture(scope="session", autouse=True)
def one_thread() -> Iterator[None]:
    """Small models gain nothing from more threads, and where other processes want the cores they wait for one another."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def reference() -> Iterator[Reference]:
    """The reference implementation, running."""
    python = Path(os.environ.get(PYTHON_VARIABLE, "none given"))
    if not python.exists():
        pytest.fail(f"{PYTHON_VARIABLE} names no Python of the reference implementation: run `make test-reference`")
    with tempfile.TemporaryDirectory() as directory:
        process = Reference(python, Path(directory))
        yield process
        process.close()


@pytest.fixture(scope="session")
def checkpoints() -> Iterator[Path]:
    """Directory for checkpoints, which are too large to be kept after the run."""
    with tempfile.TemporaryDirectory() as directory:
        yield Path(directory)
