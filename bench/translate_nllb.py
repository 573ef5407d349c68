"""The architecture of NLLB-200 600M with random weights: int8 by our converter against the same model in transformers, float32.
Ours stands there twice: with the whole vocabulary, for 200 languages, and with one trimmed as `--languages` trims it for two.

Processes with two threads each take turns, one at a time: greedy, 12 tokens in, 32 out. Memory is what each process has
resident, everything included. The bound is for when both have translated: transformers maps the file of the weights, and until
they are used they count for nothing.
"""

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from figures import Figure, figure
from translate_nllb_side import NEW_TOKENS
from translate_random import NLLB, NLLB_TRIMMED, checkpoint, installed

THREADS = 2
BATCHES = (1, 8, 32)
ROUNDS = 5
_SIDE = Path(__file__).resolve().parent / "translate_nllb_side.py"


class Side:
    """A process with one of the two models."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process
        self.loaded: dict[str, Any] = self._read()

    def run(self, batch: int) -> dict[str, Any]:
        """Translates a batch; says what it took."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{batch}\n")
        self._process.stdin.flush()
        done = self._read()
        assert done["tokens"] == batch * NEW_TOKENS, f"{done['tokens']} tokens for {batch} sentences"
        return done

    def _read(self) -> dict[str, Any]:
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"a side of the comparison ended with status {self._process.wait()}")
        answer: dict[str, Any] = json.loads(line)
        return answer


@contextmanager
def started(side: str, directory: Path) -> Iterator[Side]:
    """Starts a side and waits until it has loaded."""
    command = [sys.executable, str(_SIDE), side, str(directory), str(THREADS)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        yield Side(process)
    finally:
        process.kill()
        process.communicate()


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many rounds.
    """
    sides = {
        "trimmed": ("ours", installed(NLLB_TRIMMED)),
        "whole": ("ours", installed(NLLB)),
        "transformers": ("theirs", checkpoint(NLLB)),
    }
    rows = []
    with ExitStack() as stack:
        running = {name: stack.enter_context(started(*side)) for name, side in sides.items()}
        loaded = {name: side.loaded["memory_mib"] for name, side in running.items()}
        for batch in BATCHES:
            rates: dict[str, list[float]] = {name: [] for name in sides}
            for turn in range(min(ROUNDS, limit or ROUNDS) + 1):
                done = {name: side.run(batch) for name, side in running.items()}
                took = ", ".join(f"{name} {one['seconds']:.2f} s" for name, one in done.items())
                print(f"nllb: batch {batch}: {took}", file=sys.stderr)
                if turn:  # what the first run alone pays for is not measured
                    for name, one in done.items():
                        rates[name].append(one["tokens"] / one["seconds"])
            rows += [
                figure(
                    f"{batch} at once, {vocabulary} vocabulary, against transformers in float32",
                    rates[vocabulary],
                    "tokens/s",
                    baseline=rates["transformers"],
                    ratio_at_least=4,
                    larger_is_better=True,
                )
                for vocabulary in ("whole", "trimmed")
            ]
    after = {name: one["memory_mib"] for name, one in done.items()}
    last = f"after a batch of {BATCHES[-1]}"
    for when, memory in (("loaded", loaded), (last, after)):
        baseline = [memory["transformers"]]
        rows.append(
            figure(f"resident memory, {when}, against transformers", [memory["whole"]], "MiB", baseline=baseline)
        )
    for vocabulary in ("whole", "trimmed"):
        share = after[vocabulary] / after["transformers"]
        of = f"resident memory, {last}, {vocabulary} vocabulary: share of that of transformers"
        rows.append(figure(of, [share], "", at_most=0.35))
    return rows
