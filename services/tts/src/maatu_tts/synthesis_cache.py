"""The synthesis cache: what was spoken before is not made again. Greetings and fillers begin at once and cost no slot."""

import hashlib
import json
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import aclosing

import numpy as np
from numpy.typing import NDArray

from maatu_runtime.audio.samples import to_int16
from maatu_tts import metrics
from maatu_tts.engine.base import CacheStatus, Engine, EngineAudio, Utterance
from maatu_tts.recordings import Recording, RecordingStore
from maatu_tts.shared_recordings import SharedRecordings

_KEY_VERSION = 2
"""Goes up when recordings made before must not be heard any more, as when text is prepared for the engines in another way."""


class SynthesisCache:
    """A layer between speech and its engines.

    Engine, its fingerprint of the voice, voice, description, text, speaking rate, seed and temperature make the key. Only
    utterances that were made to their end are kept, as 16-bit samples at the voice's rate, so that any format can be sent from
    them.

    Args:
        capacity_bytes: Of all recordings in memory; 0 turns the cache off, the shared one too.
        longest_s: Longer utterances are not kept: they are no greetings.
        sampled: Keep also what an engine samples without a seed. A clause then sounds alike each time it is spoken, until
            it is forgotten, where the engine would have given each a melody of its own.
        shared: Recordings of all processes, looked up after those of this one.
    """

    def __init__(
        self,
        capacity_bytes: int,
        *,
        longest_s: float = 6.0,
        sampled: bool = True,
        shared: SharedRecordings | None = None,
    ) -> None:
        self._capacity_bytes = capacity_bytes
        self._longest_s = longest_s
        self._sampled = sampled
        self._shared = shared if capacity_bytes else None
        self._store = RecordingStore(capacity_bytes)
        self._hits: Counter[str] = Counter()
        self._misses: Counter[str] = Counter()
        if capacity_bytes:
            metrics.CACHE_BYTES.set_function(lambda: self._store.size_bytes)

    async def warm_up(self) -> None:
        """Connects to the shared recordings."""
        if self._shared is not None:
            await self._shared.warm_up()

    async def close(self) -> None:
        """Closes the connections."""
        if self._shared is not None:
            await self._shared.close()

    async def recall(self, engine: Engine, utterance: Utterance) -> Recording | None:
        """What was recorded of an utterance; None where nothing was."""
        if not self._may_keep(engine, utterance):
            return None
        key = _key(engine, utterance)
        recording = self._store.get(key)
        if recording is not None:
            self._count_hit(engine, "memory")
            return recording
        recording = await self._recall_shared(key, utterance)
        if recording is not None:
            self._count_hit(engine, "redis")
            self._store.put(key, recording)
            return recording
        self._misses[engine.name] += 1
        metrics.CACHE_MISSES.labels(engine.name).inc()
        return None

    async def record(self, engine: Engine, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Has the engine speak, and keeps what it said once it has said all of it.

        Raises:
            ModelFailed: The model broke on this utterance.
        """
        may_keep = self._may_keep(engine, utterance)
        longest = round(self._longest_s * utterance.voice.sample_rate_hz)
        parts: list[NDArray[np.int16]] = []
        samples = tokens = 0
        async with aclosing(engine.synthesize(utterance)) as audio:
            async for part in audio:
                samples += len(part.samples)
                tokens += part.tokens
                if may_keep and samples <= longest:
                    parts.append(to_int16(part.samples))
                else:
                    parts.clear()
                yield part
        if may_keep and 0 < samples <= longest:
            self._keep(
                _key(engine, utterance), Recording(np.concatenate(parts), utterance.voice.sample_rate_hz, tokens)
            )

    def status(self, engine: Engine) -> tuple[CacheStatus, ...]:
        """How it does for an engine. Entries and capacity are those of all engines, which share it; the capacity is in
        bytes, and given as the number of entries of the present mean size that it holds. Empty where it is off."""
        if not self._capacity_bytes:
            return ()
        entries = len(self._store)
        mean_bytes = self._store.size_bytes / entries if entries else self._capacity_bytes
        return (
            CacheStatus(
                name="synthesis",
                entries=entries,
                capacity=int(self._capacity_bytes / mean_bytes),
                hits=self._hits[engine.name],
                misses=self._misses[engine.name],
            ),
        )

    def _may_keep(self, engine: Engine, utterance: Utterance) -> bool:
        samples = engine.capabilities.temperature and utterance.seed is None and utterance.temperature != 0
        return self._capacity_bytes > 0 and (self._sampled or not samples)

    async def _recall_shared(self, key: str, utterance: Utterance) -> Recording | None:
        data = await self._shared.get(key) if self._shared is not None else None
        recording = Recording.from_bytes(data) if data is not None else None
        if recording is None or recording.sample_rate_hz != utterance.voice.sample_rate_hz:
            return None
        return recording

    def _keep(self, key: str, recording: Recording) -> None:
        self._store.put(key, recording)
        if self._shared is not None:
            self._shared.put(key, recording.to_bytes())

    def _count_hit(self, engine: Engine, store: str) -> None:
        self._hits[engine.name] += 1
        metrics.CACHE_HITS.labels(engine.name, store).inc()


def _key(engine: Engine, utterance: Utterance) -> str:
    """What tells recordings apart. Hashed: other processes and people with access to Redis see no text."""
    parts = [
        _KEY_VERSION,
        engine.name,
        engine.fingerprint(utterance.voice),
        utterance.voice.name,
        utterance.voice.sample_rate_hz,
        utterance.voice.description,
        utterance.description,
        " ".join(utterance.text.split()),
        utterance.speaking_rate,
        utterance.seed,
        utterance.temperature,
    ]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()
