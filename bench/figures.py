"""How benchmarks tell what they measured: a table for people, JSON for programs."""

import json
import os
import platform
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil
from rich.console import Console
from rich.table import Table

BUILD = Path(__file__).resolve().parent.parent / "build" / "bench"


@dataclass(frozen=True)
class Figure:
    """One published figure."""

    name: str
    """What was measured."""
    value: float
    """The median."""
    unit: str
    """ "ms", "x"."""
    baseline: float | None = None
    """What it is compared to, same unit, same run."""
    ratio: float | None = None
    """How many times better than the baseline: baseline / value where smaller is better, value / baseline where larger is."""
    target: str = ""
    """What was asked for, as a bound: "<= 700"."""
    met: bool | None = None
    """Whether it was reached; None where nothing was asked for."""
    runs: int = 0
    """How many measurements the median is of."""
    p95: float | None = None
    """Their 95th percentile."""


def figure(
    name: str,
    values: Sequence[float],
    unit: str,
    *,
    at_most: float | None = None,
    at_least: float | None = None,
    baseline: Sequence[float] | None = None,
    ratio_at_least: float | None = None,
    larger_is_better: bool = False,
) -> Figure:
    """Makes a figure of measurements: their median, held against a bound and a baseline.

    Args:
        name: What was measured.
        values: At least one.
        unit: Of the values.
        at_most: Largest value asked for.
        at_least: Smallest value asked for.
        baseline: Measurements of what it is compared to.
        ratio_at_least: How many times better than the baseline it is to be.
        larger_is_better: The value is a rate, not a time.
    """
    median = statistics.median(values)
    compared = statistics.median(baseline) if baseline else None
    ratio = None
    if compared is not None:
        ratio = round(median / compared if larger_is_better else compared / median, 2)
    target, met = "", None
    if at_most is not None:
        target, met = f"<= {at_most:g}", median <= at_most
    elif at_least is not None:
        target, met = f">= {at_least:g}", median >= at_least
    elif ratio_at_least is not None and ratio is not None:
        target, met = f">= {ratio_at_least:g}x", ratio >= ratio_at_least
    return Figure(
        name,
        round(median, 3),
        unit,
        baseline=None if compared is None else round(compared, 3),
        ratio=ratio,
        target=target,
        met=met,
        runs=len(values),
        p95=round(sorted(values)[min(len(values) - 1, int(0.95 * len(values)))], 3),
    )


def machine() -> dict[str, object]:
    """The machine the figures are from."""
    model = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.exists():
        names = [line.partition(":")[2].strip() for line in cpuinfo.read_text().splitlines() if "model name" in line]
        model = names[0] if names else model
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.release()}",
    }


def publish(subject: str, figures: Sequence[Figure]) -> None:
    """Prints the figures as a table and writes build/bench/<subject>.json."""
    table = Table(title=f"bench/{subject}.py")
    for column in ("figure", "median", "p95", "runs", "compared to", "ratio", "asked for", ""):
        table.add_column(column, justify="left" if column in ("figure", "asked for") else "right")
    for row in figures:
        table.add_row(
            row.name,
            f"{row.value:g} {row.unit}",
            "" if row.p95 is None else f"{row.p95:g}",
            str(row.runs),
            "" if row.baseline is None else f"{row.baseline:g}",
            "" if row.ratio is None else f"{row.ratio:g}",
            row.target,
            "" if row.met is None else "[green]met[/]" if row.met else "[red]not met[/]",
        )
    console = Console(width=150)
    console.print(table)
    BUILD.mkdir(parents=True, exist_ok=True)
    path = BUILD / f"{subject}.json"
    path.write_text(json.dumps({"machine": machine(), "figures": [asdict(row) for row in figures]}, indent=2) + "\n")
    console.print(f"written to {path.relative_to(BUILD.parent.parent)}; machine: {machine()}")
