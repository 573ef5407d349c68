"""Attention of one layer over a cache of fixed shape: which kernel reads it at what share of the memory's bandwidth.

`by lengths` is the decoder's own kernel, which reads each row's length of it. `masked` is what the decoder does where that does not
work: it reads the whole context of every row. The others are what could take their place.
"""

from collections.abc import Callable
from functools import partial
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from tts_gpu_common import Bench

from maatu_tts.engine.parler.attention import decode_attention, works
from maatu_tts.engine.parler.runner import capture

_HEADS, _HEAD_SIZE = 16, 64
_SIZES = ((1, 512), (1, 1024), (8, 512), (64, 512), (256, 512), (256, 1024), (256, 96))
"""Rows and positions. The last is a description's."""
_BEYOND_CACHES = 2**28
"""Bytes read in turn: as the layers of a step do, each call reads another cache than the one before, so none is in L2."""

Kernel = Callable[[], object]


def run(bench: Bench) -> None:
    """Every kernel at every size; one that cannot do it is named with its reason."""
    bandwidth = bench.bandwidth()
    dtype = torch.bfloat16 if bench.on_gpu else torch.float32
    own = works(bench.device, dtype, _HEAD_SIZE)
    for rows, context in ((2, 64),) if bench.quick else _SIZES:
        size = 2 * rows * _HEADS * context * _HEAD_SIZE * dtype.itemsize
        calls = bench.runs(max(1, _BEYOND_CACHES // size))
        layers = [_layer(bench, rows, context, dtype, own) for _ in range(calls)]
        for name, (_, share) in layers[0].items():
            label = f"attention, {rows} rows at {context}: {name}, beside its floor"
            try:
                times_ms = _timed_ms(bench, [layer[name][0] for layer in layers])
            except RuntimeError as error:
                print(f"  {label}: {str(error).splitlines()[0][:100]}")
                continue
            floor_ms = share * size / bandwidth * 1_000
            bench.report.figure(label, times_ms, "ms", baseline=floor_ms, quiet=True)
            print(f"  {label:<78} {median(times_ms):>8.4f} ms ({floor_ms / median(times_ms):.1%})")


def _timed_ms(bench: Bench, calls: list[Kernel]) -> list[float]:
    """Milliseconds of a call. On a GPU all are one graph: launching takes longer than many of them."""

    def all_of_them() -> None:
        for call in calls:
            call()

    with torch.inference_mode():
        run = all_of_them
        if bench.on_gpu:
            all_of_them()
            bench.synchronize()
            run = capture(all_of_them).replay
        return [ms / len(calls) for ms in bench.timed_ms(run, bench.runs(20))]


def _layer(bench: Bench, rows: int, context: int, dtype: torch.dtype, own: bool) -> dict[str, tuple[Kernel, float]]:
    queries = torch.randn(rows, _HEADS, 1, _HEAD_SIZE, device=bench.device, dtype=dtype)
    keys_values = torch.randn(rows, 2 * _HEADS, context, _HEAD_SIZE, device=bench.device, dtype=dtype)
    keys, values = keys_values.chunk(2, dim=1)
    mask = torch.zeros(rows, 1, 1, context, device=bench.device, dtype=dtype)
    mask[..., -1] = -torch.inf
    kernels = _kernels(queries, keys, values, mask)
    if not own:
        return kernels
    full = torch.full((rows,), context, device=bench.device)
    # Streams are at all places of their utterances: the mean is half.
    ragged = torch.linspace(1, context, rows, device=bench.device).long()
    for name, lengths in (
        ("by lengths", full),
        ("by lengths, half in use", full // 2),
        ("by lengths, all lengths", ragged[torch.randperm(rows, device=bench.device)]),
    ):
        share = float(lengths.sum()) / (rows * context)
        kernels[name] = partial(decode_attention, queries[:, :, 0], keys_values, lengths, context), share
    return kernels


def _kernels(queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor) -> dict[str, tuple[Kernel, float]]:
    """Each with the share of the cache that it reads."""

    def attend(mask: Tensor | None = None) -> Tensor:
        return functional.scaled_dot_product_attention(queries, keys, values, mask)

    def by(backend: SDPBackend, mask: Tensor | None = None) -> Kernel:
        def run() -> None:
            with sdpa_kernel(backend):
                attend(mask)

        return run

    return {
        "masked": (lambda: attend(mask), 1.0),
        "mask of bools": (lambda: attend(mask == 0), 1.0),
        "memory-efficient": (by(SDPBackend.EFFICIENT_ATTENTION, mask), 1.0),
        "cuDNN": (by(SDPBackend.CUDNN_ATTENTION, mask), 1.0),
        "plain products": (by(SDPBackend.MATH, mask), 1.0),
        "flash without mask": (by(SDPBackend.FLASH_ATTENTION), 1.0),
        "flash by lengths": (_flash(queries, keys, values, 1.0), 1.0),
        "flash by lengths, half in use": (_flash(queries, keys, values, 0.5), 0.5),
    }


def _flash(queries: Tensor, keys: Tensor, values: Tensor, share: float) -> Kernel:
    """Flash attention that finds each row's length on the device: it reads no more than that, and needs no mask.

    A cache for it is [rows, positions, heads, head size].
    """
    rows, heads, context, size = keys.shape
    ends = torch.arange(rows + 1, device=keys.device, dtype=torch.int32)
    lengths = torch.full((rows,), int(share * context), device=keys.device, dtype=torch.int32)
    packed = [cached.transpose(1, 2).reshape(rows * context, heads, size) for cached in (keys, values)]
    flat = queries[:, :, 0].contiguous()

    def run() -> object:
        return torch.ops.aten._flash_attention_forward(
            flat, *packed, ends, ends * context, 1, context, 0.0, False, False, seqused_k=lengths
        )

    return run
