"""A recogniser that answers from a script. It ships with the service: whatever surrounds recognition is tested with it."""

import asyncio
from collections import deque
from dataclasses import dataclass
from itertools import count
from weakref import WeakKeyDictionary

import numpy as np

from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import MaatuError, UnsupportedLanguage
from maatu_stt.engine.base import (
    SAMPLE_RATE_HZ,
    Decode,
    DecodeRequest,
    RecognitionOptions,
    Transcription,
    Urgency,
    Word,
)

_LOUD = 0.05
_WORDS_PER_S = 2.5


@dataclass
class FakeScript:
    """What the fake does. It may be changed while it runs."""

    texts: tuple[str, ...] = ("what is the capital of france",)
    """Transcripts of the utterances, one after the other, over and over."""
    language: str = "en"
    """Tag of the language "detected" where none is expected."""
    languages: frozenset[str] | None = None
    """Codes of the languages it knows; None: all."""
    decode_s: float = 0.0
    """Time of a decode."""
    places: int = 1
    """Decodes at once; partials beyond them are skipped, others are not held up."""
    gate: asyncio.Event | None = None
    """Where given, decodes end only once it is set."""
    failure: MaatuError | None = None
    """Where given, every decode fails with it."""


@dataclass(frozen=True)
class Asked:
    """A decode the fake was asked for."""

    samples: int
    urgency: Urgency
    request: DecodeRequest

    @property
    def options(self) -> RecognitionOptions:
        """What the stream asked for."""
        return self.request.options


class FakeDecode:
    """Implements `Decode`."""

    def __init__(self, recognizer: "FakeRecognizer", transcription: Transcription, urgency: Urgency) -> None:
        self._recognizer = recognizer
        self._transcription = transcription
        self._ready_at = asyncio.get_running_loop().time() + recognizer.script.decode_s
        self.urgency = urgency
        self.is_cancelled = False

    async def result(self) -> Transcription:
        """Waits as long as the script says, and fails if it says so."""
        script = self._recognizer.script
        if script.gate is not None:
            await script.gate.wait()
        if (rest_s := self._ready_at - asyncio.get_running_loop().time()) > 0:
            await asyncio.sleep(rest_s)
        self._recognizer.under_way.discard(self)
        if script.failure is not None:
            raise script.failure
        return self._transcription

    def promote(self) -> None:
        """Notes it."""
        self.urgency = Urgency.FINAL

    def cancel(self) -> None:
        """Notes it and frees the place."""
        self.is_cancelled = True
        self._recognizer.under_way.discard(self)


class FakeRecognizer:
    """Implements `Recognizer`.

    Args:
        script: What it says, and when.
    """

    def __init__(self, script: FakeScript | None = None) -> None:
        self.script = script or FakeScript()
        self.asked: deque[Asked] = deque(maxlen=1_000)
        """What it was asked for, oldest first."""
        self.under_way: set[FakeDecode] = set()
        """Decodes neither fetched nor cancelled."""
        self.is_closed = False
        self._utterances = count()
        self._texts: WeakKeyDictionary[object, str] = WeakKeyDictionary()

    async def warm_up(self) -> None:
        """Nothing to load."""

    def check(self, options: RecognitionOptions) -> None:
        """Knows the languages of the script."""
        known = self.script.languages
        for index, language in enumerate(options.languages):
            if known is not None and language.code not in known:
                raise UnsupportedLanguage(
                    f'"{language}" is not served; served: {", ".join(sorted(known))}',
                    field=f"config.language_codes[{index}]",
                )

    def start(self, request: DecodeRequest, urgency: Urgency) -> Decode | None:
        """Answers with the text of the utterance: all of it, or for a PARTIAL the words there was time for."""
        self.asked.append(Asked(len(request.samples), urgency, request))
        if urgency is Urgency.PARTIAL and len(self.under_way) >= self.script.places:
            return None
        if request.utterance not in self._texts:
            texts = self.script.texts
            self._texts[request.utterance] = texts[next(self._utterances) % len(texts)]
        transcription = self._transcription(self._texts[request.utterance], request, urgency)
        decode = FakeDecode(self, transcription, urgency)
        self.under_way.add(decode)
        return decode

    def capacity(self) -> tuple[int, int]:
        """Decodes under way and places."""
        return len(self.under_way), self.script.places

    async def close(self) -> None:
        """Notes it."""
        self.is_closed = True

    def _transcription(self, text: str, request: DecodeRequest, urgency: Urgency) -> Transcription:
        options = request.options
        # A word's only token is its place in the text, so that a decode goes on where the committed words say.
        script = text.split()
        begin = request.committed[0].tokens[0] if request.committed else len(script) if request.context else 0
        spoken = script[begin:]
        if urgency is Urgency.PARTIAL:
            time_for = int(len(request.samples) / SAMPLE_RATE_HZ * _WORDS_PER_S)
            spoken = spoken[: max(time_for, len(request.committed))]
        each_s = len(request.samples) / SAMPLE_RATE_HZ / max(len(spoken), 1)
        is_timed = request.timed or options.word_times
        return Transcription(
            words=tuple(
                Word(f" {word}", (begin + i,), i * each_s, (i + 1) * each_s, 0.9)
                if is_timed
                else Word(f" {word}", (begin + i,))
                for i, word in enumerate(spoken)
            ),
            language=str(options.languages[0]) if options.languages else self.script.language,
            confidence=0.9,
            model="fake",
            compute_s=self.script.decode_s,
        )


class LoudnessDetector:
    """A voice activity detector that takes whatever is loud for voice, so that tests say to the window when it begins.

    It stands in for Silero, which a tone does not impress.
    """

    def probability(self, window: Samples) -> float:
        """1 for a window whose mean amplitude is above 0.05, otherwise 0."""
        return 1.0 if float(np.abs(window).mean()) > _LOUD else 0.0
