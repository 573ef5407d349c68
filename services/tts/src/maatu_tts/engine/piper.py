"""Piper: neural voices (VITS, exported to ONNX) for one language each, on the CPU.

A voice makes a whole sentence in one run of its network, about 24 times as fast as it is spoken on one core. Phonemes and
their numbers are piper-tts's business; running the network is ours, because a run must be stoppable and bounded in threads.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig

from maatu_runtime.audio import Samples
from maatu_runtime.errors import ModelFailed, ModelNotInstalled
from maatu_runtime.language import Language
from maatu_tts.engine.base import Capabilities, Engine, EngineAudio, EngineStatus, EngineVoice, Utterance
from maatu_tts.engine.workers import Emit, Workers

_WARM_UP_TEXT = "This is how I sound, and I hope that it is loud enough."
_LOUDNESS = 0.15
"""Root mean square of the voiced samples that every voice is brought to, about -16.5 dB below full scale."""


class _Model:
    """One voice with its network. Thread-safe once loaded."""

    def __init__(self, directory: Path, threads: int) -> None:
        network = next(iter(sorted(directory.glob("*.onnx"))), None)
        if network is None:
            raise ModelNotInstalled(f"no Piper voice (*.onnx) in {directory}: run `make models`")
        settings: dict[str, Any] = json.loads(network.with_suffix(".onnx.json").read_text(encoding="utf-8"))
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        session = onnxruntime.InferenceSession(str(network), options, providers=["CPUExecutionProvider"])
        self._piper = PiperVoice(session=session, config=PiperConfig.from_dict(settings))
        self._gain = 1.0
        self.voice = EngineVoice(
            name=network.stem,
            languages=(Language.parse(settings["language"]["code"].replace("_", "-")),),
            sample_rate_hz=self._piper.config.sample_rate,
            description=f"Piper, {settings.get('dataset', network.stem)}, {settings['audio'].get('quality', '')} quality",
        )

    def set_loudness(self) -> None:
        """Fixes the gain from a first utterance. Piper's own scaling of each sentence to its peak makes short ones loud."""
        samples = self.speak(_WARM_UP_TEXT, 1.0, onnxruntime.RunOptions())
        voiced = samples[np.abs(samples) > 0.05 * np.abs(samples).max()]
        self._gain = _LOUDNESS / float(np.sqrt(np.mean(voiced**2)))

    def speak(self, text: str, speaking_rate: float, run_options: Any) -> Samples:
        """Speaks one text. Blocks until it is done or run_options.terminate is set, which raises onnxruntime's Fail."""
        config = self._piper.config
        pieces: list[Samples] = []
        for phonemes in self._piper.phonemize(text):
            ids = self._piper.phonemes_to_ids(phonemes)
            inputs: dict[str, Any] = {
                "input": np.array([ids], np.int64),
                "input_lengths": np.array([len(ids)], np.int64),
                "scales": np.array(
                    [config.noise_scale, config.length_scale / speaking_rate, config.noise_w_scale], np.float32
                ),
            }
            if config.num_speakers > 1:
                inputs["sid"] = np.array([config.default_speaker_id], np.int64)
            pieces.append(self._piper.session.run(None, inputs, run_options)[0].reshape(-1))
        samples: Samples = np.concatenate([np.zeros(0, np.float32), *pieces]) * np.float32(self._gain)
        return samples.clip(-1.0, 1.0)


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
        self._models: dict[str, _Model] = {}
        self._warmup_s = 0.0

    @property
    def voices(self) -> Sequence[EngineVoice]:
        """The voices loaded."""
        return [model.voice for model in self._models.values()]

    async def warm_up(self) -> None:
        """Loads the voices, each in a thread, and lets each speak once."""
        began = self._clock()
        models = [await asyncio.to_thread(self._load, directory) for directory in self._directories()]
        self._models = {model.voice.name: model for model in models}
        self._warmup_s = self._clock() - began

    def _load(self, directory: Path) -> _Model:
        model = _Model(directory, self._threads)
        model.set_loudness()
        return model

    async def close(self) -> None:
        """Ends the threads and forgets the voices."""
        await self._workers.close()
        self._models = {}

    def admit(self) -> AbstractContextManager[None]:
        """A place for one stream."""
        return self._workers.admit()

    async def synthesize(self, utterance: Utterance) -> AsyncGenerator[EngineAudio, None]:
        """Speaks one utterance; its audio comes in one piece."""
        model = self._models[utterance.voice.name]
        run_options = onnxruntime.RunOptions()

        def produce(emit: Emit) -> None:
            try:
                emit(model.speak(utterance.text, utterance.speaking_rate, run_options))
            except onnxruntime.capi.onnxruntime_pybind11_state.Fail as error:
                if not run_options.terminate:
                    raise ModelFailed(f"the voice {utterance.voice.name} broke on this text: {error}") from error

        def stop() -> None:
            run_options.terminate = True

        turn = self._workers.run(produce, priority=utterance.priority, stop=stop)
        try:
            async for audio in turn:
                yield audio
        finally:
            await turn.aclose()

    def status(self) -> EngineStatus:
        """How it runs now."""
        return EngineStatus(
            model=", ".join(sorted(self._models)),
            device="cpu",
            compute_type="float32",
            warmup_s=self._warmup_s,
            slots=self._workers.threads,
            slots_in_use=self._workers.in_use,
            queue_depth=self._workers.queue_depth,
        )
