"""Piper: neural voices (VITS, exported to ONNX) for one language each, on the CPU.

A voice makes the frames of a sentence in one run of its network (40 ms on one core for 12 words), then its samples window by
window. Between windows it lets other utterances pass. The files beside: piper_voice.py (a voice), piper_network.py (its
network), piper_split.py (cutting the network in two), piper_vocoder.py (windows), piper_onnx.py (the file format).
"""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path

import onnxruntime

from maatu_runtime.errors import ModelFailed
from maatu_tts.engine.base import Capabilities, Engine, EngineAudio, EngineStatus, EngineVoice, Utterance
from maatu_tts.engine.piper_network import NETWORK_ERRORS
from maatu_tts.engine.piper_voice import Voice
from maatu_tts.engine.workers import Emit, Workers


class PiperEngine(Engine):
    """Speaks with Piper voices.

    Args:
        directories: Finds the model directories, when the engine warms up; each holds NAME.onnx and NAME.onnx.json.
        workers: Utterances worked on at once.
        threads: Threads that each of them uses.
        streams: Streams admitted at once.
        clock: Seconds, monotonic.
    """

    name = "piper"
    # The noise of VITS is drawn inside the network, from a generator that no caller can seed.
    capabilities = Capabilities()

    def __init__(
        self,
        directories: Callable[[], Sequence[Path]],
        *,
        workers: int = 2,
        threads: int = 1,
        streams: int = 16,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._directories = directories
        self._threads = threads
        self._clock = clock
        self._workers = Workers(self.name, threads=workers, streams=streams, clock=clock)
        self._loaded: dict[str, Voice] = {}
        self._warmup_s = 0.0

    @property
    def voices(self) -> Sequence[EngineVoice]:
        """The voices loaded."""
        return [voice.description for voice in self._loaded.values()]

    async def warm_up(self) -> None:
        """Loads the voices, each in a thread, and lets each speak once."""
        began = self._clock()
        loaded = [await asyncio.to_thread(Voice, directory, self._threads) for directory in self._directories()]
        self._loaded = {voice.description.name: voice for voice in loaded}
        self._warmup_s = self._clock() - began

    async def close(self) -> None:
        """Ends the threads and forgets the voices."""
        await self._workers.close()
        self._loaded = {}

    def admit(self) -> AbstractContextManager[None]:
        """A place for one stream."""
        return self._workers.admit()

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Speaks one utterance; its audio comes in parts of growing length."""
        run_options = onnxruntime.RunOptions()
        parts = self._loaded[utterance.voice.name].speak(
            utterance.text, utterance.speaking_rate, run_options, streaming=utterance.streaming
        )

        def make_part(emit: Emit) -> bool:
            try:
                part = next(parts)
            except NETWORK_ERRORS as error:
                if run_options.terminate:
                    return False
                raise ModelFailed(f"the voice {utterance.voice.name} broke on this text: {error}") from error
            emit(part.samples)
            return not part.is_last

        def stop() -> None:
            run_options.terminate = True

        turn = self._workers.run(make_part, priority=utterance.priority, stop=stop)
        try:
            async for audio in turn:
                yield audio
        finally:
            await turn.aclose()

    def fingerprint(self, voice: EngineVoice) -> str:
        """Of the voice's own files, whatever other voices there are."""
        return self._loaded[voice.name].fingerprint

    def status(self) -> EngineStatus:
        """How it runs now."""
        return EngineStatus(
            model=", ".join(sorted(self._loaded)),
            device="cpu",
            compute_type="float32",
            warmup_s=self._warmup_s,
            slots=self._workers.threads,
            slots_in_use=self._workers.in_use,
            queue_depth=self._workers.queue_depth,
        )
