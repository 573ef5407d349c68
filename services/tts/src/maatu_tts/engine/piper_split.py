"""Cuts a Piper voice's network in two where the sound begins.

A VITS network has two parts. The acoustic part (text encoder, durations, flow) looks at the whole sentence and draws all of
its noise; it makes a sequence of latent frames. The vocoder, a HiFi-GAN generator, turns each frame into 256 samples and
looks only a few frames to either side. Exported to ONNX they are one graph, which gives its first sample with its last.
Run apart, the vocoder can work on windows of frames, and the first sound comes after a fraction of the work.

VITS: Kim et al. 2021, arXiv:2106.06103. HiFi-GAN: Kong et al. 2020, arXiv:2010.05646.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from google.protobuf.message import DecodeError

from maatu_tts.engine.piper_onnx import Model, declare_floats, retain

_VOCODER = frozenset({"Conv", "ConvTranspose", "LeakyRelu", "Add", "Div", "Tanh", "Identity", "Constant"})
"""Operators of a vocoder. The search for its beginning ends at any other: before the vocoder frames are masked by a Mul."""
_SHAPING = frozenset({"Unsqueeze", "Squeeze", "Reshape", "Identity"})
"""Operators that may follow the vocoder: they give the samples another shape."""


class NotSplittable(Exception):
    """The network is not laid out as Piper exports it. The message says what is different."""


@dataclass(frozen=True)
class Halves:
    """A network in two parts."""

    acoustic: bytes
    """ONNX model from the network's own inputs to `latents`."""
    vocoder: bytes
    """ONNX model from `latents` to `samples`."""
    latents: tuple[str, ...]
    """What passes from one to the other: the frames, [1, channels, frames]; in voices of many speakers also the speaker."""
    samples: str
    """Name of the vocoder's output, [1, 1, samples]."""


def split(network: bytes) -> Halves:
    """Cuts a network.

    Args:
        network: Content of an .onnx file.

    Raises:
        NotSplittable: No vocoder is found at the network's end.
    """
    acoustic = Model()
    try:
        acoustic.ParseFromString(network)
    except DecodeError as error:
        raise NotSplittable(f"it is no ONNX file: {error}") from error
    makers = {name: node for node in acoustic.graph.node for name in node.output}
    samples, reshaped = _end_of_vocoder(acoustic.graph, makers)
    sounding, latents = _vocoder(acoustic.graph, makers, samples)

    # Constants may serve both parts.
    later = {name for name in sounding if makers[name].op_type != "Constant"} | reshaped

    vocoder = Model()
    vocoder.CopyFrom(acoustic)
    _reduce(vocoder.graph, lambda node: node.output[0] in sounding)
    declare_floats(vocoder.graph.input, latents)
    declare_floats(vocoder.graph.output, [samples])
    _reduce(acoustic.graph, lambda node: node.output[0] not in later)
    declare_floats(acoustic.graph.output, latents)
    return Halves(acoustic.SerializeToString(), vocoder.SerializeToString(), tuple(latents), samples)


def _end_of_vocoder(graph: Any, makers: dict[str, Any]) -> tuple[str, set[str]]:
    """The tensor of samples as the vocoder makes it, and those tensors that are the same samples in other shapes."""
    if not graph.output:
        raise NotSplittable("it has no output")
    name, reshaped = graph.output[0].name, set[str]()
    while (node := makers.get(name)) is not None and node.op_type in _SHAPING:
        reshaped.add(name)
        name = node.input[0]
    if node is None or node.op_type != "Tanh":
        raise NotSplittable(
            f"its samples come out of {node.op_type if node else 'nothing'}, not out of a vocoder's Tanh"
        )
    return name, reshaped


def _vocoder(graph: Any, makers: dict[str, Any], samples: str) -> tuple[set[str], list[str]]:
    """The tensors that the vocoder makes, and those that it is given."""
    weights = {tensor.name for tensor in graph.initializer}
    sounding: set[str] = set()
    latents: set[str] = set()
    ahead = [samples]
    while ahead:
        name = ahead.pop()
        if not name or name in weights or name in sounding:  # an input left out has no name
            continue
        node = makers.get(name)
        if node is None or node.op_type not in _VOCODER:
            latents.add(name)
            continue
        sounding.add(name)
        ahead.extend(node.input)
    if not any(makers[name].op_type == "ConvTranspose" for name in sounding):
        raise NotSplittable("nothing at its end makes samples out of frames")
    if latents & {tensor.name for tensor in graph.input}:
        raise NotSplittable("its vocoder is given an input of the network itself")
    return sounding, sorted(latents)


def _reduce(graph: Any, wanted: Callable[[Any], bool]) -> None:
    """Leaves those nodes that are wanted, and takes out the weights that only the others use."""
    others = {name for node in graph.node if not wanted(node) for name in node.input}
    retain(graph.node, wanted)
    # What no node names is kept: the branches of an If use weights that the If does not name.
    unused = others - {name for node in graph.node for name in node.input}
    retain(graph.initializer, lambda tensor: tensor.name not in unused)
    del graph.value_info[:]
