"""Signs that a decode went wrong.

The first three and their limits are those of Whisper's paper (Radford et al. 2022, section 4.5). The last two are ours:
encoded short, Whisper likes to say a whole sentence twice, which no compression ratio shows.
"""

import unicodedata
import zlib
from dataclasses import dataclass

MIN_AVERAGE_LOG_PROBABILITY = -1.0
MAX_COMPRESSION_RATIO = 2.4
MAX_NO_SPEECH_PROBABILITY = 0.6
PHRASE_WORDS = 3
"""A phrase of so many words or more, said twice without a break, is suspicious …"""
WORD_REPEATS = 4
"""… and so is a shorter one that is said so often."""


@dataclass(frozen=True)
class Evidence:
    """What a decode tells about itself."""

    text: str
    average_log_probability: float
    no_speech_probability: float
    is_cut_off: bool
    """It reached the greatest number of tokens that so much speech can have."""

    @property
    def is_silence(self) -> bool:
        """Whether the model heard no speech, and is not sure of its words either."""
        return (
            self.no_speech_probability > MAX_NO_SPEECH_PROBABILITY
            and self.average_log_probability < MIN_AVERAGE_LOG_PROBABILITY
        )


def suspicion(evidence: Evidence) -> str | None:
    """The reason to distrust a decode, a short name for metrics; None where there is none."""
    if evidence.is_cut_off:
        return "too_long"
    if repeats_itself(evidence.text):
        return "repetition"
    if compression_ratio(evidence.text) > MAX_COMPRESSION_RATIO:
        return "compression"
    if evidence.average_log_probability < MIN_AVERAGE_LOG_PROBABILITY:
        return "log_probability"
    return None


def compression_ratio(text: str) -> float:
    """How many times shorter the text gets by compression; loops compress well."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def repeats_itself(text: str) -> bool:
    """Whether a phrase is said again right away, or a word over and over. Case and punctuation do not count."""
    words = [spelt for word in text.split() if (spelt := "".join(filter(_is_spelling, word)).casefold())]
    for length in range(1, len(words) // 2 + 1):
        times = 2 if length >= PHRASE_WORDS else WORD_REPEATS
        run = 0
        for here, later in zip(words, words[length:], strict=False):
            run = run + 1 if here == later else 0
            if run >= length * (times - 1):
                return True
    return False


def _is_spelling(character: str) -> bool:
    """Letters, digits and the vowel signs of Indic scripts, which Python does not count among the letters."""
    return unicodedata.category(character)[0] in "LMN"
