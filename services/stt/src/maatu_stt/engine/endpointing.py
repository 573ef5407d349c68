"""How long a silence must last until the person is taken to be done.

The silence that ends an utterance costs every turn its time, so it is as short as what was said, and how it was said, allow:
short after a question that is whole, long after "my number is", the usual in between. What was said is judged by its words
(`completeness`), how it was said by an audio model (`smart_turn`), where there is one. The words have the last say on speech
that goes on: the model takes many a half sentence for a whole one. `bench/stt_endpoint.py` compares the ways.
"""

from maatu_stt.engine.completeness import Completeness, completeness
from maatu_stt.engine.settings import StreamSettings

LIKELY = 0.5
"""Probability of the audio model from which it agrees with words that read complete."""
SURE = 0.95
"""Probability from which it says so itself, where the words do not tell …"""
UNLIKELY = 0.2
"""… and below which it says the opposite."""


def silence_after(text: str, language: str, settings: StreamSettings, turn_probability: float | None = None) -> int:
    """Samples of silence that end an utterance.

    Args:
        text: What was said up to the pause; empty: sound that turned out to be no speech.
        language: BCP-47 tag.
        settings: Of the stream.
        turn_probability: How likely the turn is over by its sound, 0 to 1; None: nobody was asked.
    """
    usual = settings.segmenter.endpoint_silence
    if not settings.endpoint.is_adaptive:
        return usual
    shortest, longest = min(settings.endpoint.shortest, usual), max(settings.endpoint.longest, usual)
    words = completeness(text, language)
    if words is Completeness.CONTINUES:
        return longest
    if turn_probability is None:
        return shortest if words is Completeness.COMPLETE else usual
    if words is Completeness.COMPLETE:
        return shortest if turn_probability >= LIKELY else usual
    if turn_probability < UNLIKELY:
        return longest
    return shortest if turn_probability >= SURE else usual
