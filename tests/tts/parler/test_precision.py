"""Numbers kept in fewer bits give nearly the same scores."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from maatu_tts.engine.parler.cache import CacheSize, KeyValueCache
from maatu_tts.engine.parler.linear import (
    DynamicInt8Linear,
    Linear,
    PackedLinear,
    Precision,
    WeightOnlyLinear,
    linear_factory,
)
from maatu_tts.engine.parler.loader import ParlerModel, load_model

Load = Callable[..., ParlerModel]
CPU, GPU = torch.device("cpu"), torch.device("cuda")
REDUCED = ["bfloat16", "int8", "fp8"]


@torch.inference_mode()
def first_scores(model: ParlerModel) -> Tensor:
    """The scores of the first column: [codebooks, vocabulary] float32."""
    cache = KeyValueCache(model.config.decoder, CacheSize(1, 64, 64), model.activations, model.device)
    voice = model.describe("A woman speaks slowly in a quiet room.")
    cache.set_cross(0, model.decoder.cross_keys_values(voice.states))
    start = model.decoder.embed(torch.full((1, 9), model.config.decoder.bos))
    inputs = torch.cat([model.embedded_prompt(model.prompt_ids("Good morning.")), start])
    row, lengths = torch.tensor([0]), cache.cross_lengths[:1]
    positions = torch.arange(len(inputs))[None]
    where = model.decoder.where(slice(0, 1), row, positions, len(inputs), lengths, int(lengths))
    return model.decoder.scores(model.decoder(inputs[None], cache, where)[0, -1:])[0].float()


@pytest.mark.parametrize("variant", ["endless", "grouped-rope"])
@pytest.mark.parametrize("precision", REDUCED)
def test_scores_are_nearly_the_same(load: Load, precision: str, variant: str) -> None:
    expected, scores = first_scores(load(variant)), first_scores(load(variant, precision))
    assert scores.shape == expected.shape == (9, 1088)
    for book in range(9):
        assert torch.corrcoef(torch.stack([scores[book], expected[book]]))[0, 1] > 0.99
    assert not torch.equal(scores, expected)


@pytest.mark.parametrize("precision", ["float64", *REDUCED])
def test_streams_are_spoken_in_every_precision(load: Load, house: Any, precision: str) -> None:
    guests = house(load("one-layer", precision), rows=2)
    said = [guests.say(text, 6, temperature=1.0, min_columns=20) for text in ("Good morning.", "Yes!", "No!")]
    guests.run()
    for each in said:
        assert each.ended
        assert each.stream.codes.shape == (9, 6)
        assert int(each.stream.codes.max()) < 1024
        assert abs(each.waveform).max() > 0.01


def test_the_type_of_what_is_no_matrix() -> None:
    on_cpu = {precision: precision.activations(CPU) for precision in Precision}
    assert on_cpu == {
        Precision.FLOAT64: torch.float64,
        Precision.FLOAT32: torch.float32,
        Precision.BFLOAT16: torch.bfloat16,
        Precision.INT8: torch.float32,
        Precision.FP8: torch.bfloat16,
    }
    on_gpu = {precision: precision.activations(GPU) for precision in Precision}
    assert on_gpu == on_cpu | {Precision.INT8: torch.bfloat16}


def test_matrices_are_of_their_precisions_kind() -> None:
    weight = torch.randn(6, 8)
    kinds = {precision: type(linear_factory(precision, CPU)(weight)) for precision in Precision}
    assert kinds == {
        Precision.FLOAT64: Linear,
        Precision.FLOAT32: PackedLinear,
        Precision.BFLOAT16: PackedLinear,
        Precision.INT8: DynamicInt8Linear,
        Precision.FP8: WeightOnlyLinear,
    }


@pytest.mark.parametrize(
    ("make", "tolerance"),
    [
        (Linear, 1e-5),
        (PackedLinear, 1e-5),
        (DynamicInt8Linear, 0.05),
        (lambda weight: WeightOnlyLinear(weight, torch.int8), 0.03),
        (lambda weight: WeightOnlyLinear(weight, torch.float8_e4m3fn), 0.1),
    ],
    ids=["plain", "packed", "dynamic int8", "int8", "fp8"],
)
def test_products_are_near_and_added_to_residuals(make: Callable[[Tensor], Any], tolerance: float) -> None:
    noise = torch.Generator().manual_seed(0)
    # Outputs of very different sizes: each has its own scale.
    weight = torch.randn(32, 64, generator=noise) * torch.logspace(-3, 3, 32)[:, None]
    x, residual = torch.randn(5, 64, generator=noise), torch.randn(5, 32, generator=noise)
    matrix, expected = make(weight), x @ weight.T
    product = matrix(x)
    assert product.shape == (5, 32)
    error = (product - expected).norm(dim=0) / expected.norm(dim=0)
    assert error.max() < tolerance
    torch.testing.assert_close(matrix.add(residual, x), residual + product, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("stored", [torch.int8, torch.float8_e4m3fn])
def test_outputs_that_are_always_zero_stay_so(stored: torch.dtype) -> None:
    weight = torch.zeros(3, 8)
    weight[1] = 1.0
    product = WeightOnlyLinear(weight, stored)(torch.ones(2, 8))
    assert product.isfinite().all()
    assert product[:, [0, 2]].tolist() == [[0.0, 0.0], [0.0, 0.0]]


def test_the_codecs_type_may_be_chosen(checkpoint: Callable[[str], Path], load: Load) -> None:
    codes = torch.randint(0, 1024, (1, 9, 20), generator=torch.Generator().manual_seed(0))
    halves = load_model(checkpoint("one-layer"), "cpu", "float32", codec_dtype=torch.bfloat16)
    with torch.inference_mode():
        coarse, fine = halves.codec(codes), load("one-layer").codec(codes)
    assert coarse.dtype == fine.dtype == torch.float32
    assert torch.corrcoef(torch.cat([coarse, fine]))[0, 1] > 0.99


def test_an_unknown_precision_is_refused(checkpoint: Callable[[str], Path]) -> None:
    with pytest.raises(ValueError, match="'int3'"):
        load_model(checkpoint("endless"), "cpu", "int3")
