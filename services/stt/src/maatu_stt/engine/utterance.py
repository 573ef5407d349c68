"""One utterance: what of it is settled, committed and open, and how that reads as a transcript.

│ settled: decoded, its audio gone │ committed: decodes begin with it │ tail: may change │ not decoded yet │
start                              window_start                                          end
"""

from collections.abc import Sequence
from dataclasses import dataclass

from maatu_runtime.audio.samples import Samples
from maatu_stt.engine.agreement import Agreement
from maatu_stt.engine.base import (
    SAMPLE_RATE_HZ,
    Decode,
    DecodeRequest,
    RecognitionOptions,
    Transcription,
    Word,
    text_of,
)
from maatu_stt.engine.languages import LanguageChoice
from maatu_stt.engine.windows import LONG_WINDOW, VERY_LONG_WINDOW, last_resort, settle_point

_MOST_STABLE = 0.9
"""Stability of a text that was decoded after a pause. Only finals are certain."""
_CONTEXT_CHARS = 200
"""How much of the settled text a decode is shown; the recogniser takes what it needs of it."""


@dataclass(frozen=True)
class TimedWord:
    """A word with the punctuation after it, and when it was said, in samples from the start of the stream."""

    text: str
    start: int
    end: int
    confidence: float
    """0 to 1."""


@dataclass(frozen=True)
class Transcript:
    """What was said, or so far. Positions are in samples from the start of the stream."""

    utterance_index: int
    text: str
    """All of the utterance; empty in a final: sound that turned out to be no speech."""
    is_final: bool
    stability: float
    """0 to 1."""
    stable_text: str
    """The beginning of the text that will not change; of a final all of it."""
    language: str
    """BCP-47 tag."""
    confidence: float
    """0 to 1."""
    words: tuple[TimedWord, ...]
    """Where asked for."""
    start: int
    """Of the first voiced window."""
    end: int
    """Of the last voiced window; of a partial, of what was decoded."""
    compute_s: float
    """Time the latest decode took."""
    model: str


class Utterance:
    """The utterance that is open.

    Args:
        index: Its number in the stream.
        start: First voiced sample.
        audio_start: First sample that is decoded.
        options: What the stream asks of the recogniser.
        language: Of the stream.
    """

    def __init__(
        self, index: int, start: int, audio_start: int, options: RecognitionOptions, language: LanguageChoice
    ) -> None:
        self.index = index
        self.start = start
        self.audio_start = audio_start
        self.window_start = audio_start
        """First sample that the next decode hears."""
        self.asked_to = start
        """Where the latest partial ended, or the speech began."""
        self.has_partial = False
        """A partial was asked for."""
        self.ahead: Decode | None = None
        """The decode at its pause, which becomes the final if nothing more is said."""
        self._options = options
        self._language = language
        self._settled: list[TimedWord] = []
        self._settled_words: list[Word] = []
        self._agreement = Agreement()
        self._confidence = 1.0
        self._number = language.begin_utterance()

    def request(self, samples: Samples, voiced_s: float, mean_voice: float) -> DecodeRequest:
        """What to ask the recogniser for.

        Args:
            samples: From `window_start` on.
            voiced_s: Seconds of voice in the whole utterance.
            mean_voice: Mean probability of speech in it.
        """
        return DecodeRequest(
            samples,
            self._options,
            committed=self._agreement.committed,
            context=text_of(self._settled_words)[-_CONTEXT_CHARS:],
            language=self._language.known,
            voiced_s=0.0 if self._settled_words else voiced_s,
            mean_voice=mean_voice,
            timed=len(samples) >= LONG_WINDOW,
            utterance=self,
        )

    def learn(self, transcription: Transcription, heard: int) -> None:
        """Commits what this decode and the one before agree on.

        Args:
            transcription: Of the samples from `window_start` on.
            heard: How many they were.
        """
        if transcription.is_doubtful:
            return
        self._agreement.update(transcription)
        self.learn_language(transcription, heard)

    def learn_language(self, transcription: Transcription, heard: int) -> None:
        """Tells the stream what language this was.

        Args:
            transcription: Of the utterance, or of its beginning.
            heard: Samples that it heard.
        """
        commits = bool(self._agreement.committed)
        self._language.take(transcription, heard, commits=commits, utterance=self._number)

    def settle(self, samples: Samples, transcription: Transcription) -> None:
        """Lets the audio of committed words go, where the window has become long; of other words too, where it has become
        very long and hardly anything was agreed on.

        Args:
            samples: Those that were decoded, from `window_start` on.
            transcription: What they say; `learn` has seen it.
        """
        committed = self._agreement.committed
        # `learn` passed over what is doubtful: the times of the committed words are not of this decode.
        point = None if transcription.is_doubtful else settle_point(samples, committed)
        if point is None and len(samples) >= VERY_LONG_WINDOW:
            # Even what is doubtful is better than nothing: a person who repeats himself looks like a decoder that does.
            point = last_resort(samples, transcription.words)
            stays = max(point.words, len(committed))
            self._agreement.commit(transcription.words[:stays], transcription.words[stays:])
        if point is None:
            return
        settled = self._agreement.forget(point.words)
        self._settled += _timed(settled, self.window_start)
        self._settled_words += settled
        self._confidence = min(self._confidence, transcription.confidence)
        self.window_start += point.position

    def partial(self, transcription: Transcription, end: int, *, at_pause: bool) -> Transcript:
        """The transcript so far.

        Args:
            transcription: Of the samples from `window_start` to `end`; `learn` has seen it.
            end: Where they end.
            at_pause: No word in it is half said.
        """
        text = text_of([*self._settled_words, *transcription.words])
        stable_text = text_of([*self._settled_words, *self._agreement.committed])
        stability = _MOST_STABLE if at_pause else _MOST_STABLE * len(stable_text) / max(len(text), 1)
        return self._transcript(transcription, text, stable_text, stability, end, is_final=False)

    def final(self, transcription: Transcription, end: int) -> Transcript:
        """The transcript of the whole utterance, which ended at `end`."""
        text = text_of([*self._settled_words, *transcription.words])
        return self._transcript(transcription, text, text, 1.0, end, is_final=True)

    def _transcript(
        self, said: Transcription, text: str, stable_text: str, stability: float, end: int, *, is_final: bool
    ) -> Transcript:
        words = [*self._settled, *_timed(said.words, self.window_start)] if self._options.word_times else []
        return Transcript(
            utterance_index=self.index,
            text=text,
            is_final=is_final,
            stability=stability,
            stable_text=stable_text,
            language=said.language,
            confidence=min(self._confidence, said.confidence),
            words=tuple(words),
            start=self.start,
            end=end,
            compute_s=said.compute_s,
            model=said.model,
        )


def _timed(words: Sequence[Word], offset: int) -> list[TimedWord]:
    """Words that were decoded from the sample `offset` on; punctuation goes with the word before it."""
    timed: list[TimedWord] = []
    for word in words:
        text = word.text.strip()
        if timed and not word.is_spoken:
            before = timed[-1]
            timed[-1] = TimedWord(before.text + text, before.start, before.end, before.confidence)
        elif text:
            start, end = word.start_s or 0.0, word.end_s or 0.0
            timed.append(
                TimedWord(
                    text, offset + round(start * SAMPLE_RATE_HZ), offset + round(end * SAMPLE_RATE_HZ), word.confidence
                )
            )
    return timed
