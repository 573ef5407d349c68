"""Attention of one layer over a cache of fixed shape: which kernel reads it at what share of the memory's bandwidth.

`as the decoder does` is what a step does: the whole context of every row, masked. The others are what could take its place.
"""

from collections.abc import Callable
from statistics import median

import torch
from torch import Tensor
from torch.nn import functional
from torch.nn.attention import SDPBackend, sdpa_kernel
from tts_gpu_common import Bench

_HEADS, _HEAD_SIZE = 16, 64
_SIZES = ((1, 512), (1, 1024), (64, 512), (256, 512), (256, 1024))


def run(bench: Bench) -> None:
    """Every kernel at every size; one that cannot do it is named with its reason."""
    bandwidth = bench.bandwidth()
    dtype = torch.bfloat16 if bench.on_gpu else torch.float32
    for rows, context in ((2, 64),) if bench.quick else _SIZES:
        shape = (rows, _HEADS, context, _HEAD_SIZE)
        queries = torch.randn(rows, _HEADS, 1, _HEAD_SIZE, device=bench.device, dtype=dtype)
        keys, values = (torch.randn(shape, device=bench.device, dtype=dtype) for _ in range(2))
        mask = torch.zeros(rows, 1, 1, context, device=bench.device, dtype=dtype)
        mask[..., -1] = -torch.inf
        floor_ms = 2 * keys.numel() * dtype.itemsize / bandwidth * 1_000
        for name, (attend, share) in _kernels(queries, keys, values, mask).items():
            label = f"attention, {rows} rows at {context}: {name}, beside its floor"
            try:
                with torch.inference_mode():
                    times_ms = bench.timed_ms(attend, bench.runs(20))
            except RuntimeError as error:
                print(f"  {label}: {str(error).splitlines()[0][:100]}")
                continue
            bench.report.figure(label, times_ms, "ms", baseline=share * floor_ms, quiet=True)
            print(f"  {label:<78} {median(times_ms):>8.4f} ms ({share * floor_ms / median(times_ms):.1%})")


def _kernels(
    queries: Tensor, keys: Tensor, values: Tensor, mask: Tensor
) -> dict[str, tuple[Callable[[], object], float]]:
    """Each with the share of the cache that it reads."""

    def attend(mask: Tensor | None = None) -> Tensor:
        return functional.scaled_dot_product_attention(queries, keys, values, mask)

    def by(backend: SDPBackend, mask: Tensor | None = None) -> Callable[[], object]:
        def run() -> None:
            with sdpa_kernel(backend):
                attend(mask)

        return run

    return {
        "as the decoder does": (lambda: attend(mask), 1.0),
        "mask of bools": (lambda: attend(mask == 0), 1.0),
        "memory-efficient": (by(SDPBackend.EFFICIENT_ATTENTION, mask), 1.0),
        "cuDNN": (by(SDPBackend.CUDNN_ATTENTION, mask), 1.0),
        "plain products": (by(SDPBackend.MATH, mask), 1.0),
        "flash without mask": (by(SDPBackend.FLASH_ATTENTION), 1.0),
        "flash by lengths": (_flash(queries, keys, values, 1.0), 1.0),
        "flash by lengths, half in use": (_flash(queries, keys, values, 0.5), 0.5),
    }


def _flash(queries: Tensor, keys: Tensor, values: Tensor, share: float) -> Callable[[], object]:
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
