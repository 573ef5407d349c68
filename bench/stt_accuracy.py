"""Word error rate: ours against `WhisperModel.transcribe`, and whether committed words are ever taken back.

Ours is measured twice: a final decoded once, and streamed with interim results through the real voice activity detector.
Transcribe as it comes: the whole recording, a beam of 5, decoded again at higher temperatures where it looks wrong. All hear the
same samples, in the same run: each utterance clean, and in one of the other conditions in turn. Nothing is timed here, so two
decodes run beside each other.
"""

import asyncio
import sys
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from figures import Figure, figure
from stt_conditions import Condition
from stt_corpus import Utterance, load_corpus
from stt_engine import (
    MODELS,
    MODELS_DIR,
    Reference,
    decode_once,
    fallbacks,
    final_text,
    in_parallel,
    recognition,
    recognizer,
    shown,
    stream,
)
from stt_score import Errors, Shown, errors, retracted_words, total

PARALLEL = 2
WAYS = ("ours", "ours, streamed", "transcribe")
MOST_WORSE = 1.0
"""Points of word error rate."""


class Result:
    """Errors of one model by way, condition and voice."""

    def __init__(self) -> None:
        self.errors: dict[tuple[str, Condition, str], list[Errors]] = defaultdict(list)
        self.retracted = 0
        self.transcripts = 0

    def rate(self, way: str, condition: Condition | None = None, voice: str | None = None) -> float:
        """Word error rate in percent, over everything or a part of it."""
        return total(
            one
            for (its_way, its_condition, its_voice), parts in self.errors.items()
            for one in parts
            if its_way == way and condition in (None, its_condition) and voice in (None, its_voice)
        ).rate


def heard_in(utterances: list[Utterance]) -> list[tuple[Utterance, Condition]]:
    """Each utterance clean and in one more condition, all of these equally often."""
    others = [condition for condition in Condition if condition is not Condition.CLEAN]
    return [
        (utterance, condition)
        for index, utterance in enumerate(utterances)
        for condition in (Condition.CLEAN, others[index % len(others)])
    ]


async def hear_all(
    model: str,
    heard: Sequence[tuple[Utterance, Condition]],
    take: Callable[[Utterance, Condition, dict[str, str], list[Shown]], None],
) -> None:
    """Hears each utterance in all WAYS, several at once.

    Args:
        model: Whose ears.
        heard: What it hears.
        take: Is told what each way made of it, and the transcripts that the stream showed.
    """
    reference = Reference(model, parallel=PARALLEL, threads=1)
    # One worker more than streams: partials may take all workers but one, and none is to be skipped for another stream's.
    async with recognizer(model, workers=PARALLEL + 1) as ours:

        def job(utterance: Utterance, condition: Condition) -> Callable[[], Awaitable[None]]:
            async def run() -> None:
                samples = utterance.heard(condition)
                transcripts = shown(await stream(recognition(ours), samples))
                texts = {
                    "ours": (await decode_once(ours, samples)).text,
                    "ours, streamed": final_text(transcripts),
                    "transcribe": (await asyncio.to_thread(reference.transcribe, samples))[0],
                }
                take(utterance, condition, texts, transcripts)

            return run

        await in_parallel(PARALLEL, [job(utterance, condition) for utterance, condition in heard])


async def compare(model: str, utterances: list[Utterance]) -> Result:
    """All ways on all utterances in all conditions."""
    result = Result()
    before = fallbacks()
    done = 0

    def take(utterance: Utterance, condition: Condition, texts: dict[str, str], transcripts: list[Shown]) -> None:
        nonlocal done
        result.retracted += retracted_words(transcripts)
        result.transcripts += len(transcripts)
        for way, text in texts.items():
            result.errors[way, condition, utterance.voice].append(errors(utterance.text, text))
        done += 1
        if done % 50 == 0:
            rates = ", ".join(f"{way} {result.rate(way):.2f} %" for way in WAYS)
            print(f"accuracy, {model}: {done} heard; {rates}", file=sys.stderr)

    await hear_all(model, heard_in(utterances), take)
    print(f"accuracy, {model}: {fallbacks() - before:.0f} decodes done again padded", file=sys.stderr)
    return result


def figures_of(model: str, result: Result) -> list[Figure]:
    """The figures of one model: word error rates in percent beside transcribe's, and the difference that is bounded."""
    rows = []
    for way in ("ours", "ours, streamed"):
        for condition in Condition:
            name = f"{model}: word error rate, {way}, {condition.value}, beside transcribe"
            rows.append(_rate(name, result, way, condition, None))
        for voice in ("human", "espeak"):
            name = f"{model}: word error rate, {way}, {voice} voices, beside transcribe"
            rows.append(_rate(name, result, way, None, voice))
        rows.append(_rate(f"{model}: word error rate, {way}, all, beside transcribe", result, way, None, None))
        points = result.rate(way) - result.rate("transcribe")
        name = f"{model}: word error rate, {way}, above transcribe"
        rows.append(figure(name, [points], "points", at_most=MOST_WORSE))
    rows.append(figure(f"{model}: committed words retracted", [result.retracted], "words", at_most=0))
    rows.append(figure(f"{model}: … in so many transcripts", [result.transcripts], "transcripts"))
    return rows


def _rate(name: str, result: Result, way: str, condition: Condition | None, voice: str | None) -> Figure:
    """A rate beside transcribe's. No ratio: either may be zero."""
    rate, baseline = (result.rate(one, condition, voice) for one in (way, "transcribe"))
    return Figure(name, round(rate, 2), "%", baseline=round(baseline, 2), runs=_count(result, way, condition, voice))


def _count(result: Result, way: str, condition: Condition | None, voice: str | None) -> int:
    return sum(
        len(parts)
        for (its_way, its_condition, its_voice), parts in result.errors.items()
        if its_way == way and condition in (None, its_condition) and voice in (None, its_voice)
    )


def figures(limit: int | None = None) -> list[Figure]:
    """All figures.

    Args:
        limit: At most so many utterances.
    """
    utterances = load_corpus(MODELS_DIR, limit)
    rows = []
    for model in MODELS:
        rows += figures_of(model, asyncio.run(compare(model, utterances)))
    return rows
