"""One Piper voice: phonemes by piper-tts, samples by its network, loudness by us."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from piper import PiperVoice
from piper.config import PiperConfig

from maatu_runtime.audio import Samples
from maatu_runtime.errors import ModelNotInstalled
from maatu_runtime.language import Language
from maatu_tts.engine.base import EngineVoice
from maatu_tts.engine.espeak_text import survivable
from maatu_tts.engine.fingerprint import fingerprint
from maatu_tts.engine.piper_network import Inputs, load
from maatu_tts.engine.piper_vocoder import Part
from maatu_tts.loudness import TARGET_RMS, limit

_WARM_UP_TEXT = "This is how I sound, and I hope that it is loud enough."


class Voice:
    """A voice with its network, ready to speak. Thread-safe.

    Args:
        directory: Holds NAME.onnx and NAME.onnx.json.
        threads: Threads that one run of the network uses.

    Raises:
        ModelNotInstalled: There is no voice in the directory.
    """

    def __init__(self, directory: Path, threads: int) -> None:
        file = next(iter(sorted(directory.glob("*.onnx"))), None)
        if file is None:
            raise ModelNotInstalled(f"no Piper voice (*.onnx) in {directory}: run `make models`")
        settings_file = file.with_suffix(".onnx.json")
        settings: dict[str, Any] = json.loads(settings_file.read_text(encoding="utf-8"))
        self.fingerprint = fingerprint([file, settings_file])
        # It runs no network here, it only knows the phonemes.
        self._piper = PiperVoice(session=None, config=PiperConfig.from_dict(settings))
        self._config = self._piper.config
        [example] = self._sentences(_WARM_UP_TEXT, 1.0)
        self._network = load(file, threads, example)
        self._gain = np.float32(1.0)
        self._gain = self._measure_gain()
        self.description = EngineVoice(
            name=file.stem,
            languages=(Language.parse(settings["language"]["code"].replace("_", "-")),),
            sample_rate_hz=self._config.sample_rate,
            description=f"Piper, {settings.get('dataset', file.stem)}, {settings['audio'].get('quality', '')} quality",
        )

    def speak(
        self, text: str, speaking_rate: float, run_options: "onnxruntime.RunOptions", *, streaming: bool = True
    ) -> Iterator[Part]:
        """Speaks one text; each `next` works until the next part is made.

        Args:
            text: Plain text.
            speaking_rate: 0.5 to 2.
            run_options: `run_options.terminate = True` makes the running `next` raise onnxruntime's Fail.
            streaming: Make the first part as early as can be.
        """
        sentences = self._sentences(text, speaking_rate)
        if not sentences:
            yield Part(np.zeros(0, np.float32), True)
        for index, inputs in enumerate(sentences, 1):
            # Only the first sentence is waited for.
            for part in self._network.run(inputs, run_options, streaming=streaming and index == 1):
                yield Part(limit(part.samples * self._gain), part.is_last and index == len(sentences))

    def _sentences(self, text: str, speaking_rate: float) -> list[Inputs]:
        """What the network is given for each sentence of a text."""
        config = self._config
        scales = np.array([config.noise_scale, config.length_scale / speaking_rate, config.noise_w_scale], np.float32)
        sentences: list[Inputs] = []
        for phonemes in self._piper.phonemize(survivable(text)):
            ids = self._piper.phonemes_to_ids(phonemes)
            inputs: dict[str, Any] = {
                "input": np.array([ids], np.int64),
                "input_lengths": np.array([len(ids)], np.int64),
                "scales": scales,
            }
            if config.num_speakers > 1:
                inputs["sid"] = np.array([config.default_speaker_id], np.int64)
            sentences.append(inputs)
        return sentences

    def _measure_gain(self) -> "np.float32":
        """The gain that brings the voice to TARGET_RMS, from a first utterance.

        One gain for all utterances: Piper's own scaling of each sentence to its peak makes short ones loud.
        """
        parts = self.speak(_WARM_UP_TEXT, 1.0, onnxruntime.RunOptions())
        samples: Samples = np.concatenate([part.samples for part in parts])
        voiced = samples[np.abs(samples) > 0.05 * np.abs(samples).max()]
        return np.float32(TARGET_RMS / np.sqrt(np.mean(voiced**2)))
