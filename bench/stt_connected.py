"""Several sentences in one breath, three of the corpus with short pauses between them: word error rate beside
`WhisperModel.transcribe`, and how often the end is missing. Whisper may close its last segment in mid-audio, at high confidence,
and write no more; single sentences do not show it.

Each is heard clean, in the three ways of stt_accuracy.py. Nothing is timed.
"""

import asyncio
import sys
from collections import Counter, defaultdict

import numpy as np
from figures import Figure, figure
from stt_accuracy import MOST_WORSE, WAYS, hear_all
from stt_conditions import RATE_HZ, Condition
from stt_corpus import Utterance, load_corpus
from stt_engine import MODELS, MODELS_DIR
from stt_score import Errors, Shown, errors, missing_at_the_end, total

SENTENCES = 3
"""Of one utterance."""
PAUSE_S = 0.3
"""Between two of them: less than ends a turn."""
LOST_WORDS = 3
"""So many words missing at the end are a lost end."""


def connected(utterances: list[Utterance]) -> list[Utterance]:
    """Utterances of several sentences each, one after another as they stand in the corpus. What is left over is left out."""
    pause = np.zeros(round(PAUSE_S * RATE_HZ), np.float32)
    joined = []
    for index in range(len(utterances) // SENTENCES):
        parts = utterances[index * SENTENCES : (index + 1) * SENTENCES]
        speech = [piece for part in parts for piece in (pause, part.speech)][1:]
        text = " ".join(part.text for part in parts)
        joined.append(Utterance(f"connected-{index:03}", parts[0].voice, text, np.concatenate(speech)))
    return joined


async def _figures_of(model: str, utterances: list[Utterance]) -> list[Figure]:
    wrong: defaultdict[str, list[Errors]] = defaultdict(list)
    ends_lost: Counter[str] = Counter()

    def take(utterance: Utterance, condition: Condition, texts: dict[str, str], transcripts: list[Shown]) -> None:
        for way, text in texts.items():
            wrong[way].append(errors(utterance.text, text))
            if missing_at_the_end(utterance.text, text) >= LOST_WORDS:
                ends_lost[way] += 1
                print(f"connected, {model}, {way}: {utterance.text!r} was heard as {text!r}", file=sys.stderr)

    await hear_all(model, [(utterance, Condition.CLEAN) for utterance in utterances], take)
    rates = {way: total(wrong[way]).rate for way in WAYS}
    rows = []
    for way in WAYS[:-1]:
        rows += [
            # Without a ratio: either may be zero.
            Figure(
                f"{model}: word error rate, {way}, beside transcribe",
                round(rates[way], 2),
                "%",
                baseline=round(rates["transcribe"], 2),
                runs=len(utterances),
            ),
            figure(
                f"{model}: word error rate, {way}, above transcribe",
                [rates[way] - rates["transcribe"]],
                "points",
                at_most=MOST_WORSE,
            ),
            Figure(
                f"{model}: utterances that lack their end, {way}, beside transcribe",
                ends_lost[way],
                "utterances",
                baseline=ends_lost["transcribe"],
                runs=len(utterances),
            ),
        ]
    return rows


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many utterances.
    """
    utterances = connected([one for one in load_corpus(MODELS_DIR) if one.voice == "piper"])[:limit]
    return [row for model in MODELS for row in asyncio.run(_figures_of(model, utterances))]
