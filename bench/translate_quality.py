"""chrF and BLEU of the service with real models on the public test sets, and what the guards refuse.

Everything goes through the service, so cutting, guards and mending are measured with the model. Apertium (rules, no model) reads
the same sentences where it is installed (Debian: apertium-eng-spa). The outputs are left in build/logs/bench for people to read.
"""

import asyncio
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace

import sacrebleu
from figures import Figure, figure
from translate_client import MODELS_DIR, ROOT, Answer, Client, service
from translate_sets import Pair, test_set

from maatu_runtime.models import ModelStore

EMBEDDED = {("es", "en"): 70.0, ("en", "es"): 62.0}
"""Least chrF by direction."""
KANNADA = (("kn", "en"), ("en", "kn"))
KANNADA_FAMILIES = ("indictrans2", "nllb", "m2m100", "madlad")
"""Those with models for Kannada, first the one that was made for the languages of India."""
_APERTIUM = {("es", "en"): "spa-eng", ("en", "es"): "eng-spa"}


def chrf(outputs: Sequence[str], pairs: Sequence[Pair]) -> float:
    """chrF2 of a whole set, 0–100."""
    return float(sacrebleu.corpus_chrf(outputs, [[pair.reference for pair in pairs]]).score)


def bleu(outputs: Sequence[str], pairs: Sequence[Pair]) -> float:
    """BLEU of a whole set, 0–100."""
    return float(sacrebleu.corpus_bleu(outputs, [[pair.reference for pair in pairs]]).score)


def scores(label: str, answers: Sequence[Answer], pairs: Sequence[Pair], at_least: float | None = None) -> list[Figure]:
    """The figures of one direction. `runs` is the number of sentences."""
    outputs = [answer.text for answer in answers]
    refused = 100 * sum(bool(answer.complaints) for answer in answers) / len(answers)
    rows = [
        figure(f"{label}: chrF", [chrf(outputs, pairs)], "", at_least=at_least, larger_is_better=True),
        figure(f"{label}: BLEU", [bleu(outputs, pairs)], "", larger_is_better=True),
        figure(f"{label}: sentences that the guards refused", [refused], "%", at_most=0.0),
    ]
    return [replace(row, runs=len(pairs), p95=None) for row in rows]


async def translated(client: Client, pairs: Sequence[Pair], direction: tuple[str, str]) -> list[Answer]:
    """Answers for a set, and a file of them."""
    answers = [await client.translate(pair.source, *direction) for pair in pairs]
    path = ROOT / "build" / "logs" / "bench" / f"translate_{'_'.join(direction)}.tsv"
    rows = [
        "\t".join([pair.source, pair.reference, answer.text, *answer.complaints])
        for pair, answer in zip(pairs, answers, strict=True)
    ]
    path.write_text("\n".join(["source\treference\toutput", *rows]) + "\n", encoding="utf-8")
    return answers


def apertium(pairs: Sequence[Pair], direction: tuple[str, str]) -> list[str] | None:
    """What Apertium makes of a set, one sentence a line; None where it is not installed."""
    program = shutil.which("apertium")
    if program is None:
        return None
    # -u: words that it does not know come without a mark.
    command = [program, "-u", _APERTIUM[direction]]
    text = "".join(f"{pair.source}\n" for pair in pairs)
    result = subprocess.run(command, input=text, capture_output=True, text=True, check=True)
    outputs = result.stdout.splitlines()
    assert len(outputs) == len(pairs), f"Apertium gave {len(outputs)} lines for {len(pairs)}"
    return outputs


async def embedded(limit: int | None) -> list[Figure]:
    """Spanish and English with the embedded model."""
    rows = []
    async with service() as address, Client(address) as client:
        for direction, at_least in EMBEDDED.items():
            pairs = test_set(*direction)[:limit]
            answers = await translated(client, pairs, direction)
            label = f"{direction[0]} → {direction[1]}, {answers[0].model}"
            rows += scores(label, answers, pairs, at_least)
            theirs = apertium(pairs, direction)
            if theirs is None:
                print("quality: Apertium is not installed (Debian: apertium-eng-spa)", file=sys.stderr)
            else:
                row = figure(f"{direction[0]} → {direction[1]}, Apertium: chrF", [chrf(theirs, pairs)], "")
                rows.append(replace(row, runs=len(pairs), p95=None))
    return rows


async def kannada(limit: int | None) -> list[Figure]:
    """Kannada and English with whichever installed models serve them."""
    families = {manifest.name: manifest.family for manifest in ModelStore(MODELS_DIR).installed()}
    models = sorted(
        (name for name, family in families.items() if family in KANNADA_FAMILIES),
        key=lambda name: KANNADA_FAMILIES.index(families[name]),
    )
    rows: list[Figure] = []
    if models:
        async with service(*models) as address, Client(address) as client:
            served = await client.pairs()
            for direction in KANNADA:
                if direction in served:
                    pairs = test_set(*direction)[:limit]
                    answers = await translated(client, pairs, direction)
                    rows += scores(f"{direction[0]} → {direction[1]}, {answers[0].model}", answers, pairs)
    if not rows:
        print("quality: no installed model serves Kannada; `maatu models pull kannada-gpu` gets some", file=sys.stderr)
    return rows


async def _both(limit: int | None) -> list[Figure]:
    return await embedded(limit) + await kannada(limit)


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many sentences in each direction.
    """
    return asyncio.run(_both(limit))
