"""How long a silence must last until the person is taken to be done.

The silence that ends an utterance costs every turn its time, so it is as short as what was said allows: short after a
question that is whole, long after "my number is", the usual in between.
"""

from maatu_stt.engine.completeness import Completeness, completeness
from maatu_stt.engine.settings import StreamSettings


def silence_after(text: str, language: str, settings: StreamSettings) -> int:
    """Samples of silence that end an utterance.

    Args:
        text: What was said up to the pause; empty: sound that turned out to be no speech.
        language: BCP-47 tag.
        settings: Of the stream.
    """
    usual = settings.segmenter.endpoint_silence
    if not settings.endpoint.is_adaptive:
        return usual
    match completeness(text, language):
        case Completeness.COMPLETE:
            return min(settings.endpoint.shortest, usual)
        case Completeness.CONTINUES:
            return max(settings.endpoint.longest, usual)
        case Completeness.UNCERTAIN:
            return usual
