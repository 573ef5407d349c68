"""eSpeak NG: formant voices for over a hundred languages. Robotic, small, and some thousand times as fast as it is spoken."""

import asyncio
import threading
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio.samples import from_int16
from maatu_runtime.errors import ModelFailed, UnsupportedLanguage
from maatu_runtime.language import Language
from maatu_tts.engine import espeak_library
from maatu_tts.engine.base import Capabilities, Engine, EngineAudio, EngineStatus, EngineVoice, Utterance
from maatu_tts.engine.workers import Emit, Workers

_WORDS_PER_MINUTE = 175
"""eSpeak's own rate."""


class EspeakEngine(Engine):
    """Speaks with eSpeak NG, one utterance at a time: the library's state is global. An utterance takes some milliseconds.

    Args:
        streams: Streams admitted at once.
        clock: Seconds, monotonic.
    """

    name = "espeak"
    # Its oscillators go on from where the text before left them, so that even a seed would not give the same audio twice.
    capabilities = Capabilities()

    def __init__(self, *, streams: int = 64, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._workers = Workers(self.name, threads=1, streams=streams, clock=clock)
        self._identifiers: dict[str, str] = {}
        self._voices: list[EngineVoice] = []
        self._warmup_s = 0.0

    @property
    def voices(self) -> Sequence[EngineVoice]:
        """One for each accent of each language, named "espeak-kn"; the preferred of a language first."""
        return self._voices

    async def warm_up(self) -> None:
        """Loads the library and reads its voices."""
        began = self._clock()
        library = await asyncio.to_thread(espeak_library.load)
        # The accents of a language rank it lower than the plain voice does, or have longer tags.
        ordered = sorted(
            await asyncio.to_thread(library.voices),
            key=lambda voice: (max(rank for rank, _ in voice.languages), len(voice.identifier), voice.identifier),
        )
        for voice in ordered:
            name = f"espeak-{voice.identifier.rpartition('/')[2].lower()}"
            self._identifiers[name] = voice.identifier
            languages = tuple(dict.fromkeys(language for _, tag in voice.languages if (language := _language(tag))))
            if not languages:
                continue
            self._voices.append(EngineVoice(name, languages, library.sample_rate_hz, f"eSpeak NG, {voice.name}"))
        self._warmup_s = self._clock() - began

    async def close(self) -> None:
        """Ends the thread."""
        await self._workers.close()

    def admit(self) -> AbstractContextManager[None]:
        """A place for one stream."""
        return self._workers.admit()

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Speaks one utterance; its audio comes in pieces of 250 ms."""
        stopped = threading.Event()
        identifier = self._identifiers[utterance.voice.name]

        def make_all(emit: Emit) -> bool:
            def consume(samples: NDArray[np.int16]) -> bool:
                emit(from_int16(samples))
                return not stopped.is_set()

            if stopped.is_set():
                return False
            rate = round(_WORDS_PER_MINUTE * utterance.speaking_rate)
            try:
                espeak_library.load().synthesize(identifier, utterance.text, rate, consume)
            except OSError as error:
                raise ModelFailed(str(error)) from error
            return False

        turn = self._workers.run(make_all, priority=utterance.priority, stop=stopped.set)
        try:
            async for audio in turn:
                yield audio
        finally:
            await turn.aclose()

    def fingerprint(self, voice: EngineVoice) -> str:
        """The library's version: its voices come with it."""
        return espeak_library.load().version

    def status(self) -> EngineStatus:
        """How it runs now."""
        return EngineStatus(
            model="espeak-ng",
            device="cpu",
            compute_type="int16",
            warmup_s=self._warmup_s,
            slots=self._workers.threads,
            slots_in_use=self._workers.in_use,
            queue_depth=self._workers.queue_depth,
        )


def _language(tag: str) -> Language | None:
    """eSpeak's tags. Some name dialects ("en-gb-x-rp", "en-us-nyc"), which ours leave out; Klingon's is no tag at all."""
    parts = tag.partition("-x-")[0].split("-")
    while parts:
        try:
            return Language.parse("-".join(parts))
        except UnsupportedLanguage:
            parts.pop()
    return None
