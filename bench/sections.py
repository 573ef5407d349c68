"""A bench of several sections: each can be run alone, and the figures of the others stay in the file as they were."""

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeAlias

from figures import BUILD, Figure, publish

Section: TypeAlias = Callable[[int | None], list[Figure]]
"""Measures. Takes a limit (what it counts is the section's affair) or None."""


def named(section: str, figures: Sequence[Figure]) -> list[Figure]:
    """Figures with their section before their names."""
    return [replace(figure, name=f"{section}: {figure.name}") for figure in figures]


def section_of(figure: Figure) -> str:
    """The section before a figure's name."""
    return figure.name.partition(":")[0]


def kept(path: Path, sections: Sequence[str], measured: Sequence[str]) -> list[Figure]:
    """Figures of an earlier run that are not measured anew.

    Args:
        path: JSON file of that run; nothing is kept where it is not there.
        sections: All sections of the bench: figures of others are dropped.
        measured: Those that are measured now.
    """
    if not path.exists():
        return []
    rows = [Figure(**row) for row in json.loads(path.read_text())["figures"]]
    return [row for row in rows if section_of(row) in sections and section_of(row) not in measured]


def run(subject: str, description: str | None, sections: Mapping[str, Section]) -> None:
    """Runs the sections named on the command line, all where none is named, and publishes after each.

    With --limit nothing is written.

    Args:
        subject: Name of the bench; its figures go to build/bench/<subject>.json.
        description: For --help.
        sections: By name, in the order of publication.
    """
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("sections", nargs="*", metavar="section", help="which; all where none is named")
    parser.add_argument("--limit", type=int, help="at most so many sentences or runs in each section")
    options = parser.parse_args()
    if unknown := [section for section in options.sections if section not in sections]:
        parser.error(f"no section {', '.join(unknown)}: there are {', '.join(sections)}")
    order = list(sections)
    chosen = [name for name in order if not options.sections or name in options.sections]
    figures: list[Figure] = []
    for place, section in enumerate(chosen, 1):
        began = time.monotonic()
        print(f"▸ {section}", file=sys.stderr)
        figures += named(section, sections[section](options.limit))
        print(f"▸ {section}: {time.monotonic() - began:.0f} s", file=sys.stderr)
        if options.limit is None:
            rows = [*figures, *kept(BUILD / f"{subject}.json", order, chosen[:place])]
            publish(subject, sorted(rows, key=lambda row: order.index(section_of(row))))
    if options.limit is not None:
        for figure in figures:
            print(figure)
