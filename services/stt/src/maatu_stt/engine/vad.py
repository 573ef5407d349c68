"""Voice activity: Silero's ONNX model (the file that faster-whisper carries), run window by window."""

from pathlib import Path
from typing import Any, Protocol

import numpy as np
import onnxruntime
from faster_whisper.utils import get_assets_path

from maatu_runtime.audio.samples import Samples

WINDOW = 512
"""Samples that the model judges at once: 32 ms at 16 kHz."""
_CONTEXT = 64
"""Samples of the window before that the model sees too."""
_STATE_SHAPE = (1, 1, 128)


class VoiceActivityDetector(Protocol):
    """The detector of one stream."""

    def probability(self, window: Samples) -> float:
        """How likely the next WINDOW samples of the stream hold speech, 0 to 1."""


class SileroModel:
    """The loaded model. It keeps no state and may serve many streams from many threads."""

    def __init__(self) -> None:
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        path = Path(get_assets_path()) / "silero_vad_v6.onnx"
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])

    def stream(self) -> "SileroStream":
        """A detector for one stream."""
        return SileroStream(self._session)


class SileroStream:
    """Silero on one stream: a recurrent network, whose state and last samples stay here."""

    def __init__(self, session: Any) -> None:
        self._session = session
        self._hidden = np.zeros(_STATE_SHAPE, np.float32)
        self._cell = np.zeros(_STATE_SHAPE, np.float32)
        self._context = np.zeros(_CONTEXT, np.float32)

    def probability(self, window: Samples) -> float:
        """Judges the next window; costs about 0.1 ms, so it needs no thread."""
        heard = np.concatenate([self._context, window])[np.newaxis, :]
        probability, self._hidden, self._cell = self._session.run(
            None, {"input": heard, "h": self._hidden, "c": self._cell}
        )
        self._context = window[-_CONTEXT:].copy()
        return float(probability.reshape(-1)[0])
