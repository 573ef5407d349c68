"""Attention of a decode step on a GPU: every row reads its own part of the cache and nothing else.

PyTorch's attention reads the whole context of every row and masks what is not the row's. The kernel here asks the device how long
each row is. Where rows and heads are too few to fill a GPU, several programs share a row's positions, and a second kernel joins
their results (flash-decoding; Dao et al. 2023). It is written in Triton, which comes with PyTorch's builds for CUDA.
"""

import functools
import importlib.util
import logging
import math
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

log = logging.getLogger(__name__)

_ELEMENTS = 4096
"""Of the keys that one program takes at a time: 16 kB of 16-bit numbers, with the values."""
_WARPS = 4
_STAGES = 3
"""Two blocks are on their way to shared memory while one is in use. An H200 needs about 30 kB under way for each multiprocessor;
loads into registers alone are too few, as the compiler spreads them over the loop to save registers."""
_PROGRAMS = 1024
"""About eight for each of the 132 multiprocessors of an H100 or H200. More are no use: rows are split only up to here."""
_MOST_SPLITS = 32
"""Of a row. The second kernel takes them all at once."""
_NEUTRAL = -1e30
"""The score of what is not seen. Unlike minus infinity it can be subtracted from itself."""


def available(device: torch.device) -> bool:
    """Whether Triton is installed and the device is one that it writes for."""
    return device.type == "cuda" and importlib.util.find_spec("triton") is not None


def works(device: torch.device, dtype: torch.dtype, head_size: int) -> bool:
    """Tries `decode_attention` on a few numbers and compares with PyTorch's attention in float64.

    Args:
        device: Of the cache.
        dtype: Of queries, keys and values.
        head_size: Of the model.

    Returns:
        Whether it is to be used. Unless the device is no GPU, a warning says why not.
    """
    if device.type != "cuda":
        return False
    reason = _why_not(device, dtype, head_size)
    if reason:
        log.warning("decode steps read whole contexts: %s", reason)
    return not reason


def _why_not(device: torch.device, dtype: torch.dtype, head_size: int) -> str:
    if not available(device):
        return "Triton is not installed"
    if dtype not in (torch.bfloat16, torch.float16, torch.float32):
        return f"the kernel cannot do {dtype}"
    if head_size not in (16, 32, 64, 128):
        return f"the kernel cannot do heads of {head_size}"
    try:
        error = _error(device, dtype, head_size)
    except Exception as failure:  # compilers and drivers fail in ways of their own; attention works without
        first = next(iter(str(failure).strip().splitlines()), "")
        return f"the kernel failed: {type(failure).__name__}: {first[:200]}"
    allowed = 1e-4 + 4 * torch.finfo(dtype).eps
    return "" if error <= allowed else f"the kernel is wrong by {error:.2g}, of which {allowed:.2g} may be rounding"


def _error(device: torch.device, dtype: torch.dtype, head_size: int) -> float:
    """How far the kernel is off, at most, with rows split and not."""
    heads, block = 2, _ELEMENTS // head_size
    worst = 0.0
    for rows, positions in ((3, 2 * block + 1), (3, block)):
        noise = torch.Generator().manual_seed(0)
        queries = torch.randn(rows, heads, head_size, generator=noise).to(dtype)
        keys_values = torch.randn(rows, 2 * heads, positions, head_size, generator=noise).to(dtype)
        lengths = torch.tensor([1, positions - 1, positions])
        actual = decode_attention(queries.to(device), keys_values.to(device), lengths.to(device), positions)
        keys, values = keys_values.double().chunk(2, dim=1)
        seen = torch.arange(positions) < lengths[:, None, None, None]
        expected = functional.scaled_dot_product_attention(queries.double()[:, :, None], keys, values, seen)
        off = (actual.cpu().double() - expected.flatten(1)).abs().max()
        # A comparison with NaN is false whichever way it goes; `max` of Python would drop it.
        worst = float(torch.maximum(off, torch.tensor(worst)))
    return worst


# Torch.compile sees one operation: it would write a version of its own for each number of splits.
@torch.library.custom_op("maatu::decode_attention", mutates_args=())
def decode_attention(queries: Tensor, keys_values: Tensor, lengths: Tensor, context: int) -> Tensor:
    """One query of each head and row over the row's part of a cache. Can be captured in a CUDA graph, after a first call.

    Computes in float32. Strides may be any.

    Args:
        queries: [batch, heads, head size], bfloat16, float16 or float32; the head size is 16, 32, 64 or 128.
        keys_values: [batch, heads of keys then of values, positions, head size]; `heads` is a multiple of its heads of keys.
        lengths: [batch] How many positions each row sees, int64, on the same device. A row of none gets zeros. What is beyond
            may be anything: it is not read.
        context: About the length of the longest row. It decides how many programs share a row, not what is read.

    Returns:
        [batch, heads · head size]
    """
    attend, combine = _kernels()
    batch, heads, size = queries.shape
    key_value_heads = keys_values.shape[1] // 2
    block = _ELEMENTS // size
    parts = splits(batch * heads, context, block)
    output = queries.new_empty(batch, heads * size)
    partial, logarithms = output, output
    if parts > 1:
        partial = torch.empty(batch, heads, parts, size, dtype=torch.float32, device=queries.device)
        logarithms = torch.empty(batch, heads, parts, dtype=torch.float32, device=queries.device)
    # Triton starts kernels on the current device, whatever tensors it is given.
    with torch.cuda.device_of(queries):  # type: ignore[no-untyped-call]
        attend[heads, parts, batch](
            queries,
            keys_values,
            lengths,
            partial,
            logarithms,
            math.log2(math.e) / math.sqrt(size),
            *queries.stride(),
            *keys_values.stride(),
            key_value_heads,
            group=heads // key_value_heads,
            size=size,
            block=block,
            stages=_STAGES,
            shared=parts > 1,
            neutral=_NEUTRAL,
            num_warps=_WARPS,
        )
        if parts > 1:
            combine[(batch * heads,)](
                partial, logarithms, output, parts, size=size, most=_MOST_SPLITS, neutral=_NEUTRAL, num_warps=2
            )
    return output


@decode_attention.register_fake
def _(queries: Tensor, keys_values: Tensor, lengths: Tensor, context: int) -> Tensor:
    return queries.new_empty(queries.shape[0], queries.shape[1] * queries.shape[2])


def splits(rows_heads: int, context: int, block: int) -> int:
    """How many programs share the positions of one row and head.

    Args:
        rows_heads: Rows times heads.
        context: Positions of the longest row.
        block: Positions that a program takes at a time: it gets no fewer.
    """
    return max(1, min(_PROGRAMS // max(1, rows_heads), -(-context // block), _MOST_SPLITS))


@functools.cache
def _kernels() -> tuple[Any, Any]:
    """The two kernels. Triton is imported when the first is needed: installations for CPUs lack it."""
    import triton
    from triton import language as tl

    @triton.jit  # type: ignore[untyped-decorator]
    def attend(  # type: ignore[no-untyped-def]
        queries,
        keys_values,
        lengths,
        outputs,
        logarithms,
        scale,
        query_row,
        query_head,
        query_channel,
        cache_row,
        cache_head,
        cache_position,
        cache_channel,
        key_value_heads,
        group: tl.constexpr,
        size: tl.constexpr,
        block: tl.constexpr,
        stages: tl.constexpr,
        shared: tl.constexpr,
        neutral: tl.constexpr,
    ) -> None:
        """Attends with one head of one row to a share of the row's positions.

        A block's slots each have a softmax of their own (Milakov and Gimelshein 2018), over one position of every block, so that
        the loop adds nothing up across warps. They are joined once, after it. Scores are in units of log 2.
        """
        head, part = tl.program_id(0), tl.program_id(1)
        heads, parts = tl.num_programs(0), tl.num_programs(1)
        # Rows times a stride passes 2^31 in large caches.
        row = tl.program_id(2).to(tl.int64)
        length = tl.load(lengths + row).to(tl.int32)
        # Shares are of the row's length, not of the context: all programs of a row have as much to do.
        share = tl.cdiv(tl.cdiv(length, parts), block) * block
        start = part * share
        stop = tl.minimum(start + share, length)

        slots, channels = tl.arange(0, block), tl.arange(0, size)
        query = tl.load(queries + row * query_row + head * query_head + channels * query_channel).to(tl.float32) * scale
        keys = keys_values + row * cache_row + (head // group) * cache_head
        values = keys + key_value_heads * cache_head
        offsets = slots[:, None] * cache_position + channels[None, :] * cache_channel

        largest = tl.full([block], neutral, tl.float32)
        weights = tl.zeros([block], tl.float32)
        sums = tl.zeros([block, size], tl.float32)
        for first in tl.range(start, stop, block, num_stages=stages):
            seen = first + slots < stop
            places = first * cache_position + offsets
            key = tl.load(keys + places, mask=seen[:, None], other=0.0).to(tl.float32)
            value = tl.load(values + places, mask=seen[:, None], other=0.0).to(tl.float32)
            # With one query a matrix product would leave 15 of a tensor core's 16 rows empty.
            score = tl.where(seen, tl.sum(query[None, :] * key, axis=1), neutral)
            larger = tl.maximum(largest, score)
            kept = tl.exp2(largest - larger)
            weight = tl.where(seen, tl.exp2(score - larger), 0.0)
            weights = weights * kept + weight
            sums = sums * kept[:, None] + weight[:, None] * value
            largest = larger

        top = tl.max(largest, axis=0)
        kept = tl.exp2(largest - top)
        total = tl.sum(weights * kept, axis=0)
        # Without positions all is zero, and the logarithm below is neutral.
        total = tl.where(total > 0.0, total, 1.0)
        place = (row * heads + head) * parts + part
        tl.store(outputs + place * size + channels, tl.sum(sums * kept[:, None], axis=0) / total)
        if shared:
            tl.store(logarithms + place, top + tl.log2(total))

    @triton.jit(do_not_specialize=["parts"])  # type: ignore[untyped-decorator]
    def combine(  # type: ignore[no-untyped-def]
        partial,
        logarithms,
        outputs,
        parts,
        size: tl.constexpr,
        most: tl.constexpr,
        neutral: tl.constexpr,
    ) -> None:
        """Joins what the programs of one head and row found: the mean, each weighed by its sum of exponentials."""
        place = tl.program_id(0).to(tl.int64)
        numbers, channels = tl.arange(0, most), tl.arange(0, size)
        there = numbers < parts
        logarithm = tl.load(logarithms + place * parts + numbers, mask=there, other=neutral)
        weight = tl.where(there, tl.exp2(logarithm - tl.max(logarithm, axis=0)), 0.0)
        places = (place * parts + numbers[:, None]) * size + channels[None, :]
        sums = tl.load(partial + places, mask=there[:, None], other=0.0)
        tl.store(outputs + place * size + channels, tl.sum(weight[:, None] * sums, axis=0) / tl.sum(weight, axis=0))

    return attend, combine
