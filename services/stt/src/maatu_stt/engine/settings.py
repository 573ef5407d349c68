"""Settings of one stream's voice activity detection and endpointing. Lengths are in samples at 16 kHz."""

from dataclasses import dataclass

from maatu_stt.engine.base import SAMPLE_RATE_HZ

VAD_THRESHOLDS = (
    (0.30, 0.15),
    (0.40, 0.25),
    (0.50, 0.35),
    (0.70, 0.55),
)
"""For aggressiveness 0 to 3: Silero's speech probability from which a window is voiced, and that below which voice ends.
Level 2 is what Silero's authors recommend; between the two numbers a window stays what the one before it was."""


def _ms(milliseconds: int) -> int:
    return SAMPLE_RATE_HZ * milliseconds // 1_000


@dataclass(frozen=True)
class SegmenterSettings:
    """When speech begins, pauses and ends."""

    onset_probability: float = VAD_THRESHOLDS[2][0]
    offset_probability: float = VAD_THRESHOLDS[2][1]
    min_speech: int = _ms(250)
    """Voiced samples below which a sound is no speech."""
    pause_silence: int = _ms(200)
    """Silence after which a pause is reported."""
    endpoint_silence: int = _ms(500)
    """Silence after which the utterance is over, where nothing is known of what was said; at least pause_silence."""
    max_utterance: int = _ms(60_000)
    """Length at which an utterance ends in any case."""


@dataclass(frozen=True)
class EndpointSettings:
    """How the silence that ends an utterance adapts to what was said."""

    is_adaptive: bool = True
    shortest: int = _ms(300)
    """After what reads complete; at least the pause, and at most the usual endpoint_silence."""
    longest: int = _ms(1_200)
    """After what plainly goes on; at least the usual endpoint_silence."""


@dataclass(frozen=True)
class StreamSettings:
    """How one stream is treated."""

    segmenter: SegmenterSettings = SegmenterSettings()
    endpoint: EndpointSettings = EndpointSettings()
    padding: int = _ms(300)
    """Samples decoded before the first and after the last voiced window."""
    first_partial: int = _ms(400)
    """Speech after which the first partial of an utterance is made."""
    partial_interval: int = _ms(500)
    """New samples after which another partial is made."""
    interim_results: bool = False
    """Whether partials are sent."""
    detects_each_utterance: bool = False
    """The language is found anew for each utterance, not once for the stream."""
    live: bool = True
    """Audio comes as it is spoken: decode ahead at pauses. A recording has no pause to use."""
