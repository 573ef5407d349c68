"""An engine without a model: it hums a tone for each word. Scriptable, for tests and for measuring what surrounds an engine."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np

from maatu_runtime.audio import Samples
from maatu_runtime.errors import CapacityExceeded, Quota
from maatu_runtime.language import Language
from maatu_tts.chunks import ramp
from maatu_tts.engine.base import Capabilities, Engine, EngineAudio, EngineStatus, EngineVoice, Utterance


@dataclass
class FakeScript:
    """What a FakeEngine does. A test may change it at any time."""

    first_chunk_delay_s: float = 0.0
    """Wait before the first chunk of an utterance."""
    chunk_delay_s: float = 0.0
    """Wait before each further chunk."""
    chunk_ms: int = 100
    """Length of a chunk, for an engine without codec tokens."""
    samples_per_token: int = 256
    """Samples of a codec frame, for an engine with codec tokens."""
    word_ms: int = 200
    """Length of a word."""
    leading_silence_ms: int = 0
    """Silence before each utterance."""
    fail_at_chunk: int | None = None
    """Raise `failure` instead of this chunk, counted from 0."""
    failure: Exception = field(default_factory=lambda: RuntimeError("the fake engine was told to fail"))
    """What is raised."""
    gate: asyncio.Event | None = None
    """If given, each chunk waits until it is set."""
    fingerprint: str = "tone"
    """Of all its voices."""
    retry_after_s: float = 1.0
    """What a stream is told that finds all places taken."""


class FakeEngine(Engine):
    """Speaks in tones of 440 Hz.

    Args:
        script: What it does.
        languages: BCP-47 tags; one voice each, called "fake-TAG".
        sample_rate_hz: Of its voices.
        streams: Streams admitted at once.
        sleep: How it waits.
        capabilities: What it can be asked for.
        name: Name of the engine.
    """

    def __init__(
        self,
        script: FakeScript | None = None,
        *,
        languages: Sequence[str] = ("en-US", "es-ES", "hi-IN", "kn-IN"),
        sample_rate_hz: int = 22_050,
        streams: int = 64,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        capabilities: Capabilities | None = None,
        name: str = "fake",
    ) -> None:
        self.name = name
        self.capabilities = capabilities or Capabilities(seed=True)
        self.script = script or FakeScript()
        self.utterances: list[Utterance] = []
        """All it was asked to speak, in order."""
        self.running = 0
        """Utterances it speaks now."""
        self.admitted = 0
        """Streams it admitted."""
        self._streams = streams
        self._sleep = sleep
        self._voices = [
            EngineVoice(f"{name}-{tag}", (Language.parse(tag),), sample_rate_hz, "a tone of 440 Hz")
            for tag in languages
        ]

    @property
    def voices(self) -> Sequence[EngineVoice]:
        """One for each language."""
        return self._voices

    async def warm_up(self) -> None:
        """Nothing to load."""

    async def close(self) -> None:
        """Nothing to release."""

    @contextmanager
    def admit(self) -> Iterator[None]:
        """A place for one stream."""
        if self.admitted >= self._streams:
            raise CapacityExceeded(
                "the fake engine is full",
                retry_after_s=self.script.retry_after_s,
                quota=Quota(f"tts/{self.name}", self._streams),
            )
        self.admitted += 1
        try:
            yield
        finally:
            self.admitted -= 1

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Hums a tone of `word_ms` for each word, in chunks: as the utterance says if it has codec tokens, else as the script
        says."""
        script, rate_hz = self.script, utterance.voice.sample_rate_hz
        self.utterances.append(utterance)
        words = round(len(utterance.text.split()) * rate_hz * script.word_ms / 1_000 / utterance.speaking_rate)
        silence = np.zeros(rate_hz * script.leading_silence_ms // 1_000, np.float32)
        # A cosine: it sounds from its very first sample, so that no part of it is taken for leading silence.
        tone = (0.5 * np.cos(2 * np.pi * 440 * np.arange(words) / rate_hz)).astype(np.float32)
        samples = np.concatenate([silence, tone])
        self.running += 1
        try:
            for number, (part, tokens) in enumerate(self._cut(samples, utterance)):
                delay_s = script.chunk_delay_s if number else script.first_chunk_delay_s
                if delay_s:
                    await self._sleep(delay_s)
                if script.gate is not None:
                    await script.gate.wait()
                if number == script.fail_at_chunk:
                    raise script.failure
                yield EngineAudio(part, delay_s, tokens)
        finally:
            self.running -= 1

    def fingerprint(self, voice: EngineVoice) -> str:
        """As the script says."""
        return self.script.fingerprint

    def status(self) -> EngineStatus:
        """How it runs now."""
        return EngineStatus(
            model="tone",
            device="cpu",
            compute_type="float32",
            warmup_s=0.0,
            slots=self._streams,
            slots_in_use=self.running,
            queue_depth=0,
        )

    def _cut(self, samples: Samples, utterance: Utterance) -> Iterator[tuple[Samples, int]]:
        """The pieces of an utterance, each with its codec frames."""
        if not self.capabilities.tokens:
            length = utterance.voice.sample_rate_hz * self.script.chunk_ms // 1_000
            yield from ((samples[start : start + length], 0) for start in range(0, len(samples), length))
            return
        hop = self.script.samples_per_token
        tokens = -(-len(samples) // hop)
        samples = np.pad(samples, (0, tokens * hop - len(samples)), mode="edge")
        lengths = ramp(utterance.chunks) if utterance.streaming else iter([tokens])
        start = 0
        while start < tokens:
            end = min(start + next(lengths), tokens)
            yield samples[start * hop : end * hop], end - start
            start = end
