"""The network of a Piper voice in onnxruntime: in two parts, so that sound comes early, or whole where it cannot be cut."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any, TypeAlias

import onnxruntime
import structlog
from onnxruntime.capi import onnxruntime_pybind11_state as onnxruntime_errors

from maatu_runtime.audio import Samples
from maatu_tts.engine.piper_split import Halves, NotSplittable, split
from maatu_tts.engine.piper_vocoder import Latents, Part, WindowedVocoder, measure

Inputs: TypeAlias = Mapping[str, Any]
"""What a voice's network is given: `input` (phoneme numbers), `input_lengths`, `scales`, `sid` in voices of many speakers."""

NETWORK_ERRORS: tuple[type[Exception], ...] = (
    onnxruntime_errors.Fail,
    onnxruntime_errors.InvalidArgument,
    onnxruntime_errors.InvalidGraph,
    onnxruntime_errors.RuntimeException,
)
"""What onnxruntime raises when a network breaks; Fail also when its run was told to terminate."""

_CANNOT_SPLIT: tuple[type[Exception], ...] = (NotSplittable, *NETWORK_ERRORS)

_log = structlog.get_logger()


class Network(ABC):
    """A voice's network. Serves any number of utterances at once."""

    @abstractmethod
    def run(self, inputs: Inputs, run_options: Any, *, streaming: bool = True) -> Iterator[Part]:
        """Makes a sentence; each `next` works until the next part is made.

        Split, the first takes some 3 ms a word and each later one 40 ms at most; whole, the only one takes 12 ms a word.

        Args:
            inputs: Of the network.
            run_options: `run_options.terminate = True` makes the running `next` raise onnxruntime's Fail.
            streaming: Make the first part as early as can be.
        """


class WholeNetwork(Network):
    """Makes a sentence in one run."""

    def __init__(self, session: Any) -> None:
        self._session = session

    def run(self, inputs: Inputs, run_options: Any, *, streaming: bool = True) -> Iterator[Part]:
        """One part."""
        yield Part(self._session.run(None, inputs, run_options)[0].reshape(-1), True)


class SplitNetwork(Network):
    """Makes the frames of a sentence in one run, then its samples in windows. Use `load`."""

    def __init__(self, halves: Halves, session: Callable[[bytes], Any], example: Inputs) -> None:
        self._latents = list(halves.latents)
        self._samples = [halves.samples]
        self._acoustic = session(halves.acoustic)
        self._vocoder = session(halves.vocoder)
        options = onnxruntime.RunOptions()
        self.windows: WindowedVocoder = measure(self.acoustic(example, options), partial(self.vocode, options=options))

    def run(self, inputs: Inputs, run_options: Any, *, streaming: bool = True) -> Iterator[Part]:
        """Parts of growing length."""
        frames = self.acoustic(inputs, run_options)
        yield from self.windows.run(frames, partial(self.vocode, options=run_options), streaming=streaming)

    def acoustic(self, inputs: Inputs, options: Any) -> Latents:
        """The frames of a sentence. Draws all of its noise."""
        return dict(zip(self._latents, self._acoustic.run(self._latents, inputs, options), strict=True))

    def vocode(self, latents: Latents, options: Any) -> Samples:
        """The samples of frames. The same frames give the same samples."""
        samples: Samples = self._vocoder.run(self._samples, latents, options)[0].reshape(-1)
        return samples


def load(path: Path, threads: int, example: Inputs) -> Network:
    """Loads a voice's network, in two parts where that works.

    Args:
        path: The .onnx file.
        threads: Threads that one run uses.
        example: Of a sentence of some seconds, to try the network with.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1

    def session(network: bytes | str) -> Any:
        return onnxruntime.InferenceSession(network, options, providers=["CPUExecutionProvider"])

    try:
        network = SplitNetwork(split(path.read_bytes()), session, example)
    except _CANNOT_SPLIT as error:
        _log.warning(
            "the voice makes each sentence in one run, its first sound comes late", voice=path.stem, why=str(error)
        )
        return WholeNetwork(session(str(path)))
    _log.info("the voice makes its sentences in windows", voice=path.stem, context_frames=network.windows.context)
    return network
