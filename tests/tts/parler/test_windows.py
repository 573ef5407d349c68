"""Audio decoded in windows is the audio decoded at once."""

import logging
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import Tensor

from maatu_tts.engine.parler.checkpoint import Checkpoint
from maatu_tts.engine.parler.codec import CONTEXT_FRAMES, Codec
from maatu_tts.engine.parler.config import CodecConfig
from maatu_tts.engine.parler.loader import ParlerModel
from maatu_tts.engine.parler.random_weights.codec import transformers_codec
from maatu_tts.engine.parler.random_weights.files import write_tensors
from maatu_tts.engine.parler.random_weights.size import Size
from maatu_tts.engine.parler.windows import Window, _rung, decode, warm_up

Load = Callable[..., ParlerModel]
HOP = 512
TOLERANCE = 1e-5
CPU = torch.device("cpu")
GPU = torch.device("cuda")


def some_codes(frames: int, seed: int = 0) -> Tensor:
    return torch.randint(0, 1024, (9, frames), generator=torch.Generator().manual_seed(seed))


def windows(codes: Tensor, cuts: Sequence[int]) -> list[Window]:
    """The windows of a stream that is cut there, each as if no more were known than it needs."""
    frames = codes.shape[1]
    edges = [0, *cuts, frames]
    known = [min(end + CONTEXT_FRAMES, frames) for end in edges[1:]]
    return [
        Window.cut(codes[:, :until], begin, end, ends=end == frames)
        for (begin, end), until in zip(pairwise(edges), known, strict=True)
    ]


@torch.inference_mode()
def at_once(codec: Codec, codes: Tensor) -> np.ndarray:
    whole: np.ndarray = codec(codes[None])[0].numpy()
    return whole


@torch.inference_mode()
def in_windows(codec: Codec, *streams: list[Window]) -> list[np.ndarray]:
    """All windows of all streams in one go, and each stream's put together."""
    pieces = iter(decode(codec, [window for stream in streams for window in stream], CPU))
    joined = []
    for stream in streams:
        parts = [next(pieces) for _ in stream]
        assert [len(part) for part in parts] == [window.take * HOP for window in stream]
        joined.append(np.concatenate(parts))
    return joined


def check(codec: Codec, codes: Tensor, cuts: Sequence[int]) -> None:
    """The windows' audio is the whole's."""
    (joined,) = in_windows(codec, windows(codes, cuts))
    expected = at_once(codec, codes)
    assert joined.dtype == np.float32
    assert joined.shape == expected.shape
    assert np.abs(joined - expected).max() <= TOLERANCE


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], derandomize=True)
@given(cuts=st.sets(st.integers(1, 59), min_size=1, max_size=6))
def test_any_cut_is_inaudible(load: Load, one_thread: None, cuts: set[int]) -> None:
    # The last window has what the windows before it leave: a stream's codes all are known by then.
    usable = [cut for cut in sorted(cuts) if cut + CONTEXT_FRAMES <= 60]
    check(load("endless").codec, some_codes(60), usable)


@pytest.mark.parametrize("frames", [1, 2, 9, 10, 11, 21])
def test_short_streams_are_one_window(load: Load, frames: int) -> None:
    codes = some_codes(frames)
    (window,) = windows(codes, [])
    assert (window.skip, window.take, window.ends, window.length(CPU)) == (0, frames, True, frames)
    check(load("endless").codec, codes, [])


@pytest.mark.parametrize("last", [1, 5, CONTEXT_FRAMES])
def test_the_first_and_the_last_window_have_context_on_one_side(load: Load, last: int) -> None:
    codes = some_codes(30 + last)
    first, middle, end = windows(codes, [1, 30 + last - CONTEXT_FRAMES])
    assert (first.skip, first.codes.shape[1]) == (0, 1 + CONTEXT_FRAMES)
    assert (middle.skip, middle.codes.shape[1]) == (1, 1 + middle.take + CONTEXT_FRAMES)
    assert (end.skip, end.codes.shape[1]) == (CONTEXT_FRAMES, 2 * CONTEXT_FRAMES)
    check(load("endless").codec, codes, [1, 30 + last - CONTEXT_FRAMES])


def test_a_cut_in_every_frame(load: Load) -> None:
    check(load("endless").codec, some_codes(24), list(range(1, 15)))


def test_windows_of_a_stream_that_goes_on_are_filled_to_few_lengths() -> None:
    codes = some_codes(60)
    some = [Window.cut(codes, 20, 20 + take, ends=False) for take in range(1, 31)]
    assert {window.length(CPU) for window in some} == {30, 40, 50}
    assert {window.length(GPU) for window in some} == {40, 70}
    long = [Window.cut(some_codes(300), 20, 20 + take, ends=False) for take in (60, 61, 200)]
    for device in (CPU, GPU):
        assert Window.cut(codes, 20, 60, ends=True).length(device) == 50
        assert Window.cut(codes[:, :37], 20, 37, ends=True).length(device) == 27
        assert [window.length(device) for window in long] == [80, 90, 220]


class RecordingCodec:
    """Writes down the shapes that it is given, and has no memory for some of them."""

    def __init__(self, too_large: int = 10**9) -> None:
        self.shapes: list[tuple[int, int]] = []
        self._too_large = too_large

    def __call__(self, codes: Tensor) -> Tensor:
        batch, _, length = codes.shape
        self.shapes.append((batch, length))
        if batch * length >= self._too_large:
            raise torch.OutOfMemoryError("CUDA out of memory.")
        return torch.zeros(batch, length * HOP)


def test_what_a_gpu_decodes_is_warmed_up_and_nothing_else_with_fake_codec() -> None:
    codec: Any = RecordingCodec()
    warm_up(codec, 9, CPU, longest=80, frames=4096)
    assert len(codec.shapes) == len(set(codec.shapes))
    made = {(1, length) for length in range(1, 81)}
    for length in (20, 40, 70, 80):
        for count in range(2, 4096 // length + 1):
            made.add((len(_rung(torch.zeros(min(count, 128), 9, length), GPU)), length))
    assert set(codec.shapes) == made
    assert max(batch * length for batch, length in made) <= 1.34 * 4096
    assert len(made) < 140


def test_no_memory_for_warming_up_is_no_error_with_fake_codec(caplog: pytest.LogCaptureFixture) -> None:
    codec: Any = RecordingCodec(too_large=1_000)
    with caplog.at_level(logging.WARNING):
        warm_up(codec, 9, CPU, longest=80, frames=4096)
    assert codec.shapes[-1] == (16, 70)
    assert "no memory to warm up for 16 windows of 70 frames" in caplog.text


def test_less_context_would_be_heard(load: Load) -> None:
    # The number in codec.py is no more than what is needed.
    codec, codes = load("endless").codec, some_codes(60)
    expected = at_once(codec, codes)[20 * HOP : 30 * HOP]
    short = at_once(codec, codes[:, 20 - CONTEXT_FRAMES + 2 : 30 + CONTEXT_FRAMES - 2])
    begin = (CONTEXT_FRAMES - 2) * HOP
    assert np.abs(short[begin : begin + 10 * HOP] - expected).max() > TOLERANCE


def test_windows_of_several_streams_are_decoded_together(load: Load) -> None:
    model = load("endless")
    streams = {seed: some_codes(frames, seed) for seed, frames in enumerate([60, 41, 12, 60, 1])}
    cuts = [[10, 30], [10, 30], [2], [20, 40], []]
    batches: list[tuple[int, ...]] = []
    hook = model.codec.register_forward_pre_hook(lambda _, inputs: batches.append(tuple(inputs[0].shape)))
    joined = in_windows(model.codec, *(windows(streams[seed], cuts[seed]) for seed in streams))
    hook.remove()
    # One run for each length: there are twelve windows.
    assert len(batches) == len({frames for _, _, frames in batches})
    assert sum(batch for batch, _, _ in batches) == 12
    assert max(batch for batch, _, _ in batches) >= 3
    for seed, codes in streams.items():
        assert np.abs(joined[seed] - at_once(model.codec, codes)).max() <= TOLERANCE


def test_a_codec_that_computes_in_float64_speaks_float32(load: Load) -> None:
    codec, codes = load("endless", "float64").codec, some_codes(40)
    check(codec, codes, [7, 20])
    assert at_once(codec, codes).dtype == np.float64


def test_nothing_is_decoded_to_nothing(load: Load) -> None:
    assert decode(load("endless").codec, [], CPU) == []


def test_a_codec_as_wide_as_published_ones(tmp_path: Path) -> None:
    # A quarter of mini's channels in the decoder, its latent and its depth; the whole takes seconds a run.
    size = Size(codec_encoder_hidden=64, codec_decoder_hidden=384)
    names = ("encoder.", "in_proj.")
    specs = [
        spec
        for spec in transformers_codec(size)
        if not any(name in spec.name.removeprefix("audio_encoder.") for name in names)
    ]
    write_tensors(tmp_path, specs, seed=0, dtype=torch.float32, shards=1)
    config = CodecConfig(1024, 8, 1024, 384, (8, 8, 4, 2), 44_100)
    with Checkpoint(tmp_path) as checkpoint:
        codec = Codec(config, checkpoint, 9, torch.empty(0))
        checkpoint.check()
    check(codec.eval(), some_codes(45), [10, 30])
