"""Training pairs that stand in a test set, exactly or nearly: what a test set measures must not have been trained on.

python tools/translation_adapter/overlap.py            # names them; exit code 1 where there are any
python tools/translation_adapter/overlap.py --drop     # takes them out of the training files
"""

import argparse
import math
import re
import sys
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PAIRS = Path(__file__).parent / "pairs"
# What is measured: the test sets, and those the engine's settings were chosen on.
MEASURED = (
    "tests/data/translate_*.tsv",
    "bench/data/translate/dev_es_en.tsv",
    "bench/data/translate/context.tsv",
    "bench/data/translate/kept.tsv",
)
# Of all words of two sentences, how many they share before one counts as a variant of the other. Two sentences on one
# subject stay below a half.
SHARED_WORDS = 0.7
# Under so many words a sentence is a phrase everybody says ("good morning"): only the same one counts.
SHORTEST_VARIANT = 4


Words = tuple[str, ...]


def words(sentence: str) -> Words:
    return tuple(re.sub(r"[^\w\s]", "", sentence.casefold()).split())


def measured_sentences(root: Path = ROOT) -> dict[Words, str]:
    """Every sentence of two words or more that is measured anywhere, by its words, with the file it stands in."""
    found: dict[Words, str] = {}
    for pattern in MEASURED:
        for file in sorted(root.glob(pattern)):
            for line in file.read_text("utf-8").splitlines():
                for field in line.split("\t"):
                    if len(key := words(field)) > 1:
                        found.setdefault(key, file.name)
    return found


def overlapping(pairs: Path = PAIRS, root: Path = ROOT) -> Iterator[tuple[Path, str, str, str]]:
    """(training file, its line, the measured sentence, the measured file) for every pair with a side that is measured."""
    measured = measured_sentences(root)
    by_size: dict[int, list[tuple[Words, frozenset[str]]]] = defaultdict(list)
    for key in measured:
        if len(key) >= SHORTEST_VARIANT:
            by_size[len(distinct := frozenset(key))].append((key, distinct))
    for file in sorted(pairs.glob("*.tsv")):
        for line in file.read_text("utf-8").splitlines():
            sentence = _measured_as(line, measured, by_size)
            if sentence is not None:
                yield file, line, " ".join(sentence), measured[sentence]


def _measured_as(
    line: str, measured: Mapping[Words, str], by_size: Mapping[int, list[tuple[Words, frozenset[str]]]]
) -> Words | None:
    for field in line.split("\t"):
        if (key := words(field)) in measured:
            return key
        if len(key) < SHORTEST_VARIANT:
            continue
        own = frozenset(key)
        # A set that is much smaller or larger cannot share enough.
        for size in range(math.ceil(SHARED_WORDS * len(own)), int(len(own) / SHARED_WORDS) + 1):
            for other, theirs in by_size.get(size, ()):
                if len(own & theirs) >= SHARED_WORDS * len(own | theirs):
                    return other
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--drop", action="store_true", help="take the pairs out of the training files")
    parser.add_argument("--pairs", type=Path, default=PAIRS, help="where the training files are")
    arguments = parser.parse_args()
    found = list(overlapping(arguments.pairs))
    for file, line, sentence, where in found:
        print(f"{file.name}: {line!r} is {sentence!r} of {where}")
    if arguments.drop:
        for file in {file for file, *_ in found}:
            gone = {line for name, line, *_ in found if name == file}
            kept = [line for line in file.read_text("utf-8").splitlines() if line not in gone]
            file.write_text("\n".join(kept) + "\n", "utf-8")
    print(f"{len(found)} pairs {'dropped' if arguments.drop else 'overlap'}")
    return 1 if found and not arguments.drop else 0


if __name__ == "__main__":
    sys.exit(main())
