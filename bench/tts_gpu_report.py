"""What bench/tts_gpu.py has measured so far, on the disk after every figure: a run that is cut off leaves what it had.

The layout is that of figures.py, whose table and machine need packages that a plain PyTorch image lacks.
"""

import json
import os
import statistics
from collections.abc import Sequence
from pathlib import Path
from typing import Any


def percentile(values: Sequence[float], share: float) -> float:
    """The value that this share of the values lies below, as figures.py counts it."""
    return sorted(values)[min(len(values) - 1, int(share * len(values)))]


class Report:
    """A JSON file: machine, figures, failures, skipped and seconds of each section.

    Several processes may write it, one after another: each reads what is there before it adds to it.

    Args:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def content(self) -> dict[str, Any]:
        """All of it."""
        if not self.path.exists():
            return {"machine": {}, "figures": [], "failures": {}, "skipped": {}, "sections": {}}
        content: dict[str, Any] = json.loads(self.path.read_text(encoding="utf-8"))
        return content

    def machine(self, facts: dict[str, object]) -> None:
        """Adds what is known of the machine."""
        self._put("machine", facts)

    def failed(self, section: str, trace: str) -> None:
        """Adds why a section broke off."""
        self._put("failures", {section: trace})

    def skipped(self, section: str, reason: str) -> None:
        """Adds why a section was left out."""
        self._put("skipped", {section: reason})
        print(f"skipped {section}: {reason}")

    def finished(self, section: str, seconds: float) -> None:
        """Adds how long a section took."""
        self._put("sections", {section: round(seconds, 1)})

    def figure(
        self,
        name: str,
        values: Sequence[float],
        unit: str,
        *,
        at_most: float | None = None,
        at_least: float | None = None,
        baseline: float | None = None,
        quiet: bool = False,
    ) -> None:
        """Adds the median of measurements, held against a bound and a baseline, and prints it.

        Args:
            name: What was measured.
            values: At least one.
            unit: Of the values.
            at_most: Largest value asked for.
            at_least: Smallest value asked for.
            baseline: What it is compared to, same unit.
            quiet: It is printed elsewhere.
        """
        median = statistics.median(values)
        target, met = "", None
        if at_most is not None:
            target, met = f"<= {at_most:g}", median <= at_most
        elif at_least is not None:
            target, met = f">= {at_least:g}", median >= at_least
        row: dict[str, Any] = {
            "name": name,
            "value": round(median, 4),
            "unit": unit,
            "baseline": None if baseline is None else round(baseline, 4),
            "ratio": None if baseline is None or not median else round(baseline / median, 3),
            "target": target,
            "met": met,
            "runs": len(values),
            "p95": round(percentile(values, 0.95), 4),
        }
        content = self.content
        content["figures"].append(row)
        self._write(content)
        if not quiet:
            print("  " + line(row))

    def _put(self, part: str, entries: dict[str, Any]) -> None:
        content = self.content
        content[part] |= entries
        self._write(content)

    def _write(self, content: dict[str, Any]) -> None:
        # Written beside and moved: whoever is cut off while writing leaves the file as it was.
        beside = self.path.with_suffix(".part")
        beside.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
        os.replace(beside, self.path)


def line(row: dict[str, Any]) -> str:
    """A figure as one line of a table."""
    compared = f"beside {row['baseline']:g} (x{row['ratio']:g})" if row["ratio"] is not None else ""
    verdict = "" if row["met"] is None else "met" if row["met"] else "NOT MET"
    spread = f"p95 {row['p95']:g}, {row['runs']} runs" if row["runs"] > 1 else ""
    columns = f"{row['name']:<58} {row['value']:>10g} {row['unit']:<5} {row['target']:<8} {verdict:<8} {spread:<22}"
    return f"{columns} {compared}".rstrip()


def summary(content: dict[str, Any]) -> str:
    """What was asked for, and what went wrong."""
    lines = ["", "asked for:"]
    lines += ["  " + line(row) for row in content["figures"] if row["target"]]
    lines += [f"skipped {section}: {reason}" for section, reason in content["skipped"].items()]
    for section, trace in content["failures"].items():
        lines.append(f"FAILED {section}: {trace.strip().splitlines()[-1]}")
    seconds = sum(content["sections"].values())
    lines.append(f"{len(content['figures'])} figures in {seconds:.0f} s; machine: {content['machine']}")
    return "\n".join(lines)
