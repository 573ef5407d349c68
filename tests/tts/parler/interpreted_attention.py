"""Runs the kernels of decode attention where there is no GPU. A script: Triton decides on import whether it interprets or compiles.

    interpreted_attention.py compare   with TRITON_INTERPRET=1: how far each case is from PyTorch's attention
    interpreted_attention.py compiled  without: what the first kernel is compiled to

Both read a list of arguments from standard input and write a list of results, in JSON.
"""

import json
import sys
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from maatu_tts.engine.parler import attention


@dataclass(frozen=True)
class Case:
    """One call of the kernel."""

    lengths: list[int]
    """Of the rows."""
    heads: int = 2
    key_value_heads: int = 2
    head_size: int = 64
    dtype: str = "float32"
    layout: str = "cache"
    """How keys and values lie in memory: cache, rows (of a larger cache), positions (outside heads), channels (every second)."""
    programs: int = 1024
    """1: no row is split."""


def compare(case: Case) -> float:
    """The largest difference from PyTorch's attention, in float64, of each row alone."""
    attention._PROGRAMS = case.programs
    noise = torch.Generator().manual_seed(0)
    dtype: torch.dtype = getattr(torch, case.dtype)
    rows, positions, both = len(case.lengths), max(*case.lengths, 1), 2 * case.key_value_heads
    # As the decoder has them: the queries are the first part of one product's result.
    fused = torch.randn(rows, case.heads + both, case.head_size, generator=noise).to(dtype)
    queries = fused[:, : case.heads]
    keys_values = _laid_out(torch.randn(rows, both, positions, case.head_size, generator=noise).to(dtype), case.layout)
    expected = torch.zeros(rows, case.heads, case.head_size, dtype=torch.float64)
    for row, length in enumerate(case.lengths):
        # Whatever lies beyond a row's length must not be read.
        keys_values[row, :, length:] = torch.nan
        if length:
            keys, values = keys_values[row, :, :length].double().chunk(2)
            query = queries[row, :, None].double()
            expected[row] = functional.scaled_dot_product_attention(query, keys, values, enable_gqa=True)[:, 0]
    actual = attention.decode_attention(queries, keys_values, torch.tensor(case.lengths), positions)
    assert actual.dtype == dtype
    return float((actual.double() - expected.flatten(1)).abs().max())


def _laid_out(keys_values: Tensor, layout: str) -> Tensor:
    rows, heads, positions, size = keys_values.shape
    places = {
        "cache": lambda: torch.empty_like(keys_values),
        "rows": lambda: keys_values.new_full((2, rows + 3, heads, positions + 5, size), torch.nan)[
            1, :rows, :, :positions
        ],
        "positions": lambda: keys_values.new_empty(rows, positions, heads, size).transpose(1, 2),
        "channels": lambda: keys_values.new_full((rows, heads, positions, 2 * size), torch.nan)[..., ::2],
    }
    return places[layout]().copy_(keys_values)


def compiled(capability: int, dtype: str, head_size: int, *, split: bool) -> dict[str, Any]:
    """Shared memory in bytes, and the machine's code as text, of the first kernel for a GPU that need not be there."""
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    attend, _ = attention._kernels()
    result = "fp32" if split else dtype
    constants = {
        "query_channel": 1,
        "cache_channel": 1,
        "group": 1,
        "size": head_size,
        "block": attention._ELEMENTS // head_size,
        "stages": attention._STAGES,
        "shared": split,
        "neutral": attention._NEUTRAL,
    }
    pointers = {
        "queries": f"*{dtype}",
        "keys_values": f"*{dtype}",
        "lengths": "*i64",
        "outputs": f"*{result}",
        "logarithms": f"*{result}",
    }
    signature = {name: "constexpr" if name in constants else pointers.get(name, "i32") for name in attend.arg_names}
    signature["scale"] = "fp32"
    # What a call finds out of its arguments: addresses and strides are multiples of 16.
    hints = {
        (place,): [["tt.divisibility", 16]]
        for place, (name, kind) in enumerate(signature.items())
        if kind not in ("constexpr", "fp32")
    }
    source = ASTSource(
        fn=attend,
        signature=signature,
        constexprs={(attend.arg_names.index(name),): value for name, value in constants.items()},
        attrs=hints,
    )
    kernel = triton.compile(source, target=GPUTarget("cuda", capability, 32), options={"num_warps": attention._WARPS})
    return {"shared": kernel.metadata.shared, "text": kernel.asm["ptx"]}


if __name__ == "__main__":
    torch.set_num_threads(1)
    cases = json.load(sys.stdin)
    results = [compare(Case(**case)) if sys.argv[1] == "compare" else compiled(**case) for case in cases]
    json.dump(results, sys.stdout)
