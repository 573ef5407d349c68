"""How much silence to encode after the speech: word error rate, fall-backs and time by margin.

    python bench/stt.py margin

Finals decoded once, one at a time, on every utterance chosen in every condition. Prints a table in Markdown and writes
build/bench/stt_margin.json.
"""

import asyncio
import json
import statistics
import sys
from dataclasses import asdict, dataclass

from figures import BUILD, Figure, machine
from stt_conditions import Condition
from stt_corpus import Utterance, load_corpus
from stt_engine import MODELS, MODELS_DIR, decode_once, fallbacks, recognizer
from stt_score import Errors, errors

MARGINS_S = (0.5, 1.0, 2.0, 3.0, 5.0, 10.0, 30.0)
UTTERANCES = 24
_PADDED_S = 30.0


@dataclass(frozen=True)
class Row:
    """One margin with one model."""

    model: str
    margin: str
    """In seconds, or "padded"."""
    word_error_rate: float
    """Percent, after fall-backs."""
    fallbacks: int
    decodes: int
    median_ms: float
    p95_ms: float


async def measure(model: str, margin_s: float, utterances: list[Utterance]) -> Row:
    """Decodes everything with one margin."""
    counted = Errors()
    times_ms = []
    async with recognizer(model, encode_margin_ms=round(margin_s * 1_000)) as ours:
        before = fallbacks()
        for utterance in utterances:
            for condition in Condition:
                said = await decode_once(ours, utterance.heard(condition))
                counted += errors(utterance.text, said.text)
                times_ms.append(said.compute_s * 1_000)
        again = fallbacks() - before
    times_ms.sort()
    return Row(
        model=model,
        margin="padded" if margin_s >= _PADDED_S else f"{margin_s:g} s",
        word_error_rate=round(counted.rate, 2),
        fallbacks=round(again),
        decodes=len(times_ms),
        median_ms=round(statistics.median(times_ms), 1),
        p95_ms=round(times_ms[min(len(times_ms) - 1, int(0.95 * len(times_ms)))], 1),
    )


def markdown(rows: list[Row]) -> str:
    """The table of docs/stt.md: a line for each margin, three columns for each model."""
    models = list(dict.fromkeys(row.model for row in rows))
    head = ["margin", *(f"{model}: {name}" for model in models for name in ("WER", "fall-backs", "median"))]
    lines = [head, ["---", *["---:"] * (len(head) - 1)]]
    for margin in dict.fromkeys(row.margin for row in rows):
        line = [margin]
        for row in (row for row in rows if row.margin == margin):
            line += [f"{row.word_error_rate:.2f} %", str(row.fallbacks), f"{row.median_ms:.0f} ms"]
        lines.append(line)
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def figures(limit: int | None = None) -> list[Figure]:
    """Measures and writes the table; no figures are asked for here.

    Args:
        limit: At most so many utterances; each is heard in every condition.
    """
    utterances = load_corpus(MODELS_DIR, limit or UTTERANCES)
    rows = []
    for model in MODELS:
        for margin_s in MARGINS_S:
            rows.append(asyncio.run(measure(model, margin_s, utterances)))
            print(f"margin: {rows[-1]}", file=sys.stderr)
    print(markdown(rows))
    BUILD.mkdir(parents=True, exist_ok=True)
    content = {"machine": machine(), "utterances": len(utterances), "rows": [asdict(row) for row in rows]}
    (BUILD / "stt_margin.json").write_text(json.dumps(content, indent=2) + "\n")
    return []
