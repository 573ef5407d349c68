"""Names, numbers, times and prices that come through: 200 sentences, the embedded model, what the service does with its outputs.

    python bench/translate_kept.py            figures, build/bench/translate_kept.json
    python bench/translate_kept.py --show     and every sentence that was mended

Every token is there in the end: what a model loses is put back, and that it survives says nothing of how it reads. So the figures
say how many came through by themselves, and how the others were mended. The plain count does not use our own code to look: every
run of digits and every name of the source, as often as there.

The sentences are bench/data/translate/kept.tsv: source language, sentence, and the names to keep with ";" between them.
"""

import argparse
import csv
import re
import threading
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from figures import Figure, figure, publish

from maatu_runtime.models import ModelStore
from maatu_translate.engine.base import Direction, Sentence
from maatu_translate.engine.prompted import PromptedEngine
from maatu_translate.entities import locate
from maatu_translate.judging import Attempt, judge, second_sentence
from maatu_translate.mending import How
from maatu_translate.normalise import normalise

ROOT = Path(__file__).resolve().parent.parent
SENTENCES = ROOT / "bench" / "data" / "translate" / "kept.tsv"
MODELS_DIR = ROOT / "build" / "models"
MODEL = "gemma-3-270m"


@dataclass(frozen=True)
class Delivered:
    """A sentence and what became of it."""

    source: str
    output: str
    """What the model said."""
    names: Sequence[str]
    attempt: Attempt
    """What is delivered."""
    is_second: bool
    """The first attempt lost something, the second less."""

    @property
    def survivors(self) -> int:
        """Tokens of the source that are in the text delivered."""
        return sum(place is not None for place in locate(self.attempt.translation, self.attempt.kept))

    @property
    def plain_count(self) -> tuple[int, int]:
        """(runs of digits and names of the source that are in the text, all of them)."""
        text = self.attempt.translation
        wanted, there = Counter(re.findall(r"\d+", self.source)), Counter(re.findall(r"\d+", text))
        names = [text.count(name) >= self.source.count(name) for name in self.names]
        return (wanted & there).total() + sum(names), wanted.total() + len(names)


def sentences(limit: int | None = None) -> list[tuple[Sentence, list[str]]]:
    """The sentences with their names, as many from each language; at most `limit`."""
    with SENTENCES.open(encoding="utf-8", newline="") as file:
        rows = list(csv.reader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    both = [
        (
            Sentence(normalise(text), Direction(source, {"en": "es", "es": "en"}[source])),
            names.split(";") if names else [],
        )
        for source, text, names in rows
    ]
    return both if limit is None else both[:: max(1, len(both) // limit)][:limit]


def delivered(limit: int | None = None) -> Iterator[Delivered]:
    """Translates the sentences one at a time, as the service does: what lost something is tried again."""
    engine = PromptedEngine(ModelStore(MODELS_DIR), MODEL, device="cpu", compute_type="default", workers=1, threads=1)
    engine.load()
    for sentence, names in sentences(limit):

        def attempt(asked: Sentence, names: Sequence[str] = names) -> tuple[Attempt, str]:
            (output,) = engine.translate([asked], [threading.Event()])
            return judge(asked, output, names), output.text

        first = attempt(sentence)
        attempts = [first, attempt(second_sentence(sentence, first[0]))] if first[0].loss else [first]
        best, said = min(attempts, key=lambda one: one[0].loss)
        yield Delivered(sentence.text, said, names, best, is_second=best is not attempts[0][0])
    engine.close()


def figures(limit: int | None = None, *, show: bool = False) -> list[Figure]:
    """The share of tokens that come through, and how.

    Args:
        limit: At most so many sentences.
        show: Print those that were mended.
    """
    total = survivors = seconds = untranslated = in_source = there = counted = 0
    how: Counter[How] = Counter()
    for one in delivered(limit):
        attempt, is_source = one.attempt, one.attempt.complaint is not None
        total += len(attempt.kept)
        survivors += one.survivors
        seconds += one.is_second
        untranslated += is_source
        in_source += len(attempt.kept) if is_source else 0
        how.update(mend.how for mend in attempt.mends)
        there, counted = there + one.plain_count[0], counted + one.plain_count[1]
        if show and (attempt.mends or is_source or one.is_second):
            mends = ", ".join(f"{mend.entity.text} {mend.how.value}" for mend in attempt.mends) or attempt.complaint
            print(f"{one.source}\n  {one.output}\n  {attempt.translation}   [{mends or 'the second attempt'}]")

    def share(count: int) -> list[float]:
        return [100 * count / total]

    return [
        figure("kept tokens that survive", share(survivors), "%", at_least=100),
        figure("digits and names that survive, by plain count", [100 * there / counted], "%", at_least=100),
        figure("as the model said", share(survivors - how.total() - in_source), "%"),
        figure("the same value or name, rewritten", share(how[How.REWRITTEN]), "%"),
        figure("in place of another number or name", share(how[How.REPLACED]), "%"),
        figure("added where the model left it out", share(how[How.ADDED]), "%"),
        figure("in sentences delivered in the source language", share(in_source), "%"),
        figure("sentences of which a second attempt lost less", [float(seconds)], "sentences"),
        figure("sentences delivered in the source language", [float(untranslated)], "sentences"),
    ]


def main() -> None:
    """The figures as a table and JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--show", action="store_true", help="print the sentences that were mended")
    publish("translate_kept", figures(show=parser.parse_args().show))


if __name__ == "__main__":
    main()
