"""Going on where a decode stopped in mid-audio.

Whisper may close a segment with a timestamp long before the end of what it hears, and write nothing more. Whoever uses it is
meant to decode again from there (Radford et al. 2022, section 2.4: windows are shifted by the timestamps).
"""

from dataclasses import dataclass, replace

from maatu_runtime.language import Language
from maatu_stt.engine.base import SAMPLE_RATE_HZ, DecodeRequest, Word, text_of
from maatu_stt.engine.guards import Evidence, hallucination, suspicion
from maatu_stt.engine.languages import tag_of

_UNHEARD = SAMPLE_RATE_HZ * 2
"""Samples after the last timestamp that are decoded. whisper-base closes in whole seconds, up to 1.6 s before the end of what
it wrote down; told to go on from there, it says the sentence again."""


@dataclass(frozen=True)
class Attempt:
    """What one decode by the model gave."""

    words: tuple[Word, ...]
    evidence: Evidence
    language: str
    """Whisper's code."""
    language_probability: float
    heard_to: int | None = None
    """Sample at which it stopped listening; None where it does not say."""


def rest_of(request: DecodeRequest, attempt: Attempt) -> DecodeRequest | None:
    """What is left to decode after an attempt; None where nothing is."""
    end = attempt.heard_to
    if end is None or not 0 < end < len(request.samples) - _UNHEARD or not attempt.evidence.text:
        return None
    return replace(
        request,
        samples=request.samples[end:],
        committed=(),
        context=f"{request.context} {text_of(attempt.words)}".strip(),
        language=Language.parse(tag_of(attempt.language, request.options.languages), field="language"),
        voiced_s=0.0,  # how much of the voice is in the rest is not known
    )


def with_rest(attempt: Attempt, rest: Attempt, mean_voice: float) -> Attempt:
    """An attempt and what comes after it, as one; the attempt alone where nobody said the rest.

    Args:
        attempt: Which stopped in mid-audio.
        rest: Of the samples from `heard_to` on.
        mean_voice: Mean probability of speech in the utterance.
    """
    evidence, after = attempt.evidence, rest.evidence
    is_invented = suspicion(after) is not None or hallucination(after, mean_voice=mean_voice) is not None
    if attempt.heard_to is None or not rest.words or is_invented:
        return attempt
    seconds = attempt.heard_to / SAMPLE_RATE_HZ
    words = (*(_ended_by(word, seconds) for word in attempt.words), *(later(word, seconds) for word in rest.words))
    return replace(
        attempt,
        words=words,
        evidence=replace(
            evidence,
            text=text_of(words),
            # As sure as the less sure of them.
            average_log_probability=min(evidence.average_log_probability, after.average_log_probability),
        ),
    )


def later(word: Word, seconds: float) -> Word:
    """The word, said so much later."""
    if word.start_s is None or word.end_s is None:
        return word
    return replace(word, start_s=word.start_s + seconds, end_s=word.end_s + seconds)


def _ended_by(word: Word, seconds: float) -> Word:
    """The word, over by then: the alignment lets the last word last until the end of the samples."""
    if word.start_s is None or word.end_s is None:
        return word
    return replace(word, start_s=min(word.start_s, seconds), end_s=min(word.end_s, seconds))
