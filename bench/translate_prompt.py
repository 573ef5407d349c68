"""Which examples to show a prompted model, and how to decode: chrF and time of each choice on sentences written for it.

    python bench/translate_prompt.py --model gemma-3-270m [--random 10] [--seed 7]

Reads bench/data/translate/dev_es_en.tsv (to choose by) and pool_es_en.tsv (examples to choose from); the public test set has no
part in it. A choice is taken for better only if it is better on both halves of the sentences. Prints a table.
"""

import argparse
import random
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

import sacrebleu
from rich.console import Console
from rich.table import Table

from maatu_runtime.models import ModelStore
from maatu_translate.engine import prompts
from maatu_translate.engine.base import Direction, Sentence
from maatu_translate.engine.guards import complaint
from maatu_translate.engine.prompted import PromptedEngine

ROOT = Path(__file__).resolve().parent.parent
DATA = ROOT / "bench" / "data" / "translate"
DIRECTIONS = (Direction("en", "es"), Direction("es", "en"))
BATCH = 8
TIMED_WORDS = 8
"""Length of the clauses that are timed, the length the target is stated for."""
SHOWN = 6
"""Examples of a random choice."""

Example = dict[str, str]


def read(path: Path) -> list[Example]:
    """Pairs of a file: English TAB Spanish."""
    return [dict(zip(("en", "es"), line.split("\t"), strict=True)) for line in path.read_text("utf-8").splitlines()]


def choices(pool: Sequence[Example], count: int, seed: int) -> Iterator[tuple[str, Sequence[Example]]]:
    """The built-in examples, then random ones of the pool."""
    yield "built in", prompts.EXAMPLES
    rng = random.Random(seed)
    for _ in range(count):
        places = rng.sample(range(len(pool)), SHOWN)
        yield " ".join(str(place + 1) for place in places), [pool[place] for place in places]


class Trial:
    """One engine whose prompts are replaced for each choice.

    Args:
        models: The model directory.
        model: Name of the model.
        examples: What it is shown.
        beam: Hypotheses side by side, in every direction.
    """

    def __init__(self, models: Path, model: str, examples: Sequence[Example], beam: int) -> None:
        shown = replace(prompts.load(models / model), examples=examples, beams=dict.fromkeys(DIRECTIONS, beam))
        self._engine = PromptedEngine(
            ModelStore(models), model, device="cpu", compute_type="default", workers=1, threads=1, shown=shown
        )
        self._engine.load()

    def translate(self, texts: Sequence[str], direction: Direction) -> list[str]:
        """Translations in batches."""
        outputs = []
        for first in range(0, len(texts), BATCH):
            batch = [Sentence(text, direction) for text in texts[first : first + BATCH]]
            outputs += self._engine.translate(batch, [threading.Event() for _ in batch])
        return [output.text for output in outputs]

    def clause_ms(self, texts: Sequence[str], direction: Direction) -> float:
        """Median time of one sentence alone."""
        times = []
        for text in texts:
            began = time.perf_counter()
            self._engine.translate([Sentence(text, direction)], [threading.Event()])
            times.append((time.perf_counter() - began) * 1000)
        return statistics.median(times)


def rows(trial: Trial, pairs: Sequence[Example]) -> Iterator[list[str]]:
    """What the table says of a trial: a row for each direction."""
    for direction in DIRECTIONS:
        sources = [pair[direction.source] for pair in pairs]
        references = [pair[direction.target] for pair in pairs]
        outputs = trial.translate(sources, direction)
        whole, *halves = (
            sacrebleu.corpus_chrf(outputs[part], [references[part]]).score
            for part in (slice(None), slice(0, None, 2), slice(1, None, 2))
        )
        judged = zip(sources, outputs, strict=True)
        refused = sum(complaint(source, output, direction.target) is not None for source, output in judged)
        timed = [source for source in sources if len(source.split()) == TIMED_WORDS]
        yield [
            f"{direction.source} → {direction.target}",
            f"{whole:.1f}",
            " / ".join(f"{half:.1f}" for half in halves),
            str(refused),
            f"{trial.clause_ms(timed, direction):.0f}",
        ]


def main() -> None:
    """Prints the table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--models-dir", type=Path, default=ROOT / "build" / "models")
    parser.add_argument("--model", default="gemma-3-270m")
    parser.add_argument("--random", type=int, default=0, help="random choices of examples to try")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--beams", type=int, nargs="+", default=[1, 2])
    arguments = parser.parse_args()
    pairs = read(DATA / "dev_es_en.tsv")
    table = Table("examples", "beam", "direction", "chrF", "halves", "refused", f"ms per {TIMED_WORDS} words")
    for name, examples in choices(read(DATA / "pool_es_en.tsv"), arguments.random, arguments.seed):
        for beam in arguments.beams:
            trial = Trial(arguments.models_dir, arguments.model, examples, beam)
            for row in rows(trial, pairs):
                table.add_row(name, str(beam), *row)
    Console().print(table)


if __name__ == "__main__":
    main()
