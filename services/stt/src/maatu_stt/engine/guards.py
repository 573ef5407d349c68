"""Signs that a decode went wrong, and that there was nothing to decode.

Of `suspicion`, the first three limits are those of Whisper's paper (Radford et al. 2022, section 4.5). The others are
ours: encoded short, Whisper likes to say a whole sentence twice, which no compression ratio shows.

`hallucination` weighs four things against each other. What they were with tiny.en and base, over short answers and
sentences of Piper and of a recording in noise from 20 to -5 dB, and over 250 pieces of bench/sounds.py that were given to
the models without asking the detector:

                               speech          no speech
    no-speech probability      0.00 - 0.65     0.30 - 0.99, 96 % above 0.6
    mean log probability       -1.5 - -0.2     -2.2 - -0.2
    mean speech probability    0.48 - 0.94     below 0.5 nearly everywhere (the detector's, over the utterance)
    letters a second           up to 17        up to 57

So the model's no-speech probability tells best, where it is trained for it: users of large-v3-turbo report 0 for everything,
and fine-tunes may give the same. Then the detector and the rate are left. No sign is enough alone: two are, and so are
one and a phrase out of `silence_phrases`. Of those 250 pieces, with nothing known of the detector, 5 keep a text; with
its mean at 0.4, none.
"""

import re
import unicodedata
import zlib
from dataclasses import dataclass

from maatu_stt.engine.silence_phrases import is_credit, is_spelling, is_stock_phrase, spelling

MIN_AVERAGE_LOG_PROBABILITY = -1.0
MAX_COMPRESSION_RATIO = 2.4
MAX_NO_SPEECH_PROBABILITY = 0.6
_LESS_FOR_DOUBT = 0.3
"""How much lower that limit is for each unit of mean log probability below the least: base gives 0.56 and 0.6 to noise."""
CERTAIN_NO_SPEECH_PROBABILITY = 0.8
"""From here on the words must be sure …"""
SURE_LOG_PROBABILITY = -0.5
"""… by this much to be believed."""
_LETTER_LOOP = re.compile(r"([^\d]{1,6}?)\1{5,}|(\d{1,6}?)\2{8,}")
"""Six times the same within a word; digits more often: a million has six noughts."""
WEAK_VOICE = 0.45
"""Mean speech probability below which an utterance hardly holds voice."""
DOUBTFUL_VOICE = 0.7
"""The same, where the text is a credit."""
PHRASE_WORDS = 3
"""A phrase of so many words or more, said twice without a break, is suspicious …"""
WORD_REPEATS = 4
"""… and so is a shorter one that is said so often."""
MAX_LETTERS_PER_S = 30.0
"""Nobody speaks faster. The quickest languages have 8 syllables a second on average (Pellegrino et al. 2011)."""
SPARE_LETTERS = 15.0
"""Allowed beside that: the detector misses the ends of words."""

_SOUND = (
    "music|musique|musik|música|musica|applause|laugh|laughs|laughter|laughing|cough|coughs|coughing|sigh|sighs|noise"
)
_ANNOTATION = re.compile(
    # Nobody speaks square brackets, stars or notes; digits in them may be a number that was dictated.
    r"\[[^\[\]\d]{0,60}\]|【[^【】]{0,60}】|(?<!\w)\*[^*\d\s](?:[^*\d]{0,60}[^*\d\s])?\*(?!\w)|[♩♪♫♬]+"
    rf"|[(（](?:[^()（）\d]{{0,30}}\b)?(?:{_SOUND}|笑|拍手|音楽|음악|박수|웃음)(?:\b[^()（）\d]{{0,30}})?[)）]",
    re.IGNORECASE,
)
_ONLY_BRACKETED = re.compile(r"\s*(?:[(（][^()（）\d]{0,60}[)）][\s.,!?…]*)+")
_SPACES = re.compile(r"\s+")


@dataclass(frozen=True)
class Evidence:
    """What a decode tells about itself."""

    text: str
    average_log_probability: float
    no_speech_probability: float
    is_cut_off: bool
    """It reached the greatest number of tokens that so much speech can have."""
    duration_s: float = 0.0
    """Of the audio decoded, without what it was padded with; 0: not known."""

    @property
    def is_silence(self) -> bool:
        """Whether the model heard no speech, and is not sure of its words either."""
        doubt = MIN_AVERAGE_LOG_PROBABILITY - self.average_log_probability
        return (doubt > 0 and self.no_speech_probability > MAX_NO_SPEECH_PROBABILITY - _LESS_FOR_DOUBT * doubt) or (
            self.no_speech_probability > CERTAIN_NO_SPEECH_PROBABILITY
            and self.average_log_probability < SURE_LOG_PROBABILITY
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
    if is_too_fast(evidence.text, evidence.duration_s):
        return "too_fast"
    return None


def hallucination(evidence: Evidence, voiced_s: float = 0.0, mean_voice: float = 0.0) -> str | None:
    """The reason to believe that nobody said the text, a short name for metrics; None where somebody did.

    Ask it about the last decode of an utterance: what looks suspicious is decoded again first.

    Args:
        evidence: Of the decode.
        voiced_s: Seconds of the utterance that the detector took for voice; 0: not known.
        mean_voice: Mean speech probability of the windows from the first voiced one to the last; 0: not known.
    """
    text = evidence.text
    if not any(map(is_spelling, text)):
        return "no_words" if text else None
    if evidence.is_silence:
        return "no_speech"
    is_unheard = evidence.no_speech_probability > MAX_NO_SPEECH_PROBABILITY
    is_fast = is_too_fast(text, voiced_s)
    is_weak = 0 < mean_voice < WEAK_VOICE
    if is_credit(text) and (is_unheard or is_fast or 0 < mean_voice < DOUBTFUL_VOICE):
        return "credit"
    if is_stock_phrase(text) and (is_unheard or is_fast or is_weak):
        return "phrase"
    is_suspicious = suspicion(evidence) is not None
    if (is_unheard and (is_weak or is_suspicious)) or (is_fast and (is_unheard or is_weak or is_suspicious)):
        return "no_voice"
    return None


def without_annotations(text: str) -> str:
    """The text without descriptions of sounds: "[Music]", "(laughs)", "*sighs*", "♪". Empty where nothing else is left.

    Words in round brackets stay within a sentence unless they name a sound; numbers always stay: "(555) 123".
    """
    if _ONLY_BRACKETED.fullmatch(text):
        return ""
    spoken, found = _ANNOTATION.subn(" ", text)
    if not found:
        return text
    return _SPACES.sub(" ", spoken).strip() if any(map(is_spelling, spoken)) else ""


def is_too_fast(text: str, seconds: float) -> bool:
    """Whether nobody says so much in that time; never where the time is 0, which stands for not known."""
    return seconds > 0 and sum(map(_letters, text)) > SPARE_LETTERS + MAX_LETTERS_PER_S * seconds


def compression_ratio(text: str) -> float:
    """How many times shorter the text gets by compression; loops compress well."""
    data = text.encode()
    return len(data) / len(zlib.compress(data)) if data else 0.0


def repeats_itself(text: str) -> bool:
    """Whether a phrase is said again right away, or a word or a syllable over and over: "BEE-BEE-BEE-BEE-BEE-BEE".

    Case and punctuation do not count.
    """
    if _LETTER_LOOP.search(spelling(text)):
        return True
    words = [spelt for word in text.split() if (spelt := "".join(filter(is_spelling, word)).casefold())]
    for length in range(1, len(words) // 2 + 1):
        times = 2 if length >= PHRASE_WORDS else WORD_REPEATS
        run = 0
        for here, later in zip(words, words[length:], strict=False):
            run = run + 1 if here == later else 0
            if run >= length * (times - 1):
                return True
    return False


def _letters(character: str) -> float:
    """How many letters of an alphabet take as long to say: a syllable has three."""
    category = unicodedata.category(character)
    if category[0] == "N":
        return 3.0
    if category[0] != "L":
        return 0.0
    if character < "\u0900":
        return 1.0
    if character >= "\u3400":
        return 3.0  # ideographs and Hangul: a syllable each
    return 2.0  # Indic letters and kana: a short syllable each, or half of one
