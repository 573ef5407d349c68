"""Sentences that translation is measured on."""

from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "tests" / "data"
CONTEXT = ROOT / "bench" / "data" / "translate" / "context.tsv"


class Pair(NamedTuple):
    """A sentence and what it should become."""

    source: str
    reference: str


class InContext(NamedTuple):
    """A clause whose translation depends on the clause before it."""

    source: str
    """Tag of the language that it is in."""
    target: str
    """Tag of the language wanted."""
    previous: str
    previous_translation: str
    clause: str
    translation: str


def test_set(source: str, target: str) -> list[Pair]:
    """The public test set of a direction, by tags: ("es", "en").

    Spanish and English have a set for each direction, whose sources were thought of in their own language. Kannada and English
    share one, with sources thought of in Kannada.
    """
    path = DATA / f"translate_test_{source}_{target}.tsv"
    if not path.exists():
        path = DATA / f"translate_test_{target}_{source}.tsv"
    head, *rows = _rows(path)
    columns = head.index(source), head.index(target)
    return [Pair(row[columns[0]], row[columns[1]]) for row in rows]


def in_context() -> list[InContext]:
    """Pairs of clauses."""
    head, *rows = _rows(CONTEXT)
    assert tuple(head) == InContext._fields
    return [InContext(*row) for row in rows]


def eight_words(source: str, target: str) -> list[str]:
    """Sources of a direction that have eight words."""
    return [pair.source for pair in test_set(source, target) if len(pair.source.split()) == 8]


def _rows(path: Path) -> list[list[str]]:
    return [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
