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
        self.known = expected[0] if len(expected) == 1 else None
        """The language, once it is known."""
        self._forgets = each_utterance and self.known is None

    def begin_utterance(self) -> None:
        """Another utterance begins."""
        if self._forgets:
            self.known = None

    def take(self, transcription: Transcription, samples: int, *, commits: bool) -> None:
        """Learns from a decode.

        Args:
            transcription: What it found.
            samples: How much speech it heard.
            commits: Words of it are committed: the utterance cannot change its language any more.
        """
        if self.known is not None or not transcription.words or transcription.is_doubtful:
            return
        sure = transcription.language_probability >= _SURE and samples >= _ENOUGH // 3
        if commits or sure or samples >= _ENOUGH:
            self.known = Language.parse(transcription.language, field="language")


def whisper_code(language: Language) -> str:
    """What Whisper calls a language."""
    return _WHISPER_CODES.get(language.code, language.code)


def tag_of(code: str, expected: Sequence[Language]) -> str:
    """The BCP-47 tag of what Whisper calls a language: as the caller wrote it, where it was expected."""
    for language in expected:
        if whisper_code(language) == code:
            return str(language)
    return next((iso for iso, whisper in _WHISPER_CODES.items() if whisper == code), code)
