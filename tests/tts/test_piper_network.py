"""The network of the real Piper voice, cut in two: what windows give is what the whole gives."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import pytest
from structlog.testing import capture_logs

from maatu_runtime.audio import Samples
from maatu_tts.engine.piper_network import Inputs, Network, SplitNetwork, WholeNetwork, load
from maatu_tts.engine.piper_onnx import Model
from maatu_tts.engine.piper_split import NotSplittable, split
from maatu_tts.engine.piper_vocoder import Latents, WindowedVocoder, measure


@pytest.fixture(scope="module")
def file(models_dir: Path) -> Path:
    return models_dir / "piper-en_US-joe-medium" / "en_US-joe-medium.onnx"


def sentence(phonemes: int, noise: float = 0.0, seed: int = 7) -> Inputs:
    """Phonemes at random; without noise the network makes the same of them each time."""
    ids = np.random.default_rng(seed).integers(14, 120, phonemes)
    return {
        "input": ids[np.newaxis].astype(np.int64),
        "input_lengths": np.array([phonemes], np.int64),
        "scales": np.array([noise, 1.0, noise], np.float32),
    }


@pytest.fixture(scope="module")
def halved(file: Path) -> Network:
    return load(file, 1, sentence(60))


def samples_of(network: Network, inputs: Inputs, *, streaming: bool = True) -> tuple[Samples, list[int]]:
    """All samples, and the length of each part."""
    parts = list(network.run(inputs, onnxruntime.RunOptions(), streaming=streaming))
    assert [part.is_last for part in parts] == [False] * (len(parts) - 1) + [True]
    return np.concatenate([part.samples for part in parts]), [len(part.samples) for part in parts]


def test_the_windows_joined_are_the_whole(file: Path, halved: Network) -> None:
    assert isinstance(halved, SplitNetwork)
    assert (halved.windows.hop, halved.windows.context) == (256, 11)
    whole = WholeNetwork(onnxruntime.InferenceSession(str(file), providers=["CPUExecutionProvider"]))
    for phonemes in (1, 3, 20, 90):
        expected, [_] = samples_of(whole, sentence(phonemes))
        for streaming in (True, False):
            joined, lengths = samples_of(halved, sentence(phonemes), streaming=streaming)
            assert len(joined) == len(expected)
            assert np.abs(joined - expected).max() < 1e-5
            assert streaming or len(lengths) <= 1 + len(expected) // (96 * 256)


def test_the_first_part_is_short_and_the_next_ones_grow(halved: Network) -> None:
    _, lengths = samples_of(halved, sentence(120))
    frames = [length // 256 for length in lengths]
    assert frames[:3] == [12, 48, 96]
    assert max(frames[:-1]) == 96


def test_noise_is_drawn_once_for_all_windows(halved: Network) -> None:
    assert isinstance(halved, SplitNetwork)
    runs = [samples_of(halved, sentence(40, noise=0.7))[0] for _ in range(2)]
    assert not np.array_equal(runs[0][:20_000], runs[1][:20_000])
    # Frames drawn with noise: their windows are those of one utterance.
    options = onnxruntime.RunOptions()
    frames = halved.acoustic(sentence(40, noise=0.7), options)
    joined = np.concatenate(
        [part.samples for part in halved.windows.run(frames, partial(halved.vocode, options=options))]
    )
    assert np.abs(joined - halved.vocode(frames, options)).max() < 1e-5


def test_a_terminated_run_raises_in_the_window_that_runs(halved: Network) -> None:
    options = onnxruntime.RunOptions()
    parts = halved.run(sentence(120), options)
    next(parts)
    options.terminate = True
    with pytest.raises(Exception, match="terminate"):
        next(parts)


def doctored(file: Path, tmp_path: Path, change: Callable[[Any], None]) -> Path:
    """The voice with a changed graph."""
    model = Model()
    model.ParseFromString(file.read_bytes())
    change(model.graph)
    path = tmp_path / "doctored.onnx"
    path.write_bytes(model.SerializeToString())
    return path


def test_a_network_of_another_layout_runs_whole_and_says_so(file: Path, tmp_path: Path) -> None:
    def change(graph: Any) -> None:
        next(node for node in graph.node if "/dec/Tanh_output_0" in node.output).op_type = "Sigmoid"

    with capture_logs() as logs:
        network = load(doctored(file, tmp_path, change), 1, sentence(60))
    assert isinstance(network, WholeNetwork)
    assert [(entry["log_level"], entry["voice"]) for entry in logs] == [("warning", "doctored")]
    assert "Sigmoid" in logs[0]["why"]
    samples, lengths = samples_of(network, sentence(30))
    assert len(lengths) == 1
    assert len(samples) % 256 == 0


def test_a_vocoder_that_is_also_told_the_speaker_is_split(file: Path, tmp_path: Path) -> None:
    """As in voices of many speakers: what conditions the vocoder holds for all frames, and every window gets it."""

    def change(graph: Any) -> None:
        before = next(node for node in graph.node if "/dec/conv_pre/Conv_output_0" in node.output)
        before.output[0] = "unconditioned"
        place = list(graph.node).index(before) + 1
        graph.node.insert(place, type(before)(op_type="ReduceMean", input=["scales"], output=["speaker"]))
        graph.node.insert(
            place + 1,
            type(before)(op_type="Add", input=["unconditioned", "speaker"], output=["/dec/conv_pre/Conv_output_0"]),
        )

    path = doctored(file, tmp_path, change)
    halved = load(path, 1, sentence(60))
    assert isinstance(halved, SplitNetwork)
    assert len(split(path.read_bytes()).latents) == 2
    whole = WholeNetwork(onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]))
    expected, _ = samples_of(whole, sentence(90))
    joined, lengths = samples_of(halved, sentence(90))
    assert len(lengths) > 2
    assert np.abs(joined - expected).max() < 1e-5


def test_a_file_that_is_no_network_cannot_be_split() -> None:
    with pytest.raises(NotSplittable, match="no ONNX file"):
        split(b"\xff" * 40)
    with pytest.raises(NotSplittable):
        split(Model().SerializeToString())


def convolution(reach: int) -> Callable[[Latents], Samples]:
    """A vocoder that makes 4 samples of a frame and looks so many frames to either side."""

    def decode(latents: Latents) -> Samples:
        padded = np.pad(latents["z"].sum(axis=(0, 1)), reach)
        summed = np.convolve(padded, np.full(2 * reach + 1, 0.1), "valid")
        return np.repeat(summed, 4).astype(np.float32)

    return decode


def latents(frames: int) -> Latents:
    return {"z": np.random.default_rng(3).standard_normal((1, 5, frames)).astype(np.float32)}


@pytest.mark.parametrize("reach", [0, 1, 7, 20])
def test_how_far_a_vocoder_looks_is_measured(reach: int) -> None:
    found = measure(latents(90), convolution(reach))
    assert (found.context, found.hop) == (reach, 4)


@pytest.mark.parametrize("frames", [1, 2, 11, 12, 13, 60, 61, 500])
def test_every_length_is_cut_without_loss(frames: int) -> None:
    decode = convolution(3)
    parts = list(WindowedVocoder(3, 4).run(latents(frames), decode))
    assert np.abs(np.concatenate([part.samples for part in parts]) - decode(latents(frames))).max() < 1e-5
    assert [part.is_last for part in parts].index(True) == len(parts) - 1


@pytest.mark.parametrize(
    ("decode", "why"),
    [
        (convolution(40), "40 frames"),
        (lambda given: convolution(1)(given) - convolution(1)(given).mean(), "frames to either side"),
        (lambda given: np.zeros(4 * given["z"].shape[-1], np.float32), "do not depend"),
        (lambda given: convolution(1)(given)[1:], "makes 359 samples"),
        (lambda given: convolution(1)(given) + np.float32(given["z"].shape[-1]), "differ from the whole"),
    ],
)
def test_a_vocoder_that_windows_do_not_serve_is_found_out(decode: Callable[[Latents], Samples], why: str) -> None:
    with pytest.raises(NotSplittable, match=why):
        measure(latents(90), decode)
