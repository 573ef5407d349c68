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


@dataclass(frozen=True)
class SegmenterSettings:
    """When speech begins, pauses and ends."""

    onset_probability: float = VAD_THRESHOLDS[2][0]
    offset_probability: float = VAD_THRESHOLDS[2][1]
    min_speech: int = SAMPLE_RATE_HZ * 250 // 1_000
    """Voiced samples below which a sound is no speech."""
    pause_silence: int = SAMPLE_RATE_HZ * 200 // 1_000
    """Silence after which a pause is reported."""
    endpoint_silence: int = SAMPLE_RATE_HZ * 500 // 1_000
    """Silence after which the utterance is over; at least pause_silence."""
    max_utterance: int = SAMPLE_RATE_HZ * 60
    """Length at which an utterance ends in any case."""


@dataclass(frozen=True)
class StreamSettings:
    """How one stream is treated."""

    segmenter: SegmenterSettings = SegmenterSettings()
    padding: int = SAMPLE_RATE_HZ * 300 // 1_000
    """Samples decoded before the first and after the last voiced window."""
    partial_interval: int = SAMPLE_RATE_HZ * 500 // 1_000
    """New samples after which another partial is made."""
    interim_results: bool = False
    """Whether partials are made at all."""
    live: bool = True
    """Audio comes as it is spoken: decode ahead at pauses. A recording has no pause to use."""
