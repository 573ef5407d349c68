"""Whether a turn is over, by the sound of it: smart-turn v3.2 on ONNX Runtime.

The model (github.com/pipecat-ai/smart-turn, BSD-2-Clause) is the encoder of Whisper tiny with a classifier behind it, in
8 bits. It hears intonation and pace where a transcript shows words only. What it was trained on, and therefore is given:

- the last 8 s of the turn at 16 kHz, with silence before them where there are fewer;
- scaled as a whole, that silence included, to mean 0 and variance 1;
- the log-mel features of Whisper: 80 bands, a frame every 10 ms, 800 frames.

It is meant to be asked at a pause, some 200 ms after the voice. What it adds to the transcript, on recordings of people
(telephone prompts, 100 in English and 80 in Spanish; each whole, and cut in the middle of a phrase), with 300 ms of silence
wanted after what is complete, 500 where unsure, 1,200 after what goes on:

    rule                                   wait at the end       pauses of 700 ms taken for the end
                                           English   Spanish     English   Spanish
    always 500 ms                          500 ms    500 ms      100 %     100 %
    the text (`completeness`)              417 ms    454 ms       71 %      73 %
    the sound, 0.5 or more is complete     318 ms    356 ms       43 %      29 %
    both (bench/stt_endpoint.py)           341 ms    406 ms       48 %      33 %

The sound alone takes 43 % and 29 % of the pauses of 400 ms for the end, both together 13 % and 10 %. The thresholds of the rule
were chosen on these recordings.
"""

from pathlib import Path

import numpy as np
import onnxruntime
from faster_whisper.feature_extractor import FeatureExtractor
from numpy.typing import NDArray

from maatu_runtime.audio.samples import Samples
from maatu_runtime.errors import ConfigurationError
from maatu_stt.engine.base import SAMPLE_RATE_HZ

MODEL = "smart-turn-v3"
"""Its name in the catalogue."""
HEARD = 8 * SAMPLE_RATE_HZ
"""Samples that the model hears."""
_FILE = "model.onnx"
_INPUT = "input_features"
_INPUT_SHAPE = [80, 800]
_VARIANCE_FLOOR = 1e-7


class SmartTurn:
    """The loaded model. It keeps no state and may serve many streams from many threads.

    One call takes 30 ms on one core of a 2-core AVX-512 machine, however short the audio.

    Args:
        directory: Of the installed model.
        threads: Threads of one call.

    Raises:
        ConfigurationError: the file is missing, does not load or holds another model.
    """

    def __init__(self, directory: Path, threads: int = 1) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        path = directory / _FILE
        try:
            self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own types share no base but this one
            raise ConfigurationError(_advice(f"{path} does not load: {error}")) from error
        inputs = {entry.name: entry.shape for entry in self._session.get_inputs()}
        if list(inputs) != [_INPUT] or inputs[_INPUT][1:] != _INPUT_SHAPE:
            raise ConfigurationError(_advice(f"{path} holds another model: its inputs are {inputs}"))
        self._extract = FeatureExtractor(chunk_length=HEARD // SAMPLE_RATE_HZ)

    def probability(self, samples: Samples) -> float:
        """How likely the speaker has said all they wanted to, 0 to 1. Blocks.

        Args:
            samples: The turn until now at 16 kHz; all but the last HEARD samples are left out. Empty is heard as silence.
        """
        (scores,) = self._session.run(None, {_INPUT: self.features(samples)[np.newaxis]})
        return float(scores.reshape(-1)[0])

    def features(self, samples: Samples) -> NDArray[np.float32]:
        """What the model is given: log-mel energies, 80 bands by 800 frames."""
        heard = samples[-HEARD:]
        heard = np.pad(heard, (HEARD - len(heard), 0))
        scaled = (heard - heard.mean()) / np.sqrt(heard.var() + _VARIANCE_FLOOR)
        features: NDArray[np.float32] = self._extract(scaled, padding=0)
        return features.astype(np.float32, copy=False)


def _advice(defect: str) -> str:
    return f"{defect}. Run `maatu models pull {MODEL} --verify`, or do without the audio model of turn ends"
