"""Which language a stream is spoken in, and what Whisper calls it."""

from collections.abc import Sequence

from maatu_runtime.language import Language
from maatu_stt.engine.base import SAMPLE_RATE_HZ, Transcription

_ENOUGH = 3 * SAMPLE_RATE_HZ
"""Speech after which a language that was found is believed; Whisper itself judges by up to 30 s, and by one badly."""
_SURE = 0.8
"""Probability from which it is believed after a third of that."""
_WHISPER_CODES = {"jv": "jw", "nb": "no", "fil": "tl"}
"""Where Whisper's code of a language is not that of ISO 639."""


class LanguageChoice:
    """The language of one stream, found in its first seconds or anew in each utterance.

    Args:
        expected: The languages of the stream's options; one: there is nothing to find.
        each_utterance: Whether it is found anew.
    """

    def __init__(self, expected: tuple[Language, ...], *, each_utterance: bool) -> None:
        self._of_stream = expected[0] if len(expected) == 1 else None
        self._of_utterance: Language | None = None
        self._probability = 0.0
        """Of the language of the utterance, when it was found."""
        self._each_utterance = each_utterance
        self._utterance = 0

    @property
    def known(self) -> Language | None:
        """The language, once it is known."""
        return self._of_utterance or self._of_stream

    def begin_utterance(self) -> int:
        """Another utterance begins; returns its number."""
        self._utterance += 1
        self._of_utterance, self._probability = None, 0.0
        return self._utterance

    def take(self, transcription: Transcription, samples: int, *, commits: bool, utterance: int) -> None:
        """Learns from a decode.

        Args:
            transcription: What it found.
            samples: How much speech it heard.
            commits: Words of it are committed: the utterance cannot change its language any more. One word is no reason for
                the stream not to.
            utterance: Number of the utterance. A final may come when the next has begun, whose language it does not know.
        """
        if self._of_stream is not None or not transcription.words or transcription.is_doubtful:
            return
        is_open = utterance == self._utterance
        # Once the utterance has a language the decoder is told it: the decode is as sure as whoever found it.
        is_told = not is_open or self._of_utterance is not None
        probability = self._probability if is_told else transcription.language_probability
        is_sure = is_open and probability >= _SURE and samples >= _ENOUGH // 3
        is_believed = is_sure or samples >= _ENOUGH
        language = Language.parse(transcription.language, field="language")
        if is_open and self._of_utterance is None and (commits or is_believed):
            self._of_utterance, self._probability = language, probability
        if is_believed and not self._each_utterance:
            self._of_stream = language


def whisper_code(language: Language) -> str:
    """What Whisper calls a language."""
    return _WHISPER_CODES.get(language.code, language.code)


def tag_of(code: str, expected: Sequence[Language]) -> str:
    """The BCP-47 tag of what Whisper calls a language: as the caller wrote it, where it was expected."""
    for language in expected:
        if whisper_code(language) == code:
            return str(language)
    return next((iso for iso, whisper in _WHISPER_CODES.items() if whisper == code), code)
