"""Matrices of the decoder in the precisions it runs in.

Decoding reads every weight once a step and is bound by memory bandwidth, so smaller weights are faster steps where the product
reads them as they are: on CPUs in 8 bits, on GPUs in bfloat16. What is not a matrix (norms, attention, sampling) stays in the
activation type.
"""

import warnings
from abc import ABC, abstractmethod
from collections.abc import Callable
from enum import Enum
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional


class Precision(Enum):
    """How numbers are kept."""

    FLOAT64 = "float64"
    """For comparing algorithms without rounding; slow."""
    FLOAT32 = "float32"
    """As the checkpoints are."""
    BFLOAT16 = "bfloat16"
    """Half the memory; for GPUs, and CPUs with AVX-512 BF16 or AMX."""
    INT8 = "int8"
    """Weights of the matrices in 8 bits, one scale per output; activations are quantised on the fly on CPUs, kept on GPUs. On a
    GPU it halves the memory of weights and costs time: see WeightOnlyLinear."""
    FP8 = "fp8"
    """Weights of the matrices as float8 (e4m3), one scale per output; activations are kept. It costs time as well."""

    def activations(self, device: torch.device) -> torch.dtype:
        """The type of everything that is not a matrix of the decoder."""
        if self is Precision.FLOAT64:
            return torch.float64
        if self is Precision.FLOAT32 or (self is Precision.INT8 and device.type == "cpu"):
            return torch.float32
        return torch.bfloat16


class Matrix(nn.Module, ABC):
    """A matrix W in some form."""

    @abstractmethod
    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ: [batch, inputs] → [batch, outputs]."""

    def add(self, residual: Tensor, x: Tensor) -> Tensor:
        """residual + x Wᵀ, with residual [batch, outputs]."""
        return residual + self.forward(x)

    if TYPE_CHECKING:

        def __call__(self, x: Tensor) -> Tensor: ...


class Linear(Matrix):
    """W in its own type.

    Args:
        weight: [outputs, inputs].
    """

    weight: Tensor

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self.register_buffer("weight", weight.contiguous())

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ."""
        return functional.linear(x, self.weight)

    def add(self, residual: Tensor, x: Tensor) -> Tensor:
        """residual + x Wᵀ in one kernel."""
        return torch.addmm(residual, x, self.weight.t())


class PackedLinear(Matrix):
    """W on the CPU, laid out by oneDNN for its own kernels.

    They read memory 1.6 times as fast as the library behind functional.linear for one row, and 2.4 times for eight (measured in
    float32 on an AMD EPYC). The operators are those that torch.compile puts in its place.

    Args:
        weight: [outputs, inputs], float32 or bfloat16.
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        self._packed = torch.ops.mkldnn._reorder_linear_weight(weight.contiguous(), 1)

    @staticmethod
    def available() -> bool:
        """Whether this PyTorch has the operators."""
        ready = torch.backends.mkldnn.is_available()  # type: ignore[no-untyped-call]
        return ready and hasattr(torch.ops.mkldnn, "_linear_pointwise")

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise(x, self._packed, None, "none", [], "")
        return product

    def add(self, residual: Tensor, x: Tensor) -> Tensor:
        """residual + x Wᵀ in one kernel."""
        product: Tensor = torch.ops.mkldnn._linear_pointwise.binary(x, residual, self._packed, None, "add")
        return product


class WeightOnlyLinear(Matrix):
    """W in 8 bits with a scale for each output; x is kept as it is.

    It is for want of memory, not of time: the product takes no weights in 8 bits beside 16-bit activations, so W is written out
    in 16 bits at each call. That moves five bytes a weight (one read, two written, two read) where bfloat16 moves two.

    Args:
        weight: [outputs, inputs].
        stored: torch.int8 or torch.float8_e4m3fn.
    """

    weight: Tensor
    scale: Tensor

    def __init__(self, weight: Tensor, stored: torch.dtype) -> None:
        super().__init__()
        largest = 127.0 if stored == torch.int8 else torch.finfo(stored).max
        scale = weight.float().abs().amax(dim=1).clamp_min(1e-12) / largest
        scaled = weight.float() / scale[:, None]
        self.register_buffer("weight", (scaled.round() if stored == torch.int8 else scaled).to(stored))
        self.register_buffer("scale", scale.to(weight.dtype))

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ."""
        return functional.linear(x, self.weight.to(x.dtype)) * self.scale


class DynamicInt8Linear(Matrix):
    """W in 8 bits on the CPU; x is quantised at each call, and the product is one of integers (FBGEMM).

    FBGEMM has one scale for all rows of x, so that a stream would hear its neighbours in the batch. Here each row is divided by
    its largest value, and a row that spans [-1, 1] goes along: the scale is always the same, and a row's product depends on
    nothing but the row.

    Args:
        weight: [outputs, inputs].
    """

    def __init__(self, weight: Tensor) -> None:
        super().__init__()
        scale = weight.float().abs().amax(dim=1).clamp_min(1e-12) / 127.0
        with warnings.catch_warnings():
            # PyTorch means to drop tensors of quantised types. The packed weights are the only way to FBGEMM as yet.
            warnings.simplefilter("ignore", UserWarning)
            quantized = torch.quantize_per_channel(
                weight.float(), scale.double(), torch.zeros(len(weight), dtype=torch.long), 0, torch.qint8
            )
            self._packed = torch.ops.quantized.linear_prepack(quantized, None)
        self._span = torch.zeros(1, weight.shape[1])
        self._span[0, 0], self._span[0, 1] = 1.0, -1.0
        # Without VNNI sums of two products are kept in 16 bits; activations of 7 bits keep them from overflowing.
        able = torch.cpu.get_capabilities()
        self._reduce_range = not (able.get("avx512_vnni") or able.get("avx_vnni"))

    def forward(self, x: Tensor) -> Tensor:
        """x Wᵀ, float32."""
        product, largest = self._product(x)
        return product * largest

    def add(self, residual: Tensor, x: Tensor) -> Tensor:
        """residual + x Wᵀ."""
        return torch.addcmul(residual, *self._product(x))

    def _product(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """The product of the rows divided by their largest values [batch, outputs], and those values [batch, 1]."""
        largest = torch.linalg.vector_norm(x, torch.inf, dim=1, keepdim=True).clamp_min_(1e-12)
        rows = torch.cat([self._span, x / largest])
        product: Tensor = torch.ops.quantized.linear_dynamic(rows, self._packed, self._reduce_range)
        return product[1:], largest


def linear_factory(precision: Precision, device: torch.device) -> Callable[[Tensor], Matrix]:
    """Makes matrices in a precision on a device, out of stored weights [outputs, inputs]."""
    activations = precision.activations(device)

    def make(weight: Tensor) -> Matrix:
        if precision is Precision.INT8 and device.type == "cpu":
            return DynamicInt8Linear(weight)
        weight = weight.to(device, activations)
        if device.type == "cpu" and precision in (Precision.FLOAT32, Precision.BFLOAT16) and PackedLinear.available():
            return PackedLinear(weight)
        if precision is Precision.INT8:
            return WeightOnlyLinear(weight, torch.int8)
        if precision is Precision.FP8:
            return WeightOnlyLinear(weight, torch.float8_e4m3fn)
        return Linear(weight)

    return make
