"""Cuts a stream into utterances: a state machine whose only clock is the stream's count of samples.

QUIET ──voice──▶ ONSET ──enough voice: STARTED──▶ SPEAKING ──short silence: PAUSE──▶ PAUSED ──long silence: STOPPED──▶ QUIET
                   └──silence before that──▶ QUIET     ▲─────────voice: RESUMED─────────┘
"""

from dataclasses import dataclass
from enum import Enum, auto

from maatu_stt.engine.settings import SegmenterSettings


class ActivityType(Enum):
    """What happened. The values are the names of maatu.v1.SpeechActivity.Type without prefix."""

    STARTED = "SPEECH_STARTED"
    PAUSE = "PAUSE"
    RESUMED = "RESUMED"
    STOPPED = "SPEECH_STOPPED"


@dataclass(frozen=True)
class Activity:
    """Something heard in the stream that is no text. Positions are in samples from the start of the stream."""

    type: ActivityType
    offset: int
    """STARTED and RESUMED: start of the first voiced window; PAUSE and STOPPED: end of the last one."""
    noticed_at: int
    """How far the stream had been heard when it was certain."""
    utterance_index: int


class _State(Enum):
    QUIET = auto()
    ONSET = auto()
    SPEAKING = auto()
    PAUSED = auto()


class Segmenter:
    """The utterances of one stream.

    Args:
        settings: When speech begins, pauses and ends.
    """

    def __init__(self, settings: SegmenterSettings) -> None:
        self._settings = settings
        self._state = _State.QUIET
        self._position = 0
        self._is_voiced = False
        self._index = 0
        self._start = 0
        self._voiced = 0
        self._voice = 0.0
        """Sum of the probabilities of all samples since the start …"""
        self._voice_to_last_voiced = 0.0
        """… and up to the last voiced one."""
        self._last_voiced_end = 0
        self._goes_on = False
        self._endpoint_silence = settings.endpoint_silence

    @property
    def keep_from(self) -> int | None:
        """First sample of the sound that is or may become an utterance; None while it is quiet."""
        return None if self._state is _State.QUIET else self._start

    @property
    def is_speaking(self) -> bool:
        """Whether an utterance is open and not pausing."""
        return self._state is _State.SPEAKING

    @property
    def voiced(self) -> int:
        """Voiced samples of the sound that is or may become an utterance."""
        return self._voiced

    @property
    def mean_voice(self) -> float:
        """Mean probability of speech from its first voiced window to its last one; 0 before there is one."""
        length = self._last_voiced_end - self._start
        return self._voice_to_last_voiced / length if length > 0 else 0.0

    def end_after(self, silence: int) -> None:
        """Has the utterance end after so much silence, if the pause that it is in lasts; other pauses are not concerned."""
        if self._state is _State.PAUSED:
            self._endpoint_silence = silence

    def push(self, probability: float, samples: int) -> list[Activity]:
        """Hears the next window.

        Args:
            probability: Of speech in it, 0 to 1.
            samples: Its length.
        """
        settings = self._settings
        window_start = self._position
        self._position += samples
        self._is_voiced = probability >= (
            settings.offset_probability if self._is_voiced else settings.onset_probability
        )
        self._voice += probability * samples
        events = self._on_voice(window_start, samples, probability) if self._is_voiced else self._on_silence()
        if self._state in (_State.SPEAKING, _State.PAUSED) and self._position - self._start >= settings.max_utterance:
            goes_on = self._state is _State.SPEAKING
            events.append(self._stop())
            # Whoever is cut off in the middle of a sentence goes on speaking: what follows needs no new proof.
            self._goes_on = goes_on
        return events

    def finish(self) -> list[Activity]:
        """The stream is over: ends the utterance that is open."""
        return [self._stop()] if self._state in (_State.SPEAKING, _State.PAUSED) else []

    def _on_voice(self, window_start: int, samples: int, probability: float) -> list[Activity]:
        self._last_voiced_end = self._position
        if self._state is _State.QUIET:
            self._state, self._start, self._voiced = _State.ONSET, window_start, 0
            self._voice = probability * samples
        self._voiced += samples
        self._voice_to_last_voiced = self._voice
        if self._state is _State.ONSET:
            if self._voiced >= self._settings.min_speech or self._goes_on:
                self._state, self._goes_on = _State.SPEAKING, False
                return [self._event(ActivityType.STARTED, self._start)]
        elif self._state is _State.PAUSED:
            self._state = _State.SPEAKING
            return [self._event(ActivityType.RESUMED, window_start)]
        return []

    def _on_silence(self) -> list[Activity]:
        self._goes_on = False
        silence = self._position - self._last_voiced_end
        events = []
        if silence >= self._settings.pause_silence:
            if self._state is _State.ONSET:
                self._state = _State.QUIET
            elif self._state is _State.SPEAKING:
                self._state = _State.PAUSED
                self._endpoint_silence = self._settings.endpoint_silence
                events.append(self._event(ActivityType.PAUSE, self._last_voiced_end))
        if silence >= self._endpoint_silence and self._state is _State.PAUSED:
            events.append(self._stop())
        return events

    def _stop(self) -> Activity:
        event = self._event(ActivityType.STOPPED, self._last_voiced_end)
        self._state = _State.QUIET
        self._index += 1
        return event

    def _event(self, type_: ActivityType, offset: int) -> Activity:
        return Activity(type_, offset, self._position, self._index)
